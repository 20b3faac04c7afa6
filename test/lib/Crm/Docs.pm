# Docs: runs the examples of README.md and docs/*.md.
#
# The sql blocks of a page run in order, in one session on a database of their
# own; each is one test.  A text block directly after an sql block is the
# output that psql must print (spaces at line ends apart); an sql block
# without one must run without an error.  "```sql no-run" is not run.  Set-up
# that a reader need not see goes into an sql block within an HTML comment.
# The extension is created beforehand, unless the page does it.

package Crm::Docs;

use strict;
use warnings;

use Crm::Lanes;
use Crm::Shell;
use Crm::Tally;

my $mark = '=== crm docs block';

sub names
{
	return map { /(.*)\.md$/ ? $1 =~ s{^docs/}{}r : () } grep { -e } 'README.md', sort glob 'docs/*.md';
}

# Roles are the cluster's: their names begin differently on each page.
sub jobs { return map { [$_] } @_ }

sub path_of
{
	my $page = shift;

	return $page eq 'README' ? 'README.md' : "docs/$page.md";
}

sub run
{
	foreach my $page (@_)
	{
		run_page("docs:$page", path_of($page));
	}
	drop_database(database());
	return;
}

sub database { return "crm_docs_$Crm::Lanes::lane" }

sub run_page
{
	my ($name, $path) = @_;
	my @parts = parse_page(slurp($path));
	my @blocks = grep { $_->{kind} eq 'sql' } @parts;
	my $passed = 0;

	foreach my $part (grep { $_->{kind} eq 'stray' } @parts)
	{
		Crm::Tally::fail("$name: line $part->{line}: a text block that follows no sql block",
			'expected output stands directly below its sql block; other text needs a plain fence');
	}
	foreach my $line (nested_comments(slurp($path)))
	{
		Crm::Tally::fail("$name: line $line: a comment within a comment", 'the reader sees what stands below the first end');
	}
	return if !@blocks;

	run_blocks(@blocks);
	foreach my $block (@blocks)
	{
		if (my $problem = problem_of($block))
		{
			Crm::Tally::fail("$name: line $block->{line}: $problem", details_of($block));
		}
		else
		{
			$passed++;
		}
	}
	Crm::Tally::pass($passed);
	Crm::Tally::report($name, $passed);
	accept_page($path, @parts) if $ENV{CRM_ACCEPT} eq 'yes';
	return;
}

# Cuts a page into its parts: {kind => prose | sql | stray, line, text}, an sql
# part with an expected output having it as {expected, between}.
sub parse_page
{
	my @lines = split /^/m, shift;
	my @parts;
	my $number = 0;

	while (@lines)
	{
		my $line = shift @lines;
		$number++;
		my $part = { kind => 'prose', line => $number, text => $line };
		if ($line =~ /^```(.*)$/)
		{
			my $language = $1 =~ s/\s+$//r;
			my $body = '';
			while (@lines && $lines[0] !~ /^```\s*$/)
			{
				$body .= shift @lines;
				$number++;
			}
			my $close = @lines ? shift @lines : "```\n";
			$number++;
			$part->{text} .= $body . $close;
			$part->{body} = $body;
			$part->{kind} = 'sql' if $language eq 'sql';
			add_expected($part, \@parts) if $language eq 'text';
		}
		push @parts, $part;
	}
	return grep { $_->{kind} ne 'merged' } @parts;
}

