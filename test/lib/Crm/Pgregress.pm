# Pgregress: runs pg_regress or pg_isolation_regress by "make installcheck"
# and counts its tests.

package Crm::Pgregress;

use strict;
use warnings;

use File::Copy qw(copy);

use Crm::Shell;
use Crm::Tally;

# Runs tests of one driver: {kind, variable (of the Makefile), expected and
# output (folders)}.  A test that the driver does not report has failed.
sub run
{
	my ($driver, @names) = @_;
	my $kind = $driver->{kind};
	my %variables = (REGRESS => '', ISOLATION => '', $driver->{variable} => "@names");

	start_accepting($driver, @names) if $ENV{CRM_ACCEPT} eq 'yes';
	my ($output) = output_of('make', '-s', 'installcheck', "PG_CONFIG=$ENV{PG_CONFIG}",
		map { "$_=$variables{$_}" } sort keys %variables);
	my %verdict = verdicts($output);
	my @failed = grep { ($verdict{$_} // '') ne 'ok' } @names;
	my @missed = grep { !$verdict{$_} } @failed;
	my $passed = @names - @failed;

	Crm::Tally::pass($passed);
	Crm::Tally::report($kind, $passed);
	foreach my $name (grep { $verdict{$_} } @failed)
	{
		Crm::Tally::fail("$kind:$name", diff_of("$driver->{output}/regression.diffs", $name));
	}
	foreach my $name (@missed)
	{
		Crm::Tally::fail("$kind:$name: did not run", $name eq $missed[0] ? $output : '');
	}
	accept_results($driver, @names) if $ENV{CRM_ACCEPT} eq 'yes';
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

# The drivers stop at a test that has no expected file yet.
sub start_accepting
{
	my ($driver, @names) = @_;

	mkdir $driver->{expected};
	foreach my $file (grep { !-e } map { "$driver->{expected}/$_.out" } @names)
	{
		spew($file, '');
	}
	return;
}

# Makes what the tests printed their expected output.
sub accept_results
{
	my ($driver, @names) = @_;

	foreach my $name (grep { -e "$driver->{output}/results/$_.out" } @names)
	{
		copy("$driver->{output}/results/$name.out", "$driver->{expected}/$name.out")
		  or die "$driver->{expected}/$name.out: $!";
	}
	return;
}

1;
