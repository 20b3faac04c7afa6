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
SELECT plan(13);

CREATE TYPE tier_case AS (
  tiers text[], qualify numeric[], retain numeric[], -- rank by rank, four metrics each, NULL for no rule
  metric int, window_kind text, period interval, fiscal_start text, downgrade text, grace interval, validity interval,
  lifetime boolean[], starts_on date, rate numeric, order_points int, bonus_points int, bonus_every int,
  joint numeric[], joint_retain numeric[], -- rank by rank, four metrics each, all of which are asked for; NULL for no rule
  rollover numeric,                        -- at most so much, NULL for none
  matched int, match_first date, match_end date, wanted numeric, -- a status match: rank, days [first, end), what proves it
  days date[], orders int[], amounts numeric[]);

-- ---- random cases ----

CREATE FUNCTION pick(VARIADIC choices text[]) RETURNS text LANGUAGE sql AS
  $$ SELECT choices[1 + floor(random() * cardinality(choices))::int] $$;
CREATE FUNCTION chance(p float8) RETURNS boolean LANGUAGE sql AS $$ SELECT random() < p $$;

CREATE FUNCTION random_case() RETURNS tier_case LANGUAGE plpgsql AS $$
DECLARE
  c tier_case;
  n int := 1 + floor(random() * 4);
  metrics boolean[];
  threshold numeric;
  below numeric;
  step numeric;
  day date;
  length int;
