#!/usr/bin/env perl
#
# run.pl: runs the test suites and counts what passed.  scripts/test calls it,
# in a built copy of the sources, with a server at $PGHOST.
#
# A suite is a module of test/lib/Crm with the functions names(), which lists
# its tests, and run(@names), which runs some of them and reports each to
# Crm::Tally.  Where it has jobs(@names), which cuts the names into lists, the
# lists may run beside each other; before() and after() are called around all.

use strict;
use warnings;

use Crm::Build;
use Crm::Checks;
use Crm::Docs;
use Crm::Isolation;
use Crm::Lanes;
use Crm::Pgtap;
use Crm::Regress;
use Crm::Tally;
use Crm::Tap;
use Crm::Unit;

# The long ones first, so that the lanes end together.
my @suites = qw(build checks tap regress isolation unit pgtap docs);

$| = 1;
# Whatever the machine speaks and wherever it stands. (PostgreSQL's own modules take LC_ALL away again.)
delete @ENV{ grep { /^LC_|^LANGUAGE$|^PGTZ$/ } keys %ENV };
@ENV{qw(LANG LC_ALL TZ)} = ('C.UTF-8', 'C.UTF-8', 'UTC');
# However busy it is: a server may take minutes to start.
$ENV{PGCTLTIMEOUT} = 300;

my %wanted = map { $_ => 0 } @ARGV;
# A kind may be named while it has no tests yet.
foreach my $kind (@suites)
{
	$wanted{$kind}++ if exists $wanted{$kind} && !('Crm::' . ucfirst $kind)->can('names')->();
}

my (@jobs, @used);
foreach my $suite (map { 'Crm::' . ucfirst } @suites)
{
	my @names = grep { wanted(lc $suite =~ s/.*:://r, $_) } $suite->can('names')->();
	my $jobs = $suite->can('jobs') // sub { return [@_] };

	next if !@names;
	push @used, $suite;
	push @jobs, map { [ $suite, @$_ ] } $jobs->(@names);
}
$_->can('before')->() foreach grep { $_->can('before') } @used;
Crm::Lanes::run(@jobs);
$_->can('after')->() foreach grep { $_->can('after') } @used;

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
