# Isolation: test/specs/*.spec, by pg_isolation_regress, where the server's
# packages have it (Debian's PostgreSQL 13 does not).

package Crm::Isolation;

use strict;
use warnings;

use Crm::Pgregress;
use Crm::Shell;
use Crm::Tally;

sub names { return file_names('test/specs/*.spec', '.spec') }

sub run
{
	my @names = @_;
	my $driver = pg_config('--pgxs') =~ s{/makefiles/pgxs\.mk$}{/test/isolation/pg_isolation_regress}r;

	if (!-x $driver)
	{
		Crm::Tally::skip("isolation:$_", 'this PostgreSQL comes without pg_isolation_regress')
		  foreach @names;
		return;
	}
	Crm::Pgregress::run('isolation', 'ISOLATION', 'output_iso/regression.diffs', @names);
	return;
}

1;
