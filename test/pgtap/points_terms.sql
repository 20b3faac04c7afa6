-- points that wait, expire and come back against a slow reference: point by point and day by day
--
-- The reference implements "The rules, exactly" of docs/points.md a second time, with PostgreSQL's own intervals.
-- psql -v cases=5000 runs more of them, -v seed=0.7 others.
\if :{?cases}
\else
\set cases 80
\endif
\if :{?seed}
\else
\set seed 0.31415
\endif
BEGIN;
SET LOCAL search_path = public, crm;
SELECT plan(38);

CREATE TYPE terms AS (rate numeric, order_points int, pending interval, expiry interval, expires_at text, inclusive boolean, inactivity interval,
  reinstatement interval, forgives boolean, program tier_program, multipliers numeric[], tier_expiry interval[], reaching text);
CREATE TYPE award AS (awarded date, available date, expires date, waits boolean, "left" int, expired int);

CREATE FUNCTION rule_of(t terms) RETURNS points_rule LANGUAGE sql AS $$
  SELECT points_rule(t.rate, t.order_points, expiry => t.expiry, program => t.program, multipliers => t.multipliers, pending => t.pending, expires_at => t.expires_at,
    last_day_inclusive => t.inclusive, inactivity => t.inactivity, reinstatement => t.reinstatement, never_negative => t.forgives, tier_expiry => t.tier_expiry, reaching => t.reaching) $$;

-- The first day on which points that are available from a day on are not valid any more.
CREATE FUNCTION expires(t terms, day date, tier text) RETURNS date LANGUAGE plpgsql AS $$
DECLARE
  length interval := CASE WHEN t.tier_expiry IS NOT NULL AND tier IS NOT NULL THEN t.tier_expiry[tier_rank(t.program, tier)] ELSE t.expiry END;
  last date := day + coalesce(length, '0');
BEGIN
  IF length IS NULL AND (t.expires_at IS NULL OR t.tier_expiry IS NOT NULL AND tier IS NOT NULL) THEN RETURN 'infinity'; END IF;
  RETURN CASE t.expires_at WHEN 'end of month' THEN date_trunc('month', last) + interval '1 month' WHEN 'end of quarter' THEN date_trunc('quarter', last) + interval '3 months'
    WHEN 'end of year' THEN date_trunc('year', last) + interval '1 year'
    WHEN 'end of year from 04-06' THEN date_trunc('year', last - interval '3 months 5 days') + interval '15 months 5 days'
    ELSE last + CASE WHEN t.inclusive THEN 1 ELSE 0 END END;
END $$;

CREATE TEMP TABLE cases (i int PRIMARY KEY, t terms, rule points_rule, history purchase_history, redeemed purchase_history, until date, gifts points_gift[]);
CREATE TEMP TABLE bought (i int, day date, orders int, amount int);
CREATE TEMP TABLE booked (i int, day date, of date, orders int, amount int);
CREATE TEMP TABLE redemption (i int, day date, points int);
CREATE TEMP TABLE gift (i int, day date, points int, expires date);

-- What is left of an award of points when of what it was made for so much is left.
CREATE FUNCTION left_of(award int, gross int, net int) RETURNS int LANGUAGE sql AS $$
  SELECT CASE WHEN award <= 0 OR net >= gross THEN award WHEN net <= 0 THEN 0 ELSE floor(award::numeric * net / gross + 0.5)::int END $$;

-- The points of a day on which a higher tier is reached, one unit of money after the other: the rate of a unit is that of the
-- highest tier whose threshold of spend is behind it, from that of the morning up to that of the evening.
CREATE FUNCTION split_points(t terms, morning int, evening int, spent numeric, amount int) RETURNS int LANGUAGE sql AS $$
  SELECT floor(sum(t.rate * coalesce(t.multipliers[nullif(greatest(morning, least(evening, reached)), 0)], 1)))::int
  FROM (SELECT coalesce(max(rank) FILTER (WHERE metric = 'spend' AND threshold < spent + unit), 0) AS reached FROM generate_series(1, amount) unit, tiers(t.program) GROUP BY unit) u $$;

-- Every movement, what is left of each award, and how each point ended, by the age of its award.
CREATE FUNCTION reference(no int, t terms, history purchase_history, until date, OUT movements text[], OUT open_awards award[], OUT ends text[]) LANGUAGE plpgsql AS $$
DECLARE
  a award[] := '{}';
  w award;
  spent int[] := '{}';      -- the award of each point redeemed, the last behind
  gone_award int[] := '{}'; -- what expired: how much of which award, when
  gone_day date[] := '{}';
  gone_points int[] := '{}';
  debt int := 0;
  active date;              -- the last activity
  today date;
  lapses boolean;
  e record;
  of_day jsonb := '{}';     -- by purchase day: points of its amount, gross, net, orders, award, tier
  d jsonb;
  tier_ text;
  points int;
  rest int;
  waited int;
  taken int;
  late int;
  anew int;
  came int;
  went int[];               -- where each point that a refund took was: an award, -2 had expired, -1 owed, 0 forgiven
  k int;
  evening text;
  spent_day date[] := '{}';
  taken_award int[] := '{}'; -- each point of an award that was taken back, when, and by the correction of which day
  taken_day date[] := '{}';
  taken_cause date[] := '{}';
  x_award int[] := '{}';     -- all that expired, less what was reinstated
  x_day date[] := '{}';
  x_points int[] := '{}';
  gone_x int[] := '{}';      -- where in these that which may be reinstated is
