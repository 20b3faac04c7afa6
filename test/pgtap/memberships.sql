-- memberships that are paid for, families and categories against plain SQL
BEGIN;
SET LOCAL search_path = public, crm;
SELECT plan(9);
SELECT setseed(0.4142);
CREATE FUNCTION pick(VARIADIC choices text[]) RETURNS text LANGUAGE sql AS $$ SELECT choices[1 + floor(random() * cardinality(choices))::int] $$;

-- Who paid is a member, day after day: a fee makes one, for a period; a renewal as a member, or on the day after, adds a period to those since the first day.
CREATE FUNCTION reference_days(fee numeric, renewal numeric, period interval, days date[], amounts numeric[], as_of date) RETURNS SETOF date LANGUAGE plpgsql AS $$
DECLARE
  first date;
  paid int := 0;
  today date := '2023-12-31';
  amount numeric;
BEGIN
  WHILE today < date '2027-12-31' LOOP
    today := today + 1;
    amount := CASE WHEN today <= as_of THEN amounts[array_position(days, today)] END;
    IF paid > 0 AND today <= (first + paid * period)::date AND amount >= renewal THEN paid := paid + 1;
    ELSIF amount >= fee AND (paid = 0 OR today > (first + paid * period)::date) THEN first := today; paid := 1;
    END IF;
    IF paid > 0 AND today < (first + paid * period)::date THEN RETURN NEXT today; END IF;
  END LOOP;
END $$;
CREATE TEMP TABLE club AS
  SELECT i, fee, nullif(renewal, fee) AS renewal, period::interval AS period, tier_program('{Member,Patron}', '{0,100}', period => '6 months', fee => fee, fee_period => period::interval, renewal_fee => nullif(renewal, fee)) AS program,
    days, amounts, (SELECT merge(purchase(d, a, 0)) FROM unnest(days, amounts) u(d, a)) AS fees, date '2024-06-01' + (i * 37) % 700 AS as_of
  FROM (SELECT i, pick('60', '49.5')::numeric AS fee, pick('60', '49.5', '30', '80')::numeric AS renewal, pick('1 month', '1 month', '12 months', '45 days', '1 month 3 days') AS period FROM generate_series(1, 150) i) p,
    LATERAL (SELECT array_agg(d ORDER BY d) AS days, array_agg(a ORDER BY d) AS amounts FROM (
      SELECT d, max(a) AS a FROM (SELECT (ARRAY[date '2024-01-31' + n * 31, (date '2024-01-31' + n * interval '1 month')::date, date '2024-01-01' + floor(random() * 900)::int])[1 + floor(random() * 3)::int] AS d, pick('60', '60', '49.5', '30', '80', '10')::numeric AS a
        FROM generate_series(0, 1 + i % 9) n) x GROUP BY d) y) z;
CREATE TEMP TABLE paid AS SELECT i, memberships(program, fees, as_of) AS ranges FROM club;
SELECT is_empty($$
  SELECT i, ranges, day, expected FROM club JOIN paid USING (i), LATERAL (
    SELECT day, expected IS NOT NULL AS expected FROM (SELECT date '2024-01-01' + n AS day FROM generate_series(0, 1400) n) d LEFT JOIN (SELECT r AS day, true AS expected FROM reference_days(fee, coalesce(renewal, fee), period, days, amounts, as_of) r) e USING (day)
    WHERE (expected IS NOT NULL) <> EXISTS (SELECT FROM unnest(ranges) r WHERE r @> day)) w LIMIT 3$$, 'the days that are paid for are those found day by day');
