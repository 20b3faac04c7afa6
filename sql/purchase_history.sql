-- purchase_history: text and binary forms, errors, arithmetic, questions
SET search_path = public, crm, crm_internal;
SET DateStyle = ISO;

-- text form: any order in, sorted out, nothing lost
SELECT '{}'::purchase_history, ' { } '::purchase_history;
SELECT '{2020-02-03 2 7.1234,2020-01-02 1 3.5}'::purchase_history;
SELECT '{ 2020-01-02   0   -3.50 }'::purchase_history;
SELECT '{0044-03-15 BC 1 3, 12020-01-02 1 900000000000000}'::purchase_history;
SELECT '{4713-11-24 BC 1 0, 5874897-12-31 2147483647 -0.0001}'::purchase_history;
SET DateStyle = 'SQL, DMY';
SELECT '{2020-02-03 1 1e2}'::purchase_history;
SET DateStyle = ISO;

-- text form: errors
SELECT ''::purchase_history;
SELECT '{'::purchase_history;
SELECT '{2020-01-02 1 3.5'::purchase_history;
SELECT '{2020-01-02 1 3.5} x'::purchase_history;
SELECT '{2020-01-02 1 3.5,}'::purchase_history;
SELECT '{2020-01-02 1}'::purchase_history;
SELECT '{2020-01-02 1.5 3}'::purchase_history;
SELECT '{2020-01-02 1 3.12345}'::purchase_history;
SELECT '{2020-01-02 1 NaN}'::purchase_history;
SELECT '{2020-01-02 1 .}'::purchase_history;
SELECT '{2020-02-30 1 3}'::purchase_history;
SELECT '{0000-01-01 1 3}'::purchase_history;
SELECT '{20200101 1 3}'::purchase_history;
SELECT '{infinity 1 3}'::purchase_history;
SELECT '{5874898-01-01 1 3}'::purchase_history;
SELECT '{2020-01-02 -1 3}'::purchase_history;
SELECT '{2020-01-02 2147483648 3}'::purchase_history;
SELECT '{2020-01-02 99999999999999999999 3}'::purchase_history;
SELECT '{2020-01-02 1 900000000000000.0001}'::purchase_history;
SELECT '{2020-01-02 0 0}'::purchase_history;
SELECT '{2020-01-02 1 3, 2020-01-02 1 4}'::purchase_history;

-- binary form: receive is as strict as input
CREATE FUNCTION receive(message bytea) RETURNS purchase_history LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  answer crm.purchase_history;
  file text := pg_catalog.current_setting('data_directory') || '/receive.bin';
BEGIN
  EXECUTE pg_catalog.format('COPY (SELECT %L::bytea) TO %L (FORMAT binary)', message, file);
  CREATE TEMPORARY TABLE received (h crm.purchase_history) ON COMMIT DROP;
  EXECUTE pg_catalog.format('COPY pg_temp.received FROM %L (FORMAT binary)', file);
  SELECT h INTO answer FROM pg_temp.received;
  DROP TABLE pg_temp.received;
  RETURN answer;
END $$;
SELECT purchase_history_send('{2020-01-02 1 3.5, 2020-01-03 0 -1}');
SELECT receive(purchase_history_send('{2020-01-02 1 3.5, 2020-01-03 0 -1}'));
SELECT receive(purchase_history_send('{}'));
\set VERBOSITY terse
SELECT receive('\x00030000'::bytea || '\x00000000');
SELECT receive('\x00020000'::bytea || '\x0000000000000000');
SELECT receive('\x00010001'::bytea || '\x00000000');
SELECT receive('\x00010000'::bytea || '\x00000001');
SELECT receive('\x00010000'::bytea || '\xffffffff');
SELECT receive('\x00010000'::bytea || '\x7fffffff' || '\x00');
SELECT receive('\x00010000'::bytea || '\x00000001' || '\x00001c89' || '\xffffffff' || '\x0000000000000001');
SELECT receive('\x00010000'::bytea || '\x00000001' || '\x00001c89' || '\x00000000' || '\x0000000000000000');
SELECT receive('\x00010000'::bytea || '\x00000001' || '\x7fffffff' || '\x00000001' || '\x0000000000000001');
SELECT receive('\x00010000'::bytea || '\x00000001' || '\x7ffffff0' || '\x00000001' || '\x0000000000000001');
SELECT receive('\x00010000'::bytea || '\x00000001' || '\x00001c89' || '\x00000001' || '\x7fffffffffffffff');
SELECT receive('\x00010000'::bytea || '\x00000002' || '\x00001c89' || '\x00000001' || '\x0000000000000001'
  || '\x00001c88' || '\x00000001' || '\x0000000000000001');
