-- Lines without a header, of which each day of a customer counts as one purchase:
-- the value against a slow reference, and trackings in every way of upkeep against
-- plain SQL after random statements.
SET client_min_messages = warning;
SELECT plan(30);
SELECT setseed(0.618) IS NOT NULL AS seeded;

-- the value: on any day as many purchases as there are days with something left
CREATE TEMP TABLE row_of AS
  SELECT i, i % 30 AS customer, day, CASE WHEN random() < 0.4 THEN day + 1 + (random() * 30)::int END AS booked, (random() * 90)::numeric(8,2) AS amount
  FROM (SELECT i, date '2024-01-01' + (random() * 25)::int AS day FROM generate_series(1, 900) i) d;
CREATE TEMP TABLE whole AS
  SELECT customer, crm.purchase_history(day, CASE WHEN booked IS NULL THEN amount ELSE -amount END, CASE WHEN booked IS NULL THEN 1 ELSE -1 END, booked) AS h FROM row_of GROUP BY customer;
SELECT is_empty($$
  SELECT customer, as_of FROM whole, generate_series(date '2024-01-01', '2024-03-01', interval '7 days') g(at), LATERAL (SELECT at::date AS as_of) d,
    LATERAL (SELECT count(*) FILTER (WHERE n > 0) AS days, coalesce(sum(net), 0) AS net
      FROM (SELECT day, sum(CASE WHEN booked IS NULL THEN 1 ELSE -1 END) AS n, sum(CASE WHEN booked IS NULL THEN amount ELSE -amount END) AS net
            FROM row_of r WHERE r.customer = whole.customer AND day <= as_of AND (booked IS NULL OR booked <= as_of) GROUP BY day) k) p
  WHERE (p.days, p.days, p.net) IS DISTINCT FROM (crm.purchase_count(crm.until(crm.count_days(h), as_of)), crm.purchase_day_count(crm.until(h, as_of))::bigint, crm.spend(crm.until(crm.count_days(h), as_of)))$$,
  'on any day as many purchases as plain SQL finds days');
SELECT is_empty('SELECT customer FROM whole WHERE crm.count_days(crm.count_days(h)) OPERATOR(crm.<>) crm.count_days(h) OR crm.count_days(h)::text::crm.purchase_history OPERATOR(crm.<>) crm.count_days(h)', 'twice is once');
SELECT is(crm.count_days('{2024-01-10 3 100, 2024-02-01 0 5, 2024-01-15 -1 -10 of 2024-01-10, 2024-01-16 -2 0 of 2024-01-10, 2024-01-16 -2 0 of 2024-01-11}')::text,
  '{2024-01-10 1 100.00, 2024-02-01 0 5.00, 2024-01-15 0 -10.00 of 2024-01-10, 2024-01-16 -1 0.00 of 2024-01-10}', 'the last row of a day takes the purchase back');

-- trackings: by statement, by row, at commit, over partitions, with refunds that know their day
CREATE TABLE plain_lines (id serial PRIMARY KEY, order_id text, customer_id int, sold_on date, amount numeric, booked_on date);
CREATE TABLE row_lines (LIKE plain_lines INCLUDING ALL);
CREATE TABLE commit_lines (LIKE plain_lines INCLUDING ALL);
CREATE TABLE part_lines (LIKE plain_lines INCLUDING DEFAULTS) PARTITION BY RANGE (sold_on);
CREATE TABLE part_lines_a PARTITION OF part_lines FOR VALUES FROM ('2026-01-01') TO ('2026-01-15');
CREATE TABLE part_lines_b PARTITION OF part_lines FOR VALUES FROM ('2026-01-15') TO ('2027-01-01');
INSERT INTO plain_lines (order_id, customer_id, sold_on, amount) SELECT 'o' || i, i % 8, date '2026-01-01' + i % 40, 3 + l FROM generate_series(1, 120) i, generate_series(1, 1 + i % 3) l;
INSERT INTO row_lines TABLE plain_lines;
INSERT INTO commit_lines TABLE plain_lines;
INSERT INTO part_lines TABLE plain_lines;
CREATE FUNCTION tracked(lines regclass, by_row boolean DEFAULT false, upkeep text DEFAULT 'statement') RETURNS regclass LANGUAGE sql AS $$
  SELECT crm.track(lines, customer => 'customer_id', purchased_on => 'sold_on', amount => 'amount', booked_on => 'booked_on', by_row => by_row, upkeep => upkeep,
    count_days => true, changes => true, time_zone => 'UTC', as_of => '2026-03-31') $$;