BEGIN
  ends := '{}';
  movements := '{}';
  FOR today IN SELECT g::date FROM generate_series(date '2023-12-31', until, interval '1 day') g LOOP
    -- the end of validity, or of patience
    lapses := coalesce(today = (active + t.inactivity)::date + t.inclusive::int, false);
    FOR k IN SELECT n FROM unnest(a) WITH ORDINALITY x(aw, av, ex, wt, lf, xp, n) WHERE NOT wt AND lf > 0 AND (ex <= today OR lapses) ORDER BY ex > today, ex, n LOOP
      w := a[k];
      gone_award := gone_award || k; gone_day := gone_day || today; gone_points := gone_points || w."left";
      x_award := x_award || k; x_day := x_day || today; x_points := x_points || w."left"; gone_x := gone_x || cardinality(x_award);
      movements := movements || format('%s expired %s', today, -w."left");
      w.expired := w.expired + w."left"; w."left" := 0; a[k] := w;
    END LOOP;
    IF lapses THEN
      active := NULL;
      FOR k IN 1..cardinality(a) LOOP
        w := a[k];
        IF NOT w.waits THEN w.expires := least(w.expires, today); a[k] := w; END IF;
      END LOOP;
    END IF;
    -- what waited is available
    FOR k IN 1..cardinality(a) LOOP
      w := a[k];
      CONTINUE WHEN NOT w.waits OR w.available <> today;
      active := today;
      IF w."left" > 0 THEN movements := movements || format('%s earned %s', today, w."left"); END IF;
      rest := least(debt, w."left");
      debt := debt - rest; w."left" := w."left" - rest; w.waits := false;
      a[k] := w;
    END LOOP;
    -- purchases, corrections of earlier ones, redemptions
    FOR e IN SELECT ev.what, ev.of, ev.orders, ev.amount, ev.expires FROM (
      SELECT 1 AS what, day AS of, orders, amount, NULL::date AS expires FROM bought WHERE i = no AND day = today
      UNION ALL SELECT 2, of, orders, amount, NULL FROM booked WHERE i = no AND day = today
      UNION ALL SELECT 4, day, 0, gift.points, gift.expires FROM gift WHERE i = no AND day = today
      UNION ALL SELECT 3, day, 0, redemption.points, NULL FROM redemption WHERE i = no AND day = today) ev ORDER BY array_position('{1,2,4,3}'::int[], ev.what), ev.of, ev.expires, ev.amount LOOP
      d := NULL;
      IF e.what = 4 THEN -- from elsewhere, with an expiry of its own
        IF e.expires <= today THEN CONTINUE; END IF;
        movements := movements || format('%s received %s', today, e.amount);
        active := coalesce(active, today);
        rest := least(debt, e.amount);
        debt := debt - rest;
        IF e.amount > rest THEN a := a || ROW(today, today, coalesce(e.expires, 'infinity'), false, e.amount - rest, 0)::award; END IF;
        CONTINUE;
      ELSIF e.what = 1 THEN
        tier_ := CASE WHEN t.program IS NOT NULL THEN tier(t.program, until(history, today - 1), today) END;
        points := floor(t.rate * coalesce(t.multipliers[tier_rank(t.program, tier_)], 1) * e.amount);
        evening := CASE WHEN t.reaching <> 'old' AND e.amount > 0 THEN tier(t.program, until(history, today - 1) + purchase(today, e.amount, e.orders), today) END;
        IF tier_rank(t.program, evening) > coalesce(tier_rank(t.program, tier_), 0) THEN
          points := CASE t.reaching WHEN 'new' THEN floor(t.rate * t.multipliers[tier_rank(t.program, evening)] * e.amount)
            ELSE split_points(t, coalesce(tier_rank(t.program, tier_), 0), tier_rank(t.program, evening), coalesce((standing(t.program, until(history, today - 1), today)).metric_value, 0), e.amount) END;
          tier_ := evening;
        END IF;
        of_day := of_day || jsonb_build_object(today, jsonb_build_object('points', points, 'gross', e.amount, 'net', e.amount, 'orders', e.orders, 'award', NULL, 'tier', tier_));
        points := points + t.order_points * e.orders;
        IF e.orders > 0 THEN active := today; END IF;
      ELSIF e.what = 2 THEN
        d := of_day -> e.of::text;
        tier_ := d ->> 'tier';
        points := left_of((d ->> 'points')::int, (d ->> 'gross')::int, (d ->> 'net')::int + e.amount) - left_of((d ->> 'points')::int, (d ->> 'gross')::int, (d ->> 'net')::int)
          + t.order_points * (greatest((d ->> 'orders')::int + e.orders, 0) - (d ->> 'orders')::int);
        d := d || jsonb_build_object('net', (d ->> 'net')::int + e.amount, 'orders', greatest((d ->> 'orders')::int + e.orders, 0));
        of_day := of_day || jsonb_build_object(e.of, d);
      ELSE
        points := -e.amount;
        IF points < 0 THEN active := today; END IF;
      END IF;
      waited := 0; taken := 0; late := 0; anew := 0; went := '{}';
      IF e.what = 3 AND points < 0 THEN
        -- point by point from the award that expires first
        FOR n IN 1 .. -points LOOP
          SELECT m INTO k FROM unnest(a) WITH ORDINALITY x(aw, av, ex, wt, lf, xp, m) WHERE NOT wt AND lf > 0 ORDER BY ex, m LIMIT 1;
          IF FOUND THEN w := a[k]; w."left" := w."left" - 1; a[k] := w; spent := spent || k; spent_day := spent_day || today; taken := taken + 1;
          ELSIF t.forgives THEN spent := spent || 0; spent_day := spent_day || today;
          ELSE debt := debt + 1; taken := taken + 1; END IF;
        END LOOP;
        IF taken > 0 THEN movements := movements || format('%s redeemed %s', today, -taken); END IF;
      ELSIF points < 0 THEN
        rest := -points;
        IF d ->> 'award' IS NOT NULL THEN -- first from its own award
          k := (d ->> 'award')::int;
          w := a[k];
          points := least(rest, w."left");
          went := went || array_fill(k, ARRAY[points]);
          taken_award := taken_award || array_fill(k, ARRAY[points]); taken_day := taken_day || array_fill(today, ARRAY[points]); taken_cause := taken_cause || array_fill(e.of, ARRAY[points]);
          w."left" := w."left" - points; rest := rest - points;
          IF w.waits THEN waited := points; ELSE taken := points; END IF;
          points := least(rest, w.expired);
          went := went || array_fill(-2, ARRAY[points]);
          w.expired := w.expired - points; rest := rest - points;
          a[k] := w;
        END IF;
        FOR k IN REVERSE cardinality(a)..1 LOOP -- then from the newest
          w := a[k];
          points := least(rest, w."left");
          went := went || array_fill(k, ARRAY[points]);
          taken_award := taken_award || array_fill(k, ARRAY[points]); taken_day := taken_day || array_fill(today, ARRAY[points]);
          taken_cause := taken_cause || array_fill(CASE WHEN d ->> 'award' IS NOT NULL THEN e.of END, ARRAY[points]);
          w."left" := w."left" - points; rest := rest - points;
          IF w.waits THEN waited := waited + points; ELSE taken := taken + points; END IF;
          a[k] := w;
        END LOOP;
        went := went || array_fill(CASE WHEN t.forgives THEN 0 ELSE -1 END, ARRAY[rest]);
        IF NOT t.forgives THEN debt := debt + rest; taken := taken + rest; END IF;
        IF d ->> 'award' IS NOT NULL THEN of_day := jsonb_set(of_day, ARRAY[e.of::text, 'went'], coalesce(d -> 'went', '[]') || to_jsonb(went)); END IF;
        IF waited > 0 THEN movements := movements || format('%s pending %s', today, -waited); END IF;
        IF taken > 0 THEN movements := movements || format('%s refunded %s', today, -taken); END IF;
      ELSIF points > 0 AND e.what = 2 AND d ->> 'award' IS NOT NULL THEN
        -- point by point back to where it was taken from, the last first; what was never taken is of its own award
        came := 0;
        went := ARRAY(SELECT x::int FROM jsonb_array_elements_text(coalesce(d -> 'went', '[]')) x);
        FOR n IN 1..points LOOP
          k := went[cardinality(went)];
          IF k > 0 THEN -- it was not taken, then
            SELECT max(no_) INTO late FROM unnest(taken_award, taken_cause) WITH ORDINALITY x(aw, cause, no_) WHERE aw = k AND cause = e.of;
            taken_award[late] := 0;
          END IF;
          late := 0;
          k := coalesce(k, (d ->> 'award')::int);
          went := went[:cardinality(went) - 1];
          CONTINUE WHEN k = 0;                           -- was forgiven
          IF k = -1 THEN                                 -- was owed
            came := came + 1;
            IF debt > 0 THEN debt := debt - 1; CONTINUE; END IF;
            k := (d ->> 'award')::int;
            IF a[k].expires <= today THEN anew := anew + 1; CONTINUE; END IF;
            came := came - 1;
          ELSIF k = -2 THEN                              -- had expired
            k := (d ->> 'award')::int;
            w := a[k]; w.expired := w.expired + 1; a[k] := w;
            CONTINUE;
          END IF;
          w := a[k];
          IF w.waits THEN w."left" := w."left" + 1; waited := waited + 1;
          ELSIF w.expires <= today THEN w.expired := w.expired + 1;
          ELSE
            came := came + 1;
            IF debt > 0 THEN debt := debt - 1; ELSE w."left" := w."left" + 1; END IF;
          END IF;
          a[k] := w;
        END LOOP;
        of_day := jsonb_set(of_day, ARRAY[e.of::text, 'went'], to_jsonb(went));
        IF anew > 0 THEN
          active := today;
          a := a || ROW(today, today, expires(t, today, tier_), false, anew, 0)::award;
        END IF;
        IF waited > 0 THEN movements := movements || format('%s pending %s', today, waited); END IF;
        IF came > 0 THEN movements := movements || format('%s earned %s', today, came); END IF;
      ELSIF points > 0 THEN
        rest := points;
        IF e.what < 3 AND t.pending IS NOT NULL THEN
          w := ROW(today, today + t.pending, NULL, true, points, 0)::award;
          w.expires := expires(t, w.available, tier_);
          movements := movements || format('%s pending %s', today, points);
        ELSE
          IF e.what < 3 THEN movements := movements || format('%s earned %s', today, points);
          END IF;
          rest := points - least(points, debt);
          debt := debt - (points - rest);
          WHILE e.what = 3 AND rest > 0 AND cardinality(spent) > 0 LOOP -- back where it came from
            k := spent[cardinality(spent)];
            spent := spent[:cardinality(spent) - 1]; spent_day := spent_day[:cardinality(spent_day) - 1];
            rest := rest - 1;
            IF k = 0 THEN points := points - 1; CONTINUE; END IF;
            w := a[k];
            IF w.expires <= today THEN w.expired := w.expired + 1; late := late + 1;
              gone_award := gone_award || k; gone_day := gone_day || today; gone_points := gone_points || 1;
              x_award := x_award || k; x_day := x_day || today; x_points := x_points || 1; gone_x := gone_x || cardinality(x_award);
            ELSE w."left" := w."left" + 1; END IF;
            a[k] := w;
          END LOOP;
          IF e.what = 3 AND points > 0 THEN movements := movements || format('%s returned %s', today, points); END IF;
          IF e.what < 3 OR rest > 0 THEN active := today; END IF;
          w := ROW(today, today, expires(t, today, CASE WHEN e.what < 3 THEN tier_ END), false, rest, 0)::award;
        END IF;
        IF rest > 0 THEN
          a := a || w;
          IF e.what < 3 THEN of_day := jsonb_set(of_day, ARRAY[e.of::text, 'award'], to_jsonb(cardinality(a))); END IF;
        END IF;
        IF late > 0 THEN movements := movements || format('%s expired %s', today, -late); END IF;
      END IF;
      -- a purchase brings back what expired not long ago
      IF e.what = 1 AND e.orders > 0 AND t.reinstatement IS NOT NULL THEN
        points := 0;
        FOR k IN 1..cardinality(gone_award) LOOP
          IF (gone_day[k] + t.reinstatement)::date > today THEN
            w := a[gone_award[k]];
            rest := least(gone_points[k], w.expired);
            w.expired := w.expired - rest; points := points + rest;
            x_points[gone_x[k]] := x_points[gone_x[k]] - rest;
            a[gone_award[k]] := w;
          END IF;
        END LOOP;
        gone_award := '{}'; gone_day := '{}'; gone_points := '{}'; gone_x := '{}';
        IF points > 0 THEN
          movements := movements || format('%s reinstated %s', today, points);
          rest := points - least(points, debt);
          debt := debt - (points - rest);
          IF rest > 0 THEN a := a || ROW(today, today, expires(t, today, tier_), false, rest, 0)::award; END IF;
        END IF;
      END IF;
    END LOOP;
  END LOOP;
  -- what expired last of an award is what is left of it to have expired, since refunds took the rest; the rest of that, when the award ended
  FOR k IN REVERSE cardinality(x_award)..1 LOOP
    w := a[x_award[k]];
    x_points[k] := least(x_points[k], w.expired);
    w.expired := w.expired - x_points[k];
    a[x_award[k]] := w;
  END LOOP;
  ends := ARRAY(SELECT format('%s %s %s', age, kind, sum(cnt)) FROM (
      SELECT day - a[aw].awarded AS age, 'redeemed' AS kind, 1 AS cnt FROM unnest(spent, spent_day) x(aw, day) WHERE aw > 0
      UNION ALL SELECT day - a[aw].awarded, 'taken back', 1 FROM unnest(taken_award, taken_day) x(aw, day) WHERE aw > 0
      UNION ALL SELECT day - a[aw].awarded, 'expired', p FROM unnest(x_award, x_day, x_points) x(aw, day, p)
      UNION ALL SELECT ex - aw, 'expired', xp FROM unnest(a) x(aw, av, ex, wt, lf, xp)
      UNION ALL SELECT until - aw, 'open', lf FROM unnest(a) x(aw, av, ex, wt, lf, xp)) of_all WHERE cnt > 0 GROUP BY age, kind ORDER BY age, kind);
  open_awards := ARRAY(SELECT ROW(aw, av, ex, wt, lf, xp)::award FROM unnest(a) WITH ORDINALITY x(aw, av, ex, wt, lf, xp, n) WHERE lf > 0 ORDER BY n);
