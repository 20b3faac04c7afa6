# Build: the build printed no warning.

package Crm::Build;

use strict;
use warnings;

use Crm::Shell;
use Crm::Tally;

sub names { return 'warnings' }

sub run
{
	my $log = slurp($ENV{CRM_BUILD_LOG});

	if ($log =~ /\bwarning:/)
	{
		Crm::Tally::fail('build:warnings', $log);
	}
	else
	{
		Crm::Tally::pass();
	}
	return;
}

1;
