# What several servers each make of their own customers, put together by one over
# postgres_fdw, is what one makes of all of them, to the last bit; states survive text and binary.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('states');
$node->init;
$node->append_conf('postgresql.conf', "jit = off\nmax_parallel_workers_per_gather = 0\nfsync = off");
$node->start;

if ($node->safe_psql('postgres', "SELECT count(*) FROM pg_available_extensions WHERE name = 'postgres_fdw'") eq '0')
{
	plan skip_all => 'there is no postgres_fdw';
}

# The states of the rows of one place, one row of columns; and what becomes of them.
my %asked = (
	rfm_scale => q{history, '2025-06-30', 5},
	fit_bg_nbd => q{history, '2025-06-30', 7},
	fit_mbg_nbd => q{history, '2025-06-30', 7},
	fit_pareto_nbd => q{history, '2025-06-30', 7},
	fit_mbg_cnbd_k => q{history, '2025-06-30', 7},
	fit_purchase_model => q{history, '2025-06-30', 7},
	fit_gamma_gamma => q{history, '2025-06-30'},
	data_check => q{history, '2025-06-30'},
	forecast_accuracy => q{number, money::float8},
	expected_revenue => q{crm.bg_nbd(0.2426, 4.4136, 0.7929, 2.4259, 7), crm.gamma_gamma(6.25, 3.74, 15.44), history, '2025-06-30', '2026-06-30'},
	concentration => q{money, 0.1::float8},
	gini => q{money},
	nps => q{id % 11},
	lift => q{id % 2 = 0, number, money::float8},
	rhythm => q{history, '2025-06-30'},
	decayed_sum => q{number, '2025-01-01 00:00+00'::timestamptz + id * interval '1 minute', '2025-06-30 00:00+00', interval '30 days'});
my @names = sort keys %asked;
my $states = join ', ', map { "crm.${_}_state($asked{$_}) AS $_" } @names;

# A shard has the rows of a remainder; the hub has them all.
foreach my $place ([ 'shard0', 'id % 3 = 0' ], [ 'shard1', 'id % 3 > 0' ], [ 'hub', 'true' ])
{
	my ($database, $rows) = @$place;

	$node->safe_psql('postgres', "CREATE DATABASE $database");
	$node->safe_psql($database, <<"SQL");
CREATE EXTENSION crm;
CREATE TABLE customer AS
  SELECT id, (id * 15485863 % 20000003) / 100.0 AS money, (id * 7919 % 10007) / 7.0::float8 AS number, crm.purchase_history(day, amount) AS history
  FROM generate_series(1::bigint, 1500) id, LATERAL (
    SELECT date '2024-01-01' + ((id * 7919 + n * n * 104729) % 520)::int AS day, (1 + (id * 31 + n * 17) % 300)::numeric AS amount
    FROM generate_series(0, (id * id % 7)::int) n) o
  WHERE $rows GROUP BY id;
CREATE VIEW parts AS SELECT $states FROM customer;
SQL
}

my $columns = join ', ', map {
	$_ . ' ' . $node->safe_psql('hub', "SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'parts'::regclass AND attname = '$_'")
} @names;
$node->safe_psql('hub', 'CREATE EXTENSION postgres_fdw');
foreach my $shard (qw(shard0 shard1))
{
	my ($host, $port) = ($node->host, $node->port);

	$node->safe_psql('hub', <<"SQL");
CREATE SERVER $shard FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '$host', port '$port', dbname '$shard', extensions 'crm');
CREATE USER MAPPING FOR CURRENT_USER SERVER $shard;
CREATE FOREIGN TABLE parts_of_$shard ($columns) SERVER $shard OPTIONS (table_name 'parts');
SQL
}

my $parts = '(TABLE parts_of_shard0 UNION ALL TABLE parts_of_shard1)';
foreach my $name (@names)
{
	my $of_all = $node->safe_psql('hub', "SELECT crm.$name($asked{$name})::text FROM customer");
	my $of_parts = $node->safe_psql('hub', "SELECT crm.$name($name)::text FROM $parts p");

	is($of_parts, $of_all, "$name of two servers is that of one");
	isnt($of_all, '', 'and says something');
}

# Binary forms, too.
my $file = $node->basedir . '/states.bin';
$node->safe_psql('hub', "COPY (SELECT * FROM $parts p) TO '$file' (FORMAT binary); CREATE TABLE kept (LIKE parts); COPY kept FROM '$file' (FORMAT binary)");
foreach my $name (@names)
{
	is($node->safe_psql('hub', "SELECT crm.$name($name)::text FROM kept"), $node->safe_psql('hub', "SELECT crm.$name($name)::text FROM parts"),
		"the states of $name survive their binary form and a table");
}

# Curves and histories merge by themselves; a state of another aggregate is refused.
my ($code, $stdout, $stderr) = $node->psql('hub', 'SELECT crm.rhythm(nps) FROM kept');
like($stderr, qr/ERROR: /, 'sums of another aggregate are refused');
($code, $stdout, $stderr) = $node->psql('hub', 'SELECT crm.gini(forecast_accuracy) FROM kept');
like($stderr, qr/a state of pairs is no state of numbers/, 'and so are pairs where values are asked for');

$node->stop;
done_testing();
