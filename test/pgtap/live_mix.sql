-- Purchases views with a column category: mixes kept by triggers beside histories, of
-- one table, of lines that look up their goods, of orders and lines in one tracking,
-- at commit, row by row and in partitions; after random statements against plain SQL.
SELECT plan(62);
SET client_min_messages = warning;
SET search_path = public, crm;
SET timezone = 'UTC';

CREATE TABLE clients (id int PRIMARY KEY);
CREATE TABLE goods (id int PRIMARY KEY, kind text);
CREATE TABLE tickets (id int PRIMARY KEY, client int REFERENCES clients ON DELETE CASCADE ON UPDATE CASCADE, bought_on date);
CREATE TABLE ticket_lines (id serial PRIMARY KEY, ticket int REFERENCES tickets ON DELETE CASCADE ON UPDATE CASCADE, good int, price numeric(10,2), note text);
CREATE INDEX ON ticket_lines (ticket);
CREATE INDEX ON ticket_lines (good);
CREATE INDEX ON tickets (client);
-- orders count, their lines bring the money and the categories
CREATE VIEW ticket_purchases AS SELECT client, bought_on AS purchased_on, 0 AS amount FROM tickets;
CREATE VIEW line_purchases AS
  SELECT t.client, t.bought_on AS purchased_on, l.price AS amount, 0 AS orders, g.kind AS category
  FROM ticket_lines l JOIN tickets t ON t.id = l.ticket LEFT JOIN goods g ON g.id = l.good;
SELECT track('ticket_purchases', time_zone => 'UTC');
SELECT is(crm_internal.keeps_mix('ticket_histories'), false, 'no mix without a category');
SELECT track('line_purchases', histories => 'ticket_histories');
SELECT is(crm_internal.keeps_mix('ticket_histories'), true, 'a second view brings it');
SELECT results_eq('SELECT purchases::text, kept FROM crm.tracking_status ORDER BY 1', $$VALUES ('line_purchases', 'live'), ('ticket_purchases', 'live')$$, 'both are live');
ALTER TABLE ticket_histories ADD FOREIGN KEY (client) REFERENCES clients ON DELETE CASCADE ON UPDATE CASCADE;

-- plain columns, written at commit
CREATE TABLE baskets (id serial PRIMARY KEY, client text, bought timestamptz, price float8, n smallint, kind varchar(20), note text);
SELECT is(track('baskets', 'client', 'bought', 'price', orders => 'n', category => 'kind', time_zone => 'Europe/Berlin', upkeep => 'commit')::text, 'baskets_customers', 'a table is tracked by the names of its columns');
-- row by row
CREATE TABLE counters (id serial PRIMARY KEY, client text, bought_on date, price numeric, category text, note text);
SELECT track('counters', 'client', 'bought_on', 'price', category => 'category', by_row => true);
-- partitions
CREATE TABLE stalls (client text, bought_on date, price numeric, kind text) PARTITION BY RANGE (bought_on);
CREATE TABLE stalls_1 PARTITION OF stalls FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');
CREATE TABLE stalls_2 PARTITION OF stalls FOR VALUES FROM ('2024-02-01') TO ('2024-03-01');
CREATE VIEW stall_purchases AS SELECT client, bought_on AS purchased_on, price AS amount, kind AS category FROM stalls;
SELECT track('stall_purchases', count_days => true);

-- what the rows say, without crm
CREATE FUNCTION rows_say() RETURNS TABLE (tracking text, client text, category text, day date, n bigint, amount numeric) LANGUAGE sql AS $$
  SELECT tracking, client, left(category, 255), day, sum(CASE WHEN r.amount < 0 THEN 0 ELSE greatest(r.orders, 1) END), trim_scale(sum(round(r.amount, 4)))
  FROM (SELECT 'ticket' AS tracking, t.client::text, g.kind AS category, t.bought_on AS day, 0 AS orders, l.price AS amount FROM tickets t, ticket_lines l, goods g WHERE l.ticket = t.id AND g.id = l.good
        UNION ALL SELECT 'basket', client, kind, (bought AT TIME ZONE 'Europe/Berlin')::date, b.n, price::numeric FROM baskets b
        UNION ALL SELECT 'counter', client, c.category, bought_on, 1, price FROM counters c
        UNION ALL SELECT 'stall', client, kind, bought_on, 1, price FROM stalls) AS r
  WHERE client IS NOT NULL AND category <> '' AND day IS NOT NULL AND r.amount IS NOT NULL AND r.orders IS NOT NULL
  GROUP BY 1, 2, 3, 4 HAVING sum(CASE WHEN r.amount < 0 THEN 0 ELSE greatest(r.orders, 1) END) <> 0 OR sum(round(r.amount, 4)) <> 0
