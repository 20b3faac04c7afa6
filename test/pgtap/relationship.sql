-- relationship levels: the matrix, the bands, and the practised level against plain SQL on random data
BEGIN;
SET LOCAL search_path = public, crm;
SET LOCAL timezone = 'UTC';
SELECT plan(13);

SELECT results_eq($$ SELECT c, array_agg(recommended_level(c, m)::text ORDER BY n) FROM unnest('{many,medium,few}'::text[]) c, unnest('{high,medium,low}'::text[]) WITH ORDINALITY m(m, n) GROUP BY c ORDER BY c COLLATE "C" $$,
  $$ VALUES ('few', '{partnership,proactive,accountable}'::text[]), ('many', '{accountable,reactive,basic}'), ('medium', '{proactive,accountable,reactive}') $$, 'the matrix of customers by margin');
SELECT is_empty($$ SELECT c, m FROM unnest('{many,medium,few}'::text[]) c, unnest('{high,medium,low}'::text[]) m
  WHERE recommended_level(c, m, false) <> CASE WHEN recommended_level(c, m) > 'reactive' THEN 'reactive' ELSE recommended_level(c, m) END $$, 'who wants no relationship gets answers at most');
SELECT results_eq($$ SELECT l::relationship_level::text FROM unnest('{partnership,basic,proactive,reactive,accountable}'::text[]) l ORDER BY l::relationship_level $$,
  $$ VALUES ('basic'), ('reactive'), ('accountable'), ('proactive'), ('partnership') $$, 'levels are ordered');
SELECT results_eq($$ SELECT relationship_gap('partnership', 'reactive'), relationship_gap('basic', 'reactive'), 'proactive'::relationship_level::int $$, $$ VALUES (3, -1, 4) $$, 'the gap counts levels');
SELECT is_empty($$
  SELECT n, m FROM generate_series(1, 30) n, generate_series(-20, 60, 4) m, (SELECT relationship_bands(5, 20, 10, 40.5) AS b) b
  WHERE customers_band(b, n) <> CASE WHEN n < 5 THEN 'few' WHEN n < 20 THEN 'medium' ELSE 'many' END
    OR margin_band(b, m) <> CASE WHEN m < 10 THEN 'low' WHEN m < 40.5 THEN 'medium' ELSE 'high' END
    OR recommended_level(b, n, m) <> recommended_level(customers_band(b, n), margin_band(b, m)) OR recommended_level(b, n, m, false) <> recommended_level(customers_band(b, n), margin_band(b, m), false)$$,
  'bands begin at their cuts');
SELECT is('customers few < 5 <= medium < 20 <= many; margin low < 10 <= medium < 40.5 <= high'::relationship_bands, relationship_bands(5, 20, 10, 40.5), 'bands in words');

-- customers from silent to closely kept
SELECT setseed(0.33);
CREATE TABLE contact AS
  SELECT c AS customer, timestamptz '2022-06-01 00:00Z' + floor(random() * 700 * 24) * interval '1 hour' AS at,
    (ARRAY['request', 'complaint', 'suggestion', 'message', 'message', 'visit', 'survey'])[1 + floor(random() * 7)] AS kind,
    CASE WHEN random() < c % 5 * 0.25 THEN 'outbound' ELSE 'inbound' END AS direction, (ARRAY[NULL, NULL, NULL, 'answered', 'opened'])[1 + floor(random() * 5)] AS outcome
  FROM generate_series(1, 300) c, generate_series(1, (random() * random() * 40)::int);
CREATE TABLE bought AS SELECT c AS customer, date '2022-06-01' + (random() * 700)::int AS day FROM generate_series(1, 300) c, generate_series(1, (random() * 6)::int);
CREATE TABLE customer AS
  SELECT c AS customer, coalesce((SELECT interaction_history(at, kind, 'phone', direction, outcome) FROM contact WHERE customer = c), '{}') AS h,
    coalesce((SELECT purchase_history(day, 10) FROM bought WHERE customer = c), '{}') AS p, random() < 0.1 AS partner FROM generate_series(1, 300) c;

-- The slow, obvious reference.
CREATE FUNCTION level_reference(c int, as_of timestamptz, zone text, partner boolean) RETURNS text LANGUAGE sql AS $$
  WITH out AS (
    SELECT o.*, (SELECT max(at) FROM contact i WHERE i.customer = c AND i.at < o.at AND i.direction = 'inbound')
      >= coalesce((SELECT max(at) FROM contact i WHERE i.customer = c AND i.at < o.at AND i.direction = 'outbound'), '-infinity') AS prompted
    FROM contact o WHERE customer = c AND direction = 'outbound' AND at <= as_of AND at > as_of - interval '365 days'),
  followed AS (
    SELECT day, EXISTS (SELECT FROM out WHERE (at AT TIME ZONE zone)::date - day BETWEEN 1 AND 30) AS yes, (as_of AT TIME ZONE zone)::date - day > 30 AS late
    FROM (SELECT DISTINCT day FROM bought WHERE customer = c) b WHERE day <= (as_of AT TIME ZONE zone)::date AND day > (as_of AT TIME ZONE zone)::date - 365)
  SELECT CASE
    WHEN partner AND EXISTS (SELECT FROM out) THEN 'partnership'
    WHEN (SELECT count(DISTINCT least(floor(extract(epoch FROM as_of - at) / (86400 * 91.25)), 3)) FROM out WHERE NOT coalesce(prompted, false) AND kind NOT IN ('message', 'survey')) >= 3 THEN 'proactive'
    WHEN (SELECT count(*) FILTER (WHERE yes) > count(*) FILTER (WHERE NOT yes AND late) FROM followed) THEN 'accountable'
    WHEN EXISTS (SELECT FROM out WHERE coalesce(prompted, false) OR kind NOT IN ('message', 'survey'))
      OR EXISTS (SELECT FROM contact WHERE customer = c AND direction = 'inbound' AND at <= as_of AND at > as_of - interval '365 days' AND outcome IN ('answered', 'resolved')) THEN 'reactive'
    ELSE 'basic' END
$$;

CREATE TABLE answer AS
  SELECT customer, as_of, zone, practised_level(h, p, as_of, zone, partner)::text AS ours, level_reference(customer, as_of, zone, partner) AS theirs
  FROM customer, (VALUES (timestamptz '2023-06-01 00:00Z', 'UTC'), ('2024-01-15 20:30Z', 'Asia/Tokyo'), ('2024-03-31 03:00Z', 'America/New_York')) q(as_of, zone);
SELECT is_empty('SELECT * FROM answer WHERE ours <> theirs', 'practised_level equals plain SQL');
SELECT is((SELECT count(DISTINCT ours)::int FROM answer), 5, 'and every level occurs');
SELECT is(practised_level('{2023-12-01 10:00Z message phone outbound, 2023-06-01 10:00Z message phone outbound, 2023-03-01 10:00Z message phone outbound}', '{}', '2023-12-31', 'UTC', false, '{}')::text,
  'proactive', 'which kinds are campaigns is an argument');

SELECT throws_ok($$ SELECT recommended_level('several', 'high') $$, '22023', NULL, 'bands have names');
SELECT throws_ok($$ SELECT relationship_bands(20, 5, 10, 40) $$, '22023', NULL, 'cuts ascend');
SELECT throws_ok($$ SELECT 'friendly'::relationship_level $$, '22P02', NULL, 'levels have names');

SELECT throws_ok('SELECT crm_internal.nps_final(''{-1,-2,-3}'')', '22023', NULL, 'a state made by hand counts no negative answers');
SELECT * FROM finish();
ROLLBACK;