END $$;

CREATE FUNCTION pick(VARIADIC choices text[]) RETURNS text LANGUAGE sql AS $$ SELECT choices[1 + floor(random() * cardinality(choices))::int] $$;
SELECT setseed(:seed);
INSERT INTO cases (i, t, until)
  SELECT i, ROW(pick('1', '0.5', '1.25'), pick('0', '0', '3'), pick(NULL, NULL, '5 days', '14 days', '1 month'), pick(NULL, '1 month', '40 days', '2 months', '10 days'),
    pick(NULL, NULL, 'end of month', 'end of quarter', 'end of year', 'end of year from 04-06'), random() < 0.4, pick(NULL, NULL, '25 days', '1 month'), pick(NULL, NULL, '10 days', '2 months'),
    random() < 0.2, pick(NULL, '{A: spend 0, B: spend 60} rolling 1 month', '{A: spend 20, B: spend 50, C: spend 90 or orders 5} rolling 2 months'), NULL, NULL, 'old')::terms, date '2024-02-01' + floor(random() * 150)::int
  FROM generate_series(1, :cases) i;
-- what contradicts itself is left out
UPDATE cases SET t.inclusive = false WHERE (t).expires_at IS NOT NULL OR (t).expiry IS NULL AND (t).inactivity IS NULL;
UPDATE cases SET t.reinstatement = NULL WHERE (t).expires_at IS NULL AND (t).expiry IS NULL AND (t).inactivity IS NULL;
UPDATE cases SET t.multipliers = CASE WHEN (t).program::text LIKE '%C:%' THEN pick('{1,2,3}', '{0.5,1.25,4}') ELSE '{1,2}' END::numeric[], t.reaching = pick('old', 'new', 'split', 'split') WHERE (t).program IS NOT NULL;
UPDATE cases SET t.tier_expiry = pick('{NULL,20 days}', '{2 months,10 days}', '{15 days,NULL}')::interval[] || CASE WHEN (t).program::text LIKE '%C:%' THEN '{1 month}'::interval[] END WHERE (t).program IS NOT NULL AND random() < 0.6;
INSERT INTO bought SELECT i, day, max(orders), max(amount) FROM (
    SELECT i, date '2024-01-01' + floor(random() * 110)::int AS day, CASE WHEN random() < 0.9 THEN 1 ELSE 0 END AS orders, floor(random() * 40)::int - CASE WHEN random() < 0.15 THEN 35 ELSE 0 END AS amount
    FROM cases, generate_series(1, 3 + i % 7)) b GROUP BY i, day HAVING max(orders) > 0 OR max(amount) <> 0;