$$;
CREATE FUNCTION mixes_say() RETURNS TABLE (tracking text, client text, category text, day date, n bigint, amount numeric) LANGUAGE sql AS $$
  WITH h AS (SELECT 'ticket' AS tracking, client::text, mix FROM ticket_histories UNION ALL SELECT 'basket', client, mix FROM baskets_histories
             UNION ALL SELECT 'counter', client, mix FROM counters_histories UNION ALL SELECT 'stall', client, mix FROM stall_histories)
  SELECT h.tracking, h.client, c[1], d[1]::date, d[2]::bigint, trim_scale(d[3]::numeric)
  FROM h, regexp_matches(mix::text, '(\w+) \(([^)]*)\)', 'g') AS c, regexp_matches(c[2], '(\S{10}) (\d+) (-?[\d.]+)', 'g') AS d
$$;
CREATE FUNCTION problems() RETURNS text LANGUAGE sql AS $$
  SELECT string_agg(p, '; ') FROM (
    (SELECT 'missing ' || r::text FROM rows_say() r EXCEPT SELECT 'missing ' || m::text FROM mixes_say() m) UNION ALL
    (SELECT 'too much ' || m::text FROM mixes_say() m EXCEPT SELECT 'too much ' || r::text FROM rows_say() r) UNION ALL
    SELECT v::text FROM unnest('{ticket_histories,baskets_histories,counters_histories,stall_histories}'::regclass[]) t, crm.verify(t) v) AS p(p)
$$;
CREATE FUNCTION mix_of(client int) RETURNS text LANGUAGE sql AS $$ SELECT mix::text FROM ticket_histories h WHERE h.client = mix_of.client $$;