BEGIN
  c.tiers := (ARRAY['Bronze', 'Silver', 'Gold', 'Top tier'])[1:n];
  c.metric := 1 + floor(random() * 4);
  metrics := ARRAY[chance(0.15), chance(0.2), chance(0.15), chance(0.1)];
  metrics[c.metric] := true;
  c.window_kind := pick('rolling', 'rolling', 'rolling', 'calendar_year', 'calendar_quarter', 'calendar_month', 'anniversary', 'anniversary', 'lifetime');
  c.downgrade := pick('none', 'one_tier', 'one_tier', 'requalify', 'requalify', 'to_base', 'to_base');
  IF c.window_kind = 'rolling' THEN
    c.period := pick('1 month', '2 months', '30 days', '45 days', '1 month 10 days', '3 months', '90 days', '12 months', '1 day')::interval;
  ELSIF c.window_kind = 'anniversary' THEN
    c.period := pick('1 month', '1 month', '2 months', '5 months', '12 months')::interval;
  ELSIF c.window_kind <> 'lifetime' AND chance(0.5) THEN
    c.fiscal_start := pick('01-01', '04-06', '12-28', '02-15', '03-01');
  END IF;
  IF c.downgrade <> 'none' THEN
    IF chance(0.5) THEN c.grace := pick('1 day', '10 days', '1 month', '40 days')::interval; END IF;
    IF chance(0.35) OR (c.window_kind = 'lifetime' AND c.downgrade = 'one_tier') THEN
      c.validity := pick('1 month', '1 month', '60 days', '20 days', '4 months', '1 day')::interval;
    END IF;
  END IF;
  c.rate := pick('0', '1', '0.5', '1.25')::numeric;
  c.order_points := pick('0', '5')::int;
  c.bonus_points := 7;
  c.bonus_every := 3;
  FOR m IN 1..4 LOOP
    step := CASE m WHEN 1 THEN 50 WHEN 4 THEN 20 ELSE 1 END;
    below := CASE WHEN m = c.metric AND chance(0.7) THEN 0 ELSE step * ceil(random() * 3) END;
    threshold := below;
    FOR k IN 1..n LOOP
      IF k > 1 THEN
        below := threshold;
        threshold := threshold + step * ceil(random() * 4);
      END IF;
      IF NOT metrics[m] OR (m <> c.metric AND chance(0.3)) THEN
        c.qualify := c.qualify || NULL::numeric;
        c.retain := c.retain || NULL::numeric;
      ELSE
        c.qualify := c.qualify || threshold;
        c.retain := c.retain || (CASE WHEN threshold > 0 AND NOT (k = 1 AND m <> c.metric AND c.qualify[c.metric] = 0) AND c.downgrade <> 'none' AND chance(0.4)
          THEN threshold - step * floor(random() * (threshold - CASE WHEN k = 1 THEN 0 ELSE below END) / step) END)::numeric;
      END IF;
    END LOOP;
  END LOOP;
  -- from metric by metric to rank by rank
  SELECT array_agg(c.qualify[(m - 1) * n + k] ORDER BY k, m), array_agg(c.retain[(m - 1) * n + k] ORDER BY k, m)
    INTO c.qualify, c.retain FROM generate_series(1, n) k, generate_series(1, 4) m;
  -- a base tier has no retain rule
  IF 0 = ANY (c.qualify[1:4]) THEN c.retain := ARRAY[NULL, NULL, NULL, NULL]::numeric[] || c.retain[5:]; END IF;
  SELECT array_agg(chance(0.1)) INTO c.lifetime FROM generate_series(1, n);
  IF chance(0.25) THEN
    -- a tier may also be reached, and kept, by the main metric and another together
    c.joint := array_fill(NULL::numeric, ARRAY[4 * n]); c.joint_retain := c.joint;
    FOR k IN 2..n LOOP
      CONTINUE WHEN chance(0.4);
      c.joint[(k - 1) * 4 + c.metric] := CASE c.metric WHEN 1 THEN 50 WHEN 4 THEN 20 ELSE 1 END * ceil(random() * 4);
      c.joint[(k - 1) * 4 + 1 + c.metric % 4] := CASE 1 + c.metric % 4 WHEN 1 THEN 50 WHEN 4 THEN 20 ELSE 1 END * ceil(random() * 4);
      IF chance(0.5) AND cardinality(array_remove(c.retain[k * 4 - 3:k * 4], NULL)) > 0 THEN
        c.joint_retain[(k - 1) * 4 + 1] := 50; c.joint_retain[(k - 1) * 4 + 2] := ceil(random() * 2);
      END IF;
    END LOOP;
    c.rate := greatest(c.rate, 0.5);
  END IF;
  IF c.window_kind NOT IN ('rolling', 'lifetime') AND chance(0.5) THEN
    c.rollover := CASE WHEN chance(0.4) THEN 1e9 ELSE CASE c.metric WHEN 1 THEN 70 WHEN 4 THEN 30 ELSE 1 END END;
  END IF;

  day := date '2023-10-01' + floor(random() * 170)::int;
  length := pick('30', '60', '120', '120', '400')::int;
  IF chance(0.15) THEN c.starts_on := day + floor(random() * 60)::int; END IF;
  SELECT array_agg(d ORDER BY d), array_agg(o ORDER BY d), array_agg(a ORDER BY d) INTO c.days, c.orders, c.amounts
  FROM (SELECT d, CASE WHEN refund THEN 0 ELSE o END AS o, CASE WHEN refund OR chance(0.03) THEN -a ELSE a END AS a
        FROM (SELECT day + floor(random() * length)::int AS d, 1 + floor(random() * random() * 3)::int AS o,
                50 * floor(random() * 5) + CASE WHEN chance(0.2) THEN 12.34 ELSE 0 END AS a, chance(0.15) AS refund
              FROM generate_series(1, 1 + floor(random() * 12)::int)) e) f
  WHERE o <> 0 OR a <> 0;
  -- on the day on which something before expires
  IF chance(0.5) AND c.days IS NOT NULL THEN
    c.days := c.days || (c.days[1 + floor(random() * cardinality(c.days))::int] + coalesce(c.validity, c.period, '1 month'))::date;
    c.orders := c.orders || 1;
    c.amounts := c.amounts || 100.0;
  END IF;
  -- each day once
  SELECT coalesce(array_agg(d ORDER BY d), '{}'), coalesce(array_agg(o ORDER BY d), '{}'), coalesce(array_agg(a ORDER BY d), '{}')
    INTO c.days, c.orders, c.amounts
  FROM (SELECT d, min(o) AS o, min(a) AS a FROM unnest(c.days, c.orders, c.amounts) AS e(d, o, a) GROUP BY d) g;
  RETURN c;
END $$;

CREATE FUNCTION history_of(c tier_case, until date) RETURNS purchase_history LANGUAGE sql AS $$
  SELECT format('{%s}', string_agg(format('%s %s %s', d, o, a), ', '))::purchase_history
  FROM unnest(c.days, c.orders, c.amounts) AS e(d, o, a) WHERE d <= until $$;

CREATE FUNCTION thresholds_of(c tier_case, a numeric[], m int) RETURNS numeric[] LANGUAGE sql AS $$
  SELECT array_agg(a[(k - 1) * 4 + m] ORDER BY k) FROM generate_series(1, cardinality(c.tiers)) k $$;

CREATE FUNCTION program_of(c tier_case) RETURNS tier_program LANGUAGE plpgsql AS $$
DECLARE
  names text[] := '{spend,orders,purchase_days,points}';
  p tier_program;
  thresholds numeric[];
  program text;
  rules text;
