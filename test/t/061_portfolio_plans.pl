# Whatever plan counts all customers, the curve is the same to the last bit, and
# values survive a dump.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('portfolio_plans');
$node->init;
$node->append_conf('postgresql.conf', "jit = off\nmax_parallel_workers = 4\nmax_worker_processes = 8");
$node->start;

# Profits have more than 65536 distinct values over all, fewer in each country.
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION crm;
CREATE TABLE customer AS
  SELECT (i % 5)::int AS country, 'c' || i AS customer, 'c' || i / 3 AS referrer, ((i * 15485863) % 20000003 - 3000000) / 100.0 AS profit,
    crm.purchase(date '2023-01-01' + ((i * 7919) % 900)::int, 1) OPERATOR(crm.+) crm.purchase(date '2023-01-01' + ((i * 104729) % 1300)::int, 2)
      OPERATOR(crm.+) crm.purchase(date '2024-01-01' + ((i * 1299709) % 700)::int, 3) AS history
  FROM generate_series(3::bigint, 90000) i;
ALTER TABLE customer SET (parallel_workers = 3);
ANALYZE customer;
SQL

my $serial = 'SET max_parallel_workers_per_gather = 0;';
my $parallel = join ' ', 'SET parallel_setup_cost = 0;', 'SET parallel_tuple_cost = 0;',
  'SET min_parallel_table_scan_size = 0;', 'SET max_parallel_workers_per_gather = 3;';

# The answer of a query under some settings.
sub answer_of
{
	my ($settings, $query) = @_;
	return $node->safe_psql('postgres', "$settings $query");
}

foreach my $aggregate (
	q{retention_curve(history, '2025-06-30', 'month')}, q{retention_curve(history, '2025-06-30', 'week', 'age')},
	q{second_purchase_curve(history, '2025-06-30')}, q{repeat_rate(history, '2025-06-30')},
	q{rhythm(history, '2025-06-30')}, q{whale_curve(profit)}, q{whale_curve(profit::float8)},
	q{customer_equity(profit)}, q{referral_network(referrer, customer, profit)})
{
	my $all = "SELECT md5(crm.$aggregate\::text) FROM customer";
	my $plan = answer_of($parallel, "EXPLAIN (COSTS OFF) $all");
	like($plan, qr/Finalize Aggregate.*Gather.*Partial Aggregate/s, "$aggregate is made in parallel");
	is(answer_of($parallel, $all), answer_of($serial, $all), 'and is the serial one');

	my $grouped = "SELECT country, md5(crm.$aggregate\::text) FROM customer GROUP BY country ORDER BY country";
	is(answer_of("$parallel SET enable_sort = off;", $grouped), answer_of("$serial SET enable_hashagg = off;", $grouped),
		'by country, hashed in parallel or sorted');
}

foreach my $type (qw(retention_curve survival_curve whale_curve referral_network))
{
	my %made = (
		retention_curve => q{crm.retention_curve(history, '2025-06-30', 'month')},
		survival_curve => q{crm.second_purchase_curve(history, '2025-06-30')},
		whale_curve => 'crm.whale_curve(profit)',
		referral_network => 'crm.referral_network(referrer, customer, profit)');
	$node->safe_psql('postgres', "CREATE TABLE kept_$type AS SELECT country, $made{$type} AS value FROM customer GROUP BY country");
}
my $dump = $node->basedir . '/dump.sql';
$node->safe_psql('postgres', 'CREATE DATABASE restored');
command_ok(['pg_dump', '--no-sync', '-f', $dump, '-d', $node->connstr('postgres')], 'a database with values is dumped');
command_ok(['psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', $dump, '-d', $node->connstr('restored')], 'and restored');
foreach my $type (qw(retention_curve survival_curve whale_curve referral_network))
{
	my $content = "SELECT md5(string_agg(value::text, ' ' ORDER BY country)) FROM kept_$type";
	is($node->safe_psql('restored', $content), $node->safe_psql('postgres', $content), "values of $type are what they were");
}

done_testing();
