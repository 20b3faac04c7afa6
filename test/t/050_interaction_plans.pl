# Whatever plan builds interaction histories, states and figures, they are the same to the last bit.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('interaction_plans');
$node->init;
$node->append_conf('postgresql.conf', "jit = off\nmax_parallel_workers = 4\nmax_worker_processes = 8");
$node->start;
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION crm;
CREATE TABLE contact AS
  SELECT ((i * 7919) % 1000)::int AS customer, timestamptz '2020-01-01 00:00Z' + (i * 104729) % 20000 * interval '1 hour' AS at,
    (ARRAY['message', 'visit', 'complaint'])[1 + (i % 3)::int] AS kind, (ARRAY['email', 'phone'])[1 + (i / 7 % 2)::int] AS channel,
    (ARRAY['inbound', 'outbound'])[1 + (i / 5 % 2)::int] AS direction, CASE WHEN i % 4 = 0 THEN (i % 11)::int END AS score,
    ((i * 31) % 100000 - 5000) / 997.0::float8 AS value
  FROM generate_series(1::bigint, 40000) i;
ALTER TABLE contact SET (parallel_workers = 3);
ANALYZE contact;
SQL

my $serial = 'SET max_parallel_workers_per_gather = 0;';
my $parallel = join ' ', 'SET parallel_setup_cost = 0;', 'SET parallel_tuple_cost = 0;',
  'SET min_parallel_table_scan_size = 0;', 'SET max_parallel_workers_per_gather = 3;';
my $history = q{crm.interaction_history(at, kind, channel, direction, NULL, score)};
my $figures = q{crm.nps(score), crm.decayed_sum(value, at, '2022-01-01', '90 days'), crm.lift(kind = 'visit', value),
  crm.consents(channel, 'consent', tstzrange(at, NULL)) FILTER (WHERE customer < 10)};

# The text of a query's plan, and its answer, under some settings.
sub plan_of
{
	my ($settings, $query) = @_;
	return $node->safe_psql('postgres', "$settings EXPLAIN (COSTS OFF) $query");
}

sub answer_of
{
	my ($settings, $query) = @_;
	return $node->safe_psql('postgres', "$settings $query");
}

my %query = (
	'one history of all' => "SELECT md5(($history)::text) FROM contact",
	'histories by customer' => "SELECT md5(string_agg(h::text, ';' ORDER BY h)) FROM (SELECT customer, $history AS h FROM contact GROUP BY customer) s",
	# Entries without a score are packed in the state; a few wide ones meet packed ones in every way.
	'packed histories' => 'SELECT md5(string_agg(h::text, \';\' ORDER BY h)) FROM (SELECT customer, crm.interaction_history(at, kind, channel, direction) AS h FROM contact GROUP BY customer) s',
	'packed and wide histories' => 'SELECT md5(string_agg(h::text, \';\' ORDER BY h)) FROM (SELECT customer, '
	  . "crm.interaction_history(at, kind, CASE WHEN customer % 3 = 0 AND score = 5 THEN 'carrier pigeon' ELSE channel END, direction, NULL, CASE WHEN score = 7 THEN score END) AS h"
	  . ' FROM contact GROUP BY customer) s',
	'one of each figure' => "SELECT $figures FROM contact",
	'figures by customer' => "SELECT md5(string_agg(f::text, ';' ORDER BY customer)) FROM (SELECT customer, row($figures) AS f FROM contact GROUP BY customer) s");

foreach my $name (sort keys %query)
{
	my $expected = answer_of($serial, $query{$name});

	like(plan_of($parallel, $query{$name}), qr/Partial (?:Hash|Group)?Aggregate/, "$name: made in parallel");
	is(answer_of($parallel, $query{$name}), $expected, "$name: and the same as serially");
	is(answer_of("$serial SET enable_hashagg = off;", $query{$name}), $expected, "$name: by sorting");
	is(answer_of("$serial SET work_mem = '64kB';", $query{$name}), $expected, "$name: with little memory");
}

# A hash table that spills: groups whose rows wait on disk have no state yet, and those that have one keep it.
my $spilling = "$serial SET enable_sort = off; SET work_mem = '64kB';";
my ($batches) = $node->safe_psql('postgres', "$spilling SET hash_mem_multiplier = 1; EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) $query{'packed and wide histories'}") =~ /Batches: (\d+)/;
cmp_ok($batches, '>', 1, 'a hash table of histories spills');
foreach my $name (grep { /histories/ } sort keys %query)
{
	is(answer_of("$spilling SET hash_mem_multiplier = 1;", $query{$name}), answer_of($serial, $query{$name}), "$name: the same when spilled");
}

# What a parallel plan puts together is what the rows are, one by one.
is(answer_of($parallel, 'SELECT md5(crm.interaction_history(at, kind, channel, direction)::text) FROM contact'),
	answer_of($serial, 'SELECT md5(crm.merge(crm.interaction(at, kind, channel, direction))::text) FROM contact'), 'packed in parallel, the history of the rows one by one');

my $merged = "SELECT md5(crm.merge(h)::text) FROM (SELECT customer, $history AS h FROM contact GROUP BY customer) s";
is(answer_of($serial, $merged), answer_of($serial, $query{'one history of all'}), 'merged histories are the history of all');

$node->stop;
done_testing();
