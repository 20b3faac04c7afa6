-- rfm: text and binary forms, errors, digits, order
SET search_path = public, crm, crm_internal;

-- text form: the bins are said where they are not five
SELECT '545'::rfm, '111'::rfm, '555'::rfm, '333/3'::rfm, '999/9'::rfm, '545/5'::rfm, ' 121/2 '::rfm;

-- text form: errors
SELECT ''::rfm;
SELECT '54'::rfm;
SELECT '5455'::rfm;
SELECT '556'::rfm;
SELECT '540'::rfm;
SELECT '5 4 5'::rfm;
SELECT 'r5f4'::rfm;
SELECT '333/'::rfm;
SELECT '333/33'::rfm;
SELECT '333/2'::rfm;
SELECT '111/1'::rfm;
SELECT '111/0'::rfm;
SELECT '-45'::rfm;

-- binary form: receive is as strict as input
CREATE FUNCTION pg_temp.receive(message bytea) RETURNS text LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  answer text;
  file text := pg_catalog.current_setting('data_directory') || '/receive.bin';
BEGIN
  EXECUTE pg_catalog.format('COPY (SELECT %L::bytea) TO %L (FORMAT binary)', message, file);
  CREATE TEMPORARY TABLE received (value crm.rfm) ON COMMIT DROP;
  EXECUTE pg_catalog.format('COPY pg_temp.received FROM %L (FORMAT binary)', file);
  SELECT value::text INTO answer FROM pg_temp.received;
  DROP TABLE pg_temp.received;
  RETURN answer;
END $$;
SELECT rfm_send('545'), rfm_send('333/3'), pg_temp.receive(rfm_send('545')), pg_temp.receive(rfm_send('333/3'));
\set VERBOSITY terse
SELECT pg_temp.receive('\x05050400');
SELECT pg_temp.receive('\x05060401');
SELECT pg_temp.receive('\x01010101');
SELECT pg_temp.receive('\x0a010101');
SELECT pg_temp.receive('\xff010101');
SELECT pg_temp.receive('\x050505');
SELECT pg_temp.receive('\x0505050505');
\set VERBOSITY default

-- digits
SELECT recency(x), frequency(x), monetary(x), bins(x), x::int FROM (VALUES ('541'::rfm), ('123/4')) v(x);
SELECT sqrt('545'::rfm);  -- the cast to int is explicit only

-- order: fewer bins first, then the digits as a number
SELECT string_agg(x::text, ' ' ORDER BY x) FROM (VALUES ('545'::rfm), ('333/3'), ('111/9'), ('111'), ('454'), ('112')) v(x);
SELECT '545'::rfm = '545/5' AS eq, '333'::rfm <> '333/3' AS ne, '333/3'::rfm < '111' AS lt, '111'::rfm <= '111' AS le,
  '112'::rfm > '111' AS gt, '111'::rfm >= '112' AS ge, rfm_hash('545') = rfm_hash('545/5') AS hash;