INSERT INTO booked SELECT i, day + 1 + floor(random() * 30)::int, day, CASE WHEN random() < 0.3 THEN -1 ELSE 0 END, -(1 + floor(random() * amount))::int
  FROM bought, generate_series(1, 2) WHERE amount > 1 AND random() < 0.3;
UPDATE booked SET amount = -amount WHERE random() < 0.25;
DELETE FROM booked a USING booked b WHERE a.i = b.i AND a.day = b.day AND a.of = b.of AND a.ctid > b.ctid;
INSERT INTO redemption SELECT i, day, sum(points) FROM (
    SELECT i, date '2024-01-01' + floor(random() * 140)::int AS day, (floor(random() * 40) + 1)::int * CASE WHEN random() < 0.4 THEN -1 ELSE 1 END AS points FROM cases, generate_series(1, i % 5)) r GROUP BY i, day HAVING sum(points) <> 0;
INSERT INTO gift SELECT i, date '2024-01-01' + floor(random() * 120)::int, ceil(random() * 30)::int, NULL FROM cases, generate_series(1, i % 3) WHERE i % 2 = 0;
UPDATE gift SET expires = day + 1 + floor(random() * 90)::int WHERE random() < 0.7;
UPDATE cases SET gifts = (SELECT array_agg(ROW(day, points, expires)::points_gift ORDER BY random()) FROM gift g WHERE g.i = cases.i), rule = rule_of(t),
  history = coalesce((SELECT format('{%s}', string_agg(format('%s %s %s', day, orders, amount), ', ')) FROM bought b WHERE b.i = cases.i), '{}')::purchase_history
    + coalesce((SELECT format('{%s}', string_agg(format('%s %s %s of %s', day, orders, amount, of), ', ')) FROM booked b WHERE b.i = cases.i), '{}')::purchase_history,
  redeemed = coalesce((SELECT format('{%s}', string_agg(format('%s 0 %s', day, points), ', ')) FROM redemption r WHERE r.i = cases.i), '{}')::purchase_history;

