# Whatever plan makes the scale, it is the same to the last bit.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('rfm_plans');
$node->init;
$node->append_conf('postgresql.conf', "jit = off\nmax_parallel_workers = 4\nmax_worker_processes = 8");
$node->start;

# Spend has more than 65536 distinct values over all, fewer in each country.
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION crm;
CREATE TABLE customer AS
  SELECT (i % 5)::int AS country, ((i * 7919) % 900)::int AS days, 1 + (i * 104729) % 37 AS orders,
    ((i * 15485863) % 20000003) / 100.0 AS spend,
    crm.purchase(date '2023-01-01' + ((i * 7919) % 900)::int, ((i * 15485863) % 20000003) / 100.0, (1 + (i * 104729) % 37)::int) AS history
  FROM generate_series(1::bigint, 100000) i;
ALTER TABLE customer SET (parallel_workers = 3);
ANALYZE customer;
SQL

my $serial = 'SET max_parallel_workers_per_gather = 0;';
my $parallel = join ' ', 'SET parallel_setup_cost = 0;', 'SET parallel_tuple_cost = 0;',
  'SET min_parallel_table_scan_size = 0;', 'SET max_parallel_workers_per_gather = 3;';

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

my %source = (
	'numbers' => 'days, orders, spend',
	'float8' => 'days::float8, orders::float8, spend::float8',
	'histories' => q{history, date '2025-12-31'},
);

foreach my $name (sort keys %source)
{
	my $all = "SELECT crm.rfm_scale($source{$name}, 7) FROM customer";
	like(plan_of($parallel, $all), qr/Finalize Aggregate.*Gather.*Partial Aggregate/s, "a scale of $name is made in parallel");
	is(answer_of($parallel, $all), answer_of($serial, $all), 'and is the serial one');

	my $grouped = "SELECT country, crm.rfm_scale($source{$name}) FROM customer GROUP BY country ORDER BY country";
	like(plan_of("$parallel SET enable_sort = off;", $grouped), qr/Partial HashAggregate/, "scales of $name by country are made in parallel");
	is(answer_of("$parallel SET enable_sort = off;", $grouped), answer_of($serial, $grouped), 'and are the serial ones');
	is(answer_of("$serial SET enable_hashagg = off;", $grouped), answer_of("$serial SET enable_sort = off;", $grouped), 'sorted or hashed');
}

my $score = <<'SQL';
SELECT md5(string_agg(crm.rfm_score(scale, days, orders, spend)::text, ',' ORDER BY ctid)) FROM customer, (SELECT crm.rfm_scale(days, orders, spend) AS scale FROM customer) s
SQL
is(answer_of($parallel, $score), answer_of($serial, $score), 'scores are the same in both plans');

like(plan_of($parallel, q{SELECT count(*) FROM customer WHERE crm.segment(crm.rfm_score('recency: 95; frequency: 2; monetary: 50', days, orders, spend), 'bins 2; Best: r 2, total 6; Rest: any') = 'Best'}),
	qr/Parallel Seq Scan/, 'scores and segments are computed by workers');
like(plan_of($parallel, 'SELECT crm.gini(spend) FROM customer'), qr/^Finalize Aggregate/, 'gini is made in parts');
is(answer_of($parallel, 'SELECT crm.gini(spend), crm.concentration(spend::float8) FROM customer'),
	answer_of($serial, 'SELECT crm.gini(spend), crm.concentration(spend::float8) FROM customer'), 'and is the serial one');

# A window's frame asks for the value of a state that goes on growing.
is( $node->safe_psql('postgres', <<'SQL'),
SELECT bool_and(running OPERATOR(crm.=) (SELECT crm.rfm_scale(days, orders, spend) FROM customer c WHERE country = 3 AND c.days <= w.days)) FROM (
  SELECT days, crm.rfm_scale(days, orders, spend) OVER (ORDER BY days) AS running FROM customer WHERE country = 3) w WHERE days % 100 = 2
SQL
	't', 'a running scale is the scale until then');

# Indexes and GROUP BY on the types.
is( $node->safe_psql('postgres', <<'SQL'),
CREATE TABLE scored AS SELECT crm.rfm_score(scale, days, orders, spend) AS rfm FROM customer, (SELECT crm.rfm_scale(days, orders, spend) AS scale FROM customer) s;
CREATE INDEX scored_btree ON scored (rfm);
CREATE INDEX scored_hash ON scored USING hash (rfm);
ANALYZE scored;
SET enable_seqscan = off; SET enable_bitmapscan = off;
SELECT count(*) = (SELECT count(*) FROM scored WHERE rfm::int >= 500) FROM scored WHERE rfm OPERATOR(crm.>=) '511';
SQL
	't', 'an index on scores finds them');

$node->stop;
done_testing();
