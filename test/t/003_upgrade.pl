# ALTER EXTENSION UPDATE from every released version, under tracked tables,
# stored values and dependent views: what stood before stands afterwards, and
# the catalogue is that of a fresh installation.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('upgrade');
$node->init;
$node->start;
$node->safe_psql('postgres', 'CREATE ROLE owner LOGIN; CREATE DATABASE fresh OWNER owner');

my $current = $node->safe_psql('postgres', "SELECT default_version FROM pg_available_extensions WHERE name = 'crm'");
my @released = map { /crm--([\d.]+)\.sql$/ } sort glob 'src/sql/released/crm--*.sql';

# Runs SQL as the owner, who is no superuser.
sub as_owner
{
	my ($database, $sql) = @_;
	return $node->safe_psql($database, $sql, extra_params => [ '-U', 'owner' ]);
}

# What the catalogue knows of the extension, object by object: what pg_upgrade
# would carry over, without the numbers that differ from database to database.
sub catalogue
{
	my ($database) = @_;
	my ($dump) = run_command([ 'pg_dump', '--schema-only', '--binary-upgrade', $node->connstr($database) ]);
	my @objects = grep { /; Schema: crm(?:_internal)?;|^-- Name: (?:SCHEMA )?crm(?:_internal)?; / } split /^--\n(?=-- Name: )/m, $dump;

	s/^(?:SELECT pg_catalog\.binary_upgrade|UPDATE pg_catalog).*?;\n//msg, s/^\s+"\.+pg\.dropped\..*\n|^ALTER TABLE ONLY .* DROP COLUMN "\.+pg\.dropped\..*\n//mg, s/^(?:-- For binary upgrade|-- PostgreSQL database dump|-- set missing value\.|\\unrestrict).*\n//mg, s/\n{2,}/\n/g foreach @objects;
	return join '', sort(@objects),
	  $node->safe_psql($database, q{SELECT c::regclass, condition FROM pg_extension, unnest(extconfig, extcondition) AS u(c, condition) WHERE extname = 'crm' ORDER BY 1});
}

# Everything that holds values of the extension.
sub contents
{
	my ($database) = @_;
	my @tables = split /\n/, as_owner($database, q{SELECT oid::regclass FROM pg_class WHERE relnamespace = 's'::regnamespace AND relkind = 'r' ORDER BY oid::regclass::text});

	return join "\n", map { "$_: " . as_owner($database, "SELECT md5(string_agg(t::text, ',' ORDER BY t::text)) FROM $_ AS t") } @tables;
}

# What dependent views show.
sub shown
{
	my ($database) = @_;
	my @rows = map { as_owner($database, "SELECT * FROM s.$_ ORDER BY 1") } 'champions', 'levels';
	return (grep { $_ eq '' } @rows) ? '' : join "\n", @rows;
}

# Every tracking holds what its views say; or every one that triggers keep.
sub verified
{
	my ($database, $what, $live_only) = @_;
	my $which = $live_only ? 'source IS NOT NULL' : 'true';
	is(as_owner($database, "SELECT v.* FROM (SELECT DISTINCT histories::oid FROM crm.tracked WHERE $which) AS t, crm.verify(t.histories) AS v"), '', $what);
	return;
}

as_owner('fresh', 'CREATE EXTENSION crm');
cmp_ok(length catalogue('fresh'), '>', 100_000, 'a fresh installation has a catalogue to compare');

