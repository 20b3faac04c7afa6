# Isolation: test/specs/*.spec against test/expected/*.out, by
# pg_isolation_regress, where the server's packages have it (Debian's
# PostgreSQL 13 does not).

package Crm::Isolation;

use strict;
use warnings;

use Crm::Pgregress;
use Crm::Shell;
use Crm::Tally;

my %driver = (
	kind => 'isolation',
	variable => 'ISOLATION',
	expected => 'test/expected',
	output => 'output_iso',
);

sub names { return file_names('test/specs/*.spec', '.spec') }

sub run
{
	my @names = @_;
	my $program = pg_config('--pgxs') =~ s{/makefiles/pgxs\.mk$}{/test/isolation/pg_isolation_regress}r;

	if (-x $program)
	{
		Crm::Pgregress::run(\%driver, @names);
		return;
	}
	Crm::Tally::skip("isolation:$_", 'this PostgreSQL has no pg_isolation_regress') foreach @names;
	return;
}

1;
