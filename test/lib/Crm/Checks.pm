# Checks: promises about the sources that people forget.  What can be asked of
# the installed catalog is in test/pgtap/conventions.sql instead.

package Crm::Checks;

use strict;
use warnings;

use JSON::PP qw(decode_json);

use Crm::Shell;
use Crm::Tally;

my %check = (
	version => \&version,
	meta => \&meta,
	install_script => \&install_script,
	function_costs => \&function_costs,
	format => \&format_of_c,
	shell => \&shell,
	wings => \&wings,
	include_circles => \&include_circles,
	file_length => \&file_length,
	refusals => \&refusals,
	chance => \&chance,
	dropped_functions => \&dropped_functions,
);

# What makes a test fail by chance, by the words that it is written with: [what, where it is wrong, where it is right].
my @chances = (
	[ 'counts what others do: ask for pg_backend_pid() alone', qr/\bFROM\s+pg_(?:locks|stat_activity|prepared_xacts)\b/i, qr/pg_backend_pid|gid\b/ ],
	[ 'compares with the clock on the wall, which a busy machine does not keep: take processor time', qr/clock_timestamp\(\)\s*[-<>]|[-<>]\s*clock_timestamp\(\)/i, undef ],
	[ 'waits for a time, not for an event', qr/\bpg_sleep\b/i, undef ],
	[ 'sets the seed anew for every row', qr/\bsetseed\(.*\brandom\(/i, undef ],
	[ 'leaves a temporary object, which is not gone when its psql is: roll it back', qr/psql\b.*\bCREATE\s+TEMP/i, qr/ROLLBACK/ ],
	[ 'hopes that sessions that ended are gone: drop it WITH (FORCE)', qr/\bDROP\s+DATABASE\b/i, qr/FORCE/ ],
	[ 'hopes that temporary objects of sessions that ended are gone: poll_query_until they are', qr/\bFROM\s+pg_class\b.*'pg_temp/i, qr/poll_query_until/ ],
);

# Tests depend neither on chance nor on what runs beside them: random numbers of SQL have a seed, and
# roles, which are the cluster's, have names that no other file uses. Those of TAP have servers of their own.
sub chance
{
	my $problems = '';
	my %maker;

	foreach my $file (sort glob('test/pgtap/*.sql'), glob('sql/*.sql'), 'README.md', glob('docs/*.md'), glob('test/t/*.pl'))
	{
		my $sql = slurp($file);
		my $own_server = $file =~ /\.pl$/;

		$sql = join '', map { "$_\n" } $sql =~ /^```sql\n(.*?)^```/msg if $file =~ /\.md$/;
		foreach my $line (split /\n/, $sql)
		{
			foreach my $chance (@chances)
			{
				my ($what, $wrong, $right) = @$chance;

				next if $own_server && $line =~ /poll_query_until|FROM pg_stat_activity/;
				$problems .= "$file $what: $line\n" if $line =~ $wrong && !($right && $line =~ $right);
			}
		}
		next if $own_server;
		$problems .= "$file has random() without a seed\n" if $sql =~ /\brandom\(/ && $sql !~ /\bsetseed\(/;
		foreach my $role ($sql =~ /\bCREATE\s+(?:ROLE|USER)\s+(?!MAPPING\b)("[^"]+"|\w+)/gi)
		{
			$problems .= "$file and $maker{$role} both make a role $role\n" if $maker{$role};
			$maker{$role} = $file;
		}
	}
	return $problems;
}

# Whoever is refused a program, a rule or points is told what to write instead; forged bytes are not.
sub refusals
{
	my $problems = '';
	my $call = qr/\bereport(\((?:[^()"]++|"(?:[^"\\]|\\.)*"|(?1))*\))/s;

	foreach my $file (sort glob 'src/tiers/*.[ch]')
	{
		my $source = slurp($file);

		while ($source =~ /$call/g)
		{
			my $refusal = $1;
			next if $refusal !~ /^\(\s*ERROR/ || $refusal =~ /errhint|ERRCODE_INVALID_BINARY_REPRESENTATION/;
			my ($message) = $refusal =~ /errmsg\(\s*(.*?)\s*[,)]/s;
			$problems .= "$file refuses without a hint: $message\n";
		}
	}
	return $problems;
}

# The order of the wings: a file includes its own wing and these.
my %below = (
	math => '',
	models => 'math',
	base => '',
	history => 'base',
	scoring => 'base history',
	tiers => 'base history',
	lifetime => 'base math models history retention',
	retention => 'base math history',
	portfolio => 'base history',
	relationship => 'base math history',
	contact => 'base math relationship',
	mix => 'base models history',
	memory => 'base math relationship contact',
	live => 'base history scoring tiers lifetime mix',
);

# The two that need a program that is not always there are left out without it.
sub names
{
	return grep { !($_ eq 'format' && !has_clang_format()) && !($_ eq 'shell' && !has('shellcheck')) }
	  sort keys %check;
}

sub run
{
	my $passed = 0;

	foreach my $name (@_)
	{
		my $problem = $check{$name}->();
		if ($problem eq '')
		{
			Crm::Tally::pass();
			$passed++;
		}
		else
		{
			Crm::Tally::fail("checks:$name", $problem);
		}
	}
	Crm::Tally::report('checks', $passed);
	return;
}

# The version is crm.control's; META.json, which PGXN wants to hold it, agrees.
sub version
{
	my ($version) = slurp('crm.control') =~ /^default_version = '(.*)'/m;
	my $meta = slurp('META.json') =~ s/"meta-spec".*?\}//sr;
	my @others = $meta =~ /"version"\s*:\s*"(.*?)"/g;
	my @wrong = grep { $_ ne $version } @others;

	return 'META.json names no version' if !@others;
	return @wrong ? "crm.control has $version, META.json @wrong" : '';
}

# META.json is what version 1.0.0 of PGXN's meta specification asks for: its keys, and the form of each.
sub meta
{
	my $meta = decode_json(slurp('META.json'));
	my $semver = qr/\A(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)(?:-[0-9A-Za-z.-]+)?\z/;
	my %known = map { $_ => 1 } qw(abstract maintainer license provides name version meta-spec description generated_by tags no_index prereqs release_status resources);
	my $provided = $meta->{provides} || {};
	my @problems = map { "$_ is missing" } grep { !defined $meta->{$_} } qw(abstract maintainer license provides name version meta-spec);

	push @problems, map { "$_ is no key" } grep { !$known{$_} && !/^x_/i } sort keys %$meta;
	push @problems, 'name has a slash, a space or less than two characters' if $meta->{name} !~ m{\A[^/\\\s[:cntrl:]]{2,}\z};
	push @problems, 'the specification is not 1.0.0' if $meta->{'meta-spec'}{version} ne '1.0.0';
	push @problems, 'the license is not postgresql' if $meta->{license} ne 'postgresql';
	push @problems, 'nothing is provided' if !%$provided;
	push @problems, map { "version $_ is no semantic one" } grep { !/$semver/ } $meta->{version}, map { $_->{version} // '' } values %$provided;
	push @problems, map { "$_ is provided and not there" } grep { !-e $_ } map { $_->{file}, $_->{docfile} // () } values %$provided;
	push @problems, 'a tag is empty, too long or given twice'
	  if grep { ref $_ || !length || length > 255 } @{ $meta->{tags} || [] } or keys %{ { map { $_ => 1 } @{ $meta->{tags} } } } != @{ $meta->{tags} };
	foreach my $phase (sort keys %{ $meta->{prereqs} || {} })
	{
		push @problems, "$phase is no phase" if $phase !~ /\A(?:configure|build|test|runtime|develop)\z/;
		push @problems, map { "$_ is no relation" } grep { !/\A(?:requires|recommends|suggests|conflicts)\z/ } sort keys %{ $meta->{prereqs}{$phase} };
		push @problems, map { "needs version $_" } grep { $_ ne '0' && !/$semver/ } map { values %$_ } values %{ $meta->{prereqs}{$phase} };
	}
	return join '', map { "META.json: $_\n" } @problems;
}

# Views that stand on a function which an update drops stop the update: the table of other arguments names each.
sub dropped_functions
{
	my ($version) = slurp('crm.control') =~ /^default_version = '(.*)'/m;
	my ($table) = slurp('CHANGELOG.md') =~ /\*\*other arguments\*\*(.*?)^#/ms;
	my %dropped;

	return 'CHANGELOG.md has no table of other arguments' if !defined $table;
	foreach my $part (glob "src/sql/updates/crm--*--$version/*.sql")
	{
		$dropped{$_} = 1 foreach slurp($part) =~ /^DROP (?:FUNCTION|AGGREGATE) crm\.(\w+)\(/mg;
	}
	return join '', map { "CHANGELOG.md does not name $_ among those of other arguments\n" } grep { !/_transition$/ && $table !~ /\b$_\b/ } sort keys %dropped;
}

# The statements of the built install script, without what is quoted in dollars
# and without comments.
sub statements
{
	my ($version) = slurp('crm.control') =~ /^default_version = '(.*)'/m;
	my $sql = slurp("crm--$version.sql");

	$sql =~ s/^\\echo.*$//mg;
	$sql =~ s/(\$\w*\$).*?\1/''/sg;
	$sql =~ s/--.*$//mg;
	return map { s/^\s+//r } split /;/, $sql;
}

# Each statement by its first line.
sub first_lines
{
	return join '', map { s/\n.*//sr . "\n" } @_;
}

# An extension's script must not take over an object that is there already.
sub install_script
{
	return first_lines(grep { /^CREATE\s+OR\s+REPLACE\b|^CREATE\b.*\bIF\s+NOT\s+EXISTS\b/si } statements());
}

# The planner believes 1 of a function that does not say what it costs (it asks
# nothing about trigger functions).
sub function_costs
{
	return first_lines(grep { /^CREATE\s+FUNCTION\b/i && /\bLANGUAGE\s+C\b/i && !/\bCOST\b|\bRETURNS\s+trigger\b/i } statements());
}

# A file includes no room above it, and names the wing of what it includes.
sub wings
{
	my @wrong;

	foreach my $file (sort glob 'src/*/*.[ch]')
	{
		my ($wing) = $file =~ m{^src/(\w+)/};
		my %may = map { $_ => 1 } $wing, split ' ', $below{$wing} // '';

		push @wrong, "$file stands in a wing that Checks.pm does not know\n" if !exists $below{$wing};
		foreach my $included (slurp($file) =~ /^#include "([^"]+)"/mg)
		{
			my ($room, $name) = $included =~ m{^(\w+)/(.*)};

			if (defined $room && exists $below{$room} && -e "src/$included")
			{
				push @wrong, "$file includes $included, a room above it\n" if !$may{$room};
			}
			elsif (defined $room && exists $below{$room} || -e "src/$wing/$included")
			{
				push @wrong, "$file includes $included, which does not say its wing or is not there\n";
			}
		}
	}
	return join '', @wrong;
}

# The files that each file includes, X.c and X.h being one: "wing/X" => ["wing/Y", ...].
sub included
{
	my %included;

	foreach my $file (sort glob 'src/*/*.[ch]')
	{
		my ($room) = $file =~ m{^src/(.*)\.[ch]$};

		push @{ $included{$room} }, grep { $_ ne $room } slurp($file) =~ m{^#include "(\w+/\w+)\.h"}mg;
	}
	return %included;
}

# Of two files one stands on the other, also by a way over others.
sub include_circles
{
	my %included = included();
	my (%done, @wrong);
	my $visit;

	$visit = sub {
		my ($room, @way) = @_;

		if (grep { $_ eq $room } @way)
		{
			shift @way while $way[0] ne $room;
			push @wrong, join(' includes ', @way, $room) . "\n";
			return;
		}
		return if $done{$room};
		$visit->($_, @way, $room) foreach @{ $included{$room} // [] };
		$done{$room} = 1;
	};
	$visit->($_) foreach sort keys %included;
	undef $visit;
	return join '', @wrong;
}

# What grows beyond this is about more than one thing.
my $longest_file = 600;

sub file_length
{
	my %lines = map { $_ => scalar(() = slurp($_) =~ /\n/g) } glob 'src/*.[ch] src/*/*.[ch]';

	return join '', map { "$_ has $lines{$_} lines, more than $longest_file\n" }
	  grep { $lines{$_} > $longest_file } sort keys %lines;
}

sub has
{
	my ($output, $status) = output_of('sh', '-c', "command -v $_[0]");

	return !$status;
}

# Other versions of clang-format lay out other lines.
sub has_clang_format
{
	my ($output) = output_of('sh', '-c', 'clang-format --version');

	return $output =~ /version 14\./;
}

sub format_of_c
{
	my ($output, $status) = output_of('sh', '-c',
		"find src test \\( -name '*.c' -o -name '*.h' \\) -print0 | xargs -0 clang-format --dry-run --Werror");

	return $status ? "run scripts/format\n" . join("\n", (split /\n/, $output)[ 0 .. 11 ]) : '';
}

sub shell
{
	my ($output, $status) = output_of('sh', '-c',
		'shellcheck -x scripts/*.sh $(grep -lE "^#!.*(bash|/sh)" scripts/* bench/* .ci/* 2>/dev/null)');

	return $status ? $output : '';
}

1;
