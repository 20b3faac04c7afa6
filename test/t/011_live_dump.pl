# Trackings survive dump and restore by a database owner who is no superuser,
# the dump of one schema, ALTER EXTENSION UPDATE, and a standby serves the view.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('primary');
$node->init(allows_streaming => 1);
$node->start;
$node->safe_psql('postgres', 'CREATE ROLE owner LOGIN; CREATE DATABASE shop OWNER owner');

# Runs SQL as the owner.
sub as_owner
{
	my ($database, $sql) = @_;
	return $node->safe_psql($database, $sql, extra_params => [ '-U', 'owner' ]);
}

sub verified
{
	my ($database, $what) = @_;
	is(as_owner($database, q{SELECT * FROM crm.verify('s.purchases')}), '', $what);
	return;
}

as_owner('shop', <<'SQL');
CREATE EXTENSION crm;
CREATE SCHEMA s;
CREATE TABLE s.orders (id int PRIMARY KEY, "e mail" text, dropped int, at timestamptz, total numeric, status text) PARTITION BY RANGE (id);
ALTER TABLE s.orders DROP COLUMN dropped;
CREATE TABLE s.orders_1 PARTITION OF s.orders FOR VALUES FROM (1) TO (1000);
CREATE TABLE s.orders_2 PARTITION OF s.orders DEFAULT;
CREATE VIEW s.purchases AS SELECT lower("e mail") AS customer, (at AT TIME ZONE 'Asia/Tokyo')::date AS purchased_on, total AS amount
  FROM s.orders WHERE status = 'paid';
INSERT INTO s.orders SELECT i, 'A' || i % 60, now() - i * interval '3 hours', i % 97 + 0.25, CASE WHEN i % 9 = 0 THEN 'open' ELSE 'paid' END
  FROM generate_series(1, 2000) i;
SELECT crm.track('s.purchases', changes => true);
UPDATE s.purchases_scoring SET purchase_model = crm.bg_nbd(0.8, 30, 0.9, 3, 1), spend_model = crm.gamma_gamma(6, 4, 15), look_back_days = 100,
  tier_program = '{Bronze: spend 0, Silver: spend 500, Gold: spend 1000} rolling 6 months';
CALL crm.refresh('s.purchases', refit => true);
SELECT crm.track_tiers('s.purchases', by_invitation => true);
INSERT INTO s.purchases_tier_decisions (customer, what, valid, why) SELECT 'a' || i, 'membership', daterange(current_date - i, NULL), 'fee paid' FROM generate_series(1, 70) i;
INSERT INTO s.purchases_tier_decisions (customer, what, tier, valid, why) SELECT 'a' || i * 7, 'floor', 'Gold', daterange(current_date - i, current_date + i), 'status match' FROM generate_series(1, 9) i;
CREATE VIEW s.champions AS SELECT customer, clv_365d FROM s.purchases_customers WHERE segment = 'Champions';
CREATE TABLE s.gone_orders (c int, d date, a int);
SELECT crm.track('s.gone_orders', 'c', 'd', 'a');
DROP TABLE s.gone_orders_histories CASCADE;
DROP TABLE s.gone_orders CASCADE;
SQL
verified('shop', 'a tracking');
like(as_owner('shop', q{SELECT v.problem FROM crm.tracked t, crm.verify(t.histories) v WHERE t.purchases <> 's.purchases'::regclass}), qr/has been dropped/, 'one whose tables are gone is reported');