SELECT cmp_ok((SELECT count(*) FROM paid, unnest(ranges) r)::int, '>', 150, 'of many memberships');
SELECT cmp_ok((SELECT count(*) FROM club JOIN paid USING (i), unnest(ranges) r WHERE upper(r) > (lower(r) + period)::date)::int, '>', 30, 'some of them renewed');
SELECT is_empty($$SELECT i, day FROM club JOIN paid USING (i), LATERAL (SELECT date '2024-01-01' + (i * 13 + n * 29) % 1200 AS day FROM generate_series(1, 20) n) d
  WHERE (tier(program, purchase('2024-01-01', 5), day, memberships => memberships(program, fees, as_of)) IS NOT NULL) <> EXISTS (SELECT FROM unnest(ranges) r WHERE r @> day)$$, 'who has paid holds a tier, nobody else');
SELECT is((SELECT ranges FROM (SELECT memberships('{Member: spend 0} lifetime fee 60 every 12 months', '{2024-02-10 0 60, 2024-03-01 0 -60 of 2024-02-10}', d) AS ranges FROM unnest('{2024-03-01}'::date[]) d) r), '{}', 'a fee that is paid back makes no member');

-- A family is the sum of its members, whoever bought, in any order; so are its points.
CREATE TEMP TABLE sale AS SELECT i % 60 AS member, (i % 60) / 4 AS family, date '2024-01-01' + (i * 7919 % 500) AS day, (5 + i * 31 % 90)::numeric AS amount, (ARRAY['wine', 'cheese', 'bread'])[1 + i % 3] AS category FROM generate_series(1, 900) i;
SELECT is_empty($$
  SELECT family, day FROM (SELECT family, merge(history) AS merged FROM (SELECT family, purchase_history(day, amount) AS history FROM sale GROUP BY family, member) m GROUP BY family) a
  JOIN (SELECT family, purchase_history(day, amount) AS history FROM sale GROUP BY family) b USING (family), unnest('{2024-03-01,2024-09-01,2025-03-01}'::date[]) day,
    unnest(ARRAY['{A: spend 0, B: spend 900, C: spend 1500 and orders 30 or orders 45} rolling 6 months', '{A: orders 0, B: orders 3} calendar week(sunday)']) p
  WHERE standing(p::tier_program, merged, day) IS DISTINCT FROM standing(p::tier_program, history, day) OR points_balance('rate 1 expires 6 months', merged, '{2024-04-01 0 50}', day) <> points_balance('rate 1 expires 6 months', history, '{2024-04-01 0 50}', day)$$,
  'a family stands as one customer who bought all of it');
SELECT cmp_ok((SELECT count(DISTINCT tier('{A: spend 0, B: spend 900, C: spend 1500 and orders 30 or orders 45} rolling 6 months', history, '2024-09-01')) FROM (SELECT purchase_history(day, amount) AS history FROM sale GROUP BY family) b)::int, '>', 1, 'not all of them alike');
-- Spend of a category: out of a mix, or of the purchases in it.
SELECT is_empty($$
  SELECT family, c, day FROM (SELECT family, mix(category, day, amount) AS mix FROM sale GROUP BY family) m JOIN (SELECT family, category AS c, purchase_history(day, amount) AS history FROM sale GROUP BY family, category) h USING (family), unnest('{2024-03-01,2024-09-01,2025-03-01}'::date[]) day
  WHERE standing('{A: spend 0, B: spend 300 and purchase_days 5 or spend 500} rolling 6 months', category_history(mix, c), day) IS DISTINCT FROM standing('{A: spend 0, B: spend 300 and purchase_days 5 or spend 500} rolling 6 months', history, day)$$,
  'a category of a mix stands as the purchases in it');
SELECT is_empty($$SELECT family FROM (SELECT family, mix(category, day, amount) AS mix FROM sale GROUP BY family) m JOIN (SELECT family, purchase_history(day, amount) AS history FROM sale WHERE category = 'wine' GROUP BY family) h USING (family)
  WHERE challenge_progress('orders 1', category_history(mix, 'wine'), '2025-12-31') IS DISTINCT FROM challenge_progress('orders 1', history, '2025-12-31')$$, 'and so does the first purchase in a category');
SELECT * FROM finish();
ROLLBACK;
