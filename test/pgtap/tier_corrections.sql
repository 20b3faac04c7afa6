-- tiers under corrections, against slow references: random programs and histories,
-- some of whose purchases come back later, in parts or whole.
--
-- on_refund keep: the walk of test/fixtures/tier_reference.sql, day by day, over
-- metrics that are net as known on the day. on_refund revoke: on every day the
-- standing of a history that was bought net, as known on that day, made by plain
-- SQL; and nothing that was told before is rewritten.
--
-- psql -v cases=20000 runs more of them, -v seed=0.7 others.
\if :{?cases}
\else
\set cases 150
\endif
\if :{?seed}
\else
\set seed 0.314159
\endif
BEGIN;
SET LOCAL search_path = public, crm, crm_internal;
SET LOCAL client_min_messages = warning;
SELECT plan(8);
\ir ../fixtures/tier_reference.sql

-- A case whose metric is not points, with corrections of some of its purchases.
CREATE FUNCTION corrected_case() RETURNS tier_case LANGUAGE plpgsql AS $$
DECLARE
  c tier_case;
BEGIN
  LOOP
    c := random_case();
    EXIT WHEN (c.metric < 3 OR c.metric = 3 AND c.joint IS NULL) AND cardinality(c.days) > 0; -- no points
  END LOOP;
  FOR k IN 1..cardinality(c.tiers) LOOP
    c.qualify[k * 4] := NULL;
    c.retain[k * 4] := NULL;
    IF cardinality(array_remove(c.retain[k * 4 - 3:k * 4], NULL)) = 0 THEN -- nothing that a joint rule would stand beside
      c.joint_retain[k * 4 - 3] := NULL;
      c.joint_retain[k * 4 - 2] := NULL;
    END IF;
  END LOOP;
  -- a part, all of it in money, or the order as a whole; some in two parts
  SELECT coalesce(array_agg(d ORDER BY d, b), '{}'), coalesce(array_agg(b ORDER BY d, b), '{}'), coalesce(array_agg(o ORDER BY d, b), '{}'), coalesce(array_agg(a ORDER BY d, b), '{}')
    INTO c.corrected, c.booked, c.corrected_orders, c.corrected_amounts
  FROM (
    SELECT d, b, min(o) AS o, min(a) AS a FROM (
      SELECT d, d + 1 + floor(random() * random() * 120)::int AS b, CASE WHEN kind < 0.3 THEN -o ELSE 0 END AS o, CASE WHEN kind < 0.7 THEN -a ELSE -round(a / 3, 2) END AS a
      FROM (SELECT d, o, a, random() AS kind FROM unnest(c.days, c.orders, c.amounts) AS e(d, o, a), generate_series(1, 2) n
            WHERE o > 0 AND a > 0 AND (n = 1 OR chance(0.2)) AND chance(0.4)) r) s
    WHERE o <> 0 OR a <> 0 GROUP BY d, b) t;
  RETURN c;
END $$;

-- What is known on a day: purchases and corrections by then; and the same bought net, by plain SQL.
CREATE FUNCTION corrected_history(c tier_case, as_of date) RETURNS purchase_history LANGUAGE sql AS $$
  SELECT format('{%s}', concat_ws(', ', (SELECT string_agg(format('%s %s %s', d, o, a), ', ') FROM unnest(c.days, c.orders, c.amounts) AS e(d, o, a) WHERE d <= as_of),
    (SELECT string_agg(format('%s %s %s of %s', b, o, a, d), ', ') FROM unnest(c.corrected, c.booked, c.corrected_orders, c.corrected_amounts) AS e(d, b, o, a) WHERE b <= as_of)))::purchase_history $$;
CREATE FUNCTION net_history(c tier_case, as_of date) RETURNS purchase_history LANGUAGE sql AS $$
  SELECT coalesce(format('{%s}', string_agg(format('%s %s %s', d, o, a), ', ')), '{}')::purchase_history
  FROM (SELECT d, greatest(sum(o), 0) AS o, sum(a) AS a
        FROM (SELECT d, o, a FROM unnest(c.days, c.orders, c.amounts) AS e(d, o, a) WHERE d <= as_of
              UNION ALL SELECT d, o, a FROM unnest(c.corrected, c.booked, c.corrected_orders, c.corrected_amounts) AS e(d, b, o, a) WHERE b <= as_of) r
        GROUP BY d) n WHERE o <> 0 OR a <> 0 $$;