# The lines on which an HTML comment begins within one: it ends with the inner.
sub nested_comments
{
	my $page = shift;
	my $open = 0;
	my @lines;

	while ($page =~ /(<!--|-->)/g)
	{
		push @lines, 1 + (substr($page, 0, $-[0]) =~ tr/\n//) if $open && $1 eq '<!--';
		$open = $1 eq '<!--';
	}
	return @lines;
}

# Joins a text block to the sql block that it directly follows.
sub add_expected
{
	my ($part, $parts) = @_;
	my $at = $#$parts;

	$at-- while $at >= 0 && $parts->[$at]{text} =~ /^\s*$/;
	my $block = $parts->[$at];
	if ($at < 0 || $block->{kind} ne 'sql' || defined $block->{expected})
	{
		# Below a block that is not run, nothing can be expected of it.
		$part->{kind} = $at >= 0 && $block->{text} =~ /^```sql no-run\b/ ? 'prose' : 'stray';
		return;
	}
	$block->{expected} = $part->{body};
	$block->{between} = join '', map { $_->{text} } @$parts[ $at + 1 .. $#$parts ];
	$_->{kind} = 'merged' foreach @$parts[ $at + 1 .. $#$parts ], $part;
	return;
}

# Runs blocks in one psql session; each gets its {output}.
sub run_blocks
{
	my @blocks = @_;
	my $number = 0;
	my $script = '';

	fresh_database(database());
	$script .= "CREATE EXTENSION crm;\n"
	  if !grep { $_->{body} =~ /^\s*CREATE EXTENSION (?:IF NOT EXISTS )?crm\b/mi } @blocks;
	$script .= "\\r\n\\echo $mark " . $number++ . "\n" . $_->{body} . "\n" foreach @blocks;
	$script .= "\\r\n\\echo $mark $number\n";
	my $file = "$ENV{HOME}/" . database() . '.sql';
	spew($file, $script);

	local $ENV{PGTZ} = 'UTC';
	local $ENV{PGDATESTYLE} = 'ISO, YMD';
	my ($output) = output_of('sh', '-c', 'exec psql -X -q -P pager=off -d "$1" < "$2"', 'sh',
		database(), $file);
	foreach my $block (0 .. $#blocks)
	{
		my ($from, $to) = ("$mark $block\n", "$mark " . ($block + 1) . "\n");
		$blocks[$block]{output} = trimmed($1) if $output =~ /\Q$from\E(.*)\Q$to\E/s;
	}
	$blocks[0]{output} = undef if $output !~ /^\Q$mark 0\E$/m || $output !~ /\A\Q$mark\E/;
	$blocks[0]{preface} = $output if !defined $blocks[0]{output};
	return;
}

# Text without spaces at the ends of lines and empty lines at its end.
sub trimmed
{
	my $text = shift;

	$text =~ s/[ \t\r]+$//mg;
	$text =~ s/\n+\z//;
	return $text;
}

# Why a block fails; empty if it passes.
sub problem_of
{
	my $block = shift;
	my $output = $block->{output};

	return 'did not run to its end' if !defined $output;
	return 'ends within a statement' if !ends_statement($block->{body});
	return 'another output' if defined $block->{expected} && $output ne trimmed($block->{expected});
	return 'an error' if !defined $block->{expected} && $output =~ /^(?:ERROR|FATAL|PANIC):|^invalid command/m;
	return '';
}

# Whether the last line of SQL ends a statement or is a psql command.
sub ends_statement
{
	my @lines = grep { !/^\s*(?:--.*)?$/ } split /\n/, shift;

	return 1 if !@lines;
	return $lines[-1] =~ /;\s*(?:--.*)?$/ || $lines[-1] =~ /\\\w+[^;]*$/;
}

sub details_of
{
	my $block = shift;

	return $block->{body} . ($block->{preface} // '') if !defined $block->{output};
	return $block->{body} . $block->{output} if !defined $block->{expected};
	my ($expected, $printed) = map { "$ENV{HOME}/" . database() . ".$_" } qw(expected printed);
	spew($expected, trimmed($block->{expected}) . "\n");
	spew($printed, $block->{output} . "\n");
	my ($diff) = output_of('diff', '-U', '3', $expected, $printed);
	return $diff =~ s/\A---.*\n\+\+\+.*\n//r;
}

# Writes a page again with the outputs that were printed.
sub accept_page
{
	my ($path, @parts) = @_;
	my $page = '';

	foreach my $part (@parts)
	{
		$page .= $part->{text};
		next if !defined $part->{expected};
		my $output = $part->{output} // trimmed($part->{expected});
		$page .= "$part->{between}```text\n" . ($output eq '' ? '' : "$output\n") . "```\n";
	}
	spew($path, $page) if $page ne slurp($path);
	return;
}

1;
