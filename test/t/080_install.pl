# Ways of building and installing that package makers and careless hands use:
# objects apart from the sources, another root, a wrong pg_config.

use strict;
use warnings;

use Cwd qw(getcwd);
use File::Find qw(find);
use File::Temp qw(tempdir);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $sources = getcwd();
my $root = tempdir(CLEANUP => 1);

# The files below a folder, by their paths from there.
sub files
{
	my ($folder) = @_;
	my @files;

	find(sub { push @files, $File::Find::name =~ s/^\Q$folder\E//r if -f }, $folder);
	return join "\n", sort @files;
}

sub make
{
	my ($output, $errors) = ('', '');
	my $ok = IPC::Run::run([ 'make', '-s', @_ ], '>', \$output, '2>', \$errors);
	return ($ok, "$output$errors");
}

# The sources without what was built in them, as a package's builder has them.
my $clean = "$root/sources";
my $apart = "$root/apart";
mkdir $clean;
mkdir $apart;
system("tar --exclude='*.o' --exclude='*.so' --exclude='./crm--*' --exclude=./tmp_check -cf - . | tar -C $clean -xf -") == 0 or die;
my ($ok, $said) = make('-j2', '-C', $apart, '-f', "$clean/Makefile", "VPATH=$clean", 'with_llvm=no', 'CFLAGS=-O0 -fPIC', 'all');
ok($ok, 'the objects can stand apart from the sources') or diag $said;
($ok, $said) = make('-C', $apart, '-f', "$clean/Makefile", "VPATH=$clean", 'with_llvm=no', "DESTDIR=$root/there", 'install');
ok($ok, 'and be installed from there') or diag $said;
($ok, $said) = make('-C', $sources, 'with_llvm=no', "DESTDIR=$root/here", 'install');
ok($ok, 'as they are from the sources, into another root') or diag $said;
is(files("$root/there"), files("$root/here"), 'with the same files');
like(files("$root/there"), qr{/crm\.so$}m, 'a library,');
like(files("$root/there"), qr{/extension/crm/README\.md$}m, 'and the pages');
my ($library) = map { "$root/there$_" } grep { m{/crm\.so$} } split /\n/, files("$root/there");
like(`nm -D $library`, qr/\bcrm_purchase_history_in$/m, 'which is not empty');
($ok, $said) = make('-C', $sources, 'with_llvm=no', "DESTDIR=$root/here", 'uninstall');
is(files("$root/here"), '', 'and uninstall leaves nothing');
($ok, $said) = make('-C', $sources, 'PG_CONFIG=/nowhere/pg_config');
ok(!$ok, 'a wrong pg_config builds nothing');
like($said, qr{PG_CONFIG=/nowhere/pg_config is no pg_config .*postgresql-server-dev}, 'and says what to do');

# PostgreSQL 18 looks for extensions in folders that a setting names.
SKIP:
{
	my $major = `$ENV{PG_CONFIG} --version` =~ s/^PostgreSQL (\d+).*/$1/sr;

	skip 'extension_control_path is new in PostgreSQL 18', 2 if $major < 18;
	my $node = PostgreSQL::Test::Cluster->new('elsewhere');
	($ok, $said) = make('-C', $sources, 'with_llvm=no', (map { "$_->[0]=$root/extras/$_->[1]" } [ 'datadir', 'share' ], [ 'pkglibdir', 'lib' ], [ 'docdir', 'doc' ]), 'install');
	ok($ok, 'an installation into folders of its own') or diag $said;
	$node->init;
	$node->append_conf('postgresql.conf', "extension_control_path = '$root/extras/share'\ndynamic_library_path = '$root/extras/lib:\$libdir'");
	$node->start;
	is($node->safe_psql('postgres', 'CREATE EXTENSION crm; SELECT crm.spend(crm.purchase_history(current_date, 5))'), '5.0000',
		'is found by extension_control_path and dynamic_library_path alone');
}

done_testing();