my $models = q{SELECT m, t.models FROM s.purchases_models m, crm.tracked t WHERE t.purchases = 's.purchases'::regclass ORDER BY recorded_on, replaced_on};
isnt(as_owner('shop', $models), '', 'a refit has left models');
my $contents = q{SELECT md5(string_agg(h::text, ',' ORDER BY customer)) FROM s.purchases_histories h};
foreach my $format ('plain', 'custom')
{
	my $file = $node->basedir . "/shop.$format";
	my $copy = "copy_$format";

	$node->command_ok([ 'pg_dump', '-U', 'owner', '-F', $format, '-f', $file, $node->connstr('shop') ], "the owner dumps ($format)");
	$node->safe_psql('postgres', "CREATE DATABASE $copy OWNER owner");
	my @restore = $format eq 'plain'
		? ('psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-U', 'owner', '-d', $node->connstr($copy), '-f', $file)
		: ('pg_restore', '-U', 'owner', '-e', '-d', $node->connstr($copy), $file);
	$node->command_ok(\@restore, 'and restores');
	is(as_owner($copy, $contents), as_owner('shop', $contents), 'all histories and scores are there');
	is(as_owner($copy, $models), as_owner('shop', $models), 'and the models that are and were in force');
	is(as_owner($copy, 'SELECT count(*) FROM crm.tracked'), '1', 'and the tracking, without the one whose tables are gone');
	verified($copy, 'which is true');
	as_owner($copy, q{INSERT INTO s.orders VALUES (5000, 'A1', now(), 10, 'paid'), (5001, 'new', now(), 10, 'paid'); DELETE FROM s.orders WHERE id % 7 = 0;
		INSERT INTO s.orders_2 VALUES (6000, 'leaf', now(), 10, 'paid')});
	verified($copy, 'and stays so');
	is(as_owner($copy, 'SELECT md5(string_agg(d::text, chr(44) ORDER BY d::text)) FROM s.purchases_tier_decisions d'),
		as_owner('shop', 'SELECT md5(string_agg(d::text, chr(44) ORDER BY d::text)) FROM s.purchases_tier_decisions d'), 'and so are the decisions on tiers');
	as_owner($copy, q{UPDATE s.purchases_tier_decisions SET valid = daterange(lower(valid), current_date) WHERE customer LIKE 'a1%'; DELETE FROM s.purchases_tier_decisions WHERE customer = 'a7';
		INSERT INTO s.purchases_tier_decisions (customer, what, valid, why) VALUES ('new', 'membership', '(,)', 'invited')});
	verified($copy, 'which are followed');
	isnt(as_owner($copy, q{SELECT count(*) FROM s.purchases_tier_expiring(9)}), '0', 'and tell who will be downgraded');
	as_owner($copy, q{UPDATE s.purchases_scoring SET purchase_model = crm.mbg_nbd(0.8, 30, 0.9, 3);
		SET client_min_messages = error; CALL crm.refresh('s.purchases', current_date + 2, true)});
	verified($copy, 'after a refit too');
	is(as_owner($copy, q{SELECT recorded_on > current_date + 1, replaced_by, purchase_model OPERATOR(crm.=) crm.mbg_nbd(0.8, 30, 0.9, 3) FROM s.purchases_models ORDER BY recorded_on, replaced_on}),
		"f|refit|f\nf|hand|f\nt|refit|t\nt||f", 'which goes on where the other has left off');
}

# one schema: the tables without the catalogue
my $file = $node->basedir . '/schema.sql';
$node->command_ok([ 'pg_dump', '-U', 'owner', '-n', 's', '-f', $file, $node->connstr('shop') ], 'one schema is dumped');
$node->safe_psql('postgres', 'CREATE DATABASE schema_only OWNER owner');
as_owner('schema_only', 'CREATE EXTENSION crm');
$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-U', 'owner', '-d', $node->connstr('schema_only'), '-f', $file ], 'and restored');
my ($status, undef, $error) = $node->psql('schema_only', q{INSERT INTO s.orders VALUES (5000, 'A1', now(), 10, 'paid')}, extra_params => [ '-U', 'owner' ]);
is($status, 0, 'its triggers find no tracking, and hold nobody up');
like($error, qr/WARNING:  table "orders" has triggers of crm but is not tracked.*Call crm\.track/s, 'and say so');
($status, undef, $error) = $node->psql('schema_only', q{DELETE FROM s.purchases_tier_decisions}, extra_params => [ '-U', 'owner' ]);
like($error, qr/table "purchases_tier_decisions" has triggers of crm but its decisions are not tracked/, 'as do those of decisions on tiers');

# a standby
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
as_owner('shop', q{INSERT INTO s.orders VALUES (9000, 'standby', now(), 10, 'paid')});
$node->wait_for_catchup($standby, 'replay', $node->lsn('write'));
is($standby->safe_psql('shop', q{SELECT purchase_count FROM s.purchases_customers WHERE customer = 'standby'}), '1', 'a standby serves the view');
is($standby->safe_psql('shop', q{SELECT count(*) FROM crm.verify('s.purchases')}), '0', 'and verifies');
$standby->stop;

