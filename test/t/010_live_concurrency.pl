# Eight sessions write orders and decisions on tiers at random for a minute while
# refreshes run; then every history and score must be what these say.  The same with the
# server killed in the middle.

use strict;
use warnings;

use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $seconds = $ENV{CRM_LOAD_SECONDS} // 60;
my $node = PostgreSQL::Test::Cluster->new('concurrency');
$node->init;
$node->append_conf('postgresql.conf', "deadlock_timeout = 100ms\nfsync = off");
$node->start;

$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION crm;
CREATE TABLE orders (id bigserial PRIMARY KEY, customer int, ordered_at timestamptz, amount numeric, open bool DEFAULT false);
CREATE VIEW purchases AS SELECT customer, (ordered_at AT TIME ZONE 'UTC')::date AS purchased_on, amount FROM orders WHERE NOT open;
SELECT crm.track('purchases', changes => true);
UPDATE purchases_scoring SET tier_program = '{Bronze: spend 0, Silver: spend 200, Gold: spend 500} rolling 5 days';
SELECT crm.track_tiers('purchases');
SQL

# Each a statement of its own: several customers at once, in random order.
my @scripts = (
	[ 'insert', 6, q{INSERT INTO orders (customer, ordered_at, amount, open)
		SELECT (random() * 50)::int, now() - random() * interval '9 days', (random() * 100)::numeric(9, 2), random() < 0.1 FROM generate_series(1, 10);} ],
	[ 'update', 3, q{UPDATE orders SET customer = (random() * 50)::int, amount = amount + 1, open = NOT open
		WHERE id IN (SELECT id FROM orders ORDER BY id DESC OFFSET (random() * 200)::int LIMIT 3 FOR UPDATE SKIP LOCKED);} ],
	[ 'delete', 3, q{DELETE FROM orders WHERE id IN (SELECT id FROM orders ORDER BY id LIMIT 15 FOR UPDATE SKIP LOCKED);} ],
	[ 'decide', 2, q{INSERT INTO purchases_tier_decisions (customer, what, tier, valid, why)
		SELECT (random() * 60)::int, (ARRAY['floor', 'ceiling'])[1 + (random() * 1)::int], (ARRAY['Bronze', 'Silver', 'Gold'])[1 + (random() * 2)::int],
		daterange(current_date - (random() * 3)::int, current_date + (random() * 3)::int, '[]'), 'load' FROM generate_series(1, 4);} ],
	[ 'redecide', 1, q{UPDATE purchases_tier_decisions SET customer = (random() * 60)::int, valid = daterange(current_date, NULL)
		WHERE ctid IN (SELECT ctid FROM purchases_tier_decisions ORDER BY decided_at DESC LIMIT 3 FOR UPDATE SKIP LOCKED);} ],
	[ 'undecide', 1, q{DELETE FROM purchases_tier_decisions WHERE ctid IN (SELECT ctid FROM purchases_tier_decisions ORDER BY decided_at LIMIT 9 FOR UPDATE SKIP LOCKED);} ],
	[ 'rollback', 1, q{BEGIN; INSERT INTO orders (customer, ordered_at, amount) VALUES ((random() * 50)::int, now(), 5);
		SAVEPOINT s; INSERT INTO orders (customer, ordered_at, amount) VALUES ((random() * 50)::int + 100, now(), 5); ROLLBACK TO s;
		INSERT INTO purchases_tier_decisions (customer, what, tier, valid, why) VALUES ((random() * 10)::int + 200, 'floor', 'Gold', '(,)', 'never'); ROLLBACK;} ],
	# what sessions keep of the tracking is forgotten
	[ 'forget', 1, q{CREATE TEMP TABLE forgotten (a int); DROP TABLE forgotten;} ]);

my @pgbench = (qw(pgbench -n -c 8 -j 2), '-d', $node->connstr('postgres'));
foreach my $script (@scripts)
{
	my ($name, $weight, $sql) = @$script;
	my $file = $node->basedir . "/$name.sql";
	append_to_file($file, "\\set seed random(-1000000, 1000000)\nSELECT setseed(:seed / 1000000.0);\n" . join(' ', split(/\s*\n\s*/, $sql)) . "\n");
	push @pgbench, '-f', "$file\@$weight";
}

sub verified
{
	my ($what) = @_;
	is($node->safe_psql('postgres', q{SELECT count(*) FROM crm.verify('purchases')}), '0', $what);
	isnt($node->safe_psql('postgres', 'SELECT count(*) FROM purchases_histories'), '0', 'and there are customers');
	isnt($node->safe_psql('postgres', q{SELECT count(*) FROM purchases_changes WHERE why = 'decision'}), '0', 'and decisions on their tiers');
	return;
}

# Starts the load for some seconds, its output in a file. What each client draws is the same in every run, unless another length is asked for.
my $log = $node->basedir . '/pgbench.log';
my $round = 0;

sub start_load
{
	my ($duration) = @_;
	return IPC::Run::start([ @pgbench, '-T', $duration, '--random-seed', defined $ENV{CRM_LOAD_SECONDS} ? 'time' : ++$round ], '>', $log, '2>&1');
}

my $load = start_load($seconds);
my $refreshes = 0;
while ($load->pumpable)
{
	$load->pump_nb;
	my $refit = $refreshes % 2 ? 'true' : 'false';
	$node->safe_psql('postgres', "SET client_min_messages = error; CALL crm.refresh('purchases', NULL, $refit, 10)");
	$node->safe_psql('postgres', "ALTER TABLE purchases_$_ SET (autovacuum_analyze_threshold = $refreshes)") foreach qw(histories scoring changes);
	$refreshes++;
	select(undef, undef, undef, 0.2);
}
ok($load->finish, 'no session failed');
my $out = slurp_file($log);
diag("$refreshes refreshes; " . join('; ', $out =~ /^(number of transactions actually.*|tps.*)$/mg));
unlike($out, qr/deadlock/, 'no deadlock');
verified('all is as the orders say');

$load = start_load(60);
select(undef, undef, undef, 4);
$node->kill9;
eval { $load->finish };
# The sessions end when they notice that the postmaster has gone.
my $tries = 0;
until ($node->start(fail_ok => 1) || ++$tries == 60)
{
	$node->{_pid} = undef;	# it was read from the lock file that the dead server left
	sleep 1;
}
verified('and so it is after kill -9 under load');

$node->stop;
done_testing();