SELECT receive('\x00010000'::bytea || '\x00000002' || '\x00001c89' || '\x00000001' || '\x0000000000000001'
  || '\x00001c89' || '\x00000001' || '\x0000000000000001');
\set VERBOSITY default

-- the aggregate: kinds of days, amounts and weights
SELECT purchase_history(d, a) FROM (VALUES (date '2020-01-02', 3.5), ('2020-01-01', 2.00005), ('2020-01-02', -1.25), (NULL, 7), ('2020-01-03', NULL)) v(d, a);
SELECT purchase_history(d, a) FROM (VALUES (date '2020-01-02', 3.5::float8), ('2020-01-01', 2.00005)) v(d, a);
SELECT purchase_history(d, a, n) FROM (VALUES (date '2020-01-02', 3.5, 2), ('2020-01-02', 1, 0), ('2020-01-04', 0, 0), ('2020-01-05', 9, NULL), ('2020-01-06', 0, 1)) v(d, a, n);
SELECT purchase_history(d, a, n) FROM (VALUES (date '2020-01-02', 3.5::float8, 2)) v(d, a, n);
SELECT purchase_history(d, a) FROM (VALUES (date '2020-01-02', 3), ('2020-01-02', 4)) v(d, a);
SELECT purchase_history(d, a) FROM (VALUES (timestamp '2020-01-02 23:59:59.999999', 3.5), ('1999-12-31 23:00', 1), ('2000-01-01 00:00', 1)) v(d, a);
SELECT purchase_history(d, a, 2) FROM (VALUES (timestamp '2020-01-02 23:59', 3.5::float8)) v(d, a);
SELECT purchase_history(d, a, 'Europe/Berlin') FROM (VALUES (timestamptz '2020-01-02 23:30+00', 3.5), ('2020-07-02 22:30+00', 1)) v(d, a);
SELECT purchase_history(d, a, 'America/New_York', 3) FROM (VALUES (timestamptz '2020-01-02 03:30+00', 3.5::float8)) v(d, a);
SELECT purchase_history(d, a) IS NULL AS none FROM (VALUES (date '2020-01-01', NULL::numeric)) v(d, a);
SELECT purchase_history(d, a) FROM (VALUES (date '2020-01-01', 5), ('2020-01-01', -5)) v(d, a);
SELECT purchase_history(d, a, 0) FROM (VALUES (date '2020-01-01', 5), ('2020-01-01', -5)) v(d, a);
SELECT merge(h) FROM (VALUES ('{2020-01-01 1 5}'::purchase_history), ('{2020-01-01 1 6, 2020-01-02 1 1}'), (NULL)) v(h);

-- rounding half away from zero to four decimals, the same for numeric and float8
SELECT a, purchase_history(date '2020-01-01', a, 0) FROM (VALUES
  (0.00005), (-0.00005), (0.00004999), (1.00015), (9999.99995), (-9999.99995), (0.000050001), (12345678901.23455),
  (1e-30), (123456789012345.67895), (900000000000000)) v(a) GROUP BY a ORDER BY a;

