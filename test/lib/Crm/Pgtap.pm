# Pgtap: test/pgtap/*.sql, each in a fresh database that has crm and pgtap.

package Crm::Pgtap;

use strict;
use warnings;

use Crm::Lanes;
use Crm::Shell;
use Crm::Tally;
use Crm::Tapstream;

my $template = 'crm_pgtap_template';

sub names { return file_names('test/pgtap/*.sql', '.sql') }

sub path_of { return "test/pgtap/$_[0].sql" }

# Roles are the cluster's: their names begin differently in each file.
sub jobs { return map { [$_] } @_ }

# Makes the database that the tests' own are copies of.
sub before
{
	fresh_database($template);
	my ($output, $status) = output_of(qw(psql -X -q -v ON_ERROR_STOP=1 -d), $template, '-c',
		'CREATE EXTENSION crm; CREATE EXTENSION pgtap');
	Crm::Tally::fail('pgtap: cannot create the extensions', $output) if $status;
	return;
}

sub run
{
	my $database = "crm_pgtap_$Crm::Lanes::lane";

	foreach my $name (@_)
	{
		fresh_database($database, $template);
		Crm::Tapstream::run("pgtap:$name", qw(psql -X -q -A -t -P pager=off -v ON_ERROR_STOP=1),
			'-d', $database, '-f', path_of($name));
	}
	drop_database($database);
	return;
}

sub after
{
	drop_database($template);
	return;
}

1;
