# Sorts and indexes call a type's comparison functions millions of times in one
# memory context: what they leave behind adds up to gigabytes.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

plan skip_all => 'needs /proc' if !-r '/proc/self/status';

my $node = PostgreSQL::Test::Cluster->new('sort_memory');
$node->init;
$node->append_conf('postgresql.conf', "max_parallel_workers_per_gather = 0\nmax_parallel_maintenance_workers = 0\nenable_hashagg = off\njit = off\nfsync = off");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION crm');
my $sanitized = $node->safe_psql('postgres', q{SELECT pg_read_file('/proc/self/maps') LIKE '%/libasan%'}) eq 't';
my $rows = $sanitized ? 5_000 : 100_000; # enough to sort, where what it takes is not looked at

my %value = (
	consents => q{format('{marketing consent [%s+00, )}', timestamp '2020-01-01' + k * interval '1 min')::crm.consents},
	contact_policy => q{format('%s per 7 days', 1 + k % 1000)::crm.contact_policy},
	interaction_history => q{crm.interaction(timestamptz '2020-01-01 00:00+00' + k * interval '1 min', 'visit', 'shop', 'inbound')},
	purchase_history => q{crm.purchase(date '2020-01-01' + k % 3000, k)},
	referral_network => q{crm.referral_network('a' || k, 'b', 5::numeric)},
	retention_curve => q{crm.retention_curve('{2024-01-01 1 5}', date '2024-03-01' + k % 3000, 'month')},
	rfm_scale => q{crm.rfm_scale(crm.purchase(date '2020-01-01' + k % 3000, k), date '2030-01-01', 2)},
	survival_curve => q{crm.second_purchase_curve('{2024-01-01 1 5}', date '2024-03-01' + k % 3000)},
	whale_curve => q{crm.whale_curve(k::numeric)});

foreach my $type (sort keys %value)
{
	my $peak = $node->safe_psql('postgres', <<"SQL");
CREATE TEMP TABLE v AS SELECT $value{$type} AS v FROM (SELECT i * 7919 % 100003 AS k FROM generate_series(1, $rows) AS i) AS s GROUP BY k;
SELECT count(*) FROM (SELECT v FROM v ORDER BY v OFFSET $rows) AS s;
CREATE INDEX ON v (v);
CREATE INDEX ON v USING hash (v);
SELECT regexp_replace(pg_read_file('/proc/' || pg_backend_pid() || '/status'), '.*VmHWM:\\s*(\\d+) kB.*', '\\1');
SQL
  SKIP:
	{
		skip 'the allocator of AddressSanitizer keeps what is freed, and takes more for each piece', 1 if $sanitized;
		cmp_ok((split /\n/, $peak)[-1], '<', 160_000, "kB that sorting and indexing 100 000 $type take");
	}
}
$node->stop;
done_testing();