-- the aggregate: errors
SELECT purchase_history(d, 'NaN'::numeric) FROM (VALUES (date '2020-01-01')) v(d);
SELECT purchase_history(d, 'NaN'::float8) FROM (VALUES (date '2020-01-01')) v(d);
SELECT purchase_history(d, '-Infinity'::float8) FROM (VALUES (date '2020-01-01')) v(d);
SELECT purchase_history(d, 900000000000000.0001) FROM (VALUES (date '2020-01-01')) v(d);
SELECT purchase_history(d, 1e300::float8) FROM (VALUES (date '2020-01-01')) v(d);
SELECT purchase_history(d, 1e40) FROM (VALUES (date '2020-01-01')) v(d);
SELECT purchase_history(d, 9e14) FROM (VALUES (date '2020-01-01'), ('2020-01-01')) v(d);
SELECT purchase_history(d, 1, -1) FROM (VALUES (date '2020-01-01')) v(d);
SELECT purchase_history(d, 1, 2147483647) FROM (VALUES (date '2020-01-01'), ('2020-01-01')) v(d);
SELECT purchase_history(d, 1) FROM (VALUES (date 'infinity')) v(d);
SELECT purchase_history(d, 1) FROM (VALUES (timestamp '-infinity')) v(d);
SELECT purchase_history(d, 1, 'UTC') FROM (VALUES (timestamptz 'infinity')) v(d);
SELECT purchase_history(d, 1, 'Nowhere/Land') FROM (VALUES (timestamptz '2020-01-01')) v(d);
SELECT purchase_history(d, 1) FROM (VALUES (timestamptz '2020-01-01')) v(d);
SELECT purchase_history_transition(NULL, date '2020-01-01', 1.0);

-- one purchase, sum and difference
SELECT purchase('2020-01-01', 5), purchase('2020-01-01', -5), purchase('2020-01-01', 5, 3), purchase('2020-01-01', 0), purchase('2020-01-01', 0, 0);
SELECT purchase('2020-01-01', 5, -3);
SELECT '{2020-01-01 1 5}'::purchase_history + '{2020-01-01 2 -1, 2019-01-01 1 1}';
SELECT '{2020-01-01 3 4, 2019-01-01 1 1}'::purchase_history - '{2020-01-01 2 -1, 2019-01-01 1 1}';
SELECT '{2020-01-01 1 5}'::purchase_history - '{2020-01-01 0 5}';
SELECT '{2020-01-01 1 5}'::purchase_history - '{2020-01-01 1 5}';
SELECT '{2020-01-01 1 5}'::purchase_history - '{2020-01-01 2 5}';
SELECT '{2020-01-01 1 5}'::purchase_history - '{2020-01-02 1 5}';
SELECT '{2020-01-01 1 9e14}'::purchase_history + '{2020-01-01 1 0.0001}';

-- order, equality, hash
SELECT h FROM (VALUES ('{2020-01-02 1 5}'::purchase_history), ('{2020-01-01 1 5}'), ('{}'), ('{2020-01-01 1 4}'), ('{2020-01-01 1 5, 2020-01-02 1 5}'), ('{2020-01-01 2 1}')) v(h) ORDER BY h;
SELECT count(*), count(DISTINCT h) FROM (VALUES ('{2020-01-02 1 5}'::purchase_history), ('{2020-01-02 1 5.0000}'), ('{}')) v(h);
SELECT '{2020-01-01 1 5}'::purchase_history = '{2020-01-01 1 5}' AS eq, '{2020-01-01 1 5}'::purchase_history <> '{}' AS ne,
  '{}'::purchase_history < '{2020-01-01 1 5}' AS lt, '{}'::purchase_history <= '{}' AS le,
  '{}'::purchase_history > '{2020-01-01 1 5}' AS gt, '{}'::purchase_history >= '{}' AS ge;
SELECT purchase_history_hash('{2020-01-01 1 5}') = purchase_history_hash('{2020-01-01 1 5.00}') AS same_hash,
  purchase_history_hash_extended('{2020-01-01 1 5}', 0) <> purchase_history_hash_extended('{2020-01-01 1 5}', 1) AS seeded;

