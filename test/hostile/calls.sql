-- Calls of every function and aggregate that takes values, with edge arguments.
-- hostile.calls(seed, n) makes n of them; hostile.try(call) makes one and notes what is wrong with what came of it.

CREATE TABLE hostile.finding (call text, problem text);
CREATE TABLE hostile.made (calls bigint NOT NULL, errors bigint NOT NULL);
INSERT INTO hostile.made VALUES (0, 0);

-- A number from 0 to below n that depends on the seed and the place alone.
CREATE FUNCTION hostile.pick(seed text, n int) RETURNS int LANGUAGE sql IMMUTABLE AS $$
  SELECT (('x' || substr(md5(seed), 1, 7))::bit(28)::int % greatest(n, 1))
$$;

CREATE FUNCTION hostile.literal(seed text, type text) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT CASE
    WHEN hostile.pick(seed || 'null', 25) = 0 THEN format('NULL::%s', type)
    WHEN type LIKE '%[]' THEN format('ARRAY[%s]::%s',
      (SELECT string_agg(hostile.literal(seed || i, left(type, -2)), ', ') FROM generate_series(1, 1 + hostile.pick(seed || 'n', 5)) AS i), type)
    ELSE coalesce((SELECT format('%L::%s', v.value, type) FROM hostile.value v WHERE v.type = literal.type
                   ORDER BY md5(seed || v.value) LIMIT 1), format('NULL::%s', type)) END
$$;

-- What can be called: not what reads tables, is internal, or runs for its effects.
CREATE VIEW hostile.callable AS
  SELECT p.oid::regprocedure AS signature, n.nspname || '.' || quote_ident(p.proname) AS name, p.prokind = 'a' AS is_aggregate, p.proretset,
    ARRAY(SELECT CASE WHEN y.typnamespace = 'crm'::regnamespace THEN 'crm.' || y.typname WHEN e.typnamespace = 'crm'::regnamespace THEN 'crm.' || e.typname || '[]'
                   ELSE format_type(t, NULL) END
          FROM unnest(p.proargtypes) WITH ORDINALITY AS a(t, i) JOIN pg_type y ON y.oid = t LEFT JOIN pg_type e ON e.oid = y.typelem AND y.typcategory = 'A' ORDER BY i) AS types
  FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
  WHERE n.nspname IN ('crm', 'crm_internal') AND p.prokind IN ('f', 'a') AND p.provolatile <> 'v' AND p.pronargs > 0
    AND p.prorettype NOT IN ('internal'::regtype, 'trigger'::regtype, 'void'::regtype, 'cstring'::regtype)
    AND NOT p.proargtypes::oid[] && ARRAY['internal', 'cstring', 'regclass', 'oid', 'regtype', 'crm.tracked']::regtype[]::oid[]
    AND p.oid NOT IN (SELECT DISTINCT aggtransfn::oid FROM pg_aggregate) AND p.oid NOT IN (SELECT DISTINCT aggfinalfn::oid FROM pg_aggregate);

CREATE FUNCTION hostile.arguments(seed text, types text[]) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT string_agg(hostile.literal(seed || i, t), ', ' ORDER BY i) FROM unnest(types) WITH ORDINALITY AS u(t, i)
$$;

CREATE FUNCTION hostile.calls(seed int, n int, wanted text DEFAULT '.') RETURNS SETOF text LANGUAGE sql STABLE AS $$
  WITH callable AS MATERIALIZED (SELECT c.*, (row_number() OVER (ORDER BY signature::text))::int - 1 AS number FROM hostile.callable c WHERE name ~ wanted)
  SELECT CASE
    WHEN is_aggregate THEN format('SELECT (%s(%s))::text FROM (VALUES %s) AS v(%s)', name,
      (SELECT string_agg('v.a' || i, ', ' ORDER BY i) FROM generate_series(1, cardinality(types)) AS i),
      (SELECT string_agg(format('(%s)', hostile.arguments(s || CASE WHEN hostile.pick(s, 2) = 0 THEN '' ELSE r::text END, types)), ', ')
       FROM generate_series(1, 1 + hostile.pick(s || 'rows', 6)) AS r),
      (SELECT string_agg('a' || i, ', ' ORDER BY i) FROM generate_series(1, cardinality(types)) AS i))
    WHEN proretset THEN format('SELECT string_agg(t, ''|'') FROM (SELECT r::text AS t FROM %s(%s) AS r LIMIT 10000) AS s', name, hostile.arguments(s, types))
    ELSE format('SELECT (%s(%s))::text', name, hostile.arguments(s, types)) END
  FROM (SELECT seed || '/' || i AS s, hostile.pick(seed || '/' || i || 'function', (SELECT count(*)::int FROM callable)) AS number FROM generate_series(1, n) AS i) AS s
    JOIN callable c USING (number)