CREATE TEMP TABLE compared AS SELECT c.*, r.movements, r.open_awards, r.ends,
    ARRAY(SELECT format('%s %s %s', booked_on, kind, points) FROM points_statement(rule, history, redeemed, until, gifts => gifts)) AS found
  FROM cases c, reference(i, t, history, until) r;
SELECT is_empty('SELECT i, rule, history, redeemed, until, found, movements FROM compared WHERE found IS DISTINCT FROM movements ORDER BY cardinality(movements) LIMIT 3', 'the statement is the one found point by point');
SELECT is_empty($$
  SELECT i, rule, history, redeemed, until, held, expected FROM compared,
    LATERAL (SELECT string_agg(format('%s %s %s', awarded_on, points, available_on), ', ') AS held FROM points_awards(rule, history, redeemed, until, gifts => gifts)) f,
    LATERAL (SELECT string_agg(format('%s %s %s', awarded, "left", available), ', ') AS expected FROM unnest(open_awards)) x
  WHERE held IS DISTINCT FROM expected ORDER BY length(history::text) LIMIT 3$$, 'and so are the awards that have something left');
-- what breakage counts of each, and a comparison with itself and with a rule of half the points
SELECT is_empty($$
  SELECT i, rule, history, redeemed, gifts, until, curve, ends FROM compared, LATERAL (SELECT breakage(rule, h, redeemed, until, NULL, gifts) AS curve FROM (VALUES (history)) one(h)) b,
    LATERAL (SELECT array_agg(format('%s %s %s', age, kind, n) ORDER BY age, kind) AS counted FROM curve_points(curve), LATERAL (VALUES ('redeemed', redeemed), ('expired', expired), ('taken back', taken_back), ('open', open)) v(kind, n) WHERE n > 0) c
  WHERE coalesce(counted, '{}') IS DISTINCT FROM ends ORDER BY cardinality(ends), length(history::text) LIMIT 3$$, 'breakage counts each point as it ended, at its age');
