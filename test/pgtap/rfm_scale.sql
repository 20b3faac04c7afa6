-- rfm_scale: cut points and scores on random data against percentile_cont and plain SQL, in any order and split
BEGIN;
SET LOCAL search_path = public, crm, crm_internal;
SELECT plan(28);

SELECT setseed(0.42);
CREATE TEMPORARY TABLE customer AS
  SELECT i, (random() * random() * 700)::int AS r, (1 + floor(-ln(1 - random()) * 3))::bigint AS f,
    round((exp(random() * 6) - CASE WHEN random() < 0.05 THEN 40 ELSE 0 END)::numeric, 2) AS m, random() AS shuffle
  FROM generate_series(1, 5000) i;

-- type 7 in numeric, from the definition: position (n - 1) k / bins of the values in order
CREATE FUNCTION pg_temp.quantiles(sorted numeric[], bins int) RETURNS numeric[] LANGUAGE sql IMMUTABLE AS $$
  SELECT array_agg(floor((low + (high - low) * part / bins) * 1e8) / 1e8 ORDER BY k) FROM (
    SELECT k, sorted[1 + (n - 1) * k / bins] AS low,
      sorted[least(n, 2 + (n - 1) * k / bins)] AS high, (n - 1) * k % bins AS part
    FROM (SELECT cardinality(sorted) AS n) n, generate_series(1, bins - 1) k) q $$;

SELECT is_empty($$
  SELECT bins, n FROM generate_series(2, 9) bins, (VALUES (1), (2), (3), (7), (100), (4999), (5000)) sizes(n),
    LATERAL (SELECT rfm_scale(r, f, m, bins) AS s, array_agg(r::numeric ORDER BY r) AS r, array_agg(f::numeric ORDER BY f) AS f,
             array_agg(m ORDER BY m) AS m FROM customer WHERE i <= n) c
  WHERE recency_cuts(s) <> pg_temp.quantiles(c.r, bins) OR frequency_cuts(s) <> pg_temp.quantiles(c.f, bins)
    OR monetary_cuts(s) <> pg_temp.quantiles(c.m, bins) $$,
  'cut points are type-7 quantiles, computed in numeric, for any number of bins');

SELECT is_empty($$
  SELECT bins FROM generate_series(2, 9) bins,
    LATERAL (SELECT rfm_scale(r, f, m, bins) AS s,
      percentile_cont((SELECT array_agg(k / bins::float8 ORDER BY k) FROM generate_series(1, bins - 1) k)) WITHIN GROUP (ORDER BY m) AS p FROM customer) c
  WHERE EXISTS (SELECT FROM unnest(monetary_cuts(s), p) u(a, b) WHERE abs(a - b) > 1e-8 + abs(b) * 1e-13) $$,
  'and agree with percentile_cont');

SELECT is((SELECT rfm_scale(r::float8, f::float8, m::float8, 7) FROM customer), (SELECT rfm_scale(r, f, m, 7) FROM customer),
  'float8 gives the same as exact numbers');
SELECT is((SELECT rfm_scale(r, f, m, 5) FROM customer), (SELECT rfm_scale(r, f, m) FROM customer), 'five bins are the default');
SELECT is((SELECT rfm_scale(r, f, m ORDER BY shuffle) FROM customer), (SELECT rfm_scale(r, f, m ORDER BY m DESC) FROM customer),
  'the order of rows does not matter');
SELECT is(rfm_scale_of(recency_cuts(s), frequency_cuts(s), monetary_cuts(s)), s, 'a scale taken apart and put together is the same')
FROM (SELECT rfm_scale(r, f, m, 7) AS s FROM customer) c;
SELECT is(s::text::rfm_scale, s, 'so is its text') FROM (SELECT rfm_scale(r, f, m, 9) AS s FROM customer) c;

-- parts of an aggregate by hand: states, merged
CREATE AGGREGATE pg_temp.state(int, bigint, numeric) (SFUNC = rfm_scale_transition, STYPE = rfm_scale_state);
CREATE AGGREGATE pg_temp.merged(rfm_scale_state) (SFUNC = rfm_scale_combine, STYPE = rfm_scale_state);

