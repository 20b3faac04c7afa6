# Files of orders as others write them: each is read, or refused with what to do.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $folder = PostgreSQL::Test::Utils::tempdir();
my $node = PostgreSQL::Test::Cluster->new('demo_files');
$node->init;
$node->append_conf('postgresql.conf', "timezone = 'UTC'\nlc_messages = 'C'");
$node->start;
$node->safe_psql('postgres', q{CREATE DATABASE files TEMPLATE template0 ENCODING 'UTF8'});
$node->safe_psql('files', 'CREATE EXTENSION crm');
$ENV{PGHOST} = $node->host;
$ENV{PGPORT} = $node->port;

# The part of scripts/demo between a file and the table of orders.
my $script = <<'SH';
work=$1 csv=$2 customer=$3 date=$4 amount=$5 dates=$6 decimal=$7
die() { echo "$*" >&2; exit 2; }
say() { echo "$*" >&2; }
source scripts/demo-file.sh
read_file
read_header
choose_columns
psql -X -q -v ON_ERROR_STOP=1 -d files -v columns="$columns" -v customer="$customer_column" -v day="$date_column" \
	-v amounts="$amount_columns" -v delimiter="$delimiter" -v dates="$dates" -v decimal="$decimal" -f scripts/demo-load.sql < "$plain"
SH

# What is loaded of a file with some bytes, or what is said.
sub load
{
	my ($bytes, %options) = @_;
	my ($output, $errors) = ('', '');
	my $file = "$folder/orders";

	open my $handle, '>:raw', $file or die $!;
	print {$handle} $bytes;
	close $handle;
	$node->safe_psql('files', 'DROP TABLE IF EXISTS orders, order_line');
	my $ok = IPC::Run::run([ 'bash', '-euo', 'pipefail', '-c', $script, 'bash', $folder, $file, map({ $options{$_} // '' } qw(customer date amount)),
			$options{dates} // 'YMD', $options{decimal} // '.' ], '<', \'', '>', \$output, '2>', \$errors);
	return $errors unless $ok;
	return $node->safe_psql('files', q{SELECT string_agg(concat_ws(' ', customer_id, ordered_on, amount), ', ' ORDER BY customer_id COLLATE "C", ordered_on) FROM orders});
}

sub packed
{
	my ($program, $bytes) = @_;
	my $out = '';

	IPC::Run::run([$program, '-c'], '<', \$bytes, '>', \$out);
	return $out;
}

my $plain = "customer_id,ordered_on,amount\na,2024-01-31,5.50\nb,2024-02-01 23:59:59,4\n";
my $both = 'a 2024-01-31 5.50, b 2024-02-01 4';
my %named = (customer => 'Client', date => 'Day', amount => 'Total');

is(load($plain), $both, 'a plain file');
is(load("\xef\xbb\xbf" . $plain =~ s/\n/\r\n/gr), $both, 'with a byte order mark and Windows line ends');
is(load($plain =~ tr/,/;/r), $both, 'semicolons');
is(load($plain =~ tr/,/\t/r), $both, 'tabs');
is(load("sep=;\n" . $plain =~ tr/,/;/r), $both, 'a line for Excel that names the separator');
is(load("\xff\xfe" . join '', map { pack 'v', ord } split //, $plain), $both, 'UTF-16 of a small end');
is(load("\xfe\xff" . join '', map { pack 'n', ord } split //, $plain), $both, 'UTF-16 of a big end');
is(load(packed('gzip', $plain)), $both, 'packed by gzip');
is(load("Customer ID,Ordered-On,AMOUNT\na,2024-01-31,5.50\n"), 'a 2024-01-31 5.50', 'names in other spellings');
is(load("\"Name, first\",Client,Day,Total\n\"A, B\",a,2024-01-31,5.50\n", %named), 'a 2024-01-31 5.50', 'other names, other columns, a separator in quotes');
is(load("Quantity,UnitPrice,Client,Day\n3,1.25,a,2024-01-31\n-1,1.25,a,2024-01-31\n", %named, amount => 'Quantity*UnitPrice'), 'a 2024-01-31 2.50',
	'an amount that is a product');
is(load("Client;Day;Total\nM\xfcller;31.12.2024;1.234,50\nb;1.2.24 08:26;-3\n", %named, dates => 'DMY', decimal => ','),
	"M\xc3\xbcller 2024-12-31 1234.50, b 2024-02-01 -3", 'Windows-1252, days and amounts as Germany writes them');
is(load("Client,Day,Total\na,12/31/2024,1\n", %named, dates => 'MDY'), 'a 2024-12-31 1', 'days as America writes them');

like(load("a,b,c\n1,2,3\n"), qr/no column customer_id; --customer NAME says which of these it is: a, b, c/, 'a missing column is told, with the names there are');
like(load("id,user_id,order_date,status\n1,1,2018-01-01,returned\n", customer => 'user_id', date => 'order_date'), qr/no column amount; --amount NAME/,
	'so is an amount that stands in another file');
like(load($plain =~ s/2024-01-31/31.01.2024/r), qr/expected a day as YYYY-MM-DD, found "31.01.2024".*--dates DMY reads 31.12.2024/s, 'a day of another order leads to --dates');
like(load("Client,Day,Total\na,12\/31\/2024,1\n", %named, dates => 'DMY'), qr/there is no day "12\/31\/2024".*--dates MDY/s, 'the wrong order leads to the right one');
like(load("Client;Day;Total\na;2024-01-31;5,50\n", %named), qr/found "5,50".*--decimal , reads 1.234,50/s, 'a decimal comma leads to --decimal');
like(load($plain . join '', map { "c,2024-03-0$_,400000000000000\n" } 1 .. 3), qr/the amounts come to 1200000000000010, more than the 900 trillion.*give them in thousands/s,
	'amounts that no report could add up lead to another unit');
like(load("PK\x03\x04xxxx"), qr/a workbook or a zip archive; save the sheet as CSV/, 'a workbook is named');
like(load("BZh9xxxx"), qr/packed; unpack it/, 'so is a packed file');
like(load(''), qr/the file is empty/, 'and one that is empty');

$node->stop;
done_testing();