-- questions
CREATE TABLE shop (name text, history purchase_history);
INSERT INTO shop VALUES
  ('nobody', '{}'), ('refund only', '{2020-03-01 0 -20}'), ('once', '{2020-01-15 1 10}'),
  ('often', '{2020-01-01 1 10, 2020-01-11 2 30, 2020-01-12 0 -5, 2020-01-31 1 0, 2020-03-01 1 12.3456}'),
  ('unknown', NULL);
SELECT name, first_purchased_on(history), last_purchased_on(history), purchase_count(history), purchase_day_count(history), spend(history) FROM shop;
SELECT name, round(average_order_value(history), 6) AS average_order_value, round(average_days_between_purchases(history), 6) AS average_days FROM shop;
SELECT name, as_of, recency(history, as_of), tenure(history, as_of)
  FROM shop, (VALUES (date '2019-12-31'), ('2020-01-01'), ('2020-01-12'), ('2020-04-01')) d(as_of) WHERE name IN ('once', 'often') ORDER BY name, as_of;
SELECT recency(history, 'infinity') FROM shop WHERE name = 'once';
SELECT tenure(history, '-infinity') FROM shop WHERE name = 'once';
SELECT name, until(history, '2020-01-11'), drop_refunded(history) FROM shop;
SELECT until(history, 'infinity') = history AS all_of_it, until(history, '-infinity') AS nothing FROM shop WHERE name = 'often';
SELECT days, within(history, days) FROM shop,
  (VALUES (daterange '[2020-01-11,2020-01-31]'), ('[2020-01-11,2020-01-31)'), ('(,2020-01-12)'), ('[2020-01-31,)'), ('(,)'), ('empty'),
          ('[-infinity,2020-01-01]'), ('[2020-03-01,infinity]')) d(days) WHERE name = 'often';
SELECT p.* FROM shop, purchases(history) p WHERE name = 'often';
SELECT a.* FROM shop, activity(history, '2020-04-15', 'month') a WHERE name = 'often';
SELECT period, count(*), min(period_start), max(period_start), sum(a.purchase_count), sum(amount) FROM shop,
  (VALUES ('day'), ('week'), ('Month'), ('quarter'), ('year')) u(period), activity(history, '2021-01-01', period) a WHERE name = 'often' GROUP BY period ORDER BY 2;
SELECT count(*) FROM activity('{2020-01-15 1 10}', '2020-01-14', 'month');
SELECT * FROM activity('{2020-01-15 1 10}', '2020-01-14', 'fortnight');
SELECT * FROM activity('{2020-01-15 1 10}', 'infinity', 'day');
-- the first date lies in a month, a quarter and a year that begin before it
SELECT * FROM activity('{4714-11-24 BC 1 10}', '4714-12-01 BC', 'week');
SELECT * FROM activity('{4714-11-24 BC 1 10}', '4714-12-24 BC', 'month');
SELECT * FROM activity('{4714-11-24 BC 1 10}', '4714-12-24 BC', 'year');
SELECT * FROM activity('{5874897-12-31 1 10}', '5874897-12-31', 'quarter');
SELECT name, history::jsonb FROM shop;

-- a history in a table: toasted, indexed, grouped
CREATE TABLE stored (history purchase_history);
INSERT INTO stored SELECT purchase_history(date '2010-01-01' + i, i / 100.0) FROM generate_series(1, 5000) i;
INSERT INTO stored SELECT '{}';
CREATE INDEX ON stored USING hash (history);
SELECT purchase_day_count(history), purchase_count(history), spend(history), first_purchased_on(history), last_purchased_on(history) FROM stored ORDER BY 1;
SELECT pg_column_size(purchase('2020-01-01', 1)) AS one_day, pg_column_size(purchase_history(date '2010-01-01' + i, 1)) AS ten_years FROM generate_series(1, 3650) i;

DROP TABLE shop, stored;
DROP FUNCTION receive(bytea);