SELECT is((SELECT pg_temp.merged(s ORDER BY part) FROM
    (SELECT (shuffle * 20)::int AS part, pg_temp.state(r, f, m) AS s FROM customer GROUP BY 1) p)::text,
  (SELECT pg_temp.state(r, f, m) FROM customer)::text, 'states of parts merge to the state of all');
SELECT is((SELECT rfm_scale_final(pg_temp.merged(s::text::rfm_scale_state ORDER BY part DESC)) FROM
    (SELECT floor(shuffle * shuffle * 5) AS part, pg_temp.state(r, f, m) AS s FROM customer GROUP BY 1) p),
  (SELECT rfm_scale(r, f, m) FROM customer), 'also through their text');
SELECT throws_ok($$SELECT pg_temp.merged(s::rfm_scale_state) FROM (VALUES ('bins 2; exact 1:1; exact 1:1; exact 1:1'),
    ('bins 3; exact 1:1; exact 1:1; exact 1:1')) v(s)$$, '22023', 'number of bins must be the same in all rows of rfm_scale',
  'states of different bins do not merge');
SELECT throws_ok($$SELECT pg_temp.merged(s::rfm_scale_state) FROM (VALUES ('bins 2; exact 1:9223372036854775807; exact 1:9223372036854775807; exact 1:9223372036854775807'),
    ('bins 2; exact 1:1; exact 1:1; exact 1:1')) v(s)$$, '22003', 'number of scored customers is out of range',
  'nor do states of more rows than can be counted');

-- many distinct values: 65536 are exact, one more are buckets, whatever the order or split
CREATE TEMPORARY TABLE many AS
  SELECT i, i AS r, i::bigint AS f, (CASE WHEN random() < 0.3 THEN -1 ELSE 1 END * exp(random() * 20))::numeric(19, 4) AS m, random() AS shuffle
  FROM generate_series(1, 90000) i;

SELECT ok((SELECT pg_temp.state(r, 1, 1) FROM many WHERE i <= 65536)::text LIKE 'bins 5; exact %'
    AND (SELECT pg_temp.state(r, 1, 1) FROM many WHERE i <= 65537)::text LIKE 'bins 5; buckets %', 'buckets begin at 65537 distinct values');
SELECT is((SELECT pg_temp.state(r, 1, 1) FROM (SELECT least(i, 65536) AS r FROM many) b)::text LIKE 'bins 5; exact %', true,
  'more rows, but no more values, stay exact');
SELECT is((SELECT recency_cuts(rfm_scale(r, 1, 1)) FROM many WHERE i <= 65536), ARRAY[13108, 26215, 39322, 52429]::numeric[],
  '65536 values are cut exactly');

CREATE TEMPORARY TABLE whole AS SELECT pg_temp.state(r, f, m) AS s, rfm_scale(r, f, m) AS scale FROM many;
SELECT is((SELECT pg_temp.state(r, f, m ORDER BY shuffle) FROM many)::text, s::text, 'buckets do not depend on the order') FROM whole;
SELECT is((SELECT pg_temp.state(r, f, m ORDER BY abs(m), m) FROM many)::text, s::text, 'nor on a sorted order') FROM whole;
SELECT is((SELECT pg_temp.merged(p.s ORDER BY part) FROM (SELECT i % 7 AS part, pg_temp.state(r, f, m) AS s FROM many GROUP BY 1) p)::text, s::text,
  'exact states of parts merge to buckets') FROM whole;
SELECT is((SELECT pg_temp.merged(p.s ORDER BY part) FROM (SELECT (shuffle > 0.1)::int AS part, pg_temp.state(r, f, m) AS s FROM many GROUP BY 1) p)::text, s::text,
  'a bucketed state merges into an exact one') FROM whole;
SELECT is((SELECT pg_temp.merged(p.s ORDER BY part DESC) FROM (SELECT (shuffle > 0.1)::int AS part, pg_temp.state(r, f, m) AS s FROM many GROUP BY 1) p)::text, s::text,
  'and an exact one into a bucketed one') FROM whole;
