-- tiers against a slow reference: random programs and histories, day by day
--
-- The reference implements "The rules, exactly" of docs/tiers.md a second time, in
-- PL/pgSQL, one day after the other, with PostgreSQL's own intervals. Each case
-- cuts a random history at a random day and compares the standing on that day,
-- what is to come of it, and the whole timeline.
--
-- psql -v cases=10000 runs more of them, -v seed=0.7 others.
\if :{?cases}
\else
\set cases 800
\endif
\if :{?seed}
\else
\set seed 0.271828
\endif
BEGIN;
SET LOCAL search_path = public, crm, crm_internal;
SET LOCAL client_min_messages = warning;
SELECT plan(14);

\ir ../fixtures/tier_reference.sql

-- ---- the comparison ----

CREATE TEMP TABLE compared (no int, c tier_case, program tier_program, history purchase_history, as_of date, problem text);

CREATE FUNCTION compare_case(c tier_case, as_of date, horizon int) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  p tier_program := program_of(c);
  h purchase_history := history_of(c, as_of);
  cut tier_case := c;
  n int := cardinality(c.tiers);
  walk reference_day[];
  now_ reference_day;
  fall reference_day;
  ran_out numeric;
  s record;
  expected text;
  found text;
  missing numeric;
BEGIN
  SELECT coalesce(array_agg(d ORDER BY d), '{}'), coalesce(array_agg(o ORDER BY d), '{}'), coalesce(array_agg(a ORDER BY d), '{}')
    INTO cut.days, cut.orders, cut.amounts FROM unnest(c.days, c.orders, c.amounts) AS e(d, o, a) WHERE d <= as_of;
  SELECT array_agg(r ORDER BY day) INTO walk FROM reference_walk(cut, as_of + horizon) r;
  SELECT * INTO s FROM standing(p, h, as_of);

  -- the timeline until the horizon
  SELECT string_agg(format('%s %s %s %s', changed_on, to_rank, trim_scale(metric_value), reason), E'\n' ORDER BY changed_on) INTO found
    FROM tier_timeline(p, h, as_of + horizon);
  SELECT string_agg(format('%s %s %s %s', day, rank, trim_scale(metric), reason), E'\n' ORDER BY day) INTO expected
    FROM unnest(walk) WHERE reason IS NOT NULL;
  IF found IS DISTINCT FROM expected THEN RETURN format(E'timeline\n%s\nexpected\n%s', found, expected); END IF;

  -- the standing
  SELECT * INTO now_ FROM unnest(walk) WHERE day = as_of;
  IF coalesce(now_.rank, 0) = 0 THEN
    IF s.tier IS NOT NULL OR s.rank <> 0 OR s.since IS NOT NULL OR s.expires_on IS NOT NULL THEN RETURN format('a tier: %s', s); END IF;
  ELSIF (s.tier, s.rank, s.since) IS DISTINCT FROM (c.tiers[now_.rank], now_.rank, now_.since) THEN
    RETURN format('standing %s, expected %s', s, now_);
  END IF;
  IF s.tier IS DISTINCT FROM tier(p, h, as_of) THEN RETURN 'tier is not the standing''s'; END IF;
  IF s.metric_value IS DISTINCT FROM coalesce(now_.metric, 0) THEN RETURN format('metric %s, expected %s', s.metric_value, now_.metric); END IF;
  IF (s.next_tier, s.missing_for_next) IS DISTINCT FROM (c.tiers[s.rank + 1],
       CASE WHEN s.rank < n THEN greatest(coalesce(c.qualify[s.rank * 4 + c.metric], c.joint[s.rank * 4 + c.metric]) - s.metric_value, 0) END) THEN
    RETURN format('next %s %s', s.next_tier, s.missing_for_next);
  END IF;

  -- what is to come
  IF s.rank > 0 THEN
    SELECT * INTO fall FROM unnest(walk) WHERE day > as_of AND rank < now_.rank ORDER BY day LIMIT 1;
    IF fall.day IS NULL AND s.expires_on <= as_of + horizon OR fall.day IS NOT NULL AND s.expires_on IS DISTINCT FROM fall.day THEN
      RETURN format('expires on %s, expected %s', s.expires_on, fall.day);
    END IF;
    IF fall.day IS NULL AND s.expires_on IS NULL AND s.missing_to_keep IS NOT NULL THEN RETURN 'missing to keep what never falls'; END IF;
    IF fall.day IS NOT NULL THEN
      -- the day it ran out is the last one that began a grace, or the fall itself
      SELECT coalesce(fall.before_expiry, (SELECT before_expiry FROM unnest(walk) WHERE day <= fall.day AND before_expiry IS NOT NULL ORDER BY day DESC LIMIT 1))
        INTO ran_out;
      missing := coalesce(c.retain[(s.rank - 1) * 4 + c.metric], c.qualify[(s.rank - 1) * 4 + c.metric], c.joint_retain[(s.rank - 1) * 4 + c.metric], c.joint[(s.rank - 1) * 4 + c.metric])
        - CASE WHEN c.validity IS NULL AND c.window_kind IN ('rolling', 'lifetime') THEN fall.before_fall
               WHEN now_.in_grace THEN fall.before_grace_end ELSE ran_out END;
      IF s.missing_to_keep IS DISTINCT FROM greatest(missing, 0) THEN
        RETURN format('missing to keep %s, expected %s', s.missing_to_keep, missing);
      END IF;
    END IF;
  END IF;
  RETURN NULL;
