-- points against a slow reference, day by day and award by award, on random rules and histories
BEGIN;
SET LOCAL search_path = public, crm;
SELECT plan(12);

CREATE TEMP TABLE movement (day date, kind text, points bigint, balance bigint);

-- The rules of docs/points.md, one day after the other.
CREATE FUNCTION reference_statement(rate numeric, order_points int, bonus_points int, bonus_every int, expiry interval, program tier_program,
  multipliers numeric[], earned purchase_history, redeemed purchase_history, until date) RETURNS SETOF movement LANGUAGE plpgsql AS $$
DECLARE
  awarded date[] := '{}';
  lefts bigint[] := '{}';
  debt bigint := 0;
  spent int[] := '{}'; -- the award of each point that was redeemed, the last behind
  late bigint;
  total_orders bigint := 0;
  e record;
  delta bigint;
  rest bigint;
  m movement;
  multiplier numeric;
BEGIN
  FOR m.day IN SELECT d::date FROM generate_series(least(first_purchased_on(earned), '2023-12-01'), until, interval '1 day') d LOOP
    -- expiry
    FOR i IN 1..cardinality(awarded) LOOP
      IF lefts[i] > 0 AND expiry IS NOT NULL AND m.day >= awarded[i] + expiry THEN
        m.kind := 'expired'; m.points := -lefts[i];
        lefts[i] := 0;
        m.balance := (SELECT coalesce(sum(l), 0) FROM unnest(lefts) l) - debt;
        RETURN NEXT m;
      END IF;
    END LOOP;
    -- what the day earns, and what it redeems
    FOR k IN 1..2 LOOP
      IF k = 1 THEN
        SELECT * INTO e FROM purchases(earned) WHERE purchased_on = m.day;
        CONTINUE WHEN NOT FOUND;
        multiplier := CASE WHEN program IS NULL THEN 1
          ELSE coalesce(multipliers[tier_rank(program, tier(program, until(earned, m.day - 1), m.day))], 1) END;
        delta := floor(rate * multiplier * e.amount) + order_points * e.purchase_count;
        IF bonus_every > 0 THEN
          FOR o IN total_orders + 1 .. total_orders + e.purchase_count LOOP
            IF o % bonus_every = 0 THEN delta := delta + bonus_points; END IF;
          END LOOP;
        END IF;
        total_orders := total_orders + e.purchase_count;
        m.kind := CASE WHEN delta > 0 THEN 'earned' ELSE 'refunded' END;
      ELSE
        SELECT * INTO e FROM purchases(redeemed) WHERE purchased_on = m.day;
        CONTINUE WHEN NOT FOUND;
        delta := -e.amount;
        m.kind := CASE WHEN delta > 0 THEN 'returned' ELSE 'redeemed' END;
      END IF;
      CONTINUE WHEN delta = 0;
      IF delta > 0 THEN
        rest := greatest(delta - debt, 0);
        debt := greatest(debt - delta, 0);
        late := 0;
        -- what was redeemed goes back where it came from, even if it comes too late
        WHILE k = 2 AND rest > 0 AND cardinality(spent) > 0 LOOP
          IF expiry IS NOT NULL AND m.day >= awarded[spent[cardinality(spent)]] + expiry THEN late := late + 1;
          ELSE lefts[spent[cardinality(spent)]] := lefts[spent[cardinality(spent)]] + 1; END IF;
          spent := spent[:cardinality(spent) - 1];
          rest := rest - 1;
        END LOOP;
        IF rest > 0 THEN
          awarded := awarded || m.day;
          lefts := lefts || rest;
        END IF;
        IF late > 0 THEN
          m.points := delta;
          m.balance := (SELECT coalesce(sum(l), 0) FROM unnest(lefts) l) - debt + late;
          RETURN NEXT m;
          m.kind := 'expired';
          delta := -late;
        END IF;
      ELSE
        -- one point after the other
        FOR p IN 1 .. -delta LOOP
          rest := NULL;
          IF k = 1 THEN
            FOR i IN REVERSE cardinality(lefts)..1 LOOP IF lefts[i] > 0 THEN rest := i; EXIT; END IF; END LOOP;
          ELSE
            FOR i IN 1..cardinality(lefts) LOOP IF lefts[i] > 0 THEN rest := i; EXIT; END IF; END LOOP;
          END IF;
          IF rest IS NULL THEN debt := debt + 1; ELSE lefts[rest] := lefts[rest] - 1; END IF;
          IF k = 2 AND rest IS NOT NULL THEN spent := spent || rest::int; END IF;
        END LOOP;
      END IF;
      m.points := delta;
      m.balance := (SELECT coalesce(sum(l), 0) FROM unnest(lefts) l) - debt;
      RETURN NEXT m;
    END LOOP;
  END LOOP;
END $$;

