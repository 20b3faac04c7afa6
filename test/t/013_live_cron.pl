# A nightly job under pg_cron, over a connection of its own and in a background
# worker: refreshes, and refreshes that fit the models anew.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

chomp(my $share = `pg_config --sharedir`);
plan skip_all => 'pg_cron is not installed' if !-f "$share/extension/pg_cron.control";
my ($version) = slurp_file("$share/extension/pg_cron.control") =~ /default_version = '([\d.]+)/;
# schedules in seconds came with 1.5
my $schedule = $version >= 1.5 ? '2 seconds' : '* * * * *';

my $node = PostgreSQL::Test::Cluster->new('cron');
$node->init;
$node->append_conf('postgresql.conf', sprintf <<'CONF', $node->host);
shared_preload_libraries = 'pg_cron'
cron.database_name = 'postgres'
cron.host = '%s'
timezone = 'UTC'
CONF
$node->start;

# Who is no superuser has jobs run as herself.
$node->safe_psql('postgres', <<'SQL');
CREATE ROLE owner LOGIN;
CREATE EXTENSION pg_cron;
CREATE EXTENSION crm;
GRANT USAGE ON SCHEMA cron TO owner;
CREATE SCHEMA shop AUTHORIZATION owner;
SET SESSION AUTHORIZATION owner;
CREATE TABLE shop.orders (customer int, day date, amount numeric);
INSERT INTO shop.orders SELECT customer_id, purchased_on, amount
  FROM crm.simulate_purchases(crm.bg_nbd(0.8, 30, 0.9, 3), crm.gamma_gamma(6, 4, 15), 300, daterange(current_date - 500, current_date - 1, '[]'), 7, current_date - 100);
CREATE TABLE shop.sales AS TABLE shop.orders;
SELECT crm.track('shop.orders', 'customer', 'day', 'amount', time_zone => 'UTC'), crm.track('shop.sales', 'customer', 'day', 'amount', time_zone => 'UTC');
RESET SESSION AUTHORIZATION;
UPDATE crm.tracked SET refresh_started_at = NULL, refresh_finished_at = NULL;
SQL

# Runs SQL as the owner.
sub as_owner
{
	my ($sql) = @_;
	return $node->safe_psql('postgres', $sql, extra_params => [ '-U', 'owner' ]);
}

# Runs commands by pg_cron, each until it has ended once; returns how each ended.
sub run_by_cron
{
	my @jobs;

	push @jobs, as_owner("SELECT cron.schedule('job " . @jobs . "', '$schedule', \$cron\$$_\$cron\$)") foreach @_;
	my $ended = "SELECT count(DISTINCT jobid) FROM cron.job_run_details WHERE status IN ('succeeded', 'failed') AND jobid IN (" . join(', ', @jobs) . ')';

	$node->poll_query_until('postgres', $ended, scalar @jobs) or diag($node->safe_psql('postgres', 'TABLE cron.job_run_details'));
	as_owner("SELECT cron.unschedule($_)") foreach @jobs;
	# what has begun meanwhile ends too
	$node->poll_query_until('postgres', "SELECT count(*) = 0 FROM cron.job_run_details WHERE status NOT IN ('succeeded', 'failed')");
	return map { $node->safe_psql('postgres', "SELECT status || coalesce(': ' || return_message, '') FROM cron.job_run_details WHERE jobid = $_ ORDER BY runid LIMIT 1") } @jobs;
}

foreach my $workers ('off', 'on')
{
	if ($workers eq 'on')
	{
		# came with 1.3
		if ($node->safe_psql('postgres', q{SELECT count(*) FROM pg_settings WHERE name = 'cron.use_background_workers'}) eq '0')
		{
			SKIP: { skip "pg_cron $version has no background workers", 1 }
			next;
		}
		$node->append_conf('postgresql.conf', "cron.use_background_workers = on\nmax_worker_processes = 20");
		$node->restart;
	}
	my $how = $workers eq 'on' ? 'in a background worker' : 'over a connection';
	my $before = $node->safe_psql('postgres', 'SELECT clock_timestamp()');
	as_owner("INSERT INTO shop.$_ SELECT i, current_date, 5 FROM generate_series(1, 20) i") foreach qw(orders sales);
	my @ended = run_by_cron(q{CALL crm.refresh('shop.orders_purchases')}, q{CALL crm.refresh('shop.sales_purchases', refit => true)});

	like($ended[0], qr/^succeeded/, "a refresh $how");
	like($ended[1], qr/^succeeded/, "a refit $how");
	foreach my $purchases ('shop.orders_purchases', 'shop.sales_purchases')
	{
		is(as_owner("SELECT * FROM crm.verify('$purchases')"), '', "$purchases: what it scored is true");
		is(as_owner("SELECT kept, customers_read, refresh_started_at > '$before', refresh_finished_at >= refresh_started_at, scaled_on = (now() AT TIME ZONE 'UTC')::date FROM crm.tracking_status WHERE purchases = '$purchases'::regclass"),
			'live|300|t|t|t', 'as of today, and to the end');
	}
	is(as_owner(q{SELECT count(*) FROM shop.sales_models AS m JOIN shop.sales_scoring AS r ON m.purchase_model OPERATOR(crm.=) r.purchase_model WHERE m.replaced_on IS NULL}),
		'1', 'with a model of its own fit in force');
	is(as_owner(q{SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = 'shop.sales_models'::regclass}), 'owner', 'in a table of the owner of the orders');
}

$node->stop;
done_testing();
