# Eight sessions write lines, headers, products and customers at random, at
# three isolation levels, while refreshes run: then the histories must be what
# plain SQL over the tables says, and what crm.verify says. Transactions of several
# statements that meet in several customers may deadlock, as they may without crm.

use strict;
use warnings;

use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $seconds = $ENV{CRM_LOAD_SECONDS} // 40;
my $node = PostgreSQL::Test::Cluster->new('joined');
$node->init;
$node->append_conf('postgresql.conf', "deadlock_timeout = 100ms\nfsync = off");
$node->start;

$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION crm;
CREATE TABLE customers (id int PRIMARY KEY, email text, seen int DEFAULT 0);
CREATE TABLE orders (id serial PRIMARY KEY, customer_id int, ordered_on date, status text DEFAULT 'paid', note int DEFAULT 0);
CREATE TABLE products (id int PRIMARY KEY, price numeric, stock int DEFAULT 100000);
CREATE TABLE lines (id serial PRIMARY KEY, order_id int REFERENCES orders ON DELETE CASCADE, product_id int, quantity int);
CREATE INDEX ON lines (order_id);
CREATE INDEX ON lines (product_id);
CREATE INDEX ON orders (customer_id);
INSERT INTO customers SELECT i, 'e' || i FROM generate_series(1, 20) i;
INSERT INTO products SELECT i, i FROM generate_series(1, 10) i;
INSERT INTO orders (customer_id, ordered_on) SELECT 1 + i % 20, date '2026-01-01' + i % 60 FROM generate_series(1, 100) i;
INSERT INTO lines (order_id, product_id, quantity) SELECT 1 + i % 100, 1 + i % 12, 1 FROM generate_series(1, 300) i;
CREATE VIEW line_purchases AS
  SELECT o.customer_id AS customer, o.ordered_on AS purchased_on, l.quantity * coalesce(p.price, 0.5) AS amount
  FROM lines l JOIN orders o ON o.id = l.order_id LEFT JOIN products p ON p.id = l.product_id WHERE o.status = 'paid';
CREATE VIEW person_purchases AS
  SELECT c.email AS customer, o.ordered_on AS purchased_on, l.quantity AS amount
  FROM lines l JOIN orders o ON o.id = l.order_id JOIN customers c ON c.id = o.customer_id;
CREATE VIEW order_purchases AS
  SELECT o.customer_id AS customer, o.ordered_on AS purchased_on, sum(l.quantity) - 6 AS amount
  FROM orders o JOIN lines l ON o.id = l.order_id WHERE o.status = 'paid' GROUP BY o.id;
SELECT crm.track('line_purchases'), crm.track('person_purchases'), crm.track('order_purchases');
SQL

my $an_order = '(SELECT id FROM orders ORDER BY random() LIMIT 1)';
my @scripts = (
	[ 'line', 8, qq{INSERT INTO lines (order_id, product_id, quantity) SELECT id, 1 + (random() * 11)::int, (random() * 5)::int FROM orders WHERE id = $an_order;} ],
	[ 'lines', 3, q{INSERT INTO lines (order_id, product_id, quantity) SELECT id, 1 + (random() * 11)::int, 2 FROM (SELECT id FROM orders ORDER BY random() LIMIT 6) o;} ],
	[ 'move_line', 3, qq{UPDATE lines SET quantity = quantity + 1, order_id = $an_order WHERE id = (SELECT id FROM lines ORDER BY random() LIMIT 1);} ],
	[ 'drop_lines', 3, q{DELETE FROM lines WHERE id IN (SELECT id FROM lines ORDER BY random() LIMIT 4);} ],
	[ 'header', 4, qq{UPDATE orders SET customer_id = 1 + (random() * 19)::int, ordered_on = ordered_on + 1 WHERE id = $an_order;} ],
	[ 'headers', 2, q{UPDATE orders SET status = CASE status WHEN 'paid' THEN 'open' ELSE 'paid' END WHERE id IN (SELECT id FROM orders ORDER BY random() LIMIT 3);} ],
	[ 'note', 3, qq{UPDATE orders SET note = note + 1 WHERE id = $an_order;} ],
	[ 'drop_header', 2, qq{DELETE FROM orders WHERE id = $an_order;} ],
	[ 'whole_order', 2, q{WITH h AS (INSERT INTO orders (customer_id, ordered_on) VALUES (1 + (random() * 19)::int, '2026-03-01') RETURNING id)
		INSERT INTO lines (order_id, product_id, quantity) SELECT id, 1 + (random() * 11)::int, 1 FROM h, generate_series(1, 2);} ],
	[ 'price', 2, q{UPDATE products SET price = price + 1 WHERE id = 1 + (random() * 9)::int;} ],
	[ 'undo_price', 2, q{BEGIN; UPDATE products SET price = price + 1 WHERE id = 1 + (random() * 2)::int; ROLLBACK;} ],
	[ 'stock', 3, q{UPDATE products SET stock = stock - 1 WHERE id = 1 + (random() * 9)::int;} ],
	[ 'drop_product', 1, q{DELETE FROM products WHERE id = 1 + (random() * 11)::int;} ],
	[ 'new_product', 2, q{INSERT INTO products VALUES (1 + (random() * 12)::int, 7) ON CONFLICT (id) DO NOTHING;} ],
	[ 'email', 1, q{UPDATE customers SET email = 'e' || (1 + (random() * 19)::int) WHERE id = 1 + (random() * 19)::int;} ],
	[ 'drop_customer', 1, q{DELETE FROM customers WHERE id = 1 + (random() * 19)::int;} ],
	[ 'new_customer', 2, q{INSERT INTO customers SELECT 1 + (random() * 19)::int, 'e' || (random() * 19)::int ON CONFLICT DO NOTHING;} ],
	[ 'line_and_header', 2, q{BEGIN; INSERT INTO lines (order_id, product_id, quantity) SELECT id, 1, 1 FROM orders ORDER BY id LIMIT 1;
		UPDATE orders SET note = note + 1, status = 'paid' WHERE id = (SELECT min(id) FROM orders); COMMIT;} ],
	[ 'rollback', 1, qq{BEGIN; SAVEPOINT s; DELETE FROM orders WHERE id = $an_order; ROLLBACK TO s; UPDATE products SET price = price + 1 WHERE id = 3; ROLLBACK;} ],
	[ 'repeatable', 3, qq{BEGIN ISOLATION LEVEL REPEATABLE READ; INSERT INTO lines (order_id, product_id, quantity) SELECT id, 1 + (random() * 11)::int, 2 FROM orders WHERE id = $an_order;
		UPDATE orders SET ordered_on = ordered_on - 1 WHERE id = $an_order; COMMIT;} ],
	[ 'serializable', 2, q{BEGIN ISOLATION LEVEL SERIALIZABLE; DELETE FROM lines WHERE id IN (SELECT id FROM lines ORDER BY random() LIMIT 2);
		UPDATE products SET price = price + 1 WHERE id = 1 + (random() * 9)::int; COMMIT;} ]);

