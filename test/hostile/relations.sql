-- Calls of what takes relations, or runs for its effects: any role may call it, with any relation. What came of each is rolled back; the session has to live through all of them.
-- hostile.calls_on(seed, n) makes n calls; hostile.try_on(call) makes one and notes what is wrong with what came of it.

-- columns of trackings, of types that they do not have
CREATE TABLE hostile.odd (c bigint, purchased_on text, amount bigint, history bigint, mix int, row_history text, tier bigint, scale bigint, purchase_model bigint, spend_model int, tier_program bigint, changed_at int);
INSERT INTO hostile.odd VALUES (1, 'x', 3735928559, 3735928559, 5, 'y', 3735928559, 3735928559, 3735928559, 5, 3735928559, 5);
CREATE VIEW hostile.circle AS SELECT 1 AS c, date '2025-01-01' AS purchased_on, 1.0 AS amount;
CREATE VIEW hostile.other_half AS SELECT * FROM hostile.circle;
CREATE OR REPLACE VIEW hostile.circle AS SELECT * FROM hostile.other_half;

INSERT INTO hostile.value
SELECT 'regclass', oid::regclass::text FROM pg_class WHERE relnamespace = 'live'::regnamespace AND (relkind IN ('r', 'v', 'p') OR relname ~ '^o_')
UNION ALL SELECT 'regclass', unnest('{0,99999999,pg_class,crm.tracked,hostile.odd,hostile.circle}'::text[]);
INSERT INTO hostile.value SELECT 'oid', CASE WHEN value ~ '^\d+$' THEN value ELSE value::regclass::oid::text END FROM hostile.value WHERE type = 'regclass';

CREATE VIEW hostile.callable_on AS
  SELECT p.oid::regprocedure AS signature, n.nspname || '.' || quote_ident(p.proname) AS name, p.proretset,
    ARRAY(SELECT CASE WHEN y.typnamespace = 'crm'::regnamespace THEN 'crm.' || y.typname WHEN e.typnamespace = 'crm'::regnamespace THEN 'crm.' || e.typname || '[]'
                   ELSE format_type(t, NULL) END
          FROM unnest(p.proargtypes) WITH ORDINALITY AS a(t, i) JOIN pg_type y ON y.oid = t LEFT JOIN pg_type e ON e.oid = y.typelem AND y.typcategory = 'A' ORDER BY i) AS types
  FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
  WHERE n.nspname IN ('crm', 'crm_internal') AND p.prokind = 'f' AND p.pronargs > 0 AND p.proname NOT IN ('raise_error', 'notice')
    AND (p.provolatile = 'v' OR p.proargtypes::oid[] && '{regclass,oid,regclass[],oid[]}'::regtype[]::oid[])
    AND p.prorettype <> ALL ('{internal,trigger,event_trigger,cstring}'::regtype[]::oid[])
    AND NOT p.proargtypes::oid[] && '{internal,cstring,crm.tracked}'::regtype[]::oid[]
    AND p.oid NOT IN (SELECT DISTINCT aggtransfn::oid FROM pg_aggregate) AND p.oid NOT IN (SELECT DISTINCT aggfinalfn::oid FROM pg_aggregate);

CREATE FUNCTION hostile.calls_on(seed int, n int, wanted text DEFAULT '.') RETURNS SETOF text LANGUAGE sql STABLE AS $$
  WITH callable AS MATERIALIZED (SELECT c.*, (row_number() OVER (ORDER BY signature::text))::int - 1 AS number FROM hostile.callable_on c WHERE name ~ wanted)
  SELECT CASE WHEN proretset THEN format('SELECT string_agg(t, ''|'') FROM (SELECT r::text AS t FROM %s(%s) AS r LIMIT 1000) AS s', name, hostile.arguments(s, types))
    ELSE format('SELECT (%s(%s))::text', name, hostile.arguments(s, types)) END
  FROM (SELECT seed || '/on' || i AS s, hostile.pick(seed || '/on' || i || 'function', (SELECT count(*)::int FROM callable)) AS number FROM generate_series(1, n) AS i) AS s
    JOIN callable c USING (number)
$$;

-- What nobody calls but the extension may say no in any words; it may not end the session. What users call says no as everything does, but for a relation that is not there, which PostgreSQL says.
CREATE FUNCTION hostile.try_on(call text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  answer text;
BEGIN
  BEGIN
    EXECUTE call INTO answer;
    RAISE 'undo' USING ERRCODE = 'ZZ001';
  EXCEPTION
    WHEN SQLSTATE 'ZZ001' OR query_canceled THEN NULL;
    WHEN out_of_memory OR internal_error OR data_corrupted OR index_corrupted THEN
      IF call ~ '\mcrm\.[a-z_]+\(' AND SQLERRM NOT LIKE 'could not open relation with OID %' AND call !~ 'crm_internal' THEN
        INSERT INTO hostile.finding VALUES (call, format('%s: %s', SQLSTATE, SQLERRM));
      END IF;
    WHEN OTHERS THEN NULL;
  END;
  UPDATE hostile.made SET calls = calls + 1;
END $$;