SELECT tracked('plain_lines'), tracked('row_lines', true), tracked('commit_lines', upkeep => 'commit'), tracked('part_lines');
SELECT results_eq('SELECT DISTINCT kept FROM crm.tracking_status ORDER BY 1', $$VALUES ('live'), ('row by row')$$, 'all are live');
SELECT is_empty($$SELECT a.j ->> 'attname' FROM (SELECT to_jsonb(a) AS j FROM pg_attribute a WHERE a.attrelid = 'plain_lines_histories'::regclass AND a.attname LIKE '%history') AS a
  WHERE a.j ->> 'attcompression' <> 'l' AND EXISTS (SELECT FROM pg_settings WHERE name = 'default_toast_compression' AND 'lz4' = ANY (enumvals))$$, 'both histories are compressed as fast as can be');
CREATE FUNCTION differing(lines text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE n bigint; BEGIN
  EXECUTE format('SELECT count(*) FROM (SELECT customer_id, purchase_count, purchase_day_count::bigint AS day_count, spend FROM %1$s_customers) c
    FULL JOIN (SELECT customer_id, count(*) FILTER (WHERE n > 0) AS days, sum(net)::numeric(38,2) AS spend FROM (
      SELECT customer_id, sold_on, count(*) FILTER (WHERE amount >= 0) AS n, sum(amount) AS net FROM %1$s WHERE sold_on <= ''2026-03-31'' AND (booked_on IS NULL OR booked_on <= ''2026-03-31'')
      GROUP BY 1, 2) d GROUP BY 1 HAVING bool_or(n > 0)) p USING (customer_id)
    WHERE (c.purchase_count, c.day_count, c.spend) IS DISTINCT FROM (p.days, p.days, p.spend)', lines) INTO n;
  RETURN n;
END $$;
CREATE FUNCTION problems(lines regclass) RETURNS text LANGUAGE sql AS $$ SELECT coalesce(string_agg(DISTINCT problem, ', ' ORDER BY problem), 'nothing') FROM crm.verify(lines) WHERE problem <> 'refunded too much' $$;
SELECT is(differing(t), 0::bigint, t || ': days are counted') FROM unnest('{plain_lines,row_lines,commit_lines,part_lines}'::text[]) t;
CREATE FUNCTION some_statements(lines text, n int) RETURNS text LANGUAGE plpgsql AS $$
DECLARE s text; BEGIN
  FOR i IN 1..n LOOP
    s := (ARRAY['INSERT INTO %1$s (order_id, customer_id, sold_on, amount) SELECT ''n'', (random() * 9)::int, date ''2026-01-03'' + (random() * 50)::int, 7 FROM generate_series(1, 4)',
      'INSERT INTO %1$s (order_id, customer_id, sold_on, amount, booked_on) SELECT order_id, customer_id, sold_on, -amount, sold_on + 3 FROM %1$s WHERE amount > 0 ORDER BY random() LIMIT 2',
      'UPDATE %1$s SET customer_id = (random() * 9)::int WHERE id %% 9 = (random() * 8)::int', 'UPDATE %1$s SET sold_on = sold_on + 1, amount = amount + 0.01 WHERE id %% 7 = (random() * 6)::int',
      'DELETE FROM %1$s WHERE id %% 9 = (random() * 8)::int', 'DELETE FROM %1$s WHERE customer_id = (random() * 9)::int AND sold_on < ''2026-01-12'''])[1 + (random() * 5.98 - 0.49)::int];
    EXECUTE format(s, lines);
    IF lines <> 'commit_lines' AND differing(lines) <> 0 THEN
      RETURN format(s, lines);
    END IF;
  END LOOP;
  RETURN NULL;
END $$;
SELECT is(some_statements(t, 25), NULL, t || ': after each statement') FROM unnest('{plain_lines,row_lines,commit_lines,part_lines}'::text[]) t;
SELECT is(problems(t), 'nothing', t || ': verified, rows, days and scores') FROM unnest('{plain_lines,row_lines,commit_lines,part_lines}'::regclass[]) t;
SELECT is(differing('commit_lines'), 0::bigint, 'at commit too');
ALTER TABLE part_lines DETACH PARTITION part_lines_a;
SELECT is(problems('part_lines'), 'nothing', 'what a detached partition held counts on');
CALL crm.refresh('plain_lines', '2026-02-15', refit => true);
SELECT is(problems('plain_lines'), 'nothing', 'as of another day, with models');
SELECT crm.track_tiers('plain_lines');
UPDATE plain_lines_scoring SET tier_program = '{Bronze: orders 0, Silver: orders 5} rolling 12 months downgrade one_tier';
CALL crm.refresh('plain_lines', '2026-03-31');
INSERT INTO plain_lines_tier_decisions (customer_id, what, tier, valid, why) VALUES (400, 'floor', 'Silver', '(,)', 'a friend');
INSERT INTO plain_lines (order_id, customer_id, sold_on, amount) SELECT 'q', 500, '2026-02-01', 1 FROM generate_series(1, 9);
INSERT INTO plain_lines (order_id, customer_id, sold_on, amount) VALUES ('q', 400, '2026-02-01', 1);
SELECT results_eq('SELECT customer_id, purchase_count, tier FROM plain_lines_customers WHERE customer_id >= 400 ORDER BY 1', $$VALUES (400, 1::bigint, 'Silver'), (500, 1, 'Bronze')$$, 'tiers count days, and know decisions');
DELETE FROM plain_lines WHERE customer_id = 500;
SELECT is(crm.drop_empty('plain_lines') > 0, true, 'whose last line goes is dropped when asked for');
UPDATE plain_lines_histories SET row_history = row_history OPERATOR(crm.+) crm.purchase('2026-02-01', 5) WHERE customer_id = 400;
SELECT is(problems('plain_lines'), 'history', 'verify looks at the rows');
SELECT is(crm.rebuild('plain_lines'), 1::bigint, 'a rebuild mends them');

ALTER TABLE plain_lines_histories RENAME row_history TO lines;
SELECT throws_ok($$INSERT INTO plain_lines (order_id, customer_id, sold_on, amount) VALUES ('q', 400, '2026-02-01', 1)$$, '42703', 'table "plain_lines_histories" of a tracking has no column "row_history"', 'without the rows nothing is counted by half');
ALTER TABLE plain_lines_histories RENAME lines TO row_history;

-- together with what is counted otherwise, in a table that has a column of that name
CREATE VIEW other_purchases AS SELECT customer_id, sold_on AS purchased_on, amount FROM part_lines;
SELECT crm.track('other_purchases');
ALTER TABLE other_histories ADD row_history text;
INSERT INTO part_lines (order_id, customer_id, sold_on, amount) VALUES ('q', 400, '2026-02-01', 1), ('q', 400, '2026-02-01', 1);
SELECT is((SELECT history::text || coalesce(row_history, '') FROM other_histories WHERE customer_id = 400), '{2026-02-01 2 2.00}', 'which is nobody else''s');
SELECT throws_ok($$SELECT crm.track('part_lines', customer => 'customer_id', purchased_on => 'sold_on', amount => 'amount', name => 'fed', histories => 'other_histories', count_days => true)$$, '55000',
  'public.other_histories counts purchases, not days', 'views into the same histories are counted alike');
SELECT crm.untrack('plain_lines');
SELECT tracked('plain_lines');
SELECT is(differing('plain_lines'), 0::bigint, 'taken up again, it counts days');
SELECT lives_ok($$SELECT crm.detach('plain_lines')$$, 'detach makes both plain');
SELECT is((SELECT pg_typeof(history)::text || pg_typeof(row_history)::text FROM plain_lines_histories LIMIT 1), 'jsonbjsonb', 'as jsonb');
SELECT * FROM finish();
