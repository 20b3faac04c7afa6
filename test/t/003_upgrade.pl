# ALTER EXTENSION UPDATE works, with tables and views that depend on the
# extension, and by the way that released scripts will take: one script from
# each version to the next.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('upgrade');
$node->init;
$node->start;

chomp(my $share = `pg_config --sharedir`);
my $version = $node->safe_psql('postgres', "SELECT default_version FROM pg_available_extensions WHERE name = 'crm'");
my $next = "$version-next";
my $script = "$share/extension/crm--$version--$next.sql";
append_to_file($script, <<'SQL');
\echo Use "ALTER EXTENSION crm UPDATE" to load this file. \quit
CREATE FUNCTION crm.upgraded() RETURNS bool LANGUAGE sql IMMUTABLE PARALLEL SAFE
  SET search_path = pg_catalog, pg_temp AS 'SELECT true';
COMMENT ON FUNCTION crm.upgraded() IS 'whether the update was made';
SQL

$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION crm;
CREATE TABLE customer AS SELECT crm.purchase('2020-01-01', 5) AS history;
CREATE VIEW spend AS SELECT crm.spend(history) FROM customer;
SQL
is($node->safe_psql('postgres', "SELECT extversion FROM pg_extension WHERE extname = 'crm'"), $version, 'installed at the default version');

$node->safe_psql('postgres', "ALTER EXTENSION crm UPDATE TO '$next'");
is($node->safe_psql('postgres', 'SELECT crm.upgraded()'), 't', 'updated');
is($node->safe_psql('postgres', 'SELECT spend FROM spend'), '5.0000', 'views and tables that depend on it still answer');
is($node->safe_psql('postgres', "SELECT count(*) FROM pg_extension_update_paths('crm') WHERE path IS NOT NULL AND target = '$version' AND source = '$version'"), '0', 'no version updates to itself');

$node->safe_psql('postgres', 'DROP EXTENSION crm CASCADE');
is($node->safe_psql('postgres', "SELECT count(*) FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace WHERE nspname = 'crm'"), '0', 'DROP EXTENSION leaves nothing behind');
is($node->safe_psql('postgres', 'SELECT count(*) FROM pg_attribute WHERE attrelid = \'customer\'::regclass AND attname = \'history\' AND NOT attisdropped'), '0', 'but for what CASCADE was told to take');

unlink $script;
$node->stop;
done_testing();
