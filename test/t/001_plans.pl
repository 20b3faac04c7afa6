# Whatever plan builds the histories, the values are the same to the last bit.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('plans');
$node->init;
$node->append_conf('postgresql.conf', "jit = off\nmax_parallel_workers = 4\nmax_worker_processes = 8");
$node->start;
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION crm;
CREATE TABLE orders AS
  SELECT ((i * 7919) % 2000)::int AS customer, date '2020-01-01' + ((i * 104729) % 1500)::int AS day,
    ((i * 31) % 100000 - 5000) / 1000.0 AS amount, (i % 3)::int AS orders
  FROM generate_series(1::bigint, 60000) i;
ALTER TABLE orders SET (parallel_workers = 3);
ANALYZE orders;
SQL

my $serial = 'SET max_parallel_workers_per_gather = 0;';
my $parallel = join ' ', 'SET parallel_setup_cost = 0;', 'SET parallel_tuple_cost = 0;',
  'SET min_parallel_table_scan_size = 0;', 'SET max_parallel_workers_per_gather = 3;';
my $history = 'SELECT customer, crm.purchase_history(day, amount, orders) AS h FROM orders GROUP BY customer';
my $all = 'SELECT crm.purchase_history(day, amount, orders) AS h FROM orders';
my $checksum = sub { "SELECT md5(string_agg(h::text, ';' ORDER BY h)) FROM ($_[0]) s" };

# The text of a query's plan under some settings.
sub plan_of
{
	my ($settings, $query) = @_;
	return $node->safe_psql('postgres', "$settings EXPLAIN (COSTS OFF) $query");
}

# The answer of a query under some settings.
sub answer_of
{
	my ($settings, $query) = @_;
	return $node->safe_psql('postgres', "$settings $query");
}

like(plan_of($parallel, $all), qr/Finalize Aggregate.*Gather.*Partial Aggregate/s, 'one history of all orders is made in parallel');
is(answer_of($parallel, $checksum->($all)), answer_of($serial, $checksum->($all)), 'and is the serial one');

like(plan_of("$parallel SET enable_sort = off;", $history), qr/Partial HashAggregate/, 'histories by customer are made in parallel');
is(answer_of($parallel, $checksum->($history)), answer_of($serial, $checksum->($history)), 'and are the serial ones');

like(plan_of("$serial SET enable_hashagg = off;", $history), qr/GroupAggregate/, 'histories can be made by sorting');
is(answer_of("$serial SET enable_hashagg = off;", $checksum->($history)), answer_of($serial, $checksum->($history)), 'and are those of hashing');

is(answer_of("$serial SET work_mem = '64kB'; SET hash_mem_multiplier = 1;", $checksum->($history)), answer_of($serial, $checksum->($history)),
	'histories made with little memory are the same');

my $merged = "SELECT crm.merge(h) AS h FROM ($history) parts";
is(answer_of($serial, $checksum->($merged)), answer_of($serial, $checksum->($all)), 'merged histories of all customers are the history of all orders');

my $table = 'CREATE TABLE history AS ' . $history . '; ALTER TABLE history SET (parallel_workers = 3); ANALYZE history';
$node->safe_psql('postgres', $table);
my $merge_table = 'SELECT crm.merge(h) AS h FROM history';
like(plan_of($parallel, $merge_table), qr/Finalize Aggregate.*Partial Aggregate/s, 'stored histories merge in parallel');
is(answer_of($parallel, $checksum->($merge_table)), answer_of($serial, $checksum->($all)), 'and give the history of all orders');

# A window's frame asks for the value of a state that goes on growing.
is( $node->safe_psql('postgres', <<'SQL'),
SELECT bool_and(running OPERATOR(crm.=) crm.until(h, day)) FROM (
  SELECT day, customer, crm.purchase_history(day, amount, orders) OVER (PARTITION BY customer ORDER BY day) AS running FROM orders WHERE customer < 50) w
  JOIN history USING (customer)
SQL
	't', 'a running history is the history until that day');

$node->stop;
done_testing();