SELECT is_empty($$
  SELECT i, rule, history, redeemed, gifts, until, p.*, e.* FROM compared,
    LATERAL (SELECT * FROM compared_points((SELECT compare_programs(rule, 'rate 1', h, redeemed, daterange('2024-02-20', until + 1), NULL, NULL, gifts) FROM (VALUES (history)) one(h)))) p,
    LATERAL (SELECT coalesce(sum(split_part(m, ' ', 3)::int) FILTER (WHERE m LIKE '% earned %' OR m LIKE '% reinstated %'), 0) AS earned, coalesce(-sum(split_part(m, ' ', 3)::int) FILTER (WHERE m LIKE '% expired %'), 0) AS expired
      FROM unnest(movements) m WHERE split_part(m, ' ', 1)::date >= '2024-02-20') e,
    LATERAL (SELECT greatest(coalesce(sum(split_part(m, ' ', 3)::int) FILTER (WHERE m NOT LIKE '% pending %'), 0), 0) AS open FROM unnest(movements) m) o
  WHERE p.program = 'program' AND until >= '2024-02-20' AND (p.earned, p.expired, p.open) IS DISTINCT FROM (e.earned, e.expired, o.open) ORDER BY length(history::text) LIMIT 3$$, 'a comparison counts the points of the statement found point by point');
SELECT is_empty($$
  SELECT i, rule, owed, wanted FROM compared, (SELECT breakage(rule, history, redeemed, until, NULL, gifts) AS all_of FROM compared) k,
    LATERAL (SELECT points_liability(rule, h, redeemed, until, 0.01, all_of, NULL, gifts) AS owed FROM (VALUES (history)) one(h)) l,
    LATERAL (SELECT coalesce(sum(round(("left" * coalesce((SELECT p_redeemed_later FROM curve_points(all_of) WHERE age <= until - awarded ORDER BY age DESC LIMIT 1), (SELECT max(p_redeemed) FROM curve_points(all_of))))::numeric, 4) * 0.01), 0) AS wanted FROM unnest(open_awards)) w
  WHERE i % 8 = 0 AND abs(owed - wanted) > 1e-8$$, 'the liability is what is left of each award found point by point, times what the curve says of its age');
SELECT cmp_ok((SELECT count(*) FROM compared c, LATERAL (SELECT array_agg(format('%s %s %s', booked_on, kind, points)) AS plain FROM points_statement(replace(replace(rule::text, ' reaching split', ''), ' reaching new', '')::points_rule, history, redeemed, until, gifts => gifts)) p
    WHERE (t).reaching = 'split' AND plain IS DISTINCT FROM found)::int, '>', 0, 'purchases that are split at a threshold are among them');
SELECT is((SELECT array_agg(DISTINCT kind ORDER BY kind) FROM cases, points_statement(rule, history, redeemed, until, gifts => gifts)),
  '{earned,expired,pending,received,redeemed,refunded,reinstated,returned}', 'every kind of movement occurs');
SELECT is_empty($$
  SELECT i FROM cases WHERE points_balance(rule, history, redeemed, until, gifts => gifts) <>
    coalesce((SELECT sum(points) FILTER (WHERE kind <> 'pending') FROM points_statement(rule, history, redeemed, until, gifts => gifts)), 0)$$, 'the balance is the sum of the movements that are not pending');
SELECT is_empty($$
  SELECT i FROM cases, LATERAL (SELECT sum(points) FILTER (WHERE available_on <= until) AS available FROM points_awards(rule, history, redeemed, until, gifts => gifts)) w
  WHERE greatest(points_balance(rule, history, redeemed, until, gifts => gifts), 0) <> coalesce(available, 0)$$, 'it is what the available awards hold, or a debt');
SELECT is_empty($$SELECT i FROM cases WHERE (t).forgives AND points_balance(rule, history, redeemed, until, gifts => gifts) < 0$$, 'a balance that is never negative is not');
SELECT is_empty($$
  SELECT i, n FROM cases, (VALUES (0), (10), (35), (200)) v(n)
  WHERE points_expiring(rule, history, redeemed, until, until + n, gifts => gifts) <> coalesce((
    SELECT sum(points) FROM points_awards(rule, history, redeemed, until, gifts => gifts) WHERE available_on <= until AND expires_on <= until + n), 0)$$, 'what will expire is what the awards say');
