-- Triggers on the shards of a distributed table: what does not go with them, and how a shard is found by the catalogue of
-- Citus, which is played here. scripts/test-scaleout runs the same where Citus is.
SET client_min_messages = error;
SELECT plan(23);

CREATE TABLE orders (order_id int, customer int, day date, amount numeric);
CREATE TABLE customers (id int PRIMARY KEY, account int);
CREATE VIEW joined_purchases AS SELECT c.account, o.day AS purchased_on, o.amount FROM orders o JOIN customers c ON c.id = o.customer;
CREATE FUNCTION refused(arguments text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  details text;
BEGIN
  EXECUTE format('SELECT crm.track(%s)', arguments);
  RETURN 'not refused';
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS details = PG_EXCEPTION_DETAIL;
  RETURN concat(SQLSTATE, ' ', SQLERRM, '. ', details);
END $$;
SELECT is(refused($$'orders', 'customer', 'day', 'amount', on_shards => true, by_row => true$$),
  '0A000 histories on shards cannot be kept row by row. Row triggers are for subscribers of logical replication. A shard that moves is copied by it, and each of its rows would count twice.', 'not row by row');
SELECT is(refused($$'orders', 'customer', 'day', 'amount', on_shards => true, notify => true$$),
  '0A000 histories on shards cannot notify. Who listens hears what happens on the node that it is connected to, and segments change on the nodes of the shards.', 'no NOTIFY');
SELECT is(refused($$'orders', 'customer', 'day', 'amount', on_shards => true, upkeep => 'commit'$$),
  '0A000 histories on shards cannot be written at the commit. Citus commits in two phases, and each node prepares its part before the commit.', 'not at the commit');
SELECT is(refused($$'joined_purchases', on_shards => true$$),
  '0A000 public.joined_purchases joins tables, and cannot be kept on shards. A trigger on a shard sees the rows of that shard. A row of another table may be joined to rows on several nodes, where it cannot look.', 'no join');
SELECT is(refused($$'orders', 'customer', 'day', 'amount', on_shards => true$$),
  '42809 public.orders is no distributed table of Citus. on_shards puts triggers on the shards of one.', 'no table that is not distributed');
SELECT is(refused($$'orders', 'customer', 'day', 'amount', on_shards => NULL$$),
  '22004 on_shards cannot be NULL. It says whether triggers on the shards of a distributed table keep the histories.', 'no NULL');
SELECT is_empty('SELECT * FROM crm.tracked', 'nothing is tracked');
SELECT is(to_regclass('orders_purchases'), NULL, 'and nothing is left of the calls');

-- the tables as they are on a node of Citus: what is distributed is empty, its shards have the rows
SELECT crm.track('orders', 'customer', 'day', 'amount', changes => true, as_of => '2025-03-31') \g /dev/null
SELECT throws_ok('SELECT crm.track_nodes(''orders'')', '55000', 'public.orders_purchases is not kept on shards', 'a tracking in one place has no nodes to tell');
SELECT is((SELECT nodes_without_tracking FROM crm.tracking_status), NULL, 'and the status names none');
CREATE TABLE orders_102008 (amount numeric, day date, customer int, order_id int); -- of columns in another order
CREATE TABLE orders_102009 (LIKE orders);
CREATE TABLE orders_2025 (LIKE orders); -- no shard, though it ends with a number
CREATE TABLE orders_histories_102010 (LIKE orders_histories INCLUDING ALL);
CREATE TABLE orders_histories_102011 (LIKE orders_histories INCLUDING ALL);
CREATE TABLE orders_changes_102012 (LIKE orders_changes);
CREATE TABLE orders_changes_102013 (LIKE orders_changes);
CREATE TABLE orders_scoring_102014 (LIKE orders_scoring INCLUDING ALL);
INSERT INTO orders_scoring_102014 SELECT * FROM orders_scoring;
SET allow_system_table_mods = on;
CREATE TABLE pg_catalog.pg_dist_partition (logicalrelid regclass, partmethod "char", partkey text, colocationid int, repmodel "char");
INSERT INTO pg_catalog.pg_dist_partition VALUES ('orders', 'h', '{VAR :varno 1 :varattno 2 :vartype 23}', 1, 's'), ('orders_histories', 'h', '{VAR :varno 1 :varattno 1 :vartype 23}', 1, 's'),
  ('orders_changes', 'h', '{VAR :varno 1 :varattno 1 :vartype 23}', 1, 's'), ('orders_scoring', 'n', NULL, 2, 't');
CREATE TABLE pg_catalog.pg_dist_shard (logicalrelid regclass, shardid bigint, shardstorage "char", shardminvalue text, shardmaxvalue text);
INSERT INTO pg_catalog.pg_dist_shard VALUES ('orders', 102008, 't', '-2147483648', '-1'), ('orders', 102009, 't', '0', '2147483647'),
  ('orders_histories', 102010, 't', '-2147483648', '-1'), ('orders_histories', 102011, 't', '0', '2147483647'),
  ('orders_changes', 102012, 't', '-2147483648', '-1'), ('orders_changes', 102013, 't', '0', '2147483647'), ('orders_scoring', 102014, 't', NULL, NULL);
CREATE FUNCTION pg_catalog.shard_name(object_name regclass, shard_id bigint, skip_qualify_public boolean DEFAULT true) RETURNS text
  LANGUAGE sql STABLE AS $$ SELECT concat('public."', c.relname, '_', shard_id, '"') FROM pg_class c WHERE c.oid = object_name $$;
RESET allow_system_table_mods;
SELECT crm_internal.drop_triggers('orders');
SELECT crm_internal.track_triggers(t::regclass, false), crm_internal.statement_triggers(t::regclass, false) FROM unnest('{orders_102008,orders_102009,orders_2025}'::text[]) AS t \g /dev/null
DO $$
DECLARE
  t crm.tracked;
BEGIN
  SELECT * INTO t FROM crm.tracked;
  t.on_shards := t.purchases;
  PERFORM crm_internal.write_tracked(t.purchases, t, '{on_shards}'::text[]);
END $$;

INSERT INTO orders_102008 (customer, day, amount, order_id) VALUES (1, '2025-01-01', 10, 1), (2, '2025-01-02', 20, 2), (1, '2025-01-03', 5, 3);
INSERT INTO orders_102009 VALUES (4, 3, '2025-01-04', 30);
SELECT results_eq('SELECT customer, crm.spend(history), scored_on FROM orders_histories_102010 ORDER BY 1', $$VALUES (1, 15.0, '2025-03-31'::date), (2, 20.0, '2025-03-31')$$, 'the histories beside a shard are kept and scored by its statements');
SELECT results_eq('SELECT customer, crm.spend(history) FROM orders_histories_102011', $$VALUES (3, 30.0)$$, 'those beside another shard by its own');
SELECT is_empty('SELECT * FROM orders_histories', 'nothing is written where nobody reads it');
UPDATE orders_102008 SET amount = amount + 1 WHERE customer = 1;
DELETE FROM orders_102008 WHERE customer = 2;
SELECT results_eq('SELECT customer, crm.spend(history) FROM orders_histories_102010 ORDER BY 1', $$VALUES (1, 17.0), (2, 0.0)$$, 'after UPDATE and DELETE too');
SELECT is((SELECT count(*) FROM orders_changes_102012 WHERE customer = 2 AND why = 'delete'), (SELECT count(*) FROM orders_changes_102012 WHERE customer = 2 AND why = 'insert'), 'and the log stands beside them');
SELECT is((SELECT count(*) FROM orders_changes) + (SELECT count(*) FROM orders_changes_102013 WHERE customer <> 3), 0::bigint, 'and nowhere else');

-- statements that change two shards, within each other or by a foreign key's cascade
WITH a AS (INSERT INTO orders_102009 VALUES (5, 3, '2025-01-04', 30) RETURNING 1) INSERT INTO orders_102008 (customer, day, amount) VALUES (1, '2025-01-05', 3);
SELECT results_eq('SELECT sum(crm.spend(history)) FROM orders_histories_102010 UNION ALL SELECT sum(crm.spend(history)) FROM orders_histories_102011', 'VALUES (20.0), (60.0)', 'a statement on two shards is kept on both');
INSERT INTO customers VALUES (1, 1), (3, 3);
ALTER TABLE orders_102008 ADD FOREIGN KEY (customer) REFERENCES customers ON DELETE CASCADE;
ALTER TABLE orders_102009 ADD FOREIGN KEY (customer) REFERENCES customers ON DELETE CASCADE;
DELETE FROM customers;
SELECT results_eq('SELECT sum(crm.spend(history)) FROM orders_histories_102010 UNION ALL SELECT sum(crm.spend(history)) FROM orders_histories_102011', 'VALUES (0.0), (0.0)', 'and so are deletions that cascade');

-- tables that are no shards
SELECT lives_ok('INSERT INTO orders_2025 VALUES (1, 1, ''2025-01-01'', 5)', 'a table whose name ends with a number is none for that');
ALTER TABLE orders_histories_102010 RENAME TO elsewhere;
INSERT INTO customers VALUES (1, 1);
SELECT throws_ok('INSERT INTO orders_102008 (customer, day, amount) VALUES (1, ''2025-01-05'', 3)', '55000', '"orders_histories" has no shard beside "orders_102008"', 'histories that are not beside the orders are an error');
ALTER TABLE elsewhere RENAME TO orders_histories_102010;
SELECT lives_ok('INSERT INTO orders_102008 (customer, day, amount) VALUES (1, ''2025-01-05'', 3)', 'and no longer than that');

-- a shard that Citus has moved has kept the trigger on TRUNCATE; it is nobody's former partition
CREATE TABLE parts (customer int, day date, amount numeric) PARTITION BY RANGE (day);
SELECT crm.track('parts', 'customer', 'day', 'amount') \g /dev/null
SELECT results_eq($$SELECT relation FROM crm_internal.unfollowed('parts') WHERE problem ~ 'belongs to no tracking'$$, $$VALUES ('public.orders_2025')$$, 'verify takes no shard for a partition that was detached');

-- what tells a node of a tracking is constants and nothing else
CREATE VIEW tells AS SELECT 'orders_purchases'::regclass AS purchases, 'orders'::regclass AS source, 'orders_histories'::regclass AS histories, 'orders_scoring'::regclass AS scoring,
  NULL::regclass AS changes, 'orders_customers'::regclass AS customers, NULL::regclass AS decisions, false AS by_invitation;
CREATE VIEW calls AS SELECT 'orders_purchases'::regclass AS purchases, 'orders'::regclass AS source, 'orders_histories'::regclass AS histories, 'orders_scoring'::regclass AS scoring,
  NULL::regclass AS changes, 'orders_customers'::regclass AS customers, refused('')::regclass AS decisions, false AS by_invitation;
SELECT results_eq('SELECT crm_internal.tells_of_tracking(v::regclass) FROM unnest(''{tells,calls,orders_customers,orders}''::text[]) AS v', 'VALUES (true), (false), (false), (false)', 'a view that calls something is not read');
SELECT finish();
