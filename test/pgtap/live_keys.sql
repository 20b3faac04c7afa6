-- Keys of several columns and all kinds of types, rules for each tenant,
-- several sources, refresh only, row triggers, what track refuses.
SELECT plan(56);

CREATE FUNCTION pg_temp.stays_true(tracking regclass, statement text, what text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  differences int;
BEGIN
  EXECUTE statement;
  SELECT count(*) INTO differences FROM crm.verify(tracking);
  RETURN is(differences, 0, what);
END $$;

-- several key columns, rules by tenant
CREATE TYPE channel AS ENUM ('web', 'till');
SELECT EXISTS (SELECT FROM pg_collation WHERE collprovider = 'i') AS icu \gset
\if :icu
CREATE COLLATION nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
\else
CREATE COLLATION nocase (locale = 'C');
\endif
CREATE TABLE sales (tenant int, email text COLLATE nocase, channel channel, at timestamp, price float8, pieces smallint);
CREATE VIEW sale_purchases AS SELECT tenant, email, channel, at::date AS purchased_on, price AS amount, pieces AS orders FROM sales;
INSERT INTO sales SELECT i % 3, (ARRAY['Ann', 'ANN', 'bob', 'cy'])[1 + i % 4], (ARRAY['web', 'till'])[1 + i % 2]::channel,
  timestamp '2026-01-01' + i * interval '5 hours', i % 3 * 1000 + i / 7.0, i % 4 FROM generate_series(1, 500) i;
SELECT is(crm.track('sale_purchases', scale_by => '{tenant}')::text, 'sale_customers', 'a key of three columns');
SELECT is_empty('SELECT * FROM crm.verify(''sale_purchases'')', 'is filled');
SELECT is((SELECT count(DISTINCT scale::text)::int FROM sale_scoring), 3, 'each tenant has a scale');
SELECT CASE WHEN :'icu' THEN is((SELECT count(*)::int FROM sale_histories WHERE tenant = 1), (SELECT count(DISTINCT (email, channel))::int FROM sales WHERE tenant = 1), 'keys are equal as their collation says')
  ELSE skip('this PostgreSQL has no ICU, so no collation that knows no case', 1) END;
SELECT pg_temp.stays_true('sale_purchases', 'INSERT INTO sales VALUES (1, ''aNN'', ''web'', ''2026-03-03'', 0.1, 2), (2, ''dan'', ''till'', ''2026-03-03'', 1e9, 0)', 'float8 amounts, weights');
SELECT pg_temp.stays_true('sale_purchases', 'UPDATE sales SET tenant = (tenant + 1) % 3, pieces = 3 WHERE pieces = 2', 'update of part of the key');
SELECT pg_temp.stays_true('sale_purchases', 'INSERT INTO sales VALUES (9, ''new'', ''web'', ''2026-03-03'', 5, 1)', 'a tenant without rules yet');
SELECT is((SELECT rfm FROM sale_histories WHERE tenant = 9), NULL, 'has no score');
CALL crm.refresh('sale_purchases', NULL, false, 3);
SELECT is((SELECT rfm IS NOT NULL FROM sale_histories WHERE tenant = 9), true, 'until a refresh makes them');
SELECT is_empty('SELECT * FROM crm.verify(''sale_purchases'')', 'in batches that cut through tenants');
UPDATE sale_scoring SET keep_scale = true, scale = crm.rfm_scale_of('{1,2,3,4}', '{1,2,3,4}', '{1,2,3,4}') WHERE tenant = 1;
CALL crm.refresh('sale_purchases');
SELECT is((SELECT scale::text FROM sale_scoring WHERE tenant = 1), crm.rfm_scale_of('{1,2,3,4}', '{1,2,3,4}', '{1,2,3,4}')::text, 'a scale made by hand is kept');
SELECT is_empty('SELECT * FROM crm.verify(''sale_purchases'', ''2026-03-01'')', 'verify since a day');

-- an order looks at the rule of its own tenant alone, as it is at the time
CREATE FUNCTION pg_temp.rules_read(statement text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  before constant bigint := pg_stat_get_xact_tuples_returned('sale_scoring'::regclass);
BEGIN
  EXECUTE statement;
  RETURN pg_stat_get_xact_tuples_returned('sale_scoring'::regclass) - before;
END $$;
SELECT is(pg_temp.rules_read($$INSERT INTO sales VALUES (0, 'eve', 'web', '2026-03-04', 5, 1), (1, 'eve', 'web', '2026-03-04', 5, 1), (0, 'eva', 'web', '2026-03-04', 5, 1)$$), 0::bigint,
  'rules are looked up, not read through');
UPDATE sale_scoring SET scale = crm.rfm_scale_of('{9000,9001,9002,9003}', '{1,2,3,4}', '{1,2,3,4}') WHERE tenant = 1;
INSERT INTO sales VALUES (1, 'flo', 'web', '2026-03-04', 0.5, 1), (2, 'flo', 'web', '2026-03-04', 0.5, 1);
SELECT is((SELECT rfm::text FROM sale_histories WHERE tenant = 1 AND email = 'flo'), '511', 'a rule that was changed scores the next order');
DELETE FROM sale_scoring WHERE tenant = 1;
INSERT INTO sales VALUES (1, 'gus', 'web', '2026-03-04', 0.5, 1), (2, 'gus', 'web', '2026-03-04', 0.5, 1);
SELECT is((SELECT array_agg(rfm IS NULL ORDER BY tenant) FROM sale_histories WHERE email = 'gus'), '{t,f}', 'one that is gone scores none');
CALL crm.refresh('sale_purchases');
ALTER TABLE sale_scoring DROP CONSTRAINT sale_scoring_pkey;
INSERT INTO sales VALUES (1, 'hal', 'web', '2026-03-04', 0.5, 1);
SELECT isnt((SELECT rfm FROM sale_histories WHERE email = 'hal'), NULL, 'without a primary key they are read');
ALTER TABLE sale_scoring ADD PRIMARY KEY (tenant);
SELECT is_empty('SELECT * FROM crm.verify(''sale_purchases'')', 'either way as verify has it');

-- several sources
CREATE TABLE refunds (tenant int, email text COLLATE nocase, channel channel, refunded_on date, cents int);
CREATE VIEW refund_purchases AS SELECT tenant, email, channel, refunded_on AS purchased_on, -cents / 100.0 AS amount FROM refunds;
INSERT INTO refunds VALUES (1, 'bob', 'web', '2026-01-05', 500);
SELECT is(crm.track('refund_purchases', histories => 'sale_histories')::text, 'sale_customers', 'refunds feed the same histories');
SELECT is_empty('SELECT * FROM crm.verify(''refund_purchases'')', 'what was there is in');
SELECT pg_temp.stays_true('sale_histories', 'INSERT INTO refunds VALUES (1, ''BOB'', ''web'', ''2026-01-06'', 700), (5, ''x'', ''till'', ''2026-01-06'', 1)', 'what comes is followed');
SELECT pg_temp.stays_true('sale_histories', 'TRUNCATE sales', 'truncate one source');
SELECT is((SELECT string_agg(lower(email COLLATE "C"), ',' ORDER BY lower(email COLLATE "C")) FROM sale_histories WHERE history::text <> '{}'),
  CASE WHEN :'icu' THEN 'bob,x' ELSE 'bob,bob,x' END, 'leaves the other''s');
SELECT throws_ok('SELECT crm.track(''sales'', ''email'', ''at'', ''price'', histories => ''sale_histories'')', '42804', NULL, 'other keys cannot feed them');

-- two views of one table, one set of histories
CREATE VIEW fee_purchases AS SELECT tenant, email, channel, at::date AS purchased_on, -0.5 AS amount, 0 AS orders FROM sales;
SELECT lives_ok('SELECT crm.track(''fee_purchases'', histories => ''sale_histories'')', 'a second view of a table');
SELECT pg_temp.stays_true('sale_histories', 'INSERT INTO sales SELECT 1, ''e'' || i % 5, ''web'', ''2026-04-04'', 9, 1 FROM generate_series(1, 20) i', 'counts beside the first');
SELECT crm.untrack('sale_purchases') IS NULL AS untracked \gset
SELECT is((SELECT count(*)::int FROM pg_trigger WHERE tgname LIKE 'crm%'), 0, 'untrack ends all of it');

-- row triggers, as on a subscriber
CREATE TABLE replicated (id int PRIMARY KEY, customer uuid, day date, amount int) PARTITION BY HASH (id);
CREATE TABLE replicated_0 PARTITION OF replicated FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE replicated_1 PARTITION OF replicated FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO replicated SELECT i, md5((i % 10)::text)::uuid, date '2026-01-01' + i, i FROM generate_series(1, 100) i;
SELECT lives_ok('SELECT crm.track(''replicated'', ''customer'', ''day'', ''amount'', by_row => true)', 'row triggers');
SELECT is((SELECT kept FROM crm.tracking_status), 'row by row', 'are told in the status');
SELECT pg_temp.stays_true('replicated', 'INSERT INTO replicated SELECT i, md5((i % 13)::text)::uuid, date ''2026-01-01'' + i, i FROM generate_series(101, 150) i', 'insert');
SELECT pg_temp.stays_true('replicated', 'UPDATE replicated SET amount = -amount, id = id + 1000 WHERE id % 3 = 0', 'update, across partitions too');
SELECT pg_temp.stays_true('replicated', 'DELETE FROM replicated WHERE id % 5 = 0', 'delete');
SET session_replication_role = replica;
SELECT pg_temp.stays_true('replicated', 'INSERT INTO replicated VALUES (5000, md5(''1'')::uuid, ''2026-01-01'', 1)', 'insert by a replica');
SELECT pg_temp.stays_true('replicated', 'TRUNCATE replicated_0', 'truncate by a replica');
RESET session_replication_role;
SELECT throws_ok('CREATE VIEW more_purchases AS SELECT customer, day AS purchased_on, amount FROM replicated; SELECT crm.track(''more_purchases'')', '55000', NULL, 'both kinds of triggers on one table');

-- refresh only
CREATE TABLE person (id int PRIMARY KEY, name text);
CREATE TABLE bought (person int REFERENCES person, day date, amount numeric);
INSERT INTO person VALUES (1, 'a'), (2, 'b');
INSERT INTO bought VALUES (1, '2026-01-01', 5), (2, '2026-01-02', 6);
CREATE VIEW joined_purchases AS SELECT (SELECT name FROM person WHERE id = person) AS name, day AS purchased_on, amount FROM bought;
SELECT lives_ok('SELECT crm.track(''joined_purchases'', changes => true)', 'a subquery is kept by refresh');
SELECT is((SELECT not_live FROM crm.tracking_status WHERE purchases = 'joined_purchases'::regclass),
  'it has a subquery. Join the table by equality with all columns of one of its unique keys.', 'and the status says why, and what would help');
INSERT INTO bought VALUES (1, '2026-01-03', 7);
DELETE FROM bought WHERE person = 2;
SELECT set_eq('SELECT customer ->> ''name'' FROM crm.verify(''joined_purchases'')', '{a,b}'::text[], 'what came since is missing');
CALL crm.refresh('joined_purchases');
SELECT is_empty('SELECT * FROM crm.verify(''joined_purchases'')', 'until the refresh');

-- reasons
CREATE TABLE plain (customer int, day date, amount numeric);
CREATE FUNCTION pg_temp.reason(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  reason text;
BEGIN
  EXECUTE 'CREATE VIEW reasons AS ' || query;
  SELECT split_part(r.reason, '. ', 1) INTO reason FROM crm.live_source('reasons') r;
  DROP VIEW reasons;
  RETURN coalesce(reason, 'live');
END $$;
SELECT is(pg_temp.reason('SELECT customer, day, sum(amount) FROM plain GROUP BY 1, 2'), 'it groups rows', 'groups');
SELECT is(pg_temp.reason('SELECT customer, day, amount FROM plain UNION ALL SELECT * FROM plain'), 'it combines several queries', 'union');
SELECT is(pg_temp.reason('SELECT customer, current_date - 1 AS day, amount FROM plain'), 'column "day" uses the current date, time or user, which is not immutable', 'mutable');
SELECT is(pg_temp.reason('SELECT customer, day, amount FROM plain WHERE customer IN (SELECT 1)'), 'it has a subquery', 'subquery');
SELECT is(pg_temp.reason('SELECT customer, (now() + day::interval)::date AS day, amount FROM (SELECT 1 AS customer, ''1 day''::text AS day, 1 AS amount) AS p'), 'it does not read a table', 'no table');
SELECT is(pg_temp.reason('SELECT customer, to_date(day::text, ''YYYY'') AS day, amount FROM plain'), 'column "day" uses function to_date(text,text), which is not immutable', 'a function by its name');
SELECT is(pg_temp.reason('SELECT customer, day, amount FROM plain WHERE day > now()'), 'its WHERE clause uses function date_gt_timestamptz(date,timestamp with time zone), which is not immutable', 'in the filter');
SELECT is(pg_temp.reason('SELECT ctid::text AS place, day, amount FROM plain'), 'column "place" uses a whole row or a system column', 'system column');
SELECT is(pg_temp.reason('SELECT name, purchased_on, amount FROM joined_purchases'), 'it reads the view "joined_purchases"', 'view');
SELECT is(pg_temp.reason('SELECT customer, day, amount FROM replicated_0'), 'it reads the partition "replicated_0"', 'partition');
SELECT is(pg_temp.reason('SELECT DISTINCT customer, day, amount FROM plain'), 'it removes duplicates', 'distinct');
SELECT is(pg_temp.reason('SELECT customer, day, amount FROM plain LIMIT 5'), 'it limits the number of rows', 'limit');
SELECT is(pg_temp.reason('SELECT upper(customer::text), day, amount FROM plain WHERE amount > 5 ORDER BY 1'), 'live', 'a filter and immutable functions');

-- refused
CREATE TEMP TABLE temporary (customer int, day date, amount numeric);
SELECT throws_ok('SELECT crm.track(''temporary'', ''customer'', ''day'', ''amount'')', '42809', NULL, 'a temporary table');
SELECT throws_ok('SELECT crm.track(''plain'', ''customer'', ''day'')', '22023', NULL, 'a column too few');
-- columns whose names carry the days of the horizon
CREATE TABLE keyed_by_d (d int, day date, amount numeric);
SELECT crm.track('keyed_by_d', 'd', 'day', 'amount');
SELECT is((SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'keyed_by_d_customers'::regclass AND attname LIKE '%\_365d'
            AND attname NOT LIKE '%last%'),
  'expected_purchases_365d clv_365d buy_again_365d clv_q90_365d', 'a key called d takes the place of no column');
DROP VIEW keyed_by_d_customers CASCADE;
SELECT throws_ok($$SELECT crm_internal.refresh_fill('keyed_by_d_purchases')$$, '42P01', 'the customers view of public.keyed_by_d has been dropped', 'a refresh says what it lacks');
CREATE TABLE keyed_by_value (clv_365d int, day date, amount numeric);
SELECT throws_ok($$SELECT crm.track('keyed_by_value', 'clv_365d', 'day', 'amount')$$, '42701',
  'key column clv_365d of public.keyed_by_value_purchases has the name of a column that crm.track makes', 'a key called like the value');

SELECT * FROM finish();
