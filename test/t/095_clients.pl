# The examples of docs/connect.md, by the clients that they are for, and each
# client reading every row of a tracking's views. psycopg2 alone, unless
# CRM_CLIENTS=all asks for the others, as scripts/test-clients does.

use strict;
use warnings;

use lib 'test/lib';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Crm::Docs;

my $page = 'docs/connect.md';
my $views = join ' ', map { "shop.$_" }
  qw(orders_customers orders_calendar orders_cohorts orders_segments orders_segment_days customer_list);

my $node = PostgreSQL::Test::Cluster->new('clients');
$node->init(extra => [ '--encoding', 'UTF8' ]); # whatever the locale of the machine
$node->append_conf('postgresql.conf', "timezone = 'UTC'\nlisten_addresses = '127.0.0.1'");
$node->start;
my $user = $node->safe_psql('postgres', 'SELECT current_user');
$node->safe_psql('postgres', 'CREATE ROLE postgres SUPERUSER LOGIN') if $user ne 'postgres';

$ENV{PGHOST} = $node->host;
$ENV{PGPORT} = $node->port;
my $folder = PostgreSQL::Test::Utils::tempdir;

# The blocks of the page: [language, body, expected or undef].
my @blocks;
my $text = slurp_file($page);
while ($text =~ /^```(\w[^\n]*)\n(.*?)^```\n(?:```\n(.*?)^```\n)?/msg)
{
	push @blocks, [ $1, $2, $3 ];
}
$node->safe_psql('postgres', 'CREATE DATABASE shop');
$node->safe_psql('shop', 'CREATE EXTENSION crm');
foreach my $block (grep { $_->[0] eq 'sql' } @blocks)
{
	append_to_file("$folder/page.sql", $block->[1]);
}
run_command([ 'psql', '-X', '-q', '-d', 'shop', '-f', "$folder/page.sql" ]);
my $wanted = join '', map { $node->safe_psql('shop',
		"SELECT '$_ ' || (SELECT count(*) FROM pg_attribute WHERE attrelid = '$_'::regclass AND attnum > 0) || ' ' || count(*) || ' ' || coalesce(sum((SELECT count(*) FROM jsonb_each(to_jsonb(v)) e WHERE e.value <> 'null')), 0) FROM $_ v") . "\n" }
  split / /, $views;
like($wanted, qr/^shop\.orders_customers [1-9]\d* 4 [1-9]/, 'there is something to read');

# What runs a block of each kind, how the client reads all views, and how to tell that it is there.
my ($host, $port) = ('127.0.0.1', $node->port);
my $modules = $ENV{CRM_NODE_MODULES} // '';
my $jar = '/usr/share/java/postgresql.jar';
my %clients = (
	psycopg2 => [ 'py', [qw(/usr/bin/python3)], [ qw(/usr/bin/python3 test/clients/read.py psycopg2), $host, $port ], [qw(/usr/bin/python3 -c), 'import psycopg2'] ],
	psycopg => [ 'py', [qw(/usr/bin/python3)], [ qw(/usr/bin/python3 test/clients/read.py psycopg), $host, $port ], [qw(/usr/bin/python3 -c), 'import psycopg'] ],
	sqlalchemy => [ 'py', [qw(/usr/bin/python3)], [ qw(/usr/bin/python3 test/clients/read.py sqlalchemy), $host, $port ], [qw(/usr/bin/python3 -c), 'import sqlalchemy, pandas'] ],
	odbc => [ 'py', [qw(/usr/bin/python3)], [ qw(/usr/bin/python3 test/clients/read.py odbc), $host, $port ], [qw(/usr/bin/python3 -c), 'import pyodbc'] ],
	java => [ 'java', [ 'java', '-cp', $jar ], [ 'java', '-cp', $jar, 'test/clients/Read.java', $host, $port ], [ 'test', '-f', $jar ] ],
	javascript => [ 'mjs', ['node'], [ 'node', "$ENV{TESTDIR}/test/clients/read.mjs", $host, $port ], [ 'test', '-d', "$modules/node_modules/pg" ] ],
	r => [ 'R', ['Rscript'], [ qw(Rscript test/clients/read.R), $host, $port ], [qw(Rscript -e), 'library(RPostgreSQL)'] ],
	sh => [ 'sh', ['sh'], undef, ['true'] ],
);
my @chosen = ($ENV{CRM_CLIENTS} // '') eq 'all' ? sort keys %clients : qw(psycopg2 sh);

# An example's words, with the server of the test in place of that of the reader.
sub here
{
	my $body = shift;

	$body =~ s{localhost:5432/}{$host:$port/}g;
	$body =~ s{Server=localhost;Port=5432}{Server=$host;Port=$port};
	return $body;
}

my @matrix;
foreach my $client (@chosen)
{
	my ($ending, $runner, $reader, $there) = @{ $clients{$client} };
  SKIP:
	{
		skip "$client is not installed", 1 if !run_log($there);
		foreach my $block (grep { (split / /, $_->[0])[-1] eq $client } @blocks)
		{
			my $file = "$folder/Customers.$ending";
			# node finds its modules from the folder of the program
			if ($client eq 'javascript') { $file = "$modules/Customers.$ending" }
			unlink $file;
			append_to_file($file, here($block->[1]));
			my ($out, $err) = run_command([ @$runner, $file ]);
			s/[ \t]+$//mg foreach $out, $block->[2];
			is("$out\n", $block->[2], "the example of $client prints what the page says") or diag($err);
			if (($ENV{CRM_ACCEPT} // '') eq 'yes')
			{
				my $was = "$block->[1]```\n```\n";
				my $at = index $text, $was;
				my $end = index $text, "```\n", $at + length $was;
				substr($text, $at + length $was, $end - $at - length $was) = "$out\n";
				unlink $page;
				append_to_file($page, $text);
			}
		}
		next if !$reader;
		my $read = '';
		local $ENV{NODE_PATH} = "$modules/node_modules";
		my $ok = IPC::Run::run([ $client eq 'javascript' ? ('sh', '-c', 'cd "$0" && exec "$@"', $modules, @$reader) : @$reader ], '<', \"$views\n", '>', \$read, '2>', \my $err);
		my $version = $read =~ s/^version (.*?)\s*\n//m ? $1 : '?';
		$read =~ s/[ \t]+$//mg;
		is($read, $wanted, "$client reads every value of the views") or diag($err);
		my ($rows, $values) = (0, 0);
		while ($read =~ /^\S+ \d+ (\d+) (\d+)$/mg) { $rows += $1; $values += $2 }
		push @matrix, [ $client, $version, $rows, $values ];
	}
}
note(join '', map { sprintf "| %s | %s | %s rows, %s values |\n", @$_ } @matrix);
if (my $file = $ENV{CRM_MATRIX})
{
	append_to_file($file, join '', map { sprintf "%-11s %-14s %4d rows %6d values\n", @$_ } @matrix);
}

$node->stop;
done_testing();
