# A database with histories in it is dumped and restored, by a database owner
# who is no superuser, with nothing lost.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('dump');
$node->init;
$node->start;
$node->safe_psql('postgres', 'CREATE ROLE owner LOGIN; CREATE DATABASE shop OWNER owner; CREATE DATABASE copy OWNER owner');

# Runs SQL as the owner.
sub as_owner
{
	my ($database, $sql) = @_;
	return $node->safe_psql($database, $sql, extra_params => [ '-U', 'owner' ]);
}

as_owner('shop', <<'SQL');
CREATE EXTENSION crm;
CREATE SCHEMA s;
CREATE TABLE s.customer (id int PRIMARY KEY, history crm.purchase_history, CHECK (crm.purchase_count(history) >= 0));
INSERT INTO s.customer
  SELECT i % 100, crm.purchase_history(date '2020-01-01' + i * 37 % 1000, (i * 7919 % 100000 - 3000) / 10000.0)
  FROM generate_series(1, 5000) i GROUP BY i % 100;
INSERT INTO s.customer VALUES (1000, '{}'), (1001, NULL);
CREATE INDEX ON s.customer (history);
CREATE INDEX ON s.customer (crm.last_purchased_on(history));
CREATE VIEW s.spend AS SELECT id, crm.spend(history), history OPERATOR(crm.+) history AS twice FROM s.customer;
SQL

my $contents = 'SELECT md5(string_agg(c::text, E\'\n\' ORDER BY id)) FROM s.customer c';
my $view = 'SELECT md5(string_agg(v::text, E\'\n\' ORDER BY id)) FROM s.spend v';

for my $format ('plain', 'custom')
{
	my $file = $node->basedir . "/shop.$format";
	$node->command_ok([ 'pg_dump', '-U', 'owner', '-F', $format, '-f', $file, $node->connstr('shop') ], "the owner dumps ($format)");
	$node->safe_psql('postgres', 'DROP DATABASE copy WITH (FORCE)');
	$node->safe_psql('postgres', 'CREATE DATABASE copy OWNER owner');
	if ($format eq 'plain')
	{
		$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-U', 'owner', '-d', $node->connstr('copy'), '-f', $file ], 'and restores');
	}
	else
	{
		$node->command_ok([ 'pg_restore', '-U', 'owner', '-e', '-d', $node->connstr('copy'), $file ], 'and restores');
	}
	is(as_owner('copy', $contents), as_owner('shop', $contents), 'every history is as it was');
	is(as_owner('copy', $view), as_owner('shop', $view), 'and so is the view');
}

# COPY in binary
my $binary = $node->basedir . '/customer.bin';
$node->safe_psql('shop', "COPY s.customer TO '$binary' (FORMAT binary)");
$node->safe_psql('copy', "TRUNCATE s.customer; COPY s.customer FROM '$binary' (FORMAT binary)");
is(as_owner('copy', $contents), as_owner('shop', $contents), 'a binary COPY loses nothing');

# DROP EXTENSION says what depends on it, and takes it along only when told to
my ($status, $out, $err) = $node->psql('copy', 'DROP EXTENSION crm');
isnt($status, 0, 'the extension is not dropped while tables use it');
like($err, qr/depends on type crm\.purchase_history/, 'and the error says which');

$node->stop;
done_testing();