INSERT INTO clients SELECT generate_series(1, 6);
INSERT INTO goods VALUES (1, 'tea'), (2, 'bread'), (3, 'cheese'), (4, NULL), (5, '');
INSERT INTO tickets VALUES (1, 1, '2024-01-10'), (2, 1, '2024-01-12');
INSERT INTO ticket_lines (ticket, good, price) VALUES (1, 1, 8), (1, 2, 4), (1, 1, 8), (2, 4, 7), (2, 5, 7), (2, 9, 7), (2, NULL, 7);
SELECT is(mix_of(1), '{bread (2024-01-10 1 4.00), tea (2024-01-10 2 16.00)}', 'lines count in their categories, those without one nowhere');
SELECT is((SELECT history::text FROM ticket_histories WHERE client = 1), '{2024-01-10 1 20.00, 2024-01-12 1 28.00}', 'and orders in the history');
UPDATE goods SET kind = 'drinks' WHERE id = 1;
SELECT is(mix_of(1), '{bread (2024-01-10 1 4.00), drinks (2024-01-10 2 16.00)}', 'a category is renamed where it is looked up');
UPDATE goods SET kind = 'wine' WHERE id = 4;
SELECT is(mix_of(1), '{bread (2024-01-10 1 4.00), drinks (2024-01-10 2 16.00), wine (2024-01-12 1 7.00)}', 'a good gets a category');
UPDATE ticket_lines SET note = 'x', price = price WHERE ticket = 1;
UPDATE tickets SET bought_on = '2024-01-11' WHERE id = 1;
SELECT is(mix_of(1), '{bread (2024-01-11 1 4.00), drinks (2024-01-11 2 16.00), wine (2024-01-12 1 7.00)}', 'the day moves');
UPDATE tickets SET client = 2 WHERE id = 1;
SELECT is(ARRAY[mix_of(1), mix_of(2)], '{"{wine (2024-01-12 1 7.00)}","{bread (2024-01-11 1 4.00), drinks (2024-01-11 2 16.00)}"}', 'another customer gets the lines');
UPDATE clients SET id = 9 WHERE id = 2;
SELECT is(ARRAY[mix_of(2), mix_of(9), problems()], '{NULL,"{bread (2024-01-11 1 4.00), drinks (2024-01-11 2 16.00)}",NULL}', 'a customer is renamed by foreign keys');
DELETE FROM ticket_lines WHERE good = 1;
UPDATE ticket_lines SET good = 3, price = -4 WHERE good = 2;
SELECT is(mix_of(9), '{cheese (2024-01-11 0 -4.00)}', 'a refund is money of its category, and no purchase');
DELETE FROM clients WHERE id = 9;
SELECT is(ARRAY[mix_of(9), problems()], '{NULL,NULL}', 'a customer is deleted with all lines');
INSERT INTO clients VALUES (2);
INSERT INTO ticket_lines (ticket, good, price) SELECT 2, 3, 1 FROM generate_series(1, 2);
UPDATE goods SET kind = repeat('ä', 200) WHERE id = 3;
SELECT is(length((SELECT c.category FROM ticket_histories h, crm.categories(h.mix, '2025-01-01') c WHERE h.client = 1 AND c.category <> 'wine')), 127, 'a name that is too long is cut, and fails nobody''s order');
SELECT is((SELECT count(*)::int FROM crm.verify('ticket_histories')), 0, 'as a rebuild would');
UPDATE goods SET kind = 'cheese' WHERE id = 3;
BEGIN;
DELETE FROM ticket_lines WHERE id IN (SELECT max(id) FROM ticket_lines);
SELECT is(mix_of(1), '{cheese (2024-01-12 1 1.00), wine (2024-01-12 1 7.00)}', 'one of two equal lines goes');
ROLLBACK;
SELECT is(mix_of(1), '{cheese (2024-01-12 2 2.00), wine (2024-01-12 1 7.00)}', 'and comes back with the transaction');
TRUNCATE ticket_lines;
SELECT is(mix_of(1), '{}', 'lines are truncated');

-- what waits for the commit, and what is rolled back of it
BEGIN;
INSERT INTO baskets (client, bought, price, n, kind) VALUES ('a', '2024-01-09 23:30Z', 5, 3, 'tea'), ('a', '2024-01-10', 2.5, 0, 'tea'), ('a', '2024-01-10', -1, 1, 'bread'), ('a', '2024-01-10', 1, NULL, 'tea');
SAVEPOINT s;
INSERT INTO baskets (client, bought, price, n, kind) VALUES ('a', '2024-01-10', 5, 1, 'cheese');
ROLLBACK TO s;
UPDATE baskets SET price = price + 1 WHERE kind = 'bread';
SELECT is((SELECT count(*)::int FROM baskets_histories), 0, 'nothing is written before the commit');
COMMIT;
SELECT is((SELECT mix::text FROM baskets_histories), '{bread (2024-01-10 1 0.00), tea (2024-01-10 4 7.50)}', 'a row counts for as many as it says, at least for one');
SELECT is(problems(), NULL, 'as the rows say');

-- random statements
CREATE FUNCTION random_statement() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  what int := floor(random() * 22);
  d date := date '2024-01-01' + floor(random() * 20)::int;
  c int := 1 + floor(random() * 6);
  k text := ('{tea,bread,cheese,wine,NULL,""}'::text[])[1 + floor(random() * 6)];
  p numeric := round((random() * 20 - 5)::numeric, 2);
  t int := (SELECT id FROM tickets ORDER BY random() LIMIT 1);
