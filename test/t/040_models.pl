# Fits are the same to the last bit in every plan, can be interrupted, and models survive a dump.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time sleep);

my $node = PostgreSQL::Test::Cluster->new('models');
$node->init;
$node->append_conf('postgresql.conf', "jit = off\nmax_parallel_workers = 4\nmax_worker_processes = 8");
$node->start;
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION crm;
CREATE TABLE customer AS
  SELECT customer_id, crm.purchase_history(purchased_on, amount::numeric) AS history
  FROM crm.simulate_purchases(crm.mbg_cnbd_k(2, 0.6, 5, 0.9, 2.4, 7), crm.gamma_gamma(6.25, 3.74, 15.44), 30000,
    '[2024-01-01,2025-12-31]', 42, '2025-06-30')
  GROUP BY customer_id;
ALTER TABLE customer SET (parallel_workers = 3);
ANALYZE customer;
SQL

my $serial = 'SET max_parallel_workers_per_gather = 0;';
my $parallel = join ' ', 'SET parallel_setup_cost = 0;', 'SET parallel_tuple_cost = 0;',
  'SET min_parallel_table_scan_size = 0;', 'SET max_parallel_workers_per_gather = 3;';

my %fit = (
	'BG/NBD' => "crm.fit_bg_nbd(history, '2025-12-31', 7)",
	'MBG/NBD' => "crm.fit_mbg_nbd(history, '2025-12-31')",
	'Pareto/NBD' => "crm.fit_pareto_nbd(history, '2025-12-31', 7)",
	'MBG/CNBD-k' => "crm.fit_mbg_cnbd_k(history, '2025-12-31', 7)",
	'gamma-gamma' => "crm.fit_gamma_gamma(history, '2025-12-31')",
	'data_check' => "crm.data_check(history, '2025-12-31')");

foreach my $name (sort keys %fit)
{
	my $query = "SELECT $fit{$name} FROM customer";

	like($node->safe_psql('postgres', "$parallel EXPLAIN (COSTS OFF) $query"),
		qr/Finalize Aggregate.*Gather.*Partial Aggregate/s, "$name: made in parallel");
	is($node->safe_psql('postgres', "$parallel $query"), $node->safe_psql('postgres', "$serial $query"),
		"$name: and is the serial one to the last bit");
}
like($node->safe_psql('postgres', "SELECT $fit{'MBG/CNBD-k'} FROM customer"), qr/^mbg_cnbd_k\(k 2, .* converged/,
	'regular buyers are recognised');

# Interrupted within the fit: the rows are read long before.
my $slow = 'SELECT crm.fit_pareto_nbd(1 + i % 50, i % 997 + i / 1e7, 1000 + i % 1009) FROM generate_series(1, 400000) i';
my ($status, $out, $error) = $node->psql('postgres', "SET statement_timeout = '2s'; $slow");
like($error, qr/canceling statement due to statement timeout/, 'a fit stops at the statement timeout');

my $stdin = '';
my $stdout = '';
my $stderr = '';
my $run = IPC::Run::start(['psql', '-X', '-A', '-t', '-d', $node->connstr('postgres'), '-c', $slow],
	\$stdin, \$stdout, \$stderr);
my $fitting = q{FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'SELECT crm.fit_pareto%'};
$node->poll_query_until('postgres', "SELECT count(*) = 1 $fitting");
sleep 3;
$node->safe_psql('postgres', "SELECT pg_cancel_backend(pid) $fitting");
my $start = time;
$run->finish;
diag(sprintf 'a fit stopped %.0f ms after it was cancelled', 1000 * (time - $start));
like($stderr, qr/canceling statement due to user request/, 'a fit stops when it is cancelled');

# Many fits leave no memory behind: one backend, contexts before and after, errors included.
my $memory = $node->safe_psql('postgres', <<'SQL');
DO $$
DECLARE
  before bigint;
  after bigint;
BEGIN
  FOR i IN 1 .. 60 LOOP
    PERFORM crm.fit_bg_nbd(history, '2025-12-31', 7) FROM customer WHERE customer_id <= 2000;
    BEGIN
      PERFORM crm.fit_bg_nbd(history, '2024-01-01', 7) FROM customer;
    EXCEPTION WHEN invalid_parameter_value THEN NULL;
    END;
    IF i = 30 THEN before := pg_size_bytes(substring(pg_read_file('/proc/self/status') FROM 'VmData:\s+(\d+)') || ' kB'); END IF;
  END LOOP;
  after := pg_size_bytes(substring(pg_read_file('/proc/self/status') FROM 'VmData:\s+(\d+)') || ' kB');
  CREATE TABLE growth AS SELECT after - before AS bytes;
END $$;
SELECT bytes < 1000000 FROM growth;
SQL
SKIP:
{
	skip 'the allocator of AddressSanitizer keeps what is freed', 1
	  if $node->safe_psql('postgres', q{SELECT pg_read_file('/proc/self/maps') LIKE '%/libasan%'}) eq 't';
	is($memory, 't', 'thirty fits more need no memory more');
}

# Models are values: tables that hold them are dumped and restored.
$node->safe_psql('postgres',
	"CREATE TABLE model AS SELECT $fit{'Pareto/NBD'} AS m, $fit{'gamma-gamma'} AS s, now()::date AS fitted_on FROM customer");
my $dump = $node->safe_psql('postgres', 'SELECT m::text, s::text FROM model');
$node->safe_psql('postgres', 'CREATE DATABASE copy');
my $file = $node->basedir . '/model.sql';
$node->command_ok(['pg_dump', '-d', $node->connstr('postgres'), '-f', $file], 'dump');
$node->command_ok(['psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('copy'), '-f', $file], 'restore');
is($node->safe_psql('copy', 'SELECT m::text, s::text FROM model'), $dump, 'models are the same after dump and restore');

done_testing();