CREATE FUNCTION compare_kept(c tier_case, as_of date) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  p tier_program := program_of(c);
  h purchase_history := corrected_history(c, as_of);
  cut tier_case := c;
  expected text;
  found text;
  s record;
  now_ reference_day;
BEGIN
  SELECT coalesce(array_agg(d ORDER BY d), '{}'), coalesce(array_agg(o ORDER BY d), '{}'), coalesce(array_agg(a ORDER BY d), '{}')
    INTO cut.days, cut.orders, cut.amounts FROM unnest(c.days, c.orders, c.amounts) AS e(d, o, a) WHERE d <= as_of;
  SELECT coalesce(array_agg(d ORDER BY n), '{}'), coalesce(array_agg(b ORDER BY n), '{}'), coalesce(array_agg(o ORDER BY n), '{}'), coalesce(array_agg(a ORDER BY n), '{}')
    INTO cut.corrected, cut.booked, cut.corrected_orders, cut.corrected_amounts
    FROM unnest(c.corrected, c.booked, c.corrected_orders, c.corrected_amounts) WITH ORDINALITY AS e(d, b, o, a, n) WHERE b <= as_of;
  SELECT string_agg(format('%s %s %s %s', changed_on, to_rank, trim_scale(metric_value), reason), E'\n' ORDER BY changed_on) INTO found
    FROM tier_timeline(p, h, as_of + 60);
  SELECT string_agg(format('%s %s %s %s', day, rank, trim_scale(metric), reason), E'\n' ORDER BY day) FILTER (WHERE reason IS NOT NULL) INTO expected
    FROM reference_walk(cut, as_of + 60);
  IF found IS DISTINCT FROM expected THEN RETURN format(E'timeline\n%s\nexpected\n%s', found, expected); END IF;
  SELECT * INTO now_ FROM reference_walk(cut, as_of) WHERE day = as_of;
  SELECT * INTO s FROM standing(p, h, as_of);
  IF (coalesce(s.rank, 0), coalesce(s.metric_value, 0)) IS DISTINCT FROM (coalesce(now_.rank, 0), coalesce(now_.metric, 0)) THEN RETURN format('standing %s, expected %s', s, now_); END IF;
  RETURN NULL;
END $$;

-- The case's program, which revokes.
CREATE FUNCTION revoking(c tier_case) RETURNS tier_program LANGUAGE sql AS $$
  SELECT regexp_replace(program_of(c)::text, '( rollover.*)?$', ' on_refund revoke\1')::tier_program $$;

CREATE FUNCTION compare_revoked(c tier_case, as_of date) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  keeps tier_program := program_of(c);
  revokes tier_program := revoking(c);
  h purchase_history := corrected_history(c, as_of);
  day date := as_of;
  s record;
  e record;
  told text;
BEGIN
  FOR i IN 0..5 LOOP
    SELECT tier, rank, expires_on, metric_value, next_tier, missing_for_next, missing_to_keep INTO s FROM standing(revokes, h, day);
    SELECT tier, rank, expires_on, metric_value, next_tier, missing_for_next, missing_to_keep INTO e FROM standing(keeps, net_history(c, day), day);
    IF s IS DISTINCT FROM e THEN RETURN format('on %s: %s, expected %s', day, s, e); END IF;
    SELECT to_tier INTO told FROM tier_timeline(revokes, h, as_of) WHERE changed_on <= day ORDER BY changed_on DESC LIMIT 1;
    IF told IS DISTINCT FROM s.tier THEN RETURN format('on %s the timeline tells of %s, not of %s', day, told, s.tier); END IF;
    IF EXISTS ((SELECT t::text FROM tier_timeline(revokes, h, as_of) t WHERE t.changed_on <= day) EXCEPT (SELECT t::text FROM tier_timeline(revokes, corrected_history(c, day), day) t)) THEN
      RETURN format('what was told by %s is rewritten', day);
    END IF;
    day := as_of - (i + 1) * 17;
  END LOOP;
  RETURN NULL;