BEGIN
  CASE what
    WHEN 0, 1 THEN INSERT INTO tickets SELECT coalesce(max(id), 0) + 1, c, d FROM tickets;
    WHEN 2, 3, 4 THEN INSERT INTO ticket_lines (ticket, good, price) SELECT t, floor(random() * 7), p + i FROM generate_series(0, 2) i;
    WHEN 5 THEN UPDATE ticket_lines SET good = floor(random() * 7) WHERE random() < 0.3;
    WHEN 6 THEN UPDATE goods SET kind = k WHERE id = c;
    WHEN 7 THEN UPDATE tickets SET client = c, bought_on = d WHERE id = t;
    WHEN 8 THEN DELETE FROM ticket_lines WHERE random() < 0.2;
    WHEN 9 THEN DELETE FROM tickets WHERE id = t;
    WHEN 10 THEN DELETE FROM clients WHERE id = c; INSERT INTO clients VALUES (c);
    WHEN 11 THEN UPDATE clients SET id = 100 WHERE id = c; UPDATE tickets SET bought_on = d WHERE client = 100; UPDATE clients SET id = c WHERE id = 100;
    WHEN 12 THEN DELETE FROM goods WHERE id = c; INSERT INTO goods VALUES (c, k);
    WHEN 13 THEN WITH a AS (INSERT INTO tickets SELECT coalesce(max(id), 0) + 1, c, d FROM tickets RETURNING id), b AS (UPDATE goods SET kind = k WHERE id = 2)
      INSERT INTO ticket_lines (ticket, good, price) SELECT id, 2, p FROM a;
    WHEN 14 THEN INSERT INTO baskets (client, bought, price, n, kind) SELECT 'c' || c, d + i * interval '11 hours', p, (c + i) % 3, k FROM generate_series(1, 4) i;
    WHEN 15 THEN UPDATE baskets SET kind = k, price = p WHERE random() < 0.3;
    WHEN 16 THEN DELETE FROM baskets WHERE random() < 0.3;
    WHEN 17 THEN INSERT INTO counters (client, bought_on, price, category) SELECT 'c' || c, d, p, k FROM generate_series(1, 3) i;
    WHEN 18 THEN UPDATE counters SET category = k, client = 'c' || c WHERE random() < 0.3; DELETE FROM counters WHERE random() < 0.1;
    WHEN 19 THEN INSERT INTO stalls SELECT 'c' || c, d + 12, p, k FROM generate_series(1, 3) i;
    WHEN 20 THEN UPDATE stalls SET bought_on = d + 12, kind = k WHERE random() < 0.3;
    ELSE DELETE FROM stalls WHERE random() < 0.2;
  END CASE;
END $$;
SELECT setseed(0.42);
CREATE FUNCTION random_statements(n int) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  FOR i IN 1..n LOOP
    IF random() < 0.1 THEN
      BEGIN
        PERFORM random_statement();
        PERFORM random_statement();
        RAISE EXCEPTION 'no';
      EXCEPTION WHEN raise_exception THEN
      END;
    END IF;
    PERFORM random_statement();
  END LOOP;
  PERFORM crm_internal.settle('baskets_histories');
  RETURN problems();
END $$;
SELECT is(random_statements(40), NULL, format('random statements as plain SQL says, round %s', i)) FROM generate_series(1, 12) i;
SELECT is((SELECT count(DISTINCT tracking)::int FROM mixes_say()), 4, 'of all four trackings something is left');

-- partitions that come and go
ALTER TABLE stalls DETACH PARTITION stalls_2;
SELECT is((SELECT count(*)::int FROM crm.verify('stall_histories')), 0, 'what a detached partition held still counts');
SELECT is(crm_internal.keeps_mix('stall_detached'), true, 'its mixes are kept');
INSERT INTO stalls_2 VALUES ('c1', '2024-02-20', 3, 'honey');
ALTER TABLE stalls ATTACH PARTITION stalls_2 FOR VALUES FROM ('2024-02-01') TO ('2024-03-01');
SELECT is(problems(), NULL, 'attached again, its rows count in place of that');
CREATE TABLE stalls_3 (LIKE stalls);
INSERT INTO stalls_3 VALUES ('c1', '2024-03-20', 3, 'honey'), ('z', '2024-03-21', 3, 'honey');
ALTER TABLE stalls ATTACH PARTITION stalls_3 FOR VALUES FROM ('2024-03-01') TO ('2024-04-01');
SELECT is((SELECT mix::text FROM stall_histories WHERE client = 'z') || coalesce(problems(), ''), '{honey (2024-03-21 1 3.00)}', 'a partition comes with rows');