SELECT setseed(0.3);
CREATE TEMP TABLE cases AS
  SELECT i, rate, order_points, bonus_points, bonus_every, expiry, program, multipliers, earned, redeemed, until,
    points_rule(rate, order_points, bonus_points, bonus_every, expiry, program, multipliers) AS rule
  FROM (SELECT i, (ARRAY[1, 0.5, 1.25, 0.1])[1 + i % 4] AS rate, (ARRAY[0, 2])[1 + i % 2] AS order_points,
          CASE WHEN i % 3 = 0 THEN 9 ELSE 0 END AS bonus_points, CASE WHEN i % 3 = 0 THEN 4 ELSE 0 END AS bonus_every,
          (ARRAY[NULL, '1 month', '40 days', '3 months'])[1 + i % 4]::interval AS expiry,
          CASE WHEN i % 5 < 3 THEN (ARRAY['{A: spend 0, B: spend 50, C: spend 120} rolling 1 month downgrade one_tier',
            '{B: orders 2, C: orders 4} calendar month downgrade requalify', '{A: spend 0, B: spend 60} rolling 20 days downgrade to_base'])[1 + i % 5] END::tier_program AS program,
          CASE WHEN i % 5 < 3 THEN (ARRAY['{1,1.5,2}', '{1.25,3}', '{1,0}'])[1 + i % 5] END::numeric[] AS multipliers,
          (SELECT coalesce(merge(purchase(date '2024-01-01' + (random() * 120)::int, round((random() * 60 - 15)::numeric, 2), 1)), '{}') FROM generate_series(1, 2 + i % 9)) AS earned,
          (SELECT coalesce(merge(purchase(date '2024-01-01' + (random() * 150)::int, (random() * 60)::int - CASE WHEN random() < 0.2 THEN 50 ELSE 0 END, 0)), '{}') FROM generate_series(1, 1 + i % 4)) AS redeemed,
          date '2024-01-20' + (random() * 200)::int AS until
        FROM generate_series(1, 1500) i) r;

SELECT is_empty($$
  SELECT i, rule, earned, redeemed, until, found, expected FROM cases,
    LATERAL (SELECT string_agg(format('%s %s %s %s', booked_on, kind, points, balance), E'\n') AS found FROM points_statement(rule, earned, redeemed, until)) f,
    LATERAL (SELECT string_agg(format('%s %s %s %s', day, kind, points, balance), E'\n') AS expected
             FROM reference_statement(rate, order_points, bonus_points, bonus_every, expiry, program, multipliers, earned, redeemed, until)) e
  WHERE found IS DISTINCT FROM expected ORDER BY length(found) LIMIT 3$$, 'the statement is the one found point by point');
SELECT is((SELECT array_agg(DISTINCT kind ORDER BY kind) FROM cases, points_statement(rule, earned, redeemed, until)),
  '{earned,expired,redeemed,refunded,returned}', 'every kind of movement occurs');
SELECT isnt_empty('SELECT 1 FROM cases WHERE points_balance(rule, earned, redeemed, until) < 0', 'and negative balances do');

SELECT is_empty($$SELECT i FROM cases WHERE points_balance(rule, earned, redeemed, until) <>
  coalesce((SELECT sum(points) FROM points_statement(rule, earned, redeemed, until)), 0)$$, 'the balance is the sum of the movements');
SELECT is_empty($$SELECT i FROM cases WHERE points_balance(rule, earned, redeemed, until) <>
  coalesce((SELECT balance FROM points_statement(rule, earned, redeemed, until) WITH ORDINALITY ORDER BY ordinality DESC LIMIT 1), 0)$$, 'and that of the last movement');
SELECT is_empty($$SELECT i FROM cases, points_statement(rule, earned, redeemed, until + 60) s WHERE s.booked_on <= cases.until
  EXCEPT ALL SELECT i FROM cases, points_statement(rule, earned, redeemed, until)$$, 'what comes later changes no earlier movement');
SELECT is_empty($$
  SELECT i FROM cases, (VALUES (0), (10), (35), (200)) v(n)
  WHERE points_expiring(rule, earned, redeemed, until, until + n) <> coalesce((
    SELECT -sum(points) FROM points_statement(rule, until(earned, cases.until), until(redeemed, cases.until), cases.until + n) s
    WHERE s.kind = 'expired' AND s.booked_on > cases.until), 0)$$, 'what will expire is what does expire if nothing happens');
SELECT is_empty($$SELECT i FROM cases WHERE greatest(points_balance(rule, earned, redeemed, until), 0) <> points_expiring(rule, earned, redeemed, until, until + 9999)
  AND expiry IS NOT NULL$$, 'in the end all of a balance expires');
SELECT is_empty('SELECT i FROM cases WHERE rule::text::points_rule <> rule', 'the text form of a rule loses nothing');

-- buying, refunding and keeping the points is not possible
SELECT is_empty($$
  SELECT a FROM (SELECT round((random() * 100)::numeric, 2) AS a FROM generate_series(1, 500)) r
  WHERE points_balance('rate 1.5', purchase('2024-01-01', a) + purchase('2024-01-05', -a), NULL, '2024-02-01') > 0$$, 'a full refund leaves no point of the amount');
-- never an expired point spent
SELECT is(points_balance('rate 1 expires 1 month', '{2024-01-01 1 100}', '{2024-02-01 0 100}', '2024-02-01'), -100::bigint, 'a point cannot be spent on the day it expires');
SELECT is((SELECT points_liability(points_balance(rule, earned, redeemed, until), 0.01, 0.2) FROM cases),
  (SELECT sum(greatest(points_balance(rule, earned, redeemed, until), 0) * 0.01 * 0.8) FROM cases), 'liability is the worth of the balances less breakage');
SELECT * FROM finish();
ROLLBACK;
