-- rfm_scale: text and binary forms, errors, cut points, scores
SET search_path = public, crm, crm_internal;
SET DateStyle = ISO;

-- text form: bins are one more than cut points; decimals without needless zeros
SELECT 'recency: 95, 260, 420, 480; frequency: 1, 1, 2, 4; monetary: 14.37, 28.5, 50, 120'::rfm_scale;
SELECT ' RECENCY:30.0;frequency :2.50000000 ; monetary: -1e2 '::rfm_scale;
SELECT 'recency: 0; frequency: -0.00000001; monetary: 900000000000000'::rfm_scale;
SELECT bins('recency: 1, 2, 3, 4, 5, 6, 7, 8; frequency: 1, 2, 3, 4, 5, 6, 7, 8; monetary: 1, 2, 3, 4, 5, 6, 7, 8'::rfm_scale);
-- more than eight decimals are rounded down, which moves no score
SELECT 'recency: 0.333333333333; frequency: -0.333333333333; monetary: 0.000000001'::rfm_scale;

-- text form: errors
SELECT ''::rfm_scale;
SELECT 'recency: 1'::rfm_scale;
SELECT 'recency: 1; frequency: 2'::rfm_scale;
SELECT 'recency: 1; frequency: 2; monetary:'::rfm_scale;
SELECT 'recency: 1; frequency: 2; monetary: 3;'::rfm_scale;
SELECT 'frequency: 1; recency: 2; monetary: 3'::rfm_scale;
SELECT 'recency: x; frequency: 2; monetary: 3'::rfm_scale;
SELECT 'recency: NaN; frequency: 2; monetary: 3'::rfm_scale;
SELECT 'recency: 1, 2; frequency: 2; monetary: 3'::rfm_scale;
SELECT 'recency: 1; frequency: 2; monetary: 3, 4'::rfm_scale;
SELECT 'recency: 2, 1; frequency: 2, 3; monetary: 3, 4'::rfm_scale;
SELECT 'recency: 1, 2; frequency: 2, 3; monetary: 3, 2.99999999'::rfm_scale;
SELECT 'recency: 1; frequency: 2; monetary: 900000000000000.1'::rfm_scale;
SELECT 'recency: 1; frequency: 2; monetary: 900000000000000.00000001'::rfm_scale;
SELECT 'recency: 1; frequency: 2; monetary: -900000000000000.00000001'::rfm_scale;
SELECT 'recency: 1e400; frequency: 2; monetary: 1'::rfm_scale;
SELECT 'recency: 1, 2, 3, 4, 5, 6, 7, 8, 9; frequency: 1; monetary: 1'::rfm_scale;

-- binary form: receive is as strict as input
CREATE FUNCTION pg_temp.receive(message bytea) RETURNS text LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  answer text;
  file text := pg_catalog.current_setting('data_directory') || '/receive.bin';
BEGIN
  EXECUTE pg_catalog.format('COPY (SELECT %L::bytea) TO %L (FORMAT binary)', message, file);
  CREATE TEMPORARY TABLE received (value crm.rfm_scale) ON COMMIT DROP;
  EXECUTE pg_catalog.format('COPY pg_temp.received FROM %L (FORMAT binary)', file);
  SELECT value::text INTO answer FROM pg_temp.received;
  DROP TABLE pg_temp.received;
  RETURN answer;
END $$;
SELECT rfm_scale_send('recency: 30; frequency: 2; monetary: -0.00000001');
SELECT pg_temp.receive(rfm_scale_send('recency: 30; frequency: 2; monetary: -0.00000001'));
SELECT pg_temp.receive(rfm_scale_send('recency: 30, 60; frequency: 2, 2.5; monetary: 10, 10'));
\set VERBOSITY terse
SELECT pg_temp.receive('\x010002'::bytea || '\x00000000000000010000000000000000000100007ce66c50e2840000' || '\x0001');
SELECT pg_temp.receive('\x020002'::bytea || '\x00000000000000010000000000000000000100000000000000000001' || '\x0000');
SELECT pg_temp.receive('\x010102'::bytea || '\x00000000000000010000000000000000000100000000000000000001' || '\x0000');
SELECT pg_temp.receive('\x010001'::bytea);
SELECT pg_temp.receive('\x01000a'::bytea);
SELECT pg_temp.receive('\x010002'::bytea || '\x00000000000000010000' || '\x00000000000000010000');
SELECT pg_temp.receive('\x010002'::bytea || '\x00000000000000012710' || '\x00000000000000010000' || '\x00000000000000010000');
SELECT pg_temp.receive('\x010002'::bytea || '\x7fffffffffffffff0000' || '\x00000000000000010000' || '\x00000000000000010000');
SELECT pg_temp.receive('\x010002'::bytea || '\x00000000000000010000' || '\x00000000000000010000' || '\x00000000000000010000' || '\x00');
SELECT pg_temp.receive('\x010003'::bytea || '\x00000000000000010001' || '\x00000000000000010000' || '\x00000000000000010000'
  || '\x00000000000000010000' || '\x00000000000000010000' || '\x00000000000000010000');
\set VERBOSITY default