-- favourite and next category, against the functions
CREATE TABLE shelf (client text, bought_on date, price numeric, kind text);
INSERT INTO shelf SELECT 'c' || i % 9, date '2024-01-01' + (i * 7 % 180), 5, ('{tea,bread,cheese}'::text[])[1 + (i % 9 + (i % 4) * (i % 3)) % 3] FROM generate_series(1, 400) i;
CREATE VIEW shelf_purchases AS SELECT client, bought_on AS purchased_on, price AS amount, kind AS category FROM shelf;
SELECT track('shelf_purchases', as_of => '2024-06-30');
SELECT results_eq('SELECT client, favourite_category, next_category, next_category_lift FROM shelf_customers ORDER BY 1', $$
  WITH m AS (SELECT client, crm.mix(kind, bought_on, price) AS mix FROM shelf GROUP BY 1), b AS (SELECT crm.fit_mix_base(mix, '2024-06-30') AS base FROM m)
  SELECT client, f.category, n.category, n.lift FROM m, b, crm.next_category(base, mix, '2024-06-30') n,
    LATERAL (SELECT kind AS category FROM shelf s WHERE s.client = m.client AND bought_on <= '2024-06-30' GROUP BY 1 ORDER BY count(DISTINCT bought_on) DESC, kind LIMIT 1) f ORDER BY 1$$,
  'the customers view has favourite and next category');
SELECT cmp_ok((SELECT count(DISTINCT favourite_category) FROM shelf_customers), '>', 1::bigint, 'which are not all the same');
SELECT results_eq($$SELECT client, favourite_category FROM shelf_customers_on('2024-02-15') ORDER BY 1$$,
  $$SELECT DISTINCT ON (client) client, kind FROM (SELECT client, kind, count(DISTINCT bought_on) AS n FROM shelf WHERE bought_on <= '2024-02-15' GROUP BY 1, 2) k ORDER BY 1, n DESC, kind$$, 'as on another day');
INSERT INTO shelf SELECT 'c1', date '2024-06-01' + i, 5, 'honey' FROM generate_series(0, 29) i;
SELECT is((SELECT favourite_category FROM shelf_customers WHERE client = 'c1'), 'honey', 'the favourite changes with the order');
CALL crm.refresh('shelf_purchases');
SELECT is((SELECT ROW(next_category, next_category_lift > 1)::text FROM shelf_customers WHERE client = 'c1'), '(honey,t)', 'the next category with a refresh');
SELECT is((SELECT crm.fit_verdict(mix_base) || (SELECT mix_base = crm.fit_mix_base(mix, '2024-06-30') FROM shelf_histories) FROM shelf_scoring), 'convergedtrue', 'which fits the shop');
SELECT is(crm.snapshot('shelf_purchases', '2024-06-30'), 9::bigint, 'a snapshot is taken');
SELECT is((SELECT favourite_category FROM shelf_snapshots WHERE client = 'c1'), 'honey', 'with favourite and next category');
SELECT is((SELECT row_data ->> 'mix' FROM crm.export('shelf_purchases', '{"client": "c1"}') WHERE relation LIKE '%shelf_histories'), (SELECT mix::text FROM shelf_histories WHERE client = 'c1'), 'an export gives the mix');
DELETE FROM shelf WHERE client = 'c1';
SELECT is((SELECT sum(row_count)::int FROM crm.erase('shelf_purchases', '{"client": "c1"}')), 3, 'and an erasure takes it');