# A script that fails in another way than by a serialization failure or a
# deadlock ends its client, but for a header that went before its line came.
my @pgbench = (qw(pgbench -n -c 8 -j 2), '-d', $node->connstr('postgres'));
foreach my $script (@scripts)
{
	my ($name, $weight, $sql) = @$script;
	my $file = $node->basedir . "/$name.sql";
	append_to_file($file, "\\set seed random(-1000000, 1000000)\nSELECT setseed(:seed / 1000000.0);\n" . join(' ', split(/\s*\n\s*/, $sql)) . "\n");
	push @pgbench, '-f', "$file\@$weight";
}

my ($log, $errors) = map { $node->basedir . "/pgbench.$_" } qw(log errors);
my $until = time + $seconds;
my ($refreshes, $transactions, $round) = (0, 0, 0);
my @refused;
while (time < $until)
{
	# what each client draws is the same in every run, unless another length is asked for
	my $load = IPC::Run::start([ @pgbench, '-T', 10, '--random-seed', defined $ENV{CRM_LOAD_SECONDS} ? 'time' : ++$round ], '>', $log, '2>', $errors);
	while ($load->pumpable)
	{
		$load->pump_nb;
		foreach my $view (qw(line_purchases order_purchases))
		{
			my ($status, $out, $err) = $node->psql('postgres', "SET client_min_messages = error; CALL crm.refresh('$view', NULL, false, 5)");
			push @refused, $err =~ /ERROR: *(.*)/ if $status != 0;
		}
		$refreshes++;
		select(undef, undef, undef, 0.2);
	}
	$load->finish;
	$transactions += $1 if slurp_file($log) =~ /^number of transactions actually processed: (\d+)/m;
	my @others = grep { !/lines_order_id_fkey|could not serialize|deadlock/ } @refused, slurp_file($errors) =~ /ERROR: *(.*)/g;
	is("@others", '', 'no statement failed because it was followed');
}
diag("$transactions transactions, $refreshes refreshes");
cmp_ok($transactions, '>', 500, 'there was a load');

# A refresh that gave way to others has left customers scored by the scale from before. It leaves the histories alone.
$node->safe_psql('postgres', "CALL crm.refresh('${_}_purchases')") foreach qw(line order);
foreach my $view (qw(line person order))
{
	is($node->safe_psql('postgres', "SELECT customer, problem, stored, recomputed FROM crm.verify('${view}_purchases')"), '', "$view: verify finds nothing");
	is($node->safe_psql('postgres', <<"SQL"), '0', "$view: nor does plain SQL");
SELECT count(*) FROM (
  SELECT customer::text, p.purchased_on, p.purchase_count AS orders, p.amount FROM ${view}_histories, crm.purchases(history) p) h
FULL JOIN (
  SELECT customer::text, purchased_on, count(*) FILTER (WHERE amount >= 0)::int AS orders, sum(amount)::numeric AS amount
  FROM ${view}_purchases WHERE customer IS NOT NULL GROUP BY 1, 2) p
ON (h.customer, h.purchased_on, h.orders, h.amount) = (p.customer, p.purchased_on, p.orders, p.amount)
WHERE (h.customer IS NULL OR p.customer IS NULL) AND NOT coalesce(h.orders, p.orders) = 0
SQL
	isnt($node->safe_psql('postgres', "SELECT count(*) FROM ${view}_histories"), '0', "$view: there are customers");
}
# Sessions that have ended may not be gone yet, and a worker of autovacuum locks its database while it begins.
ok($node->poll_query_until('postgres', q{SELECT count(*) = 0 FROM pg_locks JOIN pg_stat_activity USING (pid)
	WHERE locktype IN ('advisory', 'object') AND backend_type = 'client backend' AND pid <> pg_backend_pid()}), 'no lock is left');

$node->stop;
done_testing();