BEGIN
  p := tier_program(c.tiers, thresholds_of(c, c.qualify, c.metric), names[c.metric], c.period, c.window_kind, c.downgrade, coalesce(c.grace, '0 days'),
    c.validity, thresholds_of(c, c.retain, c.metric), (SELECT array_agg(t) FROM unnest(c.tiers, c.lifetime) AS u(t, l) WHERE l),
    c.fiscal_start, c.starts_on, c.rate, c.order_points, c.bonus_points, c.bonus_every);
  FOR m IN 1..4 LOOP
    thresholds := thresholds_of(c, c.qualify, m);
    IF m <> c.metric AND cardinality(array_remove(thresholds, NULL)) > 0 THEN
      p := or_rule(p, names[m], thresholds, thresholds_of(c, c.retain, m));
    END IF;
  END LOOP;
  IF c.joint IS NULL AND c.rollover IS NULL THEN RETURN p; END IF;
  program := p;
  FOR k IN 2..cardinality(c.tiers) LOOP
    SELECT string_agg(names[m] || ' ' || c.joint[(k - 1) * 4 + m], ' and ') INTO rules FROM generate_series(1, 4) m WHERE c.joint[(k - 1) * 4 + m] IS NOT NULL;
    IF rules IS NOT NULL THEN program := regexp_replace(program, '("?' || c.tiers[k] || '"?:)', '\1 ' || rules || ' or'); END IF;
    SELECT string_agg(names[m] || ' ' || c.joint_retain[(k - 1) * 4 + m], ' and ') INTO rules FROM generate_series(1, 4) m WHERE c.joint_retain[(k - 1) * 4 + m] IS NOT NULL;
    IF rules IS NOT NULL THEN program := regexp_replace(program, '("?' || c.tiers[k] || '"?:[^,}]* keep) ', '\1 ' || rules || ' or '); END IF;
  END LOOP;
  RETURN program || CASE WHEN c.rollover IS NULL THEN '' WHEN c.rollover = 1e9 THEN ' rollover' ELSE ' rollover up to ' || c.rollover END;
END $$;

-- ---- the reference ----

-- The first days of the periods, counted from their origin.
CREATE FUNCTION reference_periods(c tier_case, enrolled date, last date) RETURNS date[] LANGUAGE sql AS $$
  SELECT array_agg(d ORDER BY d) FROM (
    SELECT (origin + k * step)::date AS d
    FROM (SELECT CASE WHEN c.window_kind = 'anniversary' THEN enrolled ELSE ('2020-' || coalesce(c.fiscal_start, '01-01'))::date END AS origin,
            CASE c.window_kind WHEN 'calendar_year' THEN interval '1 year' WHEN 'calendar_quarter' THEN interval '3 months'
              WHEN 'calendar_month' THEN interval '1 month' ELSE c.period END AS step) o, generate_series(0, 240) k) s
  WHERE c.window_kind NOT IN ('rolling', 'lifetime') AND d <= (last + interval '3 years') $$;

-- The four metrics of every day from first to last, of the entries since a day.
CREATE FUNCTION reference_metrics(c tier_case, starts date[], since date, first date, last date,
    OUT day date, OUT metrics numeric[]) RETURNS SETOF record LANGUAGE sql AS $$
  SELECT d.day, ARRAY[coalesce(sum(a), 0), coalesce(sum(o), 0), count(o) FILTER (WHERE o > 0), coalesce(sum(points), 0)]
  FROM (SELECT first + i AS day FROM generate_series(0, last - first) i) d
  LEFT JOIN (
    SELECT p, o, a, floor(c.rate * a) + c.order_points * o + c.bonus_points * (total / c.bonus_every - (total - o) / c.bonus_every) AS points,
      -- the first day on which it does not count any more
      CASE c.window_kind WHEN 'rolling' THEN (p + c.period)::date WHEN 'lifetime' THEN 'infinity'
        ELSE (SELECT min(s) FROM unnest(starts) s WHERE s > p) END AS until
    FROM (SELECT p, o, a, (sum(o) OVER (ORDER BY p))::int AS total FROM unnest(c.days, c.orders, c.amounts) AS e(p, o, a)) e
    WHERE p >= since OFFSET 0) e
    ON p <= d.day AND d.day < until
  GROUP BY d.day ORDER BY d.day $$;

-- Whether the metrics reach one of the thresholds of a tier, which stand behind an index, or all of those that are joint.
CREATE FUNCTION reference_reaches(v numeric[], t numeric[], tier int, joint numeric[]) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
  SELECT coalesce(v[1] >= t[tier + 1], false) OR coalesce(v[2] >= t[tier + 2], false)
      OR coalesce(v[3] >= t[tier + 3], false) OR coalesce(v[4] >= t[tier + 4], false)
      OR coalesce(joint[tier + 1], joint[tier + 2], joint[tier + 3], joint[tier + 4]) IS NOT NULL
        AND coalesce(v[1] >= joint[tier + 1], true) AND coalesce(v[2] >= joint[tier + 2], true)
        AND coalesce(v[3] >= joint[tier + 3], true) AND coalesce(v[4] >= joint[tier + 4], true) $$;

