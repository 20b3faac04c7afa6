# Tally: counts the tests that passed, failed and were skipped.

package Crm::Tally;

use strict;
use warnings;

use Storable qw(retrieve store);

my ($passed, $failed, $skipped) = (0, 0, 0);
my @failures;

# Counts passed tests; nothing is printed for them.
sub pass
{
	$passed += shift // 1;
	return;
}

# Counts one failed test and prints what is known about it.
sub fail
{
	my ($name, $detail) = @_;

	$failed++;
	push @failures, $name;
	print "not ok: $name\n";
	if (defined $detail && $detail ne '')
	{
		$detail =~ s/^/    /mg;
		$detail .= "\n" if $detail !~ /\n\z/;
		print $detail;
	}
	return;
}

# Counts a test that was not run, and says why.
sub skip
{
	my ($name, $reason) = @_;

	$skipped++;
	print "skipped: $name ($reason)\n";
	return;
}

# One line for a group of tests that ran.
sub report
{
	my ($name, $count) = @_;

	printf "%-44s %5d\n", $name, $count;
	return;
}

# Begins to count anew, in the process of a job.
sub start
{
	($passed, $failed, $skipped, @failures) = (0, 0, 0);
	return;
}

# Writes what was counted to a file.
sub save
{
	store({ passed => $passed, failed => $failed, skipped => $skipped, failures => \@failures }, shift);
	return;
}

# Adds what another process saved.
sub add
{
	my $other = retrieve(shift);

	$passed += $other->{passed};
	$failed += $other->{failed};
	$skipped += $other->{skipped};
	push @failures, @{ $other->{failures} };
	return;
}

# Prints the summary; the program's exit status.
sub finish
{
	fail('no test was run') if !$passed && !$failed;
	print "\n";
	print "failed: $_\n" foreach @failures;
	print "$skipped skipped\n" if $skipped;
	print "$passed passed, $failed failed\n";
	return $failed ? 1 : 0;
}

1;