END $$;

SELECT setseed(:seed);
INSERT INTO compared
  SELECT i, c, program_of(c), history_of(c, 'infinity'), as_of,
    compare_case(c, as_of, CASE WHEN (c).period >= interval '12 months' OR (c).window_kind = 'calendar_year' THEN 420 ELSE 90 END)
  FROM (SELECT i, c, (ARRAY[bought_first - 5, bought_last])[1 + floor(random() * 2)::int]
               + (random() * random() * (80 + bought_last - bought_first))::int AS as_of
        FROM (SELECT i, c, coalesce((c).days[1], '2024-01-01') AS bought_first,
                coalesce((c).days[cardinality((c).days)], '2024-01-01') AS bought_last
              FROM (SELECT i, random_case() AS c FROM generate_series(1, :cases) i OFFSET 0) r OFFSET 0) b OFFSET 0) t;

SELECT is_empty('SELECT no, program, history, as_of, problem FROM compared WHERE problem IS NOT NULL ORDER BY length(history::text) LIMIT 3',
  'the standing found in one step is the one found day by day');

-- the cases are what they should be
SELECT cmp_ok((SELECT count(*) FROM compared)::int, '>=', 800, 'on 800 cases or more');
SELECT is((SELECT count(DISTINCT ((c).window_kind, (c).downgrade, (c).grace IS NULL, (c).validity IS NULL)) FROM compared)::int, 89,
  'with every window, downgrade, with and without grace and fixed lengths');
SELECT is_empty($$
  SELECT r FROM unnest('{enrolled,qualified,renewed,grace,expired,soft landing,refund}'::text[]) r
  WHERE NOT EXISTS (SELECT FROM compared, tier_timeline(program, history, as_of + 400) t WHERE t.reason = r)$$, 'every reason occurs');
SELECT cmp_ok((SELECT count(*) FROM compared WHERE (standing(program, history, as_of)).expires_on IS NOT NULL)::int, '>', 150,
  'many hold a tier that expires');

SELECT cmp_ok((SELECT count(*) FROM compared WHERE (c).rollover IS NOT NULL AND (standing(program, history, as_of)).metric_value IS DISTINCT FROM (standing(split_part(program::text, ' rollover', 1)::tier_program, history, as_of)).metric_value)::int, '>', 5,
  'of some something goes on to the next period');