-- made by hand and taken apart
SELECT rfm_scale_of(ARRAY[30, 90], ARRAY[1, 3], ARRAY[50, 199.99]);
SELECT recency_cuts(s), frequency_cuts(s), monetary_cuts(s), bins(s) FROM rfm_scale_of(ARRAY[30, 90], ARRAY[1, 3], ARRAY[50, 199.99]) s;
SELECT rfm_scale_of(ARRAY[1/3.0], ARRAY[-1/3.0], ARRAY[1e-30]);
SELECT rfm_scale_of('{}', '{}', '{}');
SELECT rfm_scale_of('{1,2,3,4,5,6,7,8,9}', '{}', '{}');
SELECT rfm_scale_of('{1}', '{NULL}', '{1}');
SELECT rfm_scale_of('{1}', '{1}', '{NaN}');
SELECT rfm_scale_of('{{1},{2}}', '{1}', '{1}');
SELECT rfm_scale_of('{1}', '{1}', '{1,2}');
SELECT rfm_scale_of('{2,1}', '{1,2}', '{1,2}');

-- scores: a value on a cut point is below it
CREATE TEMPORARY TABLE hand AS SELECT 'recency: 30, 90; frequency: 1, 3; monetary: 50, 199.99'::rfm_scale AS scale;
SELECT r, f, m, rfm_score(scale, r, f, m), rfm_score(scale, r::float8, f::float8, m::float8)
FROM hand, (VALUES (0, 1, 50), (30, 1, 50.0001), (31, 2, 199.99), (90, 3, 200), (91, 4, -5)) v(r, f, m);
SELECT rfm_score(scale, 30.00004, 1.00004, 50.00004), rfm_score(scale, 30.0001, 1.0001, 50.0001) FROM hand;
SELECT rfm_score(scale, 1, 2, NULL::numeric), rfm_score(NULL, 1, 2, 3) FROM hand;
SELECT rfm_score(scale, 1, 900000000000001, 5) FROM hand;
SELECT rfm_score(scale, 1, 1, 900000000000001) FROM hand;
SELECT rfm_score(scale, 1, 1, 'NaN'::numeric) FROM hand;
SELECT rfm_score(scale, 'NaN'::float8, 1, 1) FROM hand;
SELECT rfm_score(scale, 1, 'Infinity'::float8, 1) FROM hand;
SELECT rfm_score(scale, 1, 1, 1e300) FROM hand;

-- scores of a history: what happened after as_of does not exist
CREATE TEMPORARY TABLE bought AS SELECT '{2024-01-10 1 40, 2024-02-01 2 20.5, 2024-03-01 1 500, 2024-03-05 0 -10}'::purchase_history AS history;
SELECT as_of, rfm_score(scale, history, as_of), recency(history, as_of) AS days, purchase_count(until(history, as_of)), spend(until(history, as_of))
FROM hand, bought, (VALUES (date '2024-01-09'), ('2024-01-10'), ('2024-02-29'), ('2024-03-04'), ('2024-12-31')) v(as_of);
SELECT rfm_score(scale, '{}'::purchase_history, '2024-01-01'), rfm_score(scale, '{2024-01-01 0 5}'::purchase_history, '2024-01-01') FROM hand;
SELECT rfm_score(scale, history, 'infinity') FROM hand, bought;
SELECT rfm_score(scale, '{2024-01-01 1 900000000000000, 2024-01-02 1 1}'::purchase_history, '2024-01-02') FROM hand;

-- why
SELECT * FROM hand, bought, LATERAL rfm_explain(scale, history, '2024-02-29') WITH ORDINALITY;
SELECT e.* FROM hand, rfm_explain(scale, 31, 4, 50.0001) e;
SELECT e.* FROM hand, rfm_explain(scale, 12.5, 1.5, 0) e;
SELECT e.* FROM hand, rfm_explain(scale, '{}'::purchase_history, '2024-02-29') e;
SELECT e.* FROM hand, rfm_explain(scale, 1, 2, NULL::numeric) e;

-- the aggregate: rows left out, bins, errors
CREATE TEMPORARY TABLE customer (r int, f bigint, m numeric);
SELECT rfm_scale(r, f, m) FROM customer;
INSERT INTO customer VALUES (1, 1, 1), (2, 2, 2), (3, 3, 4), (4, 4, 8), (NULL, 5, 16), (5, NULL, 16), (5, 5, NULL);
SELECT rfm_scale(r, f, m) FROM customer;
SELECT rfm_scale(r, f, m, 2), rfm_scale(r::float8, f, m::float8, 3) FROM customer;
SELECT rfm_scale(r, f, m, 4) FROM customer WHERE r = 2;
SELECT rfm_scale(r, f, m, 1) FROM customer;
SELECT rfm_scale(r, f, m, 10) FROM customer;
SELECT rfm_scale(r, f, m, NULL::int) FROM customer;
SELECT rfm_scale(r, f, m, r + 2) FROM customer WHERE r > 0;
SELECT rfm_scale(r, f, 'NaN'::numeric) FROM customer;
SELECT rfm_scale(r, 1, '-Infinity'::float8) FROM customer;
SELECT rfm_scale(r, -9223372036854775808, m) FROM customer;
SELECT rfm_scale(history, '2024-01-15') FROM bought;
SELECT rfm_scale(history, '2024-01-09') FROM bought;
SELECT rfm_scale(history, 'infinity') FROM bought;
SELECT rfm_scale(purchase('2024-01-01', i), '2024-01-31', 3) FROM generate_series(1, 9) i;
SELECT rfm_scale_transition(NULL::rfm_scale_state, 1, 2::bigint, 3.0);
SELECT rfm_scale_combine('bins 2; exact 1:1; exact 1:1; exact 1:1', 'bins 2; exact 1:1; exact 1:1; exact 1:1');