SELECT is_empty($$
  SELECT i, booked_on FROM (SELECT i, until, a.expires_on AS booked_on, sum(a.points) AS points FROM cases, points_awards(rule, until(history, until), until(redeemed, until), until, gifts => ARRAY(SELECT g FROM unnest(gifts) g WHERE (g).booked_on <= until)) a
      WHERE expires_on < until + 900 GROUP BY i, until, a.expires_on) a
  FULL JOIN (SELECT i, s.booked_on, -sum(s.points) AS points FROM cases, points_statement(rule, until(history, until), until(redeemed, until), until + 899, gifts => ARRAY(SELECT g FROM unnest(gifts) g WHERE (g).booked_on <= until)) s WHERE kind = 'expired' AND booked_on > until GROUP BY i, s.booked_on) s USING (i, booked_on)
  WHERE a.points IS DISTINCT FROM s.points AND NOT EXISTS (SELECT FROM cases c WHERE c.i = i AND points_balance(rule, history, redeemed, c.until, gifts => c.gifts) < 0)$$, 'and each expires on the day that it says, if nothing happens');
SELECT is_empty('SELECT rule FROM cases WHERE rule::text::points_rule <> rule OR rule::text::points_rule::text <> rule::text', 'the text form of a rule loses nothing');
SELECT is((SELECT ARRAY[rule::text::points_rule = rule, rule::text LIKE '% expiries {never, 24 months} inclusive program %', rule::text NOT LIKE '%inclusive%inclusive%']
    FROM points_rule(program => '{Bronze: spend 0, Silver: spend 500} rolling 12 months', multipliers => '{1,2}', last_day_inclusive => true, tier_expiry => '{NULL,24 months}') rule),
  '{t,t,t}'::bool[], 'nor where tiers alone have a last day that is inclusive');
-- what was forgiven does not come back
SELECT results_eq($$SELECT d, points_balance('rate 1 never negative', '{2024-01-01 1 100}', '{2024-02-01 0 150, 2024-03-01 0 -60, 2024-04-01 0 -90}', d) FROM unnest('{2024-02-01,2024-03-01,2024-04-01}'::date[]) d$$,
  $$VALUES (date '2024-02-01', 0::bigint), ('2024-03-01', 10), ('2024-04-01', 100)$$, 'a cancelled redemption gives back what it took, not what was forgiven');
SELECT results_eq($$SELECT d, points_balance('rate 1 never negative', '{2024-01-01 1 100, 2024-03-01 0 -100 of 2024-01-01, 2024-04-01 0 100 of 2024-01-01}', '{2024-02-01 0 70}', d) FROM unnest('{2024-02-01,2024-03-01,2024-04-01}'::date[]) d$$,
  $$VALUES (date '2024-02-01', 30::bigint), ('2024-03-01', 0), ('2024-04-01', 30)$$, 'nor does a refund that is undone');
SELECT is_empty('SELECT rule FROM cases WHERE rule::jsonb::points_rule <> rule', 'nor does jsonb');
SELECT is((SELECT array_agg(rule::jsonb::points_rule = rule) FROM unnest(ARRAY['rate 1 per 900 round up per purchase pending 14 days', 'rate 0.5 per_order 3 bonus 5 every 2 expires end of year from 04-01 after 12 months inactivity 18 months reinstated within 90 days never negative',
  'rate 1 expires 6 months inclusive inactivity 3 months rates {1, 2} expiries {never, 12 months 2 days} reaching split program {A: spend 0, "b ""c": spend 5 lifetime} rolling 1 month', 'rate 1 rates {1, 2} expiries {never, 1 month} inclusive program {A: spend 0, B: spend 5} lifetime']::points_rule[]) rule),
  '{t,t,t,t}'::bool[], 'with every word');
SELECT is('{}'::jsonb::points_rule, points_rule(), 'what is left out is as the constructor has it');
SELECT throws_ok($$SELECT '{"rat": 1}'::jsonb::points_rule$$, '22023', 'points rule has no field "rat"', 'a field that is none is no rule');
SELECT throws_ok($$SELECT '{"tier_rates": [1]}'::jsonb::points_rule$$, '22023', 'a program goes with the rates of its tiers', 'rates need their program');
SELECT throws_ok($$SELECT '{"tiers": [{"tier": "A", "qualify": {"spend": 0}}], "window_kind": "lifetime", "fee": 5}'::jsonb::tier_program$$, '22023', 'a fee needs both its amount and how long it is for', 'nothing is left out silently');
SELECT throws_ok($$SELECT '{"tiers": [{"tier": "A", "qualify": {"spend": 0}}], "window_kind": "lifetime", "fiscal_start": "04-01"}'::jsonb::tier_program$$, '22P02', NULL, 'nor what a window cannot have');
-- what goes to another customer is what a redemption takes, and ends on the day on which it would have ended; a history knows of a day
-- the sum alone, so not where a redemption is cancelled on the same day
SELECT is_empty($$
  SELECT i, rule, history, redeemed, until, gone, points FROM (SELECT *, 1 + points_balance(rule, history, redeemed, until, gifts => gifts) / 2 AS points FROM cases WHERE points_balance(rule, history, redeemed, until, gifts => gifts) > 0
      AND NOT EXISTS (SELECT FROM redemption r WHERE r.i = cases.i AND r.day = until AND r.points < 0)) c,
    LATERAL (SELECT points_transfer(rule, history, redeemed, until, points, gifts => gifts) AS gone) g
  WHERE (SELECT sum(g.points) FROM unnest(gone) g) <> points OR EXISTS (
    SELECT expires_on, sum(p) FROM (
      SELECT expires_on, a.points AS p FROM points_awards(rule, history, redeemed, until, gifts => gifts) a WHERE available_on <= until
      UNION ALL SELECT expires_on, -a.points FROM points_awards(rule, history, coalesce(redeemed, '{}') + purchase(until, points, 0), until, gifts => gifts) a WHERE available_on <= until AND (c.t).inactivity IS NULL
      UNION ALL SELECT expires_on, -g.points FROM unnest(gone) g WHERE (c.t).inactivity IS NULL) d WHERE (c.t).inactivity IS NULL GROUP BY expires_on HAVING sum(p) <> 0)$$, 'a transfer is what a redemption takes, award by award');
