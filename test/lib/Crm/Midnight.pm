# Midnight: lets no job begin where it might see two days. What a test asks for
# today, and for today again, is one day then; files need not think of it.

package Crm::Midnight;

use strict;
use warnings;

use POSIX qw(tzset);

use Crm::Shell;

# A job takes seconds, on a busy machine half a minute; those of TAP, minutes.
my %longest = ('Crm::Tap' => 240);
my $longest = 90;

# Waits until none of the days that a job may ask for ends while it runs: that of
# the servers, which is UTC's, and those of the time zones that its file names.
sub wait_for
{
	my ($suite, @names) = @_;
	my $files = $suite->can('path_of') or return pause('UTC', $longest{$suite} // $longest);

	foreach my $zone ('UTC', map { slurp($files->($_)) =~ m{'([A-Z]\w+/[\w/]+)'}g } @names)
	{
		pause($zone, $longest{$suite} // $longest);
	}
	return;
}

# Sleeps into the next day of a time zone if less than some seconds of this one are left.
sub pause
{
	my ($zone, $seconds) = @_;
	my $left = seconds_left($zone, time);

	sleep $left + 1 if $left < $seconds;
	return;
}

# The seconds that are left of the day of a time zone.
sub seconds_left
{
	my ($zone, $now) = @_;
	local $ENV{TZ} = $zone;

	tzset();
	my ($second, $minute, $hour) = localtime $now;
	return 86400 - 3600 * $hour - 60 * $minute - $second;
}

1;