$$;

-- Processor time of this session in seconds, so that what only waited for the machine is not taken for slow.
CREATE FUNCTION hostile.cpu() RETURNS float8 LANGUAGE sql VOLATILE AS $$
  SELECT (f[12]::float8 + f[13]::float8) / 100 FROM string_to_array(regexp_replace(pg_read_file('/proc/self/stat'), '^.*\) ', ''), ' ') AS f
$$;

-- Notes a call that took more processor time than hostile.slow says, in seconds (5 unless it is set).
CREATE FUNCTION hostile.note_slow(call text, began float8) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  took constant float8 := hostile.cpu() - began;
BEGIN
  IF took > coalesce(current_setting('hostile.slow', true), '5')::float8 THEN
    INSERT INTO hostile.finding VALUES (call, format('takes %s s of processor time', took));
  END IF;
END $$;

-- Calls that took so much, to be called again under a timeout.
CREATE TABLE hostile.long (call text NOT NULL);

-- A walk over the life of the calendar, six million years, may be long if it can be cancelled. Longer than twelve times that is a finding anyway.
CREATE FUNCTION hostile.note_long(call text, began float8) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  slow constant float8 := coalesce(current_setting('hostile.slow', true), '5')::float8;
  took constant float8 := hostile.cpu() - began;
BEGIN
  IF took > 12 * slow THEN
    INSERT INTO hostile.finding VALUES (call, format('takes %s s of processor time', took));
  ELSIF took > slow AND call NOT IN (SELECT l.call FROM hostile.long AS l) THEN
    INSERT INTO hostile.long VALUES (call);
  END IF;
END $$;

-- Makes a call under a statement_timeout, which has to end it before it has taken so many seconds of processor time.
CREATE FUNCTION hostile.cancel(call text, allowed float8 DEFAULT 2) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  began constant float8 := hostile.cpu();
  answer text;
BEGIN
  BEGIN
    EXECUTE call INTO answer;
  EXCEPTION
    WHEN query_canceled OR OTHERS THEN NULL;
  END;
  IF hostile.cpu() - began > allowed THEN
    INSERT INTO hostile.finding VALUES (call, format('takes %s s of processor time under a statement_timeout of %s', hostile.cpu() - began, current_setting('statement_timeout')));
  END IF;
  DELETE FROM hostile.long AS l WHERE l.call = cancel.call;
END $$;

-- An error is fine if it is one that a user understands; an answer is fine if it is finite and the same again.
CREATE FUNCTION hostile.try(call text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  answer text;
  again text;
  failed boolean := false;
  began float8 := hostile.cpu();
BEGIN
  BEGIN
    EXECUTE call INTO answer;
    PERFORM hostile.note_long(call, began);
    began := hostile.cpu();
    EXECUTE call INTO again;
    IF answer IS DISTINCT FROM again THEN
      INSERT INTO hostile.finding VALUES (call, format('answers %s, then %s', left(answer, 200), left(again, 200)));
    ELSIF answer ~* '\mnan\M' THEN
      INSERT INTO hostile.finding VALUES (call, format('answers %s', left(answer, 200)));
    END IF;
  EXCEPTION
    WHEN query_canceled THEN
      failed := true;
    WHEN out_of_memory OR internal_error OR data_corrupted OR index_corrupted THEN
      INSERT INTO hostile.finding VALUES (call, format('%s: %s', SQLSTATE, SQLERRM));
      failed := true;
    WHEN OTHERS THEN
      failed := true;
  END;
  PERFORM hostile.note_long(call, began);
  UPDATE hostile.made SET calls = calls + 1, errors = errors + failed::int;
END $$;