SELECT throws_ok($$SELECT points_transfer('rate 1', '{2024-01-10 1 100}', NULL, '2024-06-01', 150)$$, '22023', 'customer has 100 points on 2024-06-01 and cannot give 150', 'nobody gives what is not there');
SELECT throws_ok($$SELECT points_balance('rate 1', '{2024-01-10 1 30}', NULL, '2024-06-01', gifts => ARRAY[('2024-02-01', 50, '2024-02-01')::points_gift])$$, '22023',
  'a points gift of 2024-02-01 cannot expire on 2024-02-01', 'a gift that nobody could spend is told');
SELECT is(points_balance('rate 1', '{2024-01-10 0 -30}', NULL, '2024-06-01', gifts => ARRAY[('2024-02-01', 50, NULL)::points_gift]), 20::bigint, 'a gift pays a debt first');
-- redeem and cancel: the old expiry, for ever
SELECT is((SELECT points_balance('rate 1 expires 12 months', '{2023-01-31 1 1000}', '{2024-01-30 0 1000, 2024-01-31 0 -1000, 2025-01-30 0 1000, 2025-01-31 0 -1000}', '2027-12-31')), 0::bigint,
  'redeeming and cancelling gives no point a longer life');
SELECT is((SELECT points_balance('rate 1 expires 12 months', '{2023-01-31 1 1000}', '{2023-06-01 0 1000, 2023-06-02 0 -1000}', d) FROM unnest('{2024-01-30}'::date[]) d), 1000::bigint, 'what comes back in time is there until its day');
SELECT is(points_balance('rate 1 expires 12 months inclusive', '{2013-01-01 1 10, 2013-05-28 1 10, 2014-01-03 1 10, 2014-02-03 1 10, 2014-05-28 1 10}', NULL, '2014-05-28'), 40::bigint, 'the last day inclusive is a word');
-- the main metric is that of the first rule, alone or along with others, through every form
SELECT is((program, program::text::crm.tier_program::jsonb ->> 'metric', program::jsonb::crm.tier_program)::text,
  (program::text::crm.tier_program, 'spend', program)::text, 'spend stays the main metric of ' || program)
FROM unnest('{"{A: spend 5 and orders 3 or purchase_days 4, B: spend 9 and orders 5 or purchase_days 8} rolling 12 months",
  "{A: spend 5 and orders 3 or purchase_days 4 and orders 2, B: purchase_days 8 and orders 5 or spend 9 and orders 5} rolling 12 months"}'::crm.tier_program[]) AS program;
SELECT ok(program::text::crm.tier_program = program, 'is read back: ' || program)
FROM unnest('{"{A: spend 5 and orders 3 or purchase_days 4, B: spend 9 and orders 5 or purchase_days 8} rolling 12 months"}'::crm.tier_program[]) AS program;
SELECT is(jsonb '{"metric": "spend", "window_kind": "rolling", "period": "12 months", "tiers": [{"tier": "A", "qualify": {"purchase_days": 5},
    "qualify_together": [{"purchase_days": 3, "orders": 9}, {"spend": 3, "orders": 2}]}]}'::crm.tier_program::jsonb ->> 'metric', 'spend', 'jsonb names the main metric where it will');
SELECT throws_ok($$SELECT jsonb '{"metric": "spend", "window_kind": "rolling", "period": "12 months", "tiers": [{"tier": "A", "qualify": {"orders": 5}}]}'::crm.tier_program$$,
  '22023', 'the first tier has no spend threshold', 'a main metric that the first tier does not name');
SELECT throws_ok($$SELECT '{A: spend 5} rolling 12 months fee 60 every 12 months renewal 0'::crm.tier_program$$, '22P02', NULL, 'a renewal for nothing');
SELECT throws_ok($$SELECT crm.tier_program(ARRAY['A'], ARRAY[5], fee => 60, fee_period => '12 months', renewal_fee => 0)$$, '22003', 'renewal fee must be above 0', 'a renewal for nothing as an argument');
SELECT throws_ok($$SELECT crm.tier_program(ARRAY['A'], ARRAY[5], period => '12 months', points_per => 10, points_rounding => 'up')$$, '22023',
  'a tier program that awards no points has none to round', 'what no text would say');

SELECT * FROM finish();
ROLLBACK;
