# Partitions of a tracked table that pg_partman makes, fills, detaches and
# drops; that are detached beside open transactions; and in a dump.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('partitions');
$node->init;
$node->append_conf('postgresql.conf', 'fsync = off');
$node->start;
$node->safe_psql('postgres', 'CREATE ROLE owner LOGIN; CREATE DATABASE shop OWNER owner; CREATE DATABASE copy OWNER owner');

# Runs SQL as the owner of everything, who is no superuser.
sub as_owner
{
	my ($sql, $database) = @_;
	return $node->safe_psql($database // 'shop', $sql, extra_params => [ '-U', 'owner' ]);
}

# Nothing differs from what the purchases say.
sub is_true
{
	my ($what, $database) = @_;
	is(as_owner(q{SELECT * FROM crm.verify('orders')}, $database), '', $what);
	return;
}

as_owner(<<'SQL');
CREATE EXTENSION crm;
CREATE TABLE orders (id int, customer int, on_day date NOT NULL, amount numeric) PARTITION BY RANGE (on_day);
CREATE TABLE orders_2023 PARTITION OF orders FOR VALUES FROM ('2023-01-01') TO ('2024-01-01');
CREATE TABLE orders_2024 PARTITION OF orders FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
INSERT INTO orders SELECT i, i % 50, date '2023-01-05' + i, i FROM generate_series(1, 600) i;
SELECT crm.track('orders', 'customer', 'on_day', 'amount');
SQL

# DETACH CONCURRENTLY waits for a reader between its two transactions; the partition is written meanwhile.
SKIP:
{
	if ($node->safe_psql('postgres', 'SHOW server_version_num') < 140000)
	{
		as_owner('ALTER TABLE orders DETACH PARTITION orders_2023');
		skip 'DETACH CONCURRENTLY came with PostgreSQL 14', 6;
	}
	my $reader = $node->background_psql('shop', extra_params => [ '-U', 'owner' ]);
	my $pending = q{SELECT inhdetachpending FROM pg_inherits WHERE inhrelid = 'orders_2023'::regclass};

	$reader->query_safe('BEGIN; SELECT count(*) FROM orders');
	my ($out, $err) = ('', '');
	my @detach = ('psql', '-X', '-q', '-d', $node->connstr('shop') . ' user=owner', '-c', 'ALTER TABLE orders DETACH PARTITION orders_2023 CONCURRENTLY');
	my $detach = IPC::Run::start(\@detach, '>', \$out, '2>', \$err);
	ok($node->poll_query_until('shop', $pending), 'a partition is about to be detached');
	as_owner(q{INSERT INTO orders_2023 VALUES (1001, 1001, '2023-02-02', 5); DELETE FROM orders_2023 WHERE customer = 7});
	$reader->query_safe('COMMIT');
	$detach->finish;
	is($err, '', 'it is detached when nobody reads it any more');
	is_true('with what was written until then');

	# a cancelled one is finished later
	as_owner(q{ALTER TABLE orders ATTACH PARTITION orders_2023 FOR VALUES FROM ('2023-01-01') TO ('2024-01-01')});
	$reader->query_safe('BEGIN; SELECT count(*) FROM orders');
	$detach = IPC::Run::start(\@detach, '>', \$out, '2>', \$err);
	ok($node->poll_query_until('shop', $pending), 'again it is about to be detached');
	$node->safe_psql('shop', q{SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query LIKE 'ALTER TABLE orders DETACH%' AND state = 'active'});
	$detach->finish;
	like($err, qr/canceling statement due to user request/, 'which is cancelled');
	$reader->query_safe('COMMIT');
	$reader->quit;
	as_owner('INSERT INTO orders_2023 VALUES (1002, 1002, \'2023-02-02\', 5); ALTER TABLE orders DETACH PARTITION orders_2023 FINALIZE');
	is_true('and counts when it is finished');
}

$node->command_ok([ 'pg_dump', '-U', 'owner', '-F', 'custom', '-f', $node->basedir . '/shop.dump', $node->connstr('shop') ], 'what was kept is dumped');
$node->command_ok([ 'pg_restore', '-U', 'owner', '-e', '-d', $node->connstr('copy'), $node->basedir . '/shop.dump' ], 'and restored');
is_true('in the copy too', 'copy');
as_owner(q{ALTER TABLE orders ATTACH PARTITION orders_2023 FOR VALUES FROM ('2023-01-01') TO ('2024-01-01')}, 'copy');
is_true('where the partition can be attached again', 'copy');

# Partitions of pg_partman: made ahead, filled out of the default one, and dropped when they are old.
SKIP:
{
	chomp(my $share = `pg_config --sharedir`);
	skip 'pg_partman is not installed', 5 if !-f "$share/extension/pg_partman.control";
	$node->safe_psql('shop', 'CREATE SCHEMA partman; CREATE EXTENSION pg_partman SCHEMA partman; GRANT ALL ON SCHEMA partman TO owner; GRANT ALL ON ALL TABLES IN SCHEMA partman TO owner; GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA partman TO owner; GRANT EXECUTE ON ALL PROCEDURES IN SCHEMA partman TO owner');
	my $version = $node->safe_psql('shop', "SELECT split_part(extversion, '.', 1) FROM pg_extension WHERE extname = 'pg_partman'");
	# seen with 5.5.0: new row for relation "sales_p20251001" violates partition constraint
	skip 'pg_partman 5 fails to move days out of the default partition, without crm as well', 5 if $version >= 5;
	as_owner(<<"SQL");
CREATE TABLE sales (customer int, on_day date NOT NULL, amount numeric) PARTITION BY RANGE (on_day);
SELECT partman.create_parent('public.sales', 'on_day', 'native', 'monthly', p_start_partition => (current_date - 100)::text);
SELECT crm.track('sales', 'customer', 'on_day', 'amount');
INSERT INTO sales SELECT i % 20, current_date - 400 + i, 5 FROM generate_series(1, 395) i;
SQL
	my $verify = q{SELECT * FROM crm.verify('sales')};
	is(as_owner($verify), '', 'orders are in partitions of pg_partman and in the default one');
	as_owner(q{CALL partman.partition_data_proc('public.sales')});
	is(as_owner($verify) . as_owner('SELECT count(*) FROM sales_default'), '0', 'those of the default one move to partitions made for them');
	as_owner(q{UPDATE partman.part_config SET infinite_time_partitions = true, retention = '200 days', retention_keep_table = true; SELECT partman.run_maintenance('public.sales')});
	is(as_owner($verify) . as_owner('SELECT count(DISTINCT partition) > 3 FROM sales_detached'), 't', 'old ones are detached, and their purchases count on');
	as_owner(q{UPDATE partman.part_config SET retention = '100 days', retention_keep_table = false; SELECT partman.run_maintenance('public.sales')});
	is(as_owner($verify) . as_owner(q{SELECT count(*) > 0 FROM sales_detached AS d WHERE NOT EXISTS (SELECT FROM pg_class WHERE oid = d.partition)}), 't', 'so do those of what is dropped');
	is(as_owner('SELECT sum(crm.purchase_count(history)) FROM sales_histories'), '395', 'all of them');
}

$node->stop;
done_testing();
