# Every query of bi/ runs on the tracking that docs/connect.md makes, and every
# column and metric that its files name is there.

use strict;
use warnings;

use JSON::PP qw(decode_json);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('bi');
$node->init;
$node->append_conf('postgresql.conf', "timezone = 'UTC'");
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE shop');
my ($setup) = slurp_file('docs/connect.md') =~ /^```sql\n(.*?)^```/ms;
$node->safe_psql('shop', "CREATE EXTENSION crm;\n$setup");
is($node->safe_psql('shop', 'SELECT count(*) FROM shop.orders_customers'), '4', 'there is a shop');

# The query runs; returns its number of rows.
sub runs
{
	my ($name, $sql) = @_;

	$sql =~ s/;\s*\z//;
	my ($status, $rows, $error) = $node->psql('shop', "SELECT count(*) FROM (\n$sql\n) AS q");
	is($error, '', "$name runs");
	return $rows;
}

# Replaces what the tool does before it sends a query.
sub of_grafana { return $_[0] =~ s/\$__timeFilter\(([^()]*)\)/$1 BETWEEN '2000-01-01' AND '2100-01-01'/gr }
sub of_dbt { return $_[0] =~ s/\{\{\s*source\('(\w+)',\s*'(\w+)'\)\s*\}\}/$1.$2/gr =~ s/\{\{\s*ref\('(\w+)'\)\s*\}\}/dbt.$1/gr }

foreach my $file (sort glob 'bi/metabase/*.sql')
{
	my $rows = runs($file, slurp_file($file));
	# nobody is at risk among four customers
	cmp_ok($rows, '>', 0, 'and has rows') if $file !~ /at_risk/;
}

my $dashboard = decode_json(slurp_file('bi/grafana/customers.json'));
foreach my $panel (@{ $dashboard->{panels} })
{
	foreach my $target (@{ $panel->{targets} })
	{
		cmp_ok(runs("grafana: $panel->{title}", of_grafana($target->{rawSql})), '>', 0, 'and has rows');
	}
}
is(scalar @{ $dashboard->{panels} }, 6, 'the dashboard has six panels');

$node->safe_psql('shop', 'CREATE SCHEMA dbt');
foreach my $model (qw(crm_segment_moves crm_cohort_value crm_quarters))
{
	my $sql = of_dbt(slurp_file("bi/dbt/models/$model.sql"));
	runs("dbt: $model", $sql);
	$node->safe_psql('shop', "CREATE VIEW dbt.$model AS $sql");
}
is(join(' ', sort map { m{/(\w+)\.sql$} } glob 'bi/dbt/models/*.sql'), 'crm_cohort_value crm_quarters crm_segment_moves', 'which are all models of dbt');
my $described = slurp_file('bi/dbt/models/sources.yml') . slurp_file('bi/dbt/models/exposures.yml');
foreach my $table ($described =~ /(?:- name: |source\('shop', ')(orders_\w+)/g)
{
	runs("dbt: source $table", "SELECT * FROM shop.$table");
}

my %types = map { split /\t/ } split /\n/, $node->safe_psql('shop', q{SELECT relname || '.' || attname || E'\t' || format_type(atttypid, NULL)
	FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid WHERE relnamespace = 'shop'::regnamespace AND attnum > 0});
my %dataset;
foreach my $file (sort glob 'bi/superset/datasets/shop/*.yaml')
{
	my $yaml = slurp_file($file);
	my ($table) = $yaml =~ /^table_name: (\w+)$/m;
	my ($uuid) = $yaml =~ /^uuid: (\S+)$/m;
	$dataset{$uuid} = { table => $table };
	while ($yaml =~ /column_name: (\w+)\n\s+type: ([^\n]+)/g)
	{
		is(lc $2, $types{"$table.$1"}, "superset: column $1 of $table is a $2");
		$dataset{$uuid}{$1} = 1;
	}
	while ($yaml =~ /metric_name: (\w+)\n\s+expression: ([^\n]+)/g)
	{
		runs("superset: metric $1 of $table", "SELECT $2 FROM shop.$table");
		$dataset{$uuid}{$1} = 1;
	}
}
foreach my $file (sort glob 'bi/superset/charts/*.yaml')
{
	my $yaml = slurp_file($file);
	my ($uuid) = $yaml =~ /^dataset_uuid: (\S+)$/m;
	ok($dataset{$uuid}{$_}, "$file: $_ is in its dataset") foreach map { split /,\s*/ } $yaml =~ /(?:metrics|groupby): \[([^\]]*)\]/g;
}

$node->safe_psql('shop', 'CREATE SCHEMA crm_shop');
foreach my $file (sort glob 'bi/evidence/sources/crm_shop/*.sql')
{
	my ($name) = $file =~ m{(\w+)\.sql$};
	$node->safe_psql('shop', "CREATE VIEW crm_shop.$name AS " . slurp_file($file));
	runs($file, "SELECT * FROM crm_shop.$name");
}
foreach my $file (sort(glob('bi/evidence/pages/*.md'), map { "bi/evidence/pages/customers/$_.md" } 'index', '[customer_id]'))
{
	my $page = slurp_file($file);
	my %columns;
	while ($page =~ /^```sql (\w+)\n(.*?)^```/msg)
	{
		my ($name, $sql) = ($1, $2);
		$sql =~ s/\$\{params\.customer_id\}/1/g;
		cmp_ok(runs("$file: $name", $sql), '>', 0, 'and has rows');
		$columns{$name} = 1;
	}
	ok($columns{$_}, "$file: a chart has the query $_") foreach $page =~ /data=\{(\w+)\}/g;
}

$node->stop;
done_testing();
