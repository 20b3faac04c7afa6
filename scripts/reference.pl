#!/usr/bin/perl
# reference.pl: docs/reference.md from what scripts/reference.sql prints, which
# comes on standard input; run where docs/ is.  An object stands under the page
# that speaks of it: that of its type if it does, else the one that names it most
# often.  What no page names is no part of the reference.

use strict;
use warnings;

my @order = qw(purchase_history rfm segments tiers points lifetime_value contracts interactions relationship contact_policy
  retention cohorts overdue portfolio profitability referral live shops);
my %place = map { $order[$_] => $_ } 0 .. $#order;
my @pages = sort { ($place{$a} // 99) <=> ($place{$b} // 99) || $a cmp $b }
  grep { !/^(?:development|reference)$/ } map { m{docs/(\w+)\.md} } glob 'docs/*.md';
my (%text, %title);

foreach my $page (@pages)
{
	open my $file, '<', "docs/$page.md" or die "docs/$page.md: $!\n";
	local $/;
	$text{$page} = <$file>;
	($title{$page}) = $text{$page} =~ /^# (.*)$/m;
}

# How often a page speaks of a name as something that can be called.
sub mentions
{
	my ($page, $name) = @_;
	my @found = $text{$page} =~ /\bcrm\.\Q$name\E\b|`\Q$name\E`|\b\Q$name\E\(/g;

	return scalar @found;
}

# The page that a name is read of most; the first of these.
sub most
{
	my ($name) = @_;
	my ($best, $count);

	foreach my $page (@pages)
	{
		my $n = mentions($page, $name);
		($best, $count) = ($page, $n) if $n > ($count // 0);
	}
	return $best;
}

# The page of an object.
sub page_of
{
	my ($kind, $name, $type) = @_;
	my $home = $type eq '' ? undef : $text{$type} ? $type : most($type);

	return $home if $kind eq 'operator' || $kind eq 'cast';
	return $home if defined $home && ($kind eq 'type' || mentions($home, $name));
	return most($name);
}

my %entries;
while (my $line = <STDIN>)
{
	chomp $line;
	my ($kind, $name, $type, $call, $result, $comment) = split /\t/, $line, -1;
	next if !defined $comment;
	my $page = page_of($kind, $name, $type) // next;
	my $form = $kind eq 'type' ? "type `$call`" . ($result eq '' ? '' : " (`$result`)")
	  : $kind =~ /^(?:view|table)$/ ? "$kind `$call` (`$result`)"
	  : $kind eq 'procedure' ? "procedure `$call`"
	  : ($kind eq 'aggregate' ? 'aggregate ' : '') . "`$call`" . ($result eq '' ? '' : " → `$result`");

	$form =~ s/\bcrm\.(?=\w)//g;
	$form =~ s/timestamp with time zone/timestamptz/g;
	$form =~ s/timestamp without time zone/timestamp/g;
	$form =~ s/time without time zone/time/g;
	$form =~ s/double precision/float8/g;
	$form =~ s/\binteger\b/int/g;
	$form =~ s/::[a-z_\d ]+(?:\[\])?(?=[,)])//g if $kind =~ /^(?:function|aggregate|procedure)$/;
	push @{ $entries{$page} }, "- $form: $comment.\n";
}

print <<"END";
# Reference

Everything that the schema `crm` is called by, page by page: types, then aggregates and functions with their arguments, operators
and casts. Amounts are in the currency unit, dates are days, instants `timestamptz`; `as_of` is the day or instant that is asked about, and what came
after it does not exist. The types of `crm` are written without the schema.

Made by `scripts/reference` from the comments of the catalogue, with which the tests compare it.
END
foreach my $page (grep { $entries{$_} } @pages)
{
	print "\n## [$title{$page}]($page.md)\n\n", @{ $entries{$page} };
}
