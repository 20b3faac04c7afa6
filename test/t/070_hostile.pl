# A short run of what scripts/test-hostile does for as long as one likes.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('hostile');
$node->init;
$node->append_conf('postgresql.conf', "fsync = off");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION crm');

# Runs a file of test/hostile; whether the session lived to its end.
sub hostile
{
	my ($file, @variables) = @_;

	my ($output, $errors) = ('', '');
	my @command = ('psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('postgres'), '-f', "test/hostile/$file.sql", map { ('-v', $_) } @variables);
	my $lived = IPC::Run::run(\@command, '>', \$output, '2>', \$errors);
	diag($errors) if !$lived;
	return $lived;
}

ok(hostile($_), "what $_ needs is there") foreach qw(values calls forms statements relations);
ok(hostile('run', 'seed=1', 'n=700', 'wanted=.', 'timeout=120s', 'slow=5'), 'the session lives through calls with edge arguments and mutated forms');
is($node->safe_psql('postgres', q{SELECT problem || ' -- ' || left(call, 1000) FROM hostile.finding}), '', 'and nothing is wrong with what came of them');
my ($calls, $errors, $tried, $accepted) = split /\|/, $node->safe_psql('postgres', 'SELECT * FROM hostile.made, hostile.formed');
cmp_ok($calls - $errors, '>', 200, 'enough calls had an answer');
cmp_ok($accepted, '>', 30, 'and enough forms were accepted');

# what a check cannot find it does not find: a planted fault of each kind
$node->safe_psql('postgres', <<'SQL');
CREATE FUNCTION public.nan(int) RETURNS float8 LANGUAGE sql AS $$ SELECT 'NaN'::float8 $$;
CREATE FUNCTION public.other(int) RETURNS float8 LANGUAGE sql AS $$ SELECT random() $$;
CREATE FUNCTION public.internal(int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN RAISE internal_error; END $$;
SELECT hostile.try('SELECT public.nan(1)::text'), hostile.try('SELECT public.other(1)::text'), hostile.try('SELECT public.internal(1)::text');
SQL
is($node->safe_psql('postgres', 'SELECT count(*) FROM hostile.finding'), '3', 'planted faults are found');

# what is long is a finding if it cannot be cancelled, or too long
$node->safe_psql('postgres', <<'SQL');
CREATE FUNCTION public.busy(seconds float8) RETURNS int LANGUAGE plpgsql AS $$
DECLARE began float8 := hostile.cpu(); BEGIN WHILE hostile.cpu() < began + seconds LOOP END LOOP; RETURN 1; END $$;
CREATE FUNCTION public.stubborn(seconds float8) RETURNS int LANGUAGE plpgsql AS $$
BEGIN FOR i IN 1 .. 10 LOOP BEGIN PERFORM public.busy(seconds / 10); EXCEPTION WHEN query_canceled THEN NULL; END; END LOOP; RETURN 1; END $$;
SET hostile.slow = 0.1;
SELECT hostile.try('SELECT public.busy(0.4)::text'), hostile.try('SELECT public.stubborn(0.6)::text');
SET statement_timeout = '50ms';
SELECT hostile.cancel('SELECT public.busy(0.4)::text', 0.3);
SELECT hostile.cancel('SELECT public.stubborn(0.6)::text', 0.3);
SET statement_timeout = 0;
SET hostile.slow = 0.03;
SELECT hostile.try('SELECT public.busy(0.6)::text');
SQL
is($node->safe_psql('postgres', q{SELECT string_agg(DISTINCT substring(call FROM 'public.*'), ' ') || (SELECT count(*) FROM hostile.long) FROM hostile.finding WHERE problem LIKE 'takes%'}),
	'public.busy(0.6)::text public.stubborn(0.6)::text0', 'a call that cannot be cancelled is found, and one that takes too long');
$node->safe_psql('postgres', q{DELETE FROM hostile.finding WHERE problem LIKE 'takes%'});

# random statements on tracked tables, and a fault that their check finds
ok(hostile('live', 'seed=2', 'n=8'), 'the session lives through random statements');
is($node->safe_psql('postgres', q{SELECT (SELECT transactions FROM live.checked) || '|' || (SELECT count(*) FROM hostile.finding)}), '8|3', 'and crm.verify and plain SQL agree after each transaction');
$node->safe_psql('postgres', q{ALTER TABLE live.late DISABLE TRIGGER crm_insert; INSERT INTO live.late VALUES (-1, 1, '2025-01-01', 5); ALTER TABLE live.late ENABLE TRIGGER crm_insert; SELECT live.check_all(0)});
is($node->safe_psql('postgres', 'SELECT count(*) FROM hostile.finding'), '4', 'what was written past a trigger is found');
$node->safe_psql('postgres', q{INSERT INTO live.o (id, c, d, a) VALUES (-1, 1, '2025-01-01', 5) ON CONFLICT DO NOTHING; UPDATE live.paid_histories SET history = history OPERATOR(crm.+) '{2025-01-02 1 3}'; SELECT live.check_all(0)});
is($node->safe_psql('postgres', q{SELECT count(*) FROM hostile.finding WHERE problem LIKE '%live.paid_histories%' OR problem LIKE '%plain SQL%'}), '2', 'and a history that is not what the orders say');

# a tier that is renewed each day until the last date: what takes so long can be cancelled
my ($status, undef, $errors_said) = $node->psql('postgres', q{SET statement_timeout = '1s'; SELECT crm.points_balance('rate 1 rates {1, 2} program {A: spend 0, B: spend 1} lifetime valid 1 day',
	'{0001-01-01 1 100, 5874896-01-01 1 100}', NULL, '5874897-12-31')}, timeout => 120);
like($errors_said, qr/canceling statement due to statement timeout/, 'a long walk is cancelled');
$node->stop;
done_testing();
