#!/usr/bin/env perl
#
# run.pl: runs the test suites and counts what passed.  scripts/test calls it,
# in a built copy of the sources, with a server at $PGHOST.
#
# A suite is a module of test/lib/Crm with two functions: names() lists its
# tests, run(@names) runs some of them and reports each to Crm::Tally.

use strict;
use warnings;

use Crm::Build;
use Crm::Checks;
use Crm::Docs;
use Crm::Isolation;
use Crm::Pgtap;
use Crm::Regress;
use Crm::Tally;
use Crm::Tap;
use Crm::Unit;

my @suites = qw(build checks unit regress isolation pgtap tap docs);

$| = 1;
my %wanted = map { $_ => 0 } @ARGV;
# A kind may be named while it has no tests yet.
foreach my $kind (@suites)
{
	$wanted{$kind}++ if exists $wanted{$kind} && !('Crm::' . ucfirst $kind)->can('names')->();
}

foreach my $kind (@suites)
{
	my $suite = 'Crm::' . ucfirst $kind;
	my @names = grep { wanted($kind, $_) } $suite->can('names')->();

	next if !@names;
	print "# $kind\n";
	$suite->can('run')->(@names);
}

foreach my $name (grep { !$wanted{$_} } sort keys %wanted)
{
	Crm::Tally::fail("$name: there is no test of that name");
}
exit Crm::Tally::finish();

# Whether a test of a kind is to be run; marks the arguments that name it.
sub wanted
{
	my ($kind, $name) = @_;
	my @named = grep { exists $wanted{$_} } $kind, $name, "$kind:$name";

	$wanted{$_}++ foreach @named;
	return @named || !%wanted;
}
