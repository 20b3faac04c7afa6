# Unit: "make unit", the tests of the C that needs no server; it prints TAP.

package Crm::Unit;

use strict;
use warnings;

use Crm::Shell;
use Crm::Tapstream;

# Empty while the Makefile has no such target.
sub names
{
	return slurp('Makefile') =~ /^unit:/m ? 'unit' : ();
}

sub run
{
	Crm::Tapstream::run('unit', 'make', '-s', 'unit', "PG_CONFIG=$ENV{PG_CONFIG}");
	return;
}

1;
