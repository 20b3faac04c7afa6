# Pgtap: test/pgtap/*.sql, each in a fresh database that has crm and pgtap.

package Crm::Pgtap;

use strict;
use warnings;

use Crm::Shell;
use Crm::Tally;
use Crm::Tapstream;

sub names { return file_names('test/pgtap/*.sql', '.sql') }

sub run
{
	my @names = @_;

	fresh_database('crm_pgtap_template');
	my ($output, $status) = output_of(qw(psql -X -q -v ON_ERROR_STOP=1 -d crm_pgtap_template -c),
		'CREATE EXTENSION crm; CREATE EXTENSION pgtap');
	if ($status)
	{
		Crm::Tally::fail("pgtap:$_: cannot create the extensions", $output) foreach @names;
		return;
	}
	foreach my $name (@names)
	{
		fresh_database('crm_pgtap', 'crm_pgtap_template');
		Crm::Tapstream::run("pgtap:$name", qw(psql -X -q -A -t -P pager=off -v ON_ERROR_STOP=1),
			qw(-d crm_pgtap -f), "test/pgtap/$name.sql");
	}
	drop_database($_) foreach qw(crm_pgtap crm_pgtap_template);
	return;
}

1;
