# The demo's figures and plots: made from any orders, the same as plain SQL says.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('demo_figures');
$node->init;
$node->append_conf('postgresql.conf', "timezone = 'UTC'\nlc_messages = 'C'");
$node->start;

# Runs one of the demo's files in a database; its exit status, output and messages.
sub demo
{
	my ($database, $file, %variables) = @_;
	my ($output, $errors) = ('', '');
	my @command = (
		'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-P', 'footer=off', '-d', ($database =~ s{^(\S+)}{$node->connstr($1)}er),
		'-f', "scripts/$file.sql", map { ('-v', "$_=$variables{$_}") } sort keys %variables);

	my $ok = IPC::Run::run(\@command, '<', \'', '>', \$output, '2>', \$errors);
	return ($ok, $output, $errors);
}

sub database
{
	my $name = shift;

	$node->safe_psql('postgres', "CREATE DATABASE $name TEMPLATE template0 ENCODING 'UTF8'");
	$node->safe_psql($name, 'CREATE EXTENSION crm');
	return $name;
}

my $shop = database('shop');
demo($shop, 'demo-shop');
my ($ok, $output, $errors) = demo($shop, 'demo-figures', as_of => '');
ok($ok, 'the figures are made') or diag $errors;
is($errors, '', 'without a word');
is($node->safe_psql($shop, 'SELECT sum(customers) FROM report.segment'), '4000', 'every customer has a segment');
is($node->safe_psql($shop, 'SELECT sum(customers) FROM report.migration'), '4000', 'and moved from one state to one state');
is($node->safe_psql($shop, 'SELECT sum(customers) FROM report.tier'), '4000', 'and holds a tier');
is($node->safe_psql($shop, 'SELECT customers, cumulative_profit FROM report.whale ORDER BY customers DESC LIMIT 1'),
	$node->safe_psql($shop, q{
		SELECT count(*), round(sum(0.30 * amount - 2 * orders - 8), 2)
		FROM (SELECT sum(amount) AS amount, count(*) FILTER (WHERE amount >= 0) AS orders FROM orders GROUP BY customer_id) c}),
	'the whale curve ends at the sum of all profits');
is($node->safe_psql($shop, "SELECT active FROM report.cohort WHERE cohort_start = '2022-04-01' AND age = 3"),
	$node->safe_psql($shop, q{
		WITH first AS (SELECT customer_id, min(ordered_on) AS day FROM orders WHERE amount >= 0 GROUP BY customer_id)
		SELECT count(DISTINCT customer_id) FROM orders JOIN first USING (customer_id)
		WHERE amount >= 0 AND day >= '2022-04-01' AND day < '2022-07-01'
			AND ordered_on >= '2023-01-01' AND ordered_on < '2023-04-01'}),
	'a cell of the cohort triangle counts who bought again');
is($node->safe_psql($shop, 'SELECT actual FROM report.tracking WHERE week = 26'),
	$node->safe_psql($shop, q{
		SELECT count(DISTINCT (customer_id, ordered_on)) FROM orders o
		WHERE amount >= 0 AND ordered_on > date '2024-12-31' - 182
			AND EXISTS (SELECT FROM orders e WHERE e.customer_id = o.customer_id AND e.amount >= 0
				AND e.ordered_on <= date '2024-12-31' - 182)}),
	'the tracking plot counts what the calibrated customers bought');

