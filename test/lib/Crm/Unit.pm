# Unit: test/unit/test_*.c, the tests of the C that needs no server; each
# prints TAP by "make unit-NAME".

package Crm::Unit;

use strict;
use warnings;

use Crm::Shell;
use Crm::Tapstream;

sub names { return map { s/^test_//r } file_names('test/unit/test_*.c', '.c') }

sub run
{
	foreach my $name (@_)
	{
		Crm::Tapstream::run("unit:$name", 'make', '-s', "unit-$name", "PG_CONFIG=$ENV{PG_CONFIG}");
	}
	return;
}

1;