-- The highest tier that the metrics earn, or another if that is higher.
CREATE FUNCTION reference_earned(v numeric[], t numeric[], at_least int, joint numeric[]) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  FOR k IN REVERSE cardinality(t) / 4 .. at_least + 1 LOOP
    IF reference_reaches(v, t, (k - 1) * 4, joint) THEN RETURN k; END IF;
  END LOOP;
  RETURN at_least;
END $$;

CREATE TYPE reference_day AS (day date, rank int, since date, in_grace boolean, metric numeric, reason text,
  before_fall numeric, before_expiry numeric, before_grace_end numeric); -- the last three: the main metric that decided a fall on this day

-- Every day from enrolment to last.
CREATE FUNCTION reference_walk(c tier_case, last date) RETURNS SETOF reference_day LANGUAGE plpgsql AS $$
DECLARE
  n int := cardinality(c.tiers);
  follows boolean := c.validity IS NULL AND c.window_kind IN ('rolling', 'lifetime');
  enrolled date;
  starts date[];
  counts_from date;
  v numeric[];           -- the metrics of the day
  before numeric[] := '{0,0,0,0}'; -- and of the day before
  today reference_day;
  held int := 0;
  best int := 0;
  base int;
  lowest int;    -- no fall below
  earned int;
  earned_before int := 0;
  kept boolean;
  kept_before boolean;
  since date;
  runs_out date;
  reached date;  -- fixed validities count from here
  validities int;
  grace_ends date;
  from_ int;
  carried numeric := 0; -- from the period before
  k int;
  -- what happened today
  qualified boolean;
  renewed text;  -- 'reached', 'before' or NULL
  falls boolean;
  proven date;
