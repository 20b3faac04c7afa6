-- relationship_level, relationship_bands, holdout and lift: forms and errors
SET search_path = public, crm, crm_internal;
SET timezone = 'UTC';

-- binary forms: receive is as strict as input
CREATE FUNCTION receive(message bytea, kind regtype) RETURNS text LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  answer text;
  file text := pg_catalog.current_setting('data_directory') || '/receive.bin';
BEGIN
  EXECUTE pg_catalog.format('COPY (SELECT %L::bytea) TO %L (FORMAT binary)', message, file);
  EXECUTE pg_catalog.format('CREATE TEMPORARY TABLE received (v %s) ON COMMIT DROP', kind);
  EXECUTE pg_catalog.format('COPY pg_temp.received FROM %L (FORMAT binary)', file);
  SELECT v::text INTO answer FROM pg_temp.received;
  DROP TABLE pg_temp.received;
  RETURN answer;
END $$;

-- levels
SELECT 'Proactive'::relationship_level, 'basic'::relationship_level < 'partnership' AS lt, receive(relationship_level_send('proactive'), 'relationship_level');
\set VERBOSITY terse
SELECT receive('\x00', 'relationship_level');
SELECT receive('\x06', 'relationship_level');
SELECT receive('\x0000000000000001'::bytea || '\x0000000000000002' || '\x7fffffffffffffff' || '\x0000000000000002', 'relationship_bands');
SELECT receive('\x0000000000000001'::bytea || '\x0000000000000002' || '\x0000000000000003' || '\x0000000000000002', 'relationship_bands');
\set VERBOSITY default
SELECT 'friendly'::relationship_level;
SELECT relationship_bands(100, 10000, 50, 500), receive(relationship_bands_send(relationship_bands(100, 10000, -50.1234, 500)), 'relationship_bands');
SELECT 'customers few < 100 <= medium < 10000 <= many'::relationship_bands;
SELECT 'customers few < 100 <= medium < 100 <= many; margin low < 1 <= medium < 2 <= high'::relationship_bands;
SELECT relationship_bands(0, 10000, 50, 500);
SELECT relationship_bands(100, 10000, 500, 500);
SELECT recommended_level('many', 'huge');
SELECT recommended_level(relationship_bands(100, 10000, 50, 500), -1, 10);
SELECT practised_level('{}', '{}', '2024-01-01', 'UTC', campaign_kinds => '{call}');
SELECT practised_level('{}', '{}', '2024-01-01', 'UTC', campaign_kinds => '{NULL}');

SELECT b FROM (VALUES (relationship_bands(100, 10000, 50, 500)), (relationship_bands(100, 9000, 50, 500)), (relationship_bands(100, 9000, 50, 400))) v(b) ORDER BY b;
SELECT relationship_bands_hash(b) = relationship_bands_hash(b::text::relationship_bands) AS same_hash FROM relationship_bands(100, 10000, 50, 500.25) b;
SELECT l, relationship_level_hash(l) = hashint4(l::int) AS hashed FROM unnest('{basic,partnership}'::relationship_level[]) l;

-- holdout and lift
SELECT holdout('ann', 'spring', 0.5), holdout('ann', 'autumn', 0.5), holdout(42, 'spring', 0.5), holdout(NULL::text, 'spring', 0.5) IS NULL AS unknown;
SELECT holdout('ann', 'spring', -0.1);
SELECT holdout('ann', 'spring', 'NaN');
SELECT lift(true, 'Infinity');
SELECT lift(true, -1.0000001e15);
SELECT (l).treated_n, (l).control_n, (l).difference, round((l).difference_high::numeric, 6) AS difference_high, (l).ratio, round((l).ratio_high::numeric, 6) AS ratio_high
FROM (SELECT lift(t, v) AS l FROM (VALUES (true, 4), (true, 6), (true, 5), (false, 2), (false, 3), (NULL, 9), (true, NULL)) x(t, v)) y;
SELECT (l).* FROM (SELECT lift(t, 3) AS l FROM (VALUES (true), (true), (false), (false)) x(t)) y;
SELECT (l).ratio, (l).ratio_low FROM (SELECT lift(t, v) AS l FROM (VALUES (true, 0), (true, 0), (false, 1), (false, 3)) x(t, v)) y;
SELECT (l).ratio, (l).difference FROM (SELECT lift(t, v) AS l FROM (VALUES (true, 1), (true, 2), (false, 1), (false, -1)) x(t, v)) y;

DROP FUNCTION receive(bytea, regtype);