foreach my $version (@released)
{
	my $old = "old_$version";

	$node->safe_psql('postgres', qq{CREATE DATABASE "$old" OWNER owner});
	as_owner($old, "CREATE EXTENSION crm VERSION '$version'");
	as_owner($old, slurp_file("test/upgrade/tracked.sql"));
	verified($old, "what $version keeps is true");
	my $contents = contents($old);
	my $customers = shown($old);
	isnt($customers, '', 'and dependent views have rows');

	# A dump names no version: it is restored into the version that it comes from, and updated then.
	my $dump = $node->basedir . "/$old.before";
	my $restored = "restored_$version";
	$node->safe_psql('postgres', qq{CREATE DATABASE "$restored" OWNER owner});
	as_owner($restored, "CREATE EXTENSION crm VERSION '$version'");
	$node->command_ok([ 'pg_dump', '-U', 'owner', '-F', 'custom', '-f', $dump, $node->connstr($old) ], "the owner dumps what $version made");
	$node->command_checks_all([ 'pg_restore', '-U', 'owner', '-d', $node->connstr($restored), $dump ], 1, [qr/^$/],
		[ qr/schema "crm" already exists/, qr/errors ignored on restore: 1$/ ], "and restores it into a database that has $version");
	as_owner($restored, 'ALTER EXTENSION crm UPDATE');
	is(contents($restored), $contents, 'its update changes nothing of what is stored');
	is(shown($restored), $customers, 'or shown by dependent views');
	as_owner($restored, slurp_file("test/upgrade/go_on.sql"));
	as_owner($restored, "CALL crm.refresh('$_')") foreach split /\n/, as_owner($restored, 'SELECT DISTINCT histories FROM crm.tracked');
	verified($restored, 'and its triggers and refreshes go on');

	as_owner($old, 'ALTER EXTENSION crm UPDATE');
	is(as_owner($old, "SELECT extversion FROM pg_extension WHERE extname = 'crm'"), $current, "$version is updated to $current");
	is(contents($old), $contents, 'without a change of what is stored');
	is(shown($old), $customers, 'or shown by dependent views');
	verified($old, 'which is true as the new version sees it');
	my @old = split /^(?=-- Name: )/m, catalogue($old);
	my @new = split /^(?=-- Name: )/m, catalogue('fresh');
	my (%old, %new);
	@old{@old} = @new{@new} = ();
	is(join('', grep { !exists $new{$_} } @old), '', 'nothing is in the catalogue that a fresh installation has not');
	is(join('', grep { !exists $old{$_} } @new), '', 'and nothing is missing');

	is($node->safe_psql($old, q{SELECT count(*) FROM pg_namespace n JOIN pg_roles r ON r.oid = n.nspowner WHERE n.nspname = 'crm_internal' AND r.rolsuper}), '1', 'a superuser owns what is internal');
	is(as_owner($old, q{SELECT string_agg(attname, ' ' ORDER BY attname) FROM pg_attribute
		WHERE attrelid IN (SELECT unnest(ARRAY[histories, scoring, customers, changes]) FROM crm.tracked) AND attnum > 0 AND NOT attisdropped
		AND attname IN ('orders', 'purchase_days', 'churn_risk', 'expected_next_order_on', 'discount_rate', 'at')}), '', 'no column of a tracking has an old name');
	is(as_owner($old, q{SELECT count(DISTINCT scoring::oid) FROM crm.tracked}),
		as_owner($old, q{SELECT count(DISTINCT conrelid) FROM pg_constraint WHERE conname = 'rule_can_score' AND convalidated}), 'and rules are checked when they are written');

	as_owner($old, slurp_file("test/upgrade/go_on.sql"));
	verified($old, 'the triggers go on', 1);
	foreach my $histories (split /\n/, as_owner($old, 'SELECT DISTINCT histories FROM crm.tracked'))
	{
		as_owner($old, "CALL crm.refresh('$histories')");
		as_owner($old, "SET client_min_messages = error; CALL crm.refresh('$histories', refit => true)");
	}
	verified($old, 'and so do refreshes');
	is(as_owner($old, q{SELECT count(*) FROM s.paid_customers_on((now() AT TIME ZONE 'Etc/UTC')::date)}), as_owner($old, 'SELECT count(*) FROM s.paid_customers'), 'which make the functions of a tracking anew');
	is(as_owner($old, q{SELECT count(*) FROM pg_proc WHERE pronamespace = 's'::regnamespace AND prolang = (SELECT oid FROM pg_language WHERE lanname = 'sql')}), '0', 'those of tiers among them');
	is(as_owner($old, q{SELECT count(*) FROM s.paid_models WHERE purchase_model OPERATOR(crm.=) crm.bg_nbd(0.8, 30, 0.9, 3, 1)}), '1', 'and a refit records the model that was in force');

	is(as_owner($old, q{SELECT (SELECT string_agg(category, ' ' ORDER BY category) FROM (SELECT DISTINCT category FROM s.shelf_histories) AS k), crm_internal.keeps_mix('s.shelf_histories')}), 'cups pots tea|f', 'a key called category stays a key');
	is(as_owner($old, q{SELECT DISTINCT models FROM crm.tracked WHERE histories = 's.paid_histories'::regclass}), 's.paid_models', 'for all sources of the histories');

	my $file = $node->basedir . "/$old.dump";
	$node->safe_psql('postgres', qq{CREATE DATABASE "copy_$version" OWNER owner});
	$node->command_ok([ 'pg_dump', '-U', 'owner', '-F', 'custom', '-f', $file, $node->connstr($old) ], 'the owner dumps what was updated');
	$node->command_ok([ 'pg_restore', '-U', 'owner', '-e', '-d', $node->connstr("copy_$version"), $file ], 'and restores it into a fresh installation');
	is(contents("copy_$version"), contents($old), 'with all that is stored');
	verified("copy_$version", 'which is true');

	as_owner($old, 'DROP VIEW IF EXISTS s.champions, s.levels, s.near_silver; SELECT crm.detach(h) FROM (SELECT DISTINCT histories::oid::regclass FROM crm.tracked) AS t(h); DROP TABLE s.kept CASCADE; DROP EXTENSION crm');
	is($node->safe_psql($old, "SELECT count(*) FROM (SELECT pronamespace FROM pg_proc UNION ALL SELECT typnamespace FROM pg_type UNION ALL SELECT relnamespace FROM pg_class) AS o(n) WHERE n IN (to_regnamespace('crm'), to_regnamespace('crm_internal'))"), '0', 'after detach the extension can go, and nothing of it is left');
}
is($node->safe_psql('postgres', "SELECT count(*) FROM pg_extension_update_paths('crm') WHERE source = '$current' AND path IS NOT NULL"), '0', 'no script leads away from the current version');

$node->stop;
done_testing();