END $$;

SELECT setseed(:seed);
CREATE TEMP TABLE tried AS
  SELECT i, c, as_of, compare_kept(c, as_of) AS kept, compare_revoked(c, as_of) AS revoked
  FROM (SELECT i, c, (c).days[cardinality((c).days)] + (random() * 100 - 20)::int AS as_of FROM (SELECT i, corrected_case() AS c FROM generate_series(1, :cases) i OFFSET 0) r OFFSET 0) t;
SELECT is_empty('SELECT i, program_of(c), corrected_history(c, as_of), as_of, kept FROM tried WHERE kept IS NOT NULL ORDER BY length(corrected_history(c, as_of)::text) LIMIT 3',
  'keep: the timeline found in steps is the one found day by day');
SELECT is_empty('SELECT i, program_of(c), corrected_history(c, as_of), as_of, revoked FROM tried WHERE revoked IS NOT NULL ORDER BY length(corrected_history(c, as_of)::text) LIMIT 3',
  'revoke: on every day the standing of what was bought net, and nothing told before is rewritten');
SELECT cmp_ok((SELECT count(*) FROM tried WHERE cardinality((c).corrected) > 1)::int, '>', :cases / 2, 'most have several corrections');
SELECT cmp_ok((SELECT count(DISTINCT ((c).window_kind, (c).downgrade)) FROM tried)::int, '>=', 15, 'of many kinds of programs');
SELECT isnt_empty($$SELECT FROM tried, tier_timeline(revoking(c), corrected_history(c, as_of), as_of) t
  WHERE reason = 'refund' AND (c).window_kind LIKE 'calendar%'$$, 'tiers by period are revoked');
SELECT isnt_empty($$SELECT FROM tried WHERE standing(program_of(c), corrected_history(c, as_of), as_of)::text
  <> standing(revoking(c), corrected_history(c, as_of), as_of)::text$$, 'which keep would not');
SELECT is_empty($$SELECT program_of(c), corrected_history(c, as_of), as_of, s FROM tried, standing(program_of(c), corrected_history(c, as_of), as_of) s
  WHERE s.metric_value < 0 AND 0 <= ALL ((c).amounts) AND NOT EXISTS (SELECT FROM unnest((c).days, (c).orders, (c).amounts) e(d, o, a),
    LATERAL (SELECT sum(o) AS o, sum(a) AS a FROM unnest((c).corrected, (c).corrected_orders, (c).corrected_amounts) AS r(d, o, a) WHERE r.d = e.d) r
    WHERE e.o + r.o < 0 OR e.a + r.a < 0)$$, 'no metric is negative from corrections of no more than was bought');
-- Who has bought only before the program began has no periods, and what is corrected changes nothing.
SELECT is(ARRAY(
    SELECT DISTINCT reason FROM (VALUES ('lifetime'), ('rolling 2 months'), ('calendar quarter'), ('calendar week'), ('calendar quarter from 12-28')) w(span),
      (VALUES (''), ('rollover'), ('rollover up to 1')) r(rollover), (VALUES (date '2024-04-07'), ('2024-04-08'), ('2024-06-18')) d(day),
      standing(format('{A: orders 0, B: orders 3} %s starts 2024-05-02 on_refund revoke %s', span, rollover)::tier_program,
        '{2024-03-14 1 100, 2024-04-01 2 150, 2024-04-08 -1 -100 of 2024-03-14, 2024-04-24 0 -50 of 2024-04-01, 2024-06-01 0 -50 of 2024-04-01}', day)
    WHERE rollover = '' OR span LIKE 'calendar%'),
  ARRAY['not enrolled'], 'a correction of what was bought before the program began enrols nobody');
SELECT * FROM finish();
ROLLBACK;