SELECT is((SELECT pg_temp.merged(p.s::text::rfm_scale_state) FROM (SELECT (shuffle > 0.1)::int AS part, pg_temp.state(r, f, m) AS s FROM many GROUP BY 1) p)::text, s::text,
  'also through their text') FROM whole;
SELECT is_empty($$
  SELECT a, b FROM whole, (SELECT percentile_cont(ARRAY[0.2, 0.4, 0.6, 0.8]) WITHIN GROUP (ORDER BY m) AS p,
    percentile_cont(ARRAY[0.2, 0.4, 0.6, 0.8]) WITHIN GROUP (ORDER BY r) AS q FROM many) p,
    LATERAL (SELECT * FROM unnest(monetary_cuts(scale), p) UNION ALL SELECT * FROM unnest(recency_cuts(scale), q)) u(a, b)
  WHERE abs(a - b) > abs(b) * 0.001 $$, 'cut points of buckets are within 0.1 % of percentile_cont');

-- scores
CREATE TEMPORARY TABLE scale AS SELECT bins, rfm_scale(r, f, m, bins) AS scale FROM customer, generate_series(2, 9) bins GROUP BY bins;
SELECT is_empty($$
  SELECT bins, i FROM scale, customer, LATERAL (SELECT rfm_score(scale, r, f, m) AS rfm) s
  WHERE bins(rfm) <> bins
    OR recency(rfm) <> bins - (SELECT count(*) FROM unnest(recency_cuts(scale)) c WHERE c < r)
    OR frequency(rfm) <> 1 + (SELECT count(*) FROM unnest(frequency_cuts(scale)) c WHERE c < f)
    OR monetary(rfm) <> 1 + (SELECT count(*) FROM unnest(monetary_cuts(scale)) c WHERE c < m)
    OR rfm_score(scale, r::float8, f::float8, m::float8) <> rfm $$,
  'scores count the cut points below the value, recency the other way');
SELECT is_empty($$
  SELECT bins, i FROM scale, customer, LATERAL (SELECT rfm_score(scale, r, f, m) AS rfm) s,
    LATERAL (SELECT array_agg(score) AS scores, bool_and(measure = 'recency' OR (score > 1) = (lower_cut IS NOT NULL)) AS bounded,
      bool_and(coalesce(value > lower_cut, true) AND coalesce(value <= upper_cut, true)) AS between, array_agg(value) AS values
      FROM rfm_explain(scale, r, f, m)) e
  WHERE scores <> ARRAY[recency(rfm), frequency(rfm), monetary(rfm)] OR NOT bounded OR NOT between OR values <> ARRAY[r, f, m] $$,
  'the explanation tells the scores, and each value lies between its cuts');

-- histories
CREATE TEMPORARY TABLE bought AS
  SELECT customer, purchase_history(day, amount) AS history
  FROM (SELECT (random() * random() * 800)::int AS customer, date '2023-01-01' + (random() * 700)::int AS day,
          round((exp(random() * 5) - 20)::numeric, 2) AS amount FROM generate_series(1, 10000)) o GROUP BY customer;
CREATE TEMPORARY VIEW measured AS
  SELECT as_of, customer, history, recency(history, as_of) AS r, purchase_count(until(history, as_of)) AS f, spend(until(history, as_of)) AS m
  FROM bought, (VALUES (date '2023-02-01'), ('2024-01-01'), ('2025-01-01')) v(as_of);
SELECT is_empty($$
  SELECT as_of FROM measured GROUP BY as_of
  HAVING rfm_scale(history, as_of) <> rfm_scale(r, f, m) OR rfm_scale(history, as_of, 9) <> rfm_scale(r, f, m, 9) $$,
  'a scale of histories is that of recency, orders and spend until as_of');
