# Tap: test/t/*.pl, Perl tests that start servers of their own with
# PostgreSQL::Test::Cluster (part of PostgreSQL).

package Crm::Tap;

use strict;
use warnings;

use Cwd qw(getcwd);

use Crm::Shell;
use Crm::Tapstream;

sub names { return file_names('test/t/*.pl', '.pl') }

sub path_of { return "test/t/$_[0].pl" }

sub jobs { return map { [$_] } @_ }

sub run
{
	my @names = @_;
	my $here = getcwd();
	my $pgxs = pg_config('--pgxs') =~ s{/makefiles/pgxs\.mk$}{}r;

	# What PGXS sets for its own prove_installcheck; the servers' sockets go
	# to the temporary folder too.
	local $ENV{TESTDIR} = $here;
	local $ENV{TESTLOGDIR} = "$here/tmp_check/log";
	local $ENV{TESTDATADIR} = "$here/tmp_check";
	local $ENV{TMPDIR} = $ENV{HOME};
	local $ENV{PG_REGRESS} = "$pgxs/test/regress/pg_regress";
	local $ENV{PGPORT} = 65432;
	delete local @ENV{qw(PGHOST PGUSER PGDATABASE)};

	foreach my $name (@names)
	{
		Crm::Tapstream::run("tap:$name", $^X, '-I', "$pgxs/test/perl", '-I', "$here/test/t/lib",
			path_of($name));
	}
	return;
}

1;