# notifications, one a statement that changes segments
$node->safe_psql('shop', q{UPDATE crm.tracked SET notify = true WHERE purchases = 's.purchases'::regclass});
my $heard = as_owner('shop', q{LISTEN crm; INSERT INTO s.orders SELECT n, 'n' || n, now() - interval '1 day', 10, 'paid' FROM generate_series(9100, 9101) AS n;
	UPDATE s.orders SET at = at WHERE id = 9100});
is(() = $heard =~ /Asynchronous notification "crm" with payload "s\.purchases_histories"/g, 1, 'one notification');
$node->safe_psql('shop', q{UPDATE crm.tracked SET notify = false WHERE purchases = 's.purchases'::regclass});

# schema and data apart: the triggers are there before the data
my $apart = $node->basedir . '/apart.dump';
$node->safe_psql('postgres', "CREATE DATABASE small OWNER owner");
as_owner('small', q{CREATE EXTENSION crm; CREATE SCHEMA s; CREATE TABLE s.orders (c int, d date, a int); INSERT INTO s.orders SELECT i % 9, '2026-01-01', i FROM generate_series(1, 50) i;
	CREATE VIEW s.purchases AS SELECT c, d AS purchased_on, a AS amount FROM s.orders; SELECT crm.track('s.purchases', changes => true)});
$node->command_ok([ 'pg_dump', '-F', 'custom', '-f', $apart, $node->connstr('small') ], 'a dump to be restored in two steps');
foreach my $disabled (1, 0)
{
	my $database = $disabled ? 'apart' : 'apart_enabled';

	$node->safe_psql('postgres', "CREATE DATABASE $database OWNER owner");
	$node->command_ok([ 'pg_restore', '-e', '--schema-only', '-d', $node->connstr($database), $apart ], 'first the schema');
	my (undef, $said) = run_command([ 'pg_restore', '--data-only', ('--disable-triggers') x $disabled, '-d', $node->connstr($database), $apart ]);
	like($said, $disabled ? qr/^$/ : qr/COPY failed for table "purchases_histories": ERROR:  duplicate key/, 'then the data' . ($disabled ? ' without triggers' : ', which triggers have counted'));
	isnt(as_owner($database, q{SELECT count(*) FROM crm.verify('s.purchases')}), '0', 'so that scores are missing') if !$disabled;
	as_owner($database, q{SELECT crm.rebuild('s.purchases')}) if !$disabled;
	verified($database, $disabled ? 'is what it was' : 'until a rebuild');
}

# COPY of many rows, and an update of the extension under tracked tables
$node->safe_psql('shop', q{COPY s.orders FROM PROGRAM 'seq 100000 199999 | sed "s/\(.*\)\(...\)$/\1\2,c\2,2026-01-01,1,paid/"' (FORMAT csv)});
verified('shop', 'COPY of 100 000 rows');
is(as_owner('shop', q{SELECT count(*) FROM s.purchases_histories WHERE customer LIKE 'c%'}), '1000', 'of 1000 customers');
my $installed = as_owner('shop', q{SELECT extversion FROM pg_extension WHERE extname = 'crm'});
as_owner('shop', 'ALTER EXTENSION crm UPDATE');
is(as_owner('shop', q{SELECT extversion FROM pg_extension WHERE extname = 'crm'}), $installed, 'an update with nothing to do');
as_owner('shop', q{DELETE FROM s.orders WHERE id > 150000});
verified('shop', 'leaves trackings as they are');

# a table swapped for another, as dbt does
as_owner('shop', q{BEGIN; CREATE TABLE s.orders_new (LIKE s.orders); ALTER TABLE s.orders RENAME TO orders_old; ALTER TABLE s.orders_new RENAME TO orders; COMMIT});
like(as_owner('shop', q{SELECT problem FROM crm.verify('s.purchases')}), qr/was called s\.orders when it was tracked/, 'a swapped table is reported');

# leaving
as_owner('shop', 'DROP VIEW IF EXISTS s.champions, s.levels, s.near_silver');
as_owner('shop', q{SELECT crm.detach('s.purchases')});
as_owner('shop', q{SELECT crm.detach(histories) FROM crm.tracked});
as_owner('shop', 'DROP EXTENSION crm');
like(as_owner('shop', q{SELECT purchase_model FROM s.purchases_models LIMIT 1}), qr/^bg_nbd\(/, 'with the models as text');
is(as_owner('shop', q{SELECT jsonb_typeof(history) FROM s.purchases_histories LIMIT 1}), 'array', 'after detach the extension can go');

$node->stop;
done_testing();