SELECT is_empty($$
  SELECT customer, as_of FROM measured JOIN (SELECT as_of, rfm_scale(history, as_of) AS scale FROM measured GROUP BY as_of) s USING (as_of)
  WHERE rfm_score(scale, history, as_of) IS DISTINCT FROM rfm_score(scale, r, f, m)
    OR (SELECT count(*) FROM rfm_explain(scale, history, as_of)) <> CASE WHEN r IS NULL THEN 0 ELSE 3 END $$,
  'and so are the scores');

-- real orders: the CDNOW sample
CREATE TEMPORARY TABLE cdnow_order (customer_id int, ordered_on date, amount numeric);
\copy cdnow_order FROM 'test/data/cdnow_sample.csv' WITH (FORMAT csv, HEADER)
CREATE TEMPORARY TABLE cdnow AS SELECT customer_id, purchase_history(ordered_on, amount) AS history FROM cdnow_order GROUP BY customer_id;
CREATE TEMPORARY TABLE cdnow_plain AS
  SELECT customer_id, date '1998-06-30' - max(ordered_on) AS r, count(*) AS f, sum(amount) AS m FROM cdnow_order GROUP BY customer_id;
SELECT is_empty($$
  SELECT s FROM (SELECT rfm_scale(history, '1998-06-30') AS s FROM cdnow) s,
    (SELECT percentile_cont(ARRAY[0.2, 0.4, 0.6, 0.8]) WITHIN GROUP (ORDER BY r) AS r,
       percentile_cont(ARRAY[0.2, 0.4, 0.6, 0.8]) WITHIN GROUP (ORDER BY f) AS f,
       percentile_cont(ARRAY[0.2, 0.4, 0.6, 0.8]) WITHIN GROUP (ORDER BY m) AS m FROM cdnow_plain) p
  WHERE recency_cuts(s)::float8[] <> r OR frequency_cuts(s)::float8[] <> f
    OR (SELECT max(abs(a - b)) FROM unnest(monetary_cuts(s), m) u(a, b)) > 1e-9 $$,
  'CDNOW is cut where percentile_cont cuts it');
SELECT is_empty($$
  SELECT customer_id FROM (SELECT rfm_scale(history, '1998-06-30') AS s FROM cdnow) s, cdnow JOIN cdnow_plain USING (customer_id)
  WHERE rfm_score(s, history, '1998-06-30') <> rfm_score(s, r, f, m) $$,
  'and scored alike from histories and from plain numbers');

-- text that somebody mangled is refused as such or reads back the same
CREATE FUNCTION pg_temp.survives(input text, type regtype) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  once text;
  twice text;
BEGIN
  EXECUTE format('SELECT %L::%s::text', input, type) INTO once;
  EXECUTE format('SELECT %L::%s::text', once, type) INTO twice;
  RETURN once = twice;
EXCEPTION
  WHEN data_exception OR program_limit_exceeded THEN RETURN true;
END $$;
CREATE FUNCTION pg_temp.mangled(input text) RETURNS text LANGUAGE sql AS $$
  SELECT CASE floor(random() * 3)
    WHEN 0 THEN overlay(input PLACING '' FROM at FOR 1 + (random() * 3)::int)
    WHEN 1 THEN overlay(input PLACING substr('0123456789-.,;:ebxrfm any', 1 + (random() * 24)::int, 1) FROM at FOR 1)
    ELSE overlay(input PLACING substr(input, 1 + (random() * length(input))::int, 5) FROM at FOR 0) END
  FROM (SELECT 1 + (random() * length(input))::int AS at) a $$;
SELECT is_empty($$
  SELECT text, type FROM (VALUES ('recency: 95, 260; frequency: 1, 2.5; monetary: -14.37, 50', 'rfm_scale'::regtype), ('545/9', 'rfm'),
      ('bins 3; exact 10000:3, 20000:4; exact -1:7; buckets 0:6, 1025:1', 'rfm_scale_state')) v(valid, type),
    generate_series(1, 1000), LATERAL (SELECT pg_temp.mangled(valid || substr(generate_series::text, 1, 0)) AS text) m
  WHERE NOT pg_temp.survives(text, type) $$,
  'mangled text is refused or reads back the same');

SELECT * FROM finish();
ROLLBACK;
