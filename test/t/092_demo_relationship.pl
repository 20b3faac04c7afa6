# The demo's contacts are the same everywhere, and its report of them agrees with plain SQL.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('demo_relationship');
$node->init;
$node->append_conf('postgresql.conf', "timezone = 'UTC'\nlc_messages = 'C'");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION crm');

my $output = '';
foreach my $file (qw(demo-shop demo-contacts demo-relationship demo-memory))
{
	my ($printed, $errors) = ('', '');
	my $ok = IPC::Run::run(
		[ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-v', 'as_of=', '-P', 'footer=off', '-d', $node->connstr('postgres'), '-f', "scripts/$file.sql" ],
		'<', \'', '>', \$printed, '2>', \$errors);

	ok($ok, "$file runs") or diag $errors;
	$output .= $printed;
}

is($node->safe_psql('postgres', q{SELECT kind, direction, count(*) FROM contacts GROUP BY 1, 2 ORDER BY 1, 2}), <<'ROWS' =~ s/\n\z//r, 'the contacts are always the same');
complaint|inbound|929
complaint|outbound|776
enquiry|inbound|1239
enquiry|outbound|1066
message|outbound|63844
suggestion|outbound|1093
survey|inbound|1630
survey|outbound|3285
ROWS

# The customers without a grant that holds at the time of the mailing.
my $refused = $node->safe_psql('postgres', q{
	SELECT count(*) FROM (SELECT DISTINCT customer_id FROM orders WHERE amount > 0) c
	WHERE NOT EXISTS (SELECT FROM grants g WHERE g.customer_id = c.customer_id AND validity @> timestamptz '2025-01-01 10:00+01')});
like($output, qr/^ no consent for marketing +\| +$refused \|/m, 'as many have no consent as plain SQL says');

like($output, qr/^ language +\| service +\| t +\| Hindi +\| contract for service, stated by call 812 /m, 'a fact comes with its source');
like($output, qr/^ expects child +\| offers +\| f +\| +\| no consent for offers/m, 'an inference sells nothing');
like($output, qr/^ bread +\| +\d+ \|.*\n cheese +\|/m, 'the next categories are there');
my ($kept, $late, $overdue) = $output =~ /^ customers \| kept \| kept_late \| overdue .*\n-.*\n +\d+ \| +(\d+) \| +(\d+) \| +(\d+) \| /m;
is($kept + $late + $overdue, 929, 'every complaint has a promise, some of which were kept late');
cmp_ok($late, '>', 0, 'and they are shown');

my $complaints = $node->safe_psql('postgres', q{
	SELECT count(*) FROM contacts WHERE kind = 'complaint' AND direction = 'inbound' AND at > '2023-12-31 18:00+01' AND at <= '2024-12-31 18:00+01'});
my $table = $output =~ /^ answered_after(.*?)\n\n/ms ? $1 : '';
my $sum = 0;
$sum += $_ foreach $table =~ /^ [\w ]+?\| +(\d+) \|/mg;
is($sum, $complaints, 'every complaint of the year is in the table');

# What the shop teaches is true of it: who waits for an answer does not come back.
my %lost = $table =~ /^ ([\w ]+?) *\|.*\| +([\d.]+) *$/mg;
cmp_ok($lost{'a day'} + 10, '<', $lost{'3 days'}, 'who is answered within a day comes back more often than who waits three');
cmp_ok($lost{'3 days'} + 10, '<', $lost{longer}, 'and those more often than who waits longer');
is($node->safe_psql('postgres', q{
	SELECT count(*) FROM complaint c JOIN orders o USING (customer_id)
	WHERE is_lost AND amount > 0 AND ordered_on > raised_at}), '0', 'whom a complaint lost never buys again');

my $nps = $node->safe_psql('postgres', q{
	SELECT round(100 * avg(CASE WHEN score >= 9 THEN 1 WHEN score <= 6 THEN -1 ELSE 0 END), 1) || ' ' || count(*) FROM contacts
	WHERE score IS NOT NULL AND at > '2023-12-31 18:00+01' AND at <= '2024-12-31 18:00+01'});
my ($score, $answers) = split / /, $nps;
like($output, qr/^Net promoter score of the last year: \Q$score\E \(.* $answers answers\)\.$/m, 'the net promoter score is that of plain SQL');

$node->stop;
done_testing();
