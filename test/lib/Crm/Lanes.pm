# Lanes: runs jobs beside each other, one for each processor and one more,
# since jobs also wait: for clocks, for disks.
#
# A job is [suite, names...].  It runs in a process of its own; what it prints
# and counts is taken over when it ends.  $lane tells the jobs that run at the
# same time apart: names of databases and files end in it.

package Crm::Lanes;

use strict;
use warnings;

use Crm::Midnight;
use Crm::Shell;
use Crm::Tally;

our $lane = 0;

# Runs jobs in their order, as many at once as there are lanes (CRM_LANES says
# another number).
sub run
{
	my @jobs = @_;
	my @free = reverse 0 .. lanes() - 1;
	my %running;

	while (@jobs || %running)
	{
		if (@jobs && @free)
		{
			my $job = shift @jobs;
			Crm::Midnight::wait_for(@$job);
			$lane = pop @free;
			$running{ start(@$job) } = { lane => $lane, name => "$job->[0] @$job[1 .. $#$job]" };
			next;
		}
		my $pid = waitpid -1, 0;
		my $ended = delete $running{$pid} or next;
		take_over("$ENV{HOME}/job-$pid", $ended->{name});
		push @free, $ended->{lane};
	}
	return;
}

sub lanes
{
	my ($processors) = output_of('nproc');

	return $1 if ($ENV{CRM_LANES} // '') =~ /^([1-9]\d?)$/;
	return $processors =~ /^(\d+)$/ ? $1 + 1 : 1;
}

# Starts a job; its process.
sub start
{
	my ($suite, @names) = @_;
	my $pid = fork // die "fork: $!";

	return $pid if $pid;
	my $file = "$ENV{HOME}/job-$$";
	open(STDOUT, '>', "$file.output") or die "$file.output: $!";
	Crm::Tally::start();
	if (eval { $suite->can('run')->(@names); 1 })
	{
		close STDOUT;
		Crm::Tally::save("$file.tally");
		exit 0;
	}
	print $@;
	close STDOUT;
	exit 1;
}

# Prints and counts what a job left; one that left no count has failed.
sub take_over
{
	my ($file, $name) = @_;

	print slurp("$file.output");
	if (-e "$file.tally")
	{
		Crm::Tally::add("$file.tally");
	}
	else
	{
		Crm::Tally::fail("$name: did not run to its end");
	}
	unlink "$file.output", "$file.tally";
	return;
}

1;