-- the state: text and binary forms
SELECT rfm_scale_final('bins 2; exact 10000:1, 30000:1; exact 0:2; buckets -10008:1, 10008:1');
SELECT 'bins 3; exact 10000:3,20000:4 ; exact -1:7; buckets 0:6, 1025:1'::rfm_scale_state;
SELECT 'bins 3; exact 10000:3; exact 1:2; exact 1:3'::rfm_scale_state;
SELECT 'bins 3; exact 10000:3; exact 1:3; buckets 1024:3'::rfm_scale_state;
SELECT 'bins 3; exact 10000:3, 10000:1; exact 1:4; exact 1:4'::rfm_scale_state;
SELECT 'bins 3; exact 2:1, 1:1; exact 1:2; exact 1:2'::rfm_scale_state;
SELECT 'bins 3; exact 2:0; exact 1:0; exact 1:0'::rfm_scale_state;
SELECT 'bins 3; exact 2:9223372036854775807, 3:1; exact 1:1; exact 1:1'::rfm_scale_state;
SELECT 'bins 3; exact 9000000000000000001:1; exact 1:1; exact 1:1'::rfm_scale_state;
SELECT 'bins 1; exact 2:1; exact 1:1; exact 1:1'::rfm_scale_state;
SELECT 'bins 3; exact; exact; exact'::rfm_scale_state;
SELECT 'bins 3; exact 1:1; exact 1:1'::rfm_scale_state;
DROP FUNCTION pg_temp.receive(bytea);
CREATE FUNCTION pg_temp.receive(message bytea) RETURNS text LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  answer text;
  file text := pg_catalog.current_setting('data_directory') || '/receive.bin';
BEGIN
  EXECUTE pg_catalog.format('COPY (SELECT %L::bytea) TO %L (FORMAT binary)', message, file);
  CREATE TEMPORARY TABLE received (value crm.rfm_scale_state) ON COMMIT DROP;
  EXECUTE pg_catalog.format('COPY pg_temp.received FROM %L (FORMAT binary)', file);
  SELECT value::text INTO answer FROM pg_temp.received;
  DROP TABLE pg_temp.received;
  RETURN answer;
END $$;
SELECT rfm_scale_state_send('bins 3; exact 2:1, 3:1; exact 1:2; buckets 1025:2');
SELECT pg_temp.receive(rfm_scale_state_send('bins 3; exact 2:1, 3:1; exact 1:2; buckets 1025:2'));
\set VERBOSITY terse
SELECT pg_temp.receive('\x000200000003'::bytea);
SELECT pg_temp.receive('\x000100010003'::bytea);
SELECT pg_temp.receive('\x00010000000a'::bytea);
SELECT pg_temp.receive('\x000100000003'::bytea || '\x0200000001');
SELECT pg_temp.receive('\x000100000003'::bytea || '\x0000000000');
SELECT pg_temp.receive('\x000100000003'::bytea || '\x0000010001');
SELECT pg_temp.receive('\x000100000003'::bytea || '\x00ffffffff');
SELECT pg_temp.receive('\x000100000003'::bytea || '\x0000000001' || '\x0000000000000001' || '\xffffffffffffffff');
SELECT pg_temp.receive('\x000100000003'::bytea || '\x0100000001' || '\x0000000000000400' || '\x0000000000000001');
SELECT pg_temp.receive('\x000100000003'::bytea || '\x0000000001' || '\x0000000000000400' || '\x0000000000000001');
\set VERBOSITY default

-- order and hash
SELECT string_agg(x::text, ' | ' ORDER BY x) FROM (VALUES
  ('recency: 2; frequency: 1; monetary: 1'::rfm_scale), ('recency: 1; frequency: 1; monetary: 1.00000001'),
  ('recency: 1; frequency: 1; monetary: 1'), ('recency: -1, 0; frequency: 0, 0; monetary: 0, 0')) v(x);
SELECT a = b AS eq, a <> b AS ne, a < b AS lt, a <= b AS le, a > b AS gt, a >= b AS ge, rfm_scale_hash(a) = rfm_scale_hash(b) AS hash,
  rfm_scale_hash_extended(a, 1) = rfm_scale_hash_extended(b, 1) AS hash_extended
FROM (VALUES ('recency: 1; frequency: 1; monetary: 1'::rfm_scale, 'recency: 1.0; frequency: 1; monetary: 1'::rfm_scale)) v(a, b);
