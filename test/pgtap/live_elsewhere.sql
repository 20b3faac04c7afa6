-- Tables whose rows are on other servers: no trigger sees them, so crm.refresh keeps them, and no statement fails.
SET client_min_messages = error;
SELECT NOT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'postgres_fdw') AS no_fdw \gset
\if :no_fdw
\echo '1..0 # SKIP this PostgreSQL was built without postgres_fdw'
\quit
\endif
SELECT plan(27);

CREATE EXTENSION postgres_fdw;
SELECT format('CREATE SERVER there FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host %L, port %L, dbname %L)',
  split_part(current_setting('unix_socket_directories'), ',', 1), current_setting('port'), current_database()) \gexec
SELECT format('CREATE USER MAPPING FOR CURRENT_USER SERVER there OPTIONS (user %L)', current_user) \gexec
CREATE TABLE orders_old_there (customer int, day date, amount numeric);

CREATE TABLE orders (customer int, day date, amount numeric) PARTITION BY RANGE (day);
CREATE TABLE orders_2026 PARTITION OF orders FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE FOREIGN TABLE orders_old PARTITION OF orders FOR VALUES FROM (MINVALUE) TO ('2026-01-01') SERVER there OPTIONS (table_name 'orders_old_there');
INSERT INTO orders VALUES (1, '2025-05-05', 10), (2, '2026-02-02', 20);
CREATE VIEW purchases AS SELECT customer, day AS purchased_on, amount FROM orders;

SELECT is((SELECT reason FROM crm.live_source('purchases')), 'it reads "orders", whose partition "orders_old" is a foreign table', 'a partition on another server is the reason');
SELECT lives_ok('SELECT crm.track(''purchases'')', 'tracked all the same');
SELECT lives_ok('INSERT INTO orders VALUES (1, ''2025-06-06'', 5), (1, ''2026-03-03'', 7)', 'rows are written here and there');
COPY orders FROM PROGRAM 'echo 3,2025-01-01,9; echo 3,2026-01-01,11' (FORMAT csv);
SELECT is((SELECT problem FROM crm.verify('purchases') LIMIT 1) IS NOT NULL, true, 'which the histories do not know yet');
CALL crm.refresh('purchases');
SELECT is_empty('SELECT * FROM crm.verify(''purchases'')', 'until the refresh');
SELECT is((SELECT spend FROM purchases_customers WHERE customer = 1), 22.0::numeric, 'with the rows of both');

-- a partition that goes to another server later
CREATE TABLE sales (customer int, day date, amount numeric) PARTITION BY RANGE (day);
CREATE TABLE sales_2026 PARTITION OF sales FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE VIEW sold AS SELECT customer, day AS purchased_on, amount FROM sales;
SELECT crm.track('sold') \g /dev/null
INSERT INTO sales VALUES (1, '2026-02-02', 20);
SELECT is((SELECT spend FROM sold_customers WHERE customer = 1), 20.0::numeric, 'kept by triggers');
CREATE FOREIGN TABLE sales_old PARTITION OF sales FOR VALUES FROM (MINVALUE) TO ('2026-01-01') SERVER there OPTIONS (table_name 'orders_old_there');
SELECT is((SELECT not_live FROM crm.tracked WHERE purchases = 'sold'::regclass), 'it reads "sales", whose partition "sales_old" is a foreign table', 'until a foreign partition comes');
SELECT lives_ok('INSERT INTO sales VALUES (1, ''2026-03-03'', 5), (2, ''2025-03-03'', 6)', 'rows go here and there as before');
CALL crm.refresh('sold');
SELECT is_empty('SELECT * FROM crm.verify(''sold'')', 'and a refresh counts them');

-- attached after it was made, and where nobody is told
CREATE TABLE visits (customer int, day date, amount numeric) PARTITION BY RANGE (day);
CREATE TABLE visits_2026 PARTITION OF visits FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE VIEW visited AS SELECT customer, day AS purchased_on, amount FROM visits;
SELECT crm.track('visited') \g /dev/null
CREATE FOREIGN TABLE visits_old (customer int, day date, amount numeric) SERVER there OPTIONS (table_name 'orders_old_there');
ALTER EVENT TRIGGER crm_partitions DISABLE;
ALTER TABLE visits ATTACH PARTITION visits_old FOR VALUES FROM (MINVALUE) TO ('2026-01-01');
CALL crm.refresh('visited');
SELECT is((SELECT not_live FROM crm.tracked WHERE purchases = 'visited'::regclass), 'it reads "visits", whose partition "visits_old" is a foreign table', 'the next refresh finds it');
SELECT is_empty('SELECT * FROM crm.verify(''visited'')', 'and counts its rows');
ALTER EVENT TRIGGER crm_partitions ENABLE;

-- Citus's catalogue, as it stands there
SET allow_system_table_mods = on;
CREATE TABLE pg_catalog.pg_dist_partition (logicalrelid regclass, partmethod "char", partkey text, colocationid int, repmodel "char");
CREATE TABLE bought (customer int, day date, amount numeric);
CREATE TABLE looked_up (id int PRIMARY KEY, customer int);
CREATE VIEW bought_purchases AS SELECT customer, day AS purchased_on, amount FROM bought;
SELECT is((SELECT source FROM crm.live_source('bought_purchases')), 'bought'::regclass, 'a table that Citus does not know is one as any other');
INSERT INTO pg_catalog.pg_dist_partition VALUES ('looked_up', 'h', '{VAR :varno 1 :varattno 1 :vartype 23}', 1, 's'), ('bought', 'h', '{VAR :varno 1 :varattno 1 :vartype 23}', 1, 's');
SELECT is((SELECT reason FROM crm.live_source('bought_purchases')), 'it reads "bought", a distributed table of Citus', 'distributed');

