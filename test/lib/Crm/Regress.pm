# Regress: sql/*.sql against expected/*.out, by pg_regress.

package Crm::Regress;

use strict;
use warnings;

use File::Copy qw(copy);

use Crm::Pgregress;
use Crm::Shell;

sub names { return file_names('sql/*.sql', '.sql') }

sub run
{
	my @names = @_;

	accept_missing(@names) if $ENV{CRM_ACCEPT} eq 'yes';
	Crm::Pgregress::run('regress', 'REGRESS', 'regression.diffs', @names);
	if ($ENV{CRM_ACCEPT} eq 'yes')
	{
		foreach my $name (grep { -e "results/$_.out" } @names)
		{
			copy("results/$name.out", "expected/$name.out") or die "expected/$name.out: $!";
		}
	}
	return;
}

# pg_regress stops at a test that has no expected file yet.
sub accept_missing
{
	mkdir 'expected';
	foreach my $name (grep { !-e "expected/$_.out" } @_)
	{
		spew("expected/$name.out", '');
	}
	return;
}

1;