BEGIN
  SELECT min(d) INTO enrolled FROM unnest(c.days, c.orders) AS e(d, o) WHERE o > 0 AND (c.starts_on IS NULL OR d >= c.starts_on);
  IF enrolled IS NULL THEN RETURN; END IF;
  starts := reference_periods(c, enrolled, last);
  counts_from := enrolled;
  IF c.matched IS NOT NULL THEN
    SELECT min(d) INTO proven FROM (
      SELECT d, sum(CASE c.metric WHEN 1 THEN a WHEN 2 THEN o WHEN 3 THEN (o > 0)::int
        ELSE floor(c.rate * a) + c.order_points * o + c.bonus_points * (total / c.bonus_every - (total - o) / c.bonus_every) END) OVER (ORDER BY d) AS value
      FROM (SELECT d, o, a, (sum(o) OVER (ORDER BY d))::int AS total FROM unnest(c.days, c.orders, c.amounts) AS e(d, o, a)) e
      WHERE d >= greatest(c.match_first, enrolled)) x WHERE value >= c.wanted AND d < c.match_end;
  END IF;
  base := CASE WHEN 0 = ANY (c.qualify[1:4]) THEN 1 ELSE 0 END;

  today.day := enrolled - 1;
  <<from_a_day>> WHILE today.day < last LOOP
  FOR today.day, v IN SELECT * FROM reference_metrics(c, starts, counts_from, today.day + 1, last) LOOP
    today := ROW(today.day, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)::reference_day;
    IF c.rollover IS NOT NULL THEN
      IF today.day = ANY (starts) AND today.day > counts_from THEN
        k := reference_earned(before, c.qualify, 0, c.joint);
        -- what its rules that are met ask for at least
        SELECT least(CASE WHEN c.qualify[(k - 1) * 4 + c.metric] <= before[c.metric] THEN c.qualify[(k - 1) * 4 + c.metric] END,
          CASE WHEN reference_reaches(before, array_fill(NULL::numeric, ARRAY[4 * n]), (k - 1) * 4, c.joint) THEN c.joint[(k - 1) * 4 + c.metric] END) INTO carried;
        carried := least(coalesce(before[c.metric] - nullif(carried, 0), 0), c.rollover);
      END IF;
      v[c.metric] := v[c.metric] + carried;
    END IF;
    earned := reference_earned(v, c.qualify, base, c.joint);
    -- the tiers below which nothing falls
    lowest := base;
    FOR k IN 1..best LOOP
      IF c.lifetime[k] THEN lowest := greatest(lowest, k); END IF;
    END LOOP;
    IF c.downgrade = 'none' THEN lowest := held; END IF;

    from_ := held;
    qualified := false;
    renewed := NULL;
    falls := false;
    IF earned > held THEN
      qualified := true;
      today.reason := CASE WHEN held = 0 AND earned = base THEN 'enrolled' ELSE 'qualified' END;
      held := earned;
      grace_ends := NULL;
    ELSIF held > lowest THEN
      kept := earned >= held OR reference_reaches(v, c.retain, (held - 1) * 4, c.joint_retain);
      IF grace_ends IS NOT NULL THEN
        IF kept THEN renewed := 'reached';
        ELSIF today.day = grace_ends THEN
          falls := true;
          today.before_grace_end := before[c.metric];
        END IF;
      ELSIF follows AND (runs_out IS NULL OR today.day >= runs_out) THEN
        -- a soft landing is over, or there was none
        IF NOT kept THEN falls := true;
        ELSIF runs_out IS NOT NULL THEN renewed := 'reached';
        END IF;
      ELSIF NOT follows AND today.day = runs_out THEN
        earned_before := reference_earned(before, c.qualify, base, c.joint);
        kept_before := earned_before >= held OR reference_reaches(before, c.retain, (held - 1) * 4, c.joint_retain);
        IF kept THEN renewed := CASE WHEN c.validity IS NULL THEN 'reached' ELSE 'before' END;
        ELSIF kept_before THEN renewed := 'before';
        ELSE
          falls := true;
          today.before_expiry := before[c.metric];
        END IF;
      END IF;
      IF falls AND grace_ends IS NULL AND c.grace IS NOT NULL THEN
        falls := false;
        grace_ends := (today.day + c.grace)::date;
        today.reason := 'grace';
      END IF;
    END IF;

    IF renewed IS NOT NULL THEN
      today.reason := 'renewed';
      grace_ends := NULL;
    END IF;
    IF falls THEN
      grace_ends := NULL;
      today.before_fall := v[c.metric];
      today.reason := 'expired';
      IF c.downgrade = 'one_tier' THEN
        held := greatest(held - 1, lowest);
        IF held > 0 THEN today.reason := 'soft landing'; END IF;
      ELSIF c.downgrade = 'requalify' THEN
        held := greatest(earned, lowest, CASE WHEN NOT follows THEN earned_before END);
      ELSE
        counts_from := today.day;
        carried := 0;
        SELECT metrics INTO v FROM reference_metrics(c, starts, counts_from, today.day, today.day);
        held := reference_earned(v, c.qualify, lowest, c.joint);
        earned := held;
      END IF;
      IF follows AND EXISTS (SELECT FROM unnest(c.days, c.amounts) AS e(d, a) WHERE d = today.day AND a < 0) THEN
        today.reason := 'refund';
      END IF;
    END IF;

    IF today.day = proven AND held <= c.matched THEN
      IF held < c.matched THEN today.reason := 'qualified'; END IF;
      held := c.matched;
      qualified := true; renewed := NULL; falls := false; grace_ends := NULL;
    END IF;

    -- until when
    IF follows THEN
      IF qualified OR renewed IS NOT NULL OR falls OR today.reason = 'grace' THEN runs_out := NULL; END IF;
      IF falls AND c.downgrade = 'one_tier' OR today.day = proven AND held = c.matched THEN runs_out := (today.day + c.period)::date; END IF;
    ELSIF c.validity IS NOT NULL THEN
      IF renewed = 'before' THEN
        validities := validities + 1;
        runs_out := (reached + validities * c.validity)::date;
      ELSIF qualified OR renewed IS NOT NULL OR falls THEN
        reached := today.day;
        validities := 1;
        runs_out := (reached + c.validity)::date;
      END IF;
    ELSIF qualified OR renewed IS NOT NULL OR falls THEN
      SELECT s INTO runs_out FROM unnest(starts) s WHERE s > today.day ORDER BY s
        OFFSET CASE WHEN qualified OR renewed = 'reached' OR (falls AND earned >= held) THEN 1 ELSE 0 END LIMIT 1;
    END IF;

    IF held <> from_ THEN since := today.day; END IF;
    best := greatest(best, held);
    today.rank := held;
    today.since := since;
    today.in_grace := grace_ends IS NOT NULL;
    today.metric := v[c.metric];
    RETURN NEXT today;
    before := v;
    CONTINUE from_a_day WHEN counts_from = today.day AND counts_from > enrolled;
  END LOOP;
  END LOOP;
END $$;

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
SELECT is((SELECT count(DISTINCT ((c).window_kind, (c).downgrade, (c).grace IS NULL, (c).validity IS NULL)) FROM compared)::int, 76,
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