-- the column of a view that shows by which the rows are distributed
SELECT is((SELECT d FROM crm_internal.distribution('bought_purchases') AS d)::text, '(bought,customer,customer)', 'a plain column of one table');
CREATE VIEW looked_at AS SELECT l.id AS buyer, b.day AS purchased_on, sum(b.amount) AS amount
  FROM (SELECT * FROM bought UNION ALL SELECT * FROM bought) AS b JOIN looked_up AS l ON l.id = b.customer GROUP BY 1, 2;
CREATE VIEW behind_it AS WITH w AS (SELECT * FROM looked_at) SELECT purchased_on, buyer AS who, amount FROM w;
SELECT is((SELECT d.key FROM crm_internal.distribution('behind_it') AS d), 'who', 'behind views, queries, joins and groups');
CREATE VIEW by_day AS SELECT customer + 1 AS customer, day AS purchased_on, amount FROM bought;
SELECT is((SELECT d FROM crm_internal.distribution('by_day') AS d)::text, '(bought,customer,)', 'what is computed of it is not it');
SELECT throws_ok('SELECT crm.track(''by_day'')', '42809', 'public.bought is distributed by customer, which is no key column of public.by_day', 'whose rows of a customer are on several shards: refused');
CREATE VIEW by_both AS SELECT customer, day AS purchased_on, amount FROM bought UNION ALL SELECT customer + 1, day, amount FROM bought;
SELECT is((SELECT d.key FROM crm_internal.distribution('by_both') AS d), NULL, 'and all queries that are put together have to show it');
CREATE VIEW by_any AS SELECT customer, day AS purchased_on, amount FROM bought UNION ALL SELECT customer, day, amount * 2 FROM bought;
SELECT is((SELECT d.key FROM crm_internal.distribution('by_any') AS d), 'customer', 'as these do');
UPDATE pg_catalog.pg_dist_partition SET partmethod = 'n', repmodel = 't';
SELECT is((SELECT reason FROM crm.live_source('bought_purchases')), 'it reads "bought", a reference table of Citus', 'reference');
UPDATE pg_catalog.pg_dist_partition SET repmodel = 's';
SELECT is((SELECT reason FROM crm.live_source('bought_purchases')), 'it reads "bought", a local table of Citus', 'local, but its triggers may be on a shard');
CREATE TABLE shipped (order_id int, day date, amount numeric);
CREATE VIEW joined_purchases AS SELECT l.customer, s.day AS purchased_on, s.amount FROM shipped AS s JOIN looked_up AS l ON l.id = s.order_id;
SELECT is((SELECT reason FROM crm.live_source('joined_purchases')), 'it reads "looked_up", a local table of Citus', 'a joined one as well');

-- histories that somebody has given to Citus: what triggers would write there nobody reads
CREATE TABLE served (customer int, day date, amount numeric);
CREATE VIEW servings AS SELECT customer, day AS purchased_on, amount FROM served;
SELECT crm.track('servings') \g /dev/null
INSERT INTO served VALUES (1, '2026-02-02', 20);
INSERT INTO pg_catalog.pg_dist_partition VALUES ('servings_histories', 'h', '{VAR :varno 1 :varattno 1 :vartype 23}', 1, 's');
ALTER TABLE servings_histories SET (fillfactor = 70);
SELECT throws_ok('INSERT INTO served VALUES (2, ''2026-02-02'', 20)', '55000', 'histories "servings_histories" have become a distributed table of Citus', 'are not written in the dark');
DELETE FROM pg_catalog.pg_dist_partition WHERE logicalrelid = 'servings_histories'::regclass;
ALTER TABLE servings_histories SET (fillfactor = 80);
SELECT lives_ok('INSERT INTO served VALUES (2, ''2026-02-02'', 20)', 'taken back, they are');

-- a purchases view that its owner has dropped is nothing that Citus did, and nobody else's affair
DROP VIEW servings CASCADE;
CREATE ROLE elsewhere_stranger;
\set told `psql -X -q -d :DBNAME -c 'SET ROLE elsewhere_stranger' -c BEGIN -c 'CREATE TEMP VIEW nothing AS SELECT 1 AS x' -c ROLLBACK 2>&1`
SELECT is(:'told'::text, '', 'who makes a view is not told of trackings of others');
REVOKE USAGE ON SCHEMA crm FROM PUBLIC;
\set told `psql -X -q -d :DBNAME -c 'SET ROLE elsewhere_stranger' -c BEGIN -c 'CREATE TEMP VIEW nothing AS SELECT 1 AS x' -c ROLLBACK 2>&1`
SELECT is(:'told'::text, '', 'nor that crm is closed to them');
GRANT USAGE ON SCHEMA crm TO PUBLIC;
DROP ROLE elsewhere_stranger;
SELECT * FROM finish();
