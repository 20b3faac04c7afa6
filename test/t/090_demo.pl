# The demo's SQL: its shop is the same on every version, its report comes from
# the orders, and a bad line of a CSV file is named and loads nothing.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('demo');
$node->init;
$node->append_conf('postgresql.conf', "timezone = 'UTC'\nlc_messages = 'C'");
$node->start;

# Runs one of the demo's files in a database, with an input; its exit status and output.
sub demo
{
	my ($database, $file, $input, %variables) = @_;
	my ($output, $errors) = ('', '');
	my @command = (
		'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-P', 'footer=off', '-d', $node->connstr($database),
		'-f', "scripts/$file.sql", map { ('-v', "$_=$variables{$_}") } sort keys %variables);

	my $ok = IPC::Run::run(\@command, '<', \$input, '>', \$output, '2>', \$errors);
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
my ($ok, $output, $errors) = demo($shop, 'demo-shop', '');
ok($ok, 'the shop is made') or diag $errors;
is($node->safe_psql($shop, 'SELECT count(*), count(DISTINCT customer_id), sum(amount) FROM orders'),
	'24585|4000|945796.91', 'the shop is always the same');

($ok, $output, $errors) = demo($shop, 'demo-report', '', as_of => '');
ok($ok, 'the report runs') or diag $errors;
like($output, qr/^Orders up to 2024-12-31$/m, 'it looks from the day of the last order');
my $champions = $node->safe_psql($shop, q{
	WITH figure AS (
		SELECT customer_id, date '2024-12-31' - max(ordered_on) FILTER (WHERE amount >= 0) AS recency,
			count(*) FILTER (WHERE amount >= 0) AS frequency
		FROM orders GROUP BY customer_id),
	cut AS (
		SELECT percentile_cont(0.2) WITHIN GROUP (ORDER BY recency) AS r1,
			percentile_cont(0.6) WITHIN GROUP (ORDER BY frequency) AS f3,
			percentile_cont(0.8) WITHIN GROUP (ORDER BY frequency) AS f4
		FROM figure)
	SELECT count(*) FILTER (WHERE frequency > f4) || ' of ' || count(*) FROM figure, cut WHERE recency <= r1});
my ($frequent, $recent) = $champions =~ /(\d+) of (\d+)/;
my ($best) = $output =~ /^ +5 \|(.*)$/m;
my @cells = split /\|/, $best;
is($cells[4] + 0, $frequent, 'the grid holds as many of the most recent and most frequent as percentile_cont says');
my $sum = 0;
$sum += $_ foreach @cells;
is($sum, $recent, 'and as many of the most recent');

($ok, $output, $errors) = demo($shop, 'demo-report', '', as_of => '2022-12-31');
ok($ok, 'the report runs for an earlier day') or diag $errors;
like($output, qr/^Orders up to 2022-12-31$/m, 'and looks from that day');
like($output, qr/2022-12-\d\d \|/, 'at orders before it');
unlike($output, qr/\| 202[34]-/, 'and at none after it');

my $orders = database('orders');
my %columns = (columns => 'a,b,c', customer => 'a', day => 'b', amounts => 'c', delimiter => ',', dates => 'YMD', decimal => '.');
my $header = "customer_id,ordered_on,amount\n";
my @bad = (
	[ "1,2024-01-01,5\n2,2024-13-01,5\n", 3, 'there is no day "2024-13-01"', 'an impossible day' ],
	[ "1,2024-01-01,five\n", 2, 'expected an amount as 1234.50, found "five"', 'an amount in words' ],
	[ "1,2024-01-01,5\n1,2024-01-02,NaN\n", 3, 'expected an amount as 1234.50, found "NaN"', 'NaN' ],
	[ "1,2024-01-01,1e18\n", 2, 'is not within 900 trillion', 'a huge amount' ],
	[ "1,2024-01-01,\"12,50\"\n", 2, 'found "12,50"', 'a decimal comma' ],
	[ "1,infinity,5\n", 2, 'expected a day as YYYY-MM-DD, found "infinity"', 'an infinite day' ],
	[ "1,now,5\n", 2, 'expected a day as YYYY-MM-DD, found "now"', 'now' ],
	[ "1,31.12.2024,5\n", 2, 'expected a day as YYYY-MM-DD, found "31.12.2024"', 'a day of Germany' ],
	[ "1,01/02/24,5\n", 2, 'expected a day as YYYY-MM-DD, found "01/02/24"', 'a day that could be two' ],
	[ "1,,5\n", 2, 'the day is missing', 'no day' ],
	[ "1,2024-01-01,\n", 2, 'the amount is missing', 'no amount' ],
	[ "1,2024-01-01\n", 2, 'missing data for column "c"', 'too few columns' ],
	[ "1,2024-01-01,5,6\n", 2, 'extra data after last expected column', 'too many columns' ]);

foreach my $case (@bad)
{
	my ($lines, $number, $problem, $name) = @$case;

	($ok, $output, $errors) = demo($orders, 'demo-load', $header . $lines, %columns);
	ok(!$ok, "$name: refused");
	like($errors, qr/\Q$problem\E.*line $number\b/s, "$name: the line is named");
	is($node->safe_psql($orders, q{SELECT to_regclass('orders') IS NULL AND to_regclass('order_line') IS NULL}),
		't', "$name: nothing is loaded");
}

($ok, $output, $errors) = demo($orders, 'demo-load', $header, %columns);
ok(!$ok, 'a file without orders is refused');
like($errors, qr/a header and no orders/, 'and told so');

($ok, $output, $errors) = demo($orders, 'demo-load', "$header,2024-01-01,5\n", %columns);
ok(!$ok, 'a file whose orders have no customer is refused');
like($errors, qr/no order has a customer/, 'and told so');

($ok, $output, $errors) = demo($orders, 'demo-load',
	"\"amount\",\"customer_id\",\"ordered_on\"\r\n\"5.50\",\"a,b\",2024-01-01\r\n4,x,2024-02-01\r\n4,x,2024-02-01\r\n9,,2024-02-01\r\n3,x,2999-01-01\r\n",
	%columns, customer => 'b', day => 'c', amounts => 'a');
ok($ok, 'quotes, Windows line ends and another order of the columns are read') or diag $errors;
is($node->safe_psql($orders, 'SELECT * FROM orders ORDER BY 1, 2'), "a,b|2024-01-01|5.50\nx|2024-02-01|8\nx|2999-01-01|3",
	'and rows of one customer and day are one order');
like($errors, qr/1 rows name no customer and are left out/, 'rows without a customer are named');
like($errors, qr/1 rows are of days to come, the last of 2999-01-01/, 'and those of days to come');

$node->stop;
done_testing();