($ok, $output, $errors) = demo($shop, 'demo-plots', bar => '#', shades => '.:+*#');
ok($ok, 'the plots are printed') or diag $errors;
unlike($output, qr/[^\x00-\x7f]/, 'in ASCII where that is asked for');
like($output, qr/^2022-01-01 +600  ###(\+\+\+)+(:::)+$/m, 'a cohort is a row of shades');
like($output, qr/^100\.00 % +100\.00 % #+$/m, 'the whale curve ends at all of the profit');
like($output, qr/^lapsed +-> lapsed +\d+ #{50}$/m, 'the largest bar is the longest');

# The page's figures come from a tracking, by a role that may only read it: each is what the orders say.
my %report = (tracking => 'orders', currency => 'EUR', margin => '0.30', cost_of_an_order => '2.00', acquisition_cost => '8.00');
($ok, $output, $errors) = demo($shop, 'demo-track', as_of => '');
ok($ok, 'the shop is tracked') or diag $errors;
$node->safe_psql($shop, 'CREATE ROLE reader LOGIN; GRANT SELECT ON orders_histories, orders_scoring TO reader');
($ok, $output, $errors) = demo("$shop user=reader", 'page/tracking', %report);
ok($ok, 'who may read a tracking gets its figures') or diag $errors;
is($errors, '', 'without a word');
foreach my $figure (qw(assumption revenue rfm_grid segment whale whale_peak cohort projection migration tracking tier))
{
	is($node->safe_psql($shop, "SELECT (\$json\$$output\$json\$::jsonb)->'$figure' = (SELECT jsonb_agg(t) FROM report.$figure t)"), 't', "$figure of the tracking is that of the orders");
}
like($output, qr/"measure":"value of the next 365 days","last_365_days":\d+/, 'and there is a value, of models');
is($node->safe_psql($shop, "SELECT h->>'last_365_days', h->>'days_before' FROM jsonb_array_elements((\$json\$$output\$json\$::jsonb)->'headline') h WHERE h->>'measure' = 'revenue'"),
	$node->safe_psql($shop, q{SELECT sum(amount) FILTER (WHERE ordered_on > date '2024-12-31' - 365), sum(amount) FILTER (WHERE ordered_on <= date '2024-12-31' - 365 AND ordered_on > date '2024-12-31' - 730) FROM orders}),
	'the first figure is the sum of the orders of a year, beside the year before');
is($node->safe_psql($shop, "SELECT h->>'last_365_days' FROM jsonb_array_elements((\$json\$$output\$json\$::jsonb)->'headline') h WHERE h->>'measure' = 'of them repeat customers (%)'"),
	$node->safe_psql($shop, q{
		SELECT round(100.0 * count(*) FILTER (WHERE known OR days > 1) / count(*), 1)
		FROM (SELECT customer_id, min(ordered_on) <= date '2024-12-31' - 365 AS known, count(DISTINCT ordered_on) FILTER (WHERE ordered_on > date '2024-12-31' - 365) AS days
			FROM orders WHERE amount >= 0 GROUP BY customer_id) c
		WHERE days > 0}),
	'and the repeat customers are who had bought before, or bought on two days');
is($node->safe_psql($shop, "SELECT string_agg(h->>'change_unit', ' ') FROM jsonb_array_elements((\$json\$$output\$json\$::jsonb)->'headline') h"), '% % points % %', 'a share changes by points, all else in percent');
ok($node->poll_query_until($shop, q{SELECT count(*) = 0 FROM pg_class WHERE relnamespace::regnamespace::text LIKE 'pg_temp%' AND relname IN ('customer', 'scored')}), 'nothing is left in the database');
(undef, undef, $errors) = demo($shop, 'page/tracking', %report, tracking => 'pg_class');
like($errors, qr/^psql:\S+ ERROR:  pg_class is not tracked\nHINT/m, 'what is not tracked has no figures');

# The least that a shop can have: one order.
my $kiosk = database('kiosk');
$node->safe_psql($kiosk, q{CREATE TABLE orders AS SELECT '1' AS customer_id, date '2024-01-01' AS ordered_on, 5.00 AS amount});
($ok, $output, $errors) = demo($kiosk, 'demo-figures', as_of => '');
ok($ok, 'one order makes figures, too') or diag $errors;
($ok, $output, $errors) = demo($kiosk, 'demo-plots', bar => '#', shades => '.:+*#');
ok($ok, 'and plots') or diag $errors;
demo($kiosk, 'demo-track', as_of => '');
($ok, $output, $errors) = demo($kiosk, 'page/tracking', %report);
ok($ok, 'and a page') or diag $errors;
unlike($output, qr/"value of/, 'without a value, as nobody has bought again');

done_testing();
