# Pgregress: runs pg_regress or pg_isolation_regress by "make installcheck"
# and counts its tests.

package Crm::Pgregress;

use strict;
use warnings;

use Crm::Shell;
use Crm::Tally;

# Runs the tests of one make variable (REGRESS or ISOLATION).  A test that the
# driver does not report has failed.
sub run
{
	my ($kind, $variable, $diffs, @names) = @_;
	my %variables = (REGRESS => '', ISOLATION => '', $variable => "@names");
	my ($output) = output_of('make', '-s', 'installcheck', "PG_CONFIG=$ENV{PG_CONFIG}",
		map { "$_=$variables{$_}" } sort keys %variables);
	my %verdict = verdicts($output);
	my @failed = grep { ($verdict{$_} // '') ne 'ok' } @names;
	my $passed = @names - @failed;

	Crm::Tally::pass($passed);
	Crm::Tally::report($kind, $passed);
	if (!%verdict)
	{
		Crm::Tally::fail("$kind:$_: did not run", $_ eq $names[0] ? $output : '') foreach @failed;
		return;
	}
	foreach my $name (@failed)
	{
		Crm::Tally::fail("$kind:$name" . ($verdict{$name} ? '' : ': did not run'),
			diff_of($diffs, $name) || (-e $diffs ? '' : $output));
	}
	return;
}

# "ok" or "failed" by test: the lines of PostgreSQL 13 to 15, then those of 16 on.
sub verdicts
{
	my %verdict;

	foreach my $line (split /\n/, shift)
	{
		if ($line =~ /^(?:test )?\s*(\S+)\s+\.\.\. (ok|FAILED)/)
		{
			$verdict{$1} = lc $2;
		}
		elsif ($line =~ /^(not )?ok \d+\s+[-+] (\S+)/)
		{
			$verdict{$2} = $1 ? 'failed' : 'ok';
		}
	}
	return %verdict;
}

# The part of a regression.diffs file that is about one test.
sub diff_of
{
	my ($diffs, $name) = @_;

	return '' if !-e $diffs;
	my @parts = split /^(?=diff )/m, slurp($diffs);
	return join '', grep { /^diff .*\/\Q$name\E(?:_\d+)?\.out$/m } @parts;
}

1;