SELECT cmp_ok((SELECT count(*) FROM compared WHERE (c).joint IS NOT NULL AND tier(program, history, as_of) IS DISTINCT FROM tier(regexp_replace(program::text, ' or [a-z_]+ [0-9.]+ and [a-z_]+ [0-9.]+', '', 'g')::tier_program, history, as_of))::int, '>', 2,
  'and some for two metrics together');

-- A matched status: who proves it within its days holds the tier as if it had been reached on the day of the proof.
CREATE TEMP TABLE matched (no int, c tier_case, history purchase_history, program tier_program);
INSERT INTO matched SELECT no, m, history_of(m, 'infinity'), (program_of(m)::text || format(' match %s days {"%s": %s}', (m).match_end - (m).match_first, (m).tiers[(m).matched], (m).wanted))::tier_program
  FROM compared, LATERAL (SELECT first + 20 + no % 30 AS last, first FROM (SELECT (c).days[1 + no % cardinality((c).days)] - no % 20 AS first) f) d,
    LATERAL (SELECT jsonb_populate_record(c, jsonb_build_object('matched', 1 + no % cardinality((c).tiers), 'match_first', first, 'match_end', last, 'wanted', CASE (c).metric WHEN 1 THEN 100 WHEN 4 THEN 40 ELSE 2 END)) AS m) r
  WHERE no <= 500 AND cardinality((c).days) > 1 AND NOT ((c).window_kind = 'lifetime' AND (c).validity IS NULL);
CREATE TEMP TABLE matched_days AS
  SELECT no, m.program, history, day, tier(m.program, history, day, ARRAY[status_match(m.program, (c).tiers[(c).matched], (c).match_first)]) AS found,
    (c).tiers[greatest(coalesce(rank, 0), CASE WHEN day >= (c).match_first AND day < (c).match_end THEN (c).matched END)] AS expected, tier(m.program, history, day) AS plain, day < (c).match_end AS within
  FROM matched m, LATERAL (SELECT w.day, w.rank FROM reference_walk(c, (c).match_end + 100) w WHERE day >= (c).match_first AND (day - (c).match_first) % 7 IN (0, 3)) w;
SELECT is_empty('SELECT no, program, history, day, found, expected FROM matched_days WHERE found IS DISTINCT FROM expected ORDER BY length(history::text) LIMIT 3', 'a status that is matched and proven is held as if it had been reached');
SELECT cmp_ok((SELECT count(DISTINCT no) FROM matched_days WHERE found IS DISTINCT FROM plain AND NOT within)::int, '>', 10, 'and outlives its match');

-- the text, binary and jsonb forms lose nothing
SELECT is_empty('SELECT program FROM compared WHERE program::text::tier_program <> program', 'the text form loses nothing');
SELECT is_empty('SELECT program FROM (SELECT program FROM compared WHERE no <= 300 UNION ALL SELECT program FROM matched WHERE no <= 100) p WHERE program::jsonb::tier_program <> program', 'nor does jsonb');
SELECT is_empty($$
  SELECT a.program FROM compared a JOIN compared b ON a.no = b.no + 1
  WHERE (a.program = b.program) <> (a.program::text = b.program::text)
     OR (a.program = b.program AND tier_program_hash(a.program) <> tier_program_hash(b.program))
     OR (a.program < b.program) = (b.program <= a.program)$$, 'equal programs have equal texts and hashes');

-- what happens later changes no standing of before
SELECT is_empty($$
  SELECT no, day FROM compared, LATERAL (SELECT as_of - 60 + (i * 7) AS day FROM generate_series(0, 20) i) d
  WHERE no <= 2000 AND tier(program, history, day) IS DISTINCT FROM
    (SELECT to_tier FROM tier_timeline(program, history, as_of + 400) WHERE changed_on <= day ORDER BY changed_on DESC LIMIT 1)$$,
  'the timeline of the whole history holds the tier of every day');
-- a history of nothing
SELECT is_empty('SELECT no FROM compared WHERE tier(program, ''{}'', as_of) IS NOT NULL', 'who never bought has no tier');

SELECT * FROM finish();
ROLLBACK;
