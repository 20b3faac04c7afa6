# Shell: runs programs and reads files for the suites.

package Crm::Shell;

use strict;
use warnings;

use Exporter 'import';
use File::Basename qw(basename);

our @EXPORT = qw(output_of slurp spew pg_config fresh_database drop_database file_names);

# What a program prints on both channels, and its exit status.
sub output_of
{
	my @command = @_;
	my $pid = open(my $pipe, '-|') // die "fork: $!";

	if (!$pid)
	{
		open(STDERR, '>&', \*STDOUT) or die "dup: $!";
		exec @command or die "$command[0]: $!";
	}
	local $/ = undef;
	my $output = <$pipe> // '';
	close $pipe;
	return ($output, $?);
}

sub slurp
{
	my $path = shift;

	open(my $file, '<:raw', $path) or die "$path: $!";
	local $/ = undef;
	return scalar <$file> // '';
}

sub spew
{
	my ($path, $content) = @_;

	open(my $file, '>:raw', $path) or die "$path: $!";
	print $file $content;
	close $file or die "$path: $!";
	return;
}

# One of the folders that pg_config names.
sub pg_config
{
	my ($folder) = output_of($ENV{PG_CONFIG}, shift);

	chomp $folder;
	return $folder;
}

# Makes a database of a name, as a copy of another one.
sub fresh_database
{
	my ($name, $template) = @_;

	drop_database($name);
	my ($output, $status) =
	  output_of('createdb', '-T', $template // 'template1', $name);
	die $output if $status;
	return $name;
}

# A session that has ended for its client may not be gone yet, on a busy machine.
sub drop_database
{
	my ($output, $status) = output_of('dropdb', '--force', '--if-exists', shift);

	die $output if $status;
	return;
}

# The names, without folder and suffix, of the files that match a pattern.
sub file_names
{
	my ($pattern, $suffix) = @_;

	return map { basename($_, $suffix) } sort glob $pattern;
}

1;
