# Regress: sql/*.sql against expected/*.out, by pg_regress.

package Crm::Regress;

use strict;
use warnings;

use Crm::Pgregress;
use Crm::Shell;

my %driver = (kind => 'regress', variable => 'REGRESS', expected => 'expected', output => '.');

sub names { return file_names('sql/*.sql', '.sql') }

sub run
{
	Crm::Pgregress::run(\%driver, @_);
	return;
}

1;
