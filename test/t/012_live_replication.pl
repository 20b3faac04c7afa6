# A logical replication subscriber keeps histories by row triggers: tracked
# before the initial copy, and after it, each order counts once.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $publisher = PostgreSQL::Test::Cluster->new('publisher');
$publisher->init(allows_streaming => 'logical');
$publisher->start;
my $subscriber = PostgreSQL::Test::Cluster->new('subscriber');
$subscriber->init(allows_streaming => 'logical');
$subscriber->start;

# The publisher has no extension: a managed database.
my $table = 'CREATE TABLE orders (id int PRIMARY KEY, customer int, ordered_at timestamptz, amount numeric, status text)';
$publisher->safe_psql('postgres', "$table; CREATE TABLE later_orders (LIKE orders INCLUDING ALL)");
$publisher->safe_psql('postgres', $_) foreach (
	q{INSERT INTO orders SELECT i, i % 50, timestamptz '2026-01-01 00:00+00' + i * interval '5 hours', i % 90, 'paid' FROM generate_series(1, 1000) i},
	q{INSERT INTO later_orders SELECT * FROM orders},
	q{CREATE PUBLICATION crm FOR TABLE orders, later_orders});

$subscriber->safe_psql('postgres', "$table; CREATE TABLE later_orders (LIKE orders INCLUDING ALL)");
$subscriber->safe_psql('postgres', <<'SQL');
CREATE EXTENSION crm;
CREATE VIEW purchases AS SELECT customer, (ordered_at AT TIME ZONE 'UTC')::date AS purchased_on, amount FROM orders WHERE status = 'paid';
CREATE VIEW later_purchases AS SELECT customer, (ordered_at AT TIME ZONE 'UTC')::date AS purchased_on, amount FROM later_orders WHERE status = 'paid';
SELECT crm.track('purchases', by_row => true, changes => true);
SQL
$subscriber->safe_psql('postgres', sprintf q{CREATE SUBSCRIPTION crm CONNECTION '%s dbname=postgres' PUBLICATION crm}, $publisher->connstr);
$subscriber->poll_query_until('postgres', q{SELECT count(*) = 2 FROM pg_subscription_rel WHERE srsubstate = 'r'});

sub verified
{
	my ($what) = @_;
	$publisher->wait_for_catchup('crm');
	foreach my $pair ([ 'orders', 'purchases', 'purchases_customers' ], [ 'later_orders', 'later_purchases', 'later_customers' ])
	{
		my ($orders, $purchases, $customers) = @$pair;
		next if $subscriber->safe_psql('postgres', "SELECT count(*) FROM crm.tracked WHERE purchases = '$purchases'::regclass") eq '0';
		is($subscriber->safe_psql('postgres', "SELECT * FROM crm.verify('$purchases')"), '', "$what: $orders verified");
		is($subscriber->safe_psql('postgres', "SELECT count(*), sum(purchase_count), sum(spend) FROM $customers"),
			$publisher->safe_psql('postgres', "SELECT count(DISTINCT customer), count(*), sum(amount)::numeric(20,2) FROM $orders WHERE status = 'paid'"),
			"$what: as the publisher has $orders");
	}
	return;
}

verified('initial copy');
$subscriber->safe_psql('postgres', q{SELECT crm.track('later_purchases', by_row => true)});
verified('tracked after the copy');
foreach my $orders ('orders', 'later_orders')
{
	$publisher->safe_psql('postgres', "INSERT INTO $orders SELECT i, i % 60, '2026-06-01', 7, 'paid' FROM generate_series(2001, 2100) i");
}
verified('insert');
$publisher->safe_psql('postgres', q{UPDATE orders SET amount = amount + 1, customer = customer + 1 WHERE id % 4 = 0; UPDATE orders SET status = 'open' WHERE id % 7 = 0});
verified('update');
$publisher->safe_psql('postgres', q{DELETE FROM orders WHERE id % 3 = 0; DELETE FROM later_orders WHERE id % 5 = 0});
verified('delete');
$publisher->safe_psql('postgres', q{BEGIN; INSERT INTO orders VALUES (5000, 1, '2026-06-01', 7, 'paid'); ROLLBACK});
$publisher->safe_psql('postgres', q{TRUNCATE later_orders; INSERT INTO later_orders VALUES (1, 1, '2026-06-01', 7, 'paid')});
verified('truncate');
$subscriber->safe_psql('postgres', q{CALL crm.refresh('purchases')});
verified('refresh');

$subscriber->stop;
$publisher->stop;
done_testing();
