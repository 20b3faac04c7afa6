# Tapstream: counts the tests of a program that prints TAP.

package Crm::Tapstream;

use strict;
use warnings;

use TAP::Parser;

use Crm::Tally;

# Runs a command and counts each test it reports.  A plan that is not kept, a
# failing exit status and output that is not TAP are failures of their own.
sub run
{
	my ($name, @command) = @_;
	my $parser = TAP::Parser->new({ exec => \@command, merge => 1 });
	my (@tail, $failing);
	my $passed = 0;

	while (my $result = $parser->next)
	{
		if ($result->is_test)
		{
			finish_failure($failing);
			$failing = undef;
			if ($result->has_skip)
			{
				Crm::Tally::skip("$name: " . $result->description, $result->explanation);
			}
			elsif ($result->has_todo)
			{
				Crm::Tally::skip("$name: " . $result->description, 'to do');
			}
			elsif ($result->is_actual_ok)
			{
				$passed++;
			}
			else
			{
				$failing =
				  [ "$name: " . $result->number . ' ' . $result->description, '' ];
			}
		}
		elsif ($failing)
		{
			$failing->[1] .= $result->raw . "\n";
		}
		else
		{
			push @tail, $result->raw if !$result->is_plan;
			shift @tail if @tail > 60;
		}
	}
	finish_failure($failing);

	Crm::Tally::pass($passed);
	Crm::Tally::report($name, $passed);
	if ($parser->skip_all)
	{
		Crm::Tally::skip($name, $parser->skip_all);
	}
	else
	{
		my @problems = problems_of($parser);
		Crm::Tally::fail("$name: " . join('; ', @problems), join("\n", @tail)) if @problems;
	}
	return;
}

sub finish_failure
{
	my $failing = shift;

	Crm::Tally::fail(@$failing) if $failing;
	return;
}

# What is wrong with a run beside its failed tests.
sub problems_of
{
	my $parser = shift;
	my @problems;

	if (!defined $parser->tests_planned)
	{
		push @problems, 'no plan';
	}
	elsif ($parser->tests_planned != $parser->tests_run)
	{
		push @problems,
		  sprintf('planned %d tests, ran %d', $parser->tests_planned, $parser->tests_run);
	}
	push @problems, $parser->parse_errors if !@problems;
	push @problems, 'exit status ' . $parser->exit if $parser->exit && !$parser->failed;
	push @problems, 'no tests' if !@problems && !$parser->tests_run;
	return @problems;
}

1;
