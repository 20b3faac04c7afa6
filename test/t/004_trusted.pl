# The extension is trusted: its script runs as superuser where others may have
# been before.  What they planted in the schema and on the way is not taken.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('trusted');
$node->init;
$node->start;
$node->safe_psql('postgres', 'CREATE ROLE owner LOGIN; CREATE ROLE hostile LOGIN; CREATE ROLE reader LOGIN; CREATE DATABASE shop OWNER owner');
$node->safe_psql('shop', 'GRANT CREATE ON SCHEMA public TO hostile; CREATE SCHEMA crm AUTHORIZATION hostile; GRANT USAGE ON SCHEMA crm TO owner');

# Runs SQL as a role that is no superuser.
sub as
{
	my ($role, $sql) = @_;
	return $node->safe_psql('shop', $sql, extra_params => [ '-U', $role ]);
}

foreach my $schema ('crm', 'public')
{
	as('hostile', <<"SQL");
CREATE TYPE $schema.date AS (planted int);
CREATE TYPE $schema.numeric AS (planted int);
CREATE DOMAIN $schema.int4 AS text;
CREATE DOMAIN $schema.bool AS text;
CREATE FUNCTION $schema.btint4cmp(int, int) RETURNS int LANGUAGE sql AS 'SELECT 0';
CREATE FUNCTION $schema.int4eq(int, int) RETURNS boolean LANGUAGE sql AS 'SELECT true';
SQL
}
my (undef, undef, $refused) = $node->psql('shop', 'CREATE EXTENSION crm', extra_params => [ '-U', 'owner' ]);
like($refused, qr/schema crm belongs to hostile.*HINT:  Drop the schema, or give it/s, 'a schema of somebody else is refused');
$node->safe_psql('shop', 'ALTER SCHEMA crm OWNER TO owner');
as('owner', 'SET search_path = crm, public; CREATE EXTENSION crm');

is($node->safe_psql('shop', q{
	SELECT count(*) FROM pg_depend d JOIN pg_depend e ON (e.classid, e.objid) = (d.classid, d.objid)
		AND e.refclassid = 'pg_extension'::regclass AND e.deptype = 'e'
	WHERE (d.refclassid = 'pg_type'::regclass AND d.refobjid IN (SELECT oid FROM pg_type WHERE typowner = 'hostile'::regrole))
		OR (d.refclassid = 'pg_proc'::regclass AND d.refobjid IN (SELECT oid FROM pg_proc WHERE proowner = 'hostile'::regrole))}),
	'0', 'nothing of the extension depends on what was planted');
is($node->safe_psql('shop', q{
	SELECT count(*) FROM pg_proc p JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
	JOIN pg_extension e ON d.refobjid = e.oid AND e.extname = 'crm' WHERE p.proowner <> e.extowner AND p.proowner <> 10}),
	'0', 'and nothing of it belongs to another role');
is(as('owner', q{
	SET search_path = public, crm;
	SELECT crm.spend(crm.merge(h)), count(DISTINCT h), crm.segment('545')
	FROM (VALUES ('{2024-01-01 1 5}'::crm.purchase_history), ('{2024-01-02 1 6}')) v(h)}),
	'11.0000|2|Champions', 'it works with such a search_path');

# other roles, and the way out
$node->safe_psql('shop', 'DROP EXTENSION crm; DROP SCHEMA crm CASCADE');
as('owner', 'CREATE EXTENSION crm');
is(as('reader', q{SELECT crm.segment('545')}), 'Champions', 'every role may use it');
as('owner', 'REVOKE USAGE ON SCHEMA crm FROM PUBLIC');
my ($status, undef, $errors) = $node->psql('shop', q{SELECT crm.segment('545')}, extra_params => [ '-U', 'reader' ]);
like($errors, qr/permission denied for schema crm/, 'until the owner takes that away');
as('owner', 'DROP EXTENSION crm');
is($node->safe_psql('shop', q{SELECT count(*) FROM pg_proc WHERE pronamespace = 'crm'::regnamespace}), '0', 'the owner drops it whole');

$node->stop;
done_testing();