-- what is planted is found and mended
UPDATE shelf_histories SET mix = '{tea (2024-01-01 1 1.00)}' WHERE client = 'c2';
UPDATE shelf_histories SET mix = NULL WHERE client = 'c3';
SELECT results_eq($$SELECT customer ->> 'client', problem FROM crm.verify('shelf_purchases') ORDER BY 1$$, $$VALUES ('c2', 'mix'), ('c3', 'mix')$$, 'verify finds a mix that differs');
SELECT throws_like($$DELETE FROM shelf WHERE client = 'c2'$$, '%do not hold a purchase of customer (c2)%', 'what is not there is not taken away');
SELECT is(crm.rebuild('shelf_purchases'), 2::bigint, 'a rebuild mends it');
SELECT is((SELECT count(*)::int FROM crm.verify('shelf_purchases')), 0, 'for good');

-- a view that gets a category later, and what cannot be kept
CREATE TABLE later (client text, bought_on date, price numeric, kind text, booked date);
INSERT INTO later VALUES ('a', '2024-01-01', 5, 'tea');
CREATE VIEW later_purchases AS SELECT client, bought_on AS purchased_on, price AS amount FROM later;
SELECT track('later_purchases', as_of => '2024-06-30');
CREATE OR REPLACE VIEW later_purchases AS SELECT client, bought_on AS purchased_on, price AS amount, kind AS category FROM later;
INSERT INTO later VALUES ('a', '2024-01-02', 5, 'tea');
SELECT is((SELECT count(*)::int FROM crm.verify('later_purchases')), 0, 'a category that came later is not counted');
SELECT crm.rebuild('later_purchases');
INSERT INTO later VALUES ('a', '2024-01-03', 5, 'tea');
SELECT is((SELECT mix::text || favourite_category FROM later_histories, later_customers), '{tea (2024-01-01 1 5.00, 2024-01-02 1 5.00, 2024-01-03 1 5.00)}tea', 'until a rebuild');
SELECT crm.untrack('later_purchases');
SELECT track('later_purchases', as_of => '2024-06-30');
SELECT is((SELECT count(*)::int FROM crm.verify('later_purchases')), 0, 'a tracking is taken up again with its mixes');
SELECT throws_ok($$SELECT track('later', 'client', 'bought_on', 'price', category => 'kind', booked_on => 'booked', name => 'both')$$, '0A000', 'public.both_purchases has both booked_on and category', 'corrections and categories are not kept together');
CREATE VIEW kinds AS SELECT client AS category, bought_on AS purchased_on, price AS amount FROM later;
SELECT throws_like($$SELECT track('kinds')$$, '%has no column "customer"', 'a category is no key');
CREATE VIEW numbered AS SELECT client, bought_on AS purchased_on, price AS amount, 1 AS category FROM later;
SELECT throws_like($$SELECT track('numbered')$$, 'column "category" of purchases view "numbered" has type integer', 'and a text');

-- a column of the owner's own, called as that of the view
ALTER TABLE later_histories ADD COLUMN category text;
INSERT INTO later VALUES ('a', '2024-01-04', 5, 'wine');
SELECT is((SELECT mix::text FROM later_histories) || (SELECT count(*) FROM crm.verify('later_purchases')),
  '{tea (2024-01-01 1 5.00, 2024-01-02 1 5.00, 2024-01-03 1 5.00), wine (2024-01-04 1 5.00)}0', 'a column category that was added to the histories is no key');
ALTER TABLE later_histories DROP COLUMN category;

-- a refund goes from the row that has it, though another of the customer was lost in the same transaction
BEGIN;
DELETE FROM later_histories;
INSERT INTO later VALUES ('a', '2024-02-02', 5, 'tea'), ('a', '2024-02-03', -2, 'wine');
DELETE FROM later;
COMMIT;
SELECT is((SELECT history::text || mix::text FROM later_histories), '{}{}', 'nothing is left of what came and went');
SELECT is_empty('SELECT * FROM crm.verify(''later_purchases'')', 'as the rows say');
SELECT crm.detach('later_purchases');
SELECT is((SELECT format_type(atttypid, NULL) FROM pg_attribute WHERE attrelid = 'later_histories'::regclass AND attname = 'mix'), 'text', 'detached, a mix is text');
SELECT * FROM finish();
