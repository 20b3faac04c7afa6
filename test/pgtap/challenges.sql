-- challenges against plain SQL: every day on which one could be reached, looked at by itself
BEGIN;
SET LOCAL search_path = public, crm, crm_internal;
SELECT plan(14);
SELECT setseed(0.577);
CREATE TEMP TABLE entry AS
  SELECT i, day, max(orders) AS orders, max(amount) AS amount FROM (
    SELECT i, date '2024-01-01' + floor(random() * 120)::int AS day, CASE WHEN random() < 0.85 THEN 1 + floor(random() * 2)::int ELSE 0 END AS orders, (floor(random() * 60) - 10)::numeric AS amount
    FROM generate_series(1, 40) i, generate_series(1, 2 + i % 12)) e GROUP BY i, day HAVING max(orders) > 0 OR max(amount) <> 0;
CREATE TEMP TABLE shopper AS SELECT i, format('{%s}', string_agg(format('%s %s %s', day, orders, amount), ', '))::purchase_history AS history FROM entry GROUP BY i;
CREATE TEMP TABLE asked AS
  SELECT format('%s %s%s', metric, target, ' within ' || span || CASE WHEN first IS NULL THEN '' ELSE ' from ' || first END || CASE WHEN last IS NULL THEN '' ELSE ' until ' || last END)::challenge AS c,
    metric, target, span::interval AS span, coalesce(first, '-infinity') AS first, coalesce(last, 'infinity') AS last
  FROM (VALUES ('orders', 3), ('spend', 90), ('purchase_days', 2)) m(metric, target), (VALUES ('1 day'), ('10 days'), ('1 month'), ('1200 months')) s(span), (VALUES (NULL::date, NULL::date), ('2024-02-01', NULL), ('2024-02-01', '2024-03-15')) d(first, last);
CREATE TEMP TABLE days AS SELECT date '2024-01-10' + n * 12 AS as_of FROM generate_series(0, 10) n;
CREATE FUNCTION pg_temp.held(no int, a asked, day date, as_of date) RETURNS numeric LANGUAGE sql AS $$
  SELECT coalesce(sum(CASE a.metric WHEN 'spend' THEN e.amount WHEN 'orders' THEN e.orders ELSE (e.orders > 0)::int END), 0)
  FROM entry e WHERE e.i = no AND e.day <= held.day AND e.day + a.span > held.day AND e.day BETWEEN a.first AND a.last AND e.day <= as_of $$;
CREATE TEMP TABLE compared AS
  SELECT s.i, a.c, history, as_of, p.reached_on, p.value, p.missing, p.missing_by,
    (SELECT min(e.day) FROM entry e WHERE e.i = s.i AND e.day <= as_of AND e.day BETWEEN a.first AND a.last AND pg_temp.held(s.i, a, e.day, as_of) >= a.target) AS day,
    least(greatest(pg_temp.held(s.i, a, as_of, as_of), 0), a.target) AS held, a.target, a.last, a.span
  FROM shopper s, asked a, days, challenge_progress(a.c, history, as_of) p WHERE s.i <= 6;
SELECT is_empty('SELECT i, c, history, as_of, reached_on, day FROM compared WHERE reached_on IS DISTINCT FROM day ORDER BY length(history::text) LIMIT 3', 'a challenge is reached on the first day that holds its target');
SELECT is_empty('SELECT i, c, history, as_of, value, held FROM compared WHERE value <> CASE WHEN day IS NULL THEN held ELSE target END OR missing <> target - value ORDER BY length(history::text) LIMIT 3', 'until then what counts is what is within the time');
SELECT is_empty($$SELECT i, c, as_of, missing_by FROM compared WHERE missing_by < as_of AND as_of <= last OR missing_by > last OR (day IS NOT NULL OR as_of > last) AND missing_by IS NOT NULL$$, 'what is missing is missing in time');
-- missing_by is the last day on which the missing would do, where money does not go back
SELECT is_empty($$
  SELECT k.i, c, as_of, missing_by, d FROM compared k, LATERAL (VALUES (missing_by, true), (missing_by + 1, false)) v(d, does)
  WHERE c::text LIKE 'orders%' AND missing_by IS NOT NULL AND value > 0 AND missing_by < last - 1 AND missing_by < '2030-01-01' AND span < interval '1000 months'
    AND ((SELECT reached_on FROM challenge_progress(c, until(history, as_of) + purchase(d, 1, missing::int), d)) IS NOT NULL) <> does$$, 'on missing_by it would do, the day after not');

-- streaks
CREATE TEMP TABLE streaks AS
  SELECT s.i, history, as_of, period, n, p.*,
    (SELECT min(day) FROM (SELECT day, dense_rank() OVER (ORDER BY grp, no) - dense_rank() OVER (ORDER BY grp) AS x, row_number() OVER (PARTITION BY grp ORDER BY no) AS run FROM (
        SELECT min(day) AS day, no, no - row_number() OVER (ORDER BY no) AS grp FROM (
          SELECT day, CASE period WHEN 'month' THEN (extract(year FROM day) * 12 + extract(month FROM day))::int WHEN 'week' THEN (date_trunc('week', day)::date - '1999-01-04') / 7 ELSE (date_trunc('week', day + 1)::date - '1999-01-04') / 7 END AS no
          FROM entry e WHERE e.i = s.i AND orders > 0 AND day <= as_of) b GROUP BY no) g) r WHERE run >= n) AS day
  FROM shopper s, days, (VALUES ('month', 3), ('week', 2), ('week(sunday)', 2), ('month', 1)) v(period, n), challenge_progress(format('streak %s %s', n, period)::challenge, history, as_of) p;
SELECT is_empty('SELECT i, period, n, history, as_of, reached_on, day FROM streaks WHERE reached_on IS DISTINCT FROM day ORDER BY length(history::text) LIMIT 3', 'a streak is reached on the first purchase of its last period');
SELECT is_empty($$SELECT i FROM streaks WHERE reached_on IS NULL AND value > 0 AND missing_by < as_of$$, 'a streak that is broken counts nothing');
SELECT cmp_ok((SELECT count(*) FROM streaks WHERE reached_on IS NOT NULL)::int, '>', 50, 'many streaks are reached');
SELECT is_empty('SELECT c FROM (SELECT c FROM asked UNION ALL VALUES (''streak 3 week(sunday) from 2024-01-01 reward 5''::challenge)) a WHERE c::text::challenge <> c OR (c::text::challenge)::text <> c::text', 'the text form loses nothing');
SELECT is((SELECT array_agg(p.reward) FROM (VALUES ('2024-01-01'::date), ('2024-01-03')) d(d), challenge_progress('orders 2 reward 50', '{2024-01-01 1 1, 2024-01-02 1 1}', d) p), '{NULL,50}'::bigint[], 'the reward is there once it is earned');
-- where the calendar ends
SELECT is((SELECT p::text FROM challenge_progress('streak 3 month', '{5874897-12-05 1 1}', '5874897-12-20') p), '(,1,3,2,5874897-12-31,)', 'a streak goes on until the calendar ends');
SELECT lives_ok($$SELECT challenge_progress(format('streak 3 %s', p)::challenge, '{5874897-12-31 1 1}', '5874897-12-31') FROM unnest('{day,week,week(sunday),month,quarter,quarter(february),year,year(april)}'::text[]) p$$, 'of every period');
SELECT lives_ok($$SELECT challenge_progress(format('streak 3 %s', p)::challenge, '{4714-11-24 BC 1 1}', '4714-11-24 BC') FROM unnest('{day,week,week(sunday),month,quarter,quarter(february),year,year(april)}'::text[]) p$$, 'and where it begins');
SELECT throws_ok($$SELECT challenge('streak', 3.5, period => 'month')$$, '22023', 'streak target cannot be 3.5', 'half a period of a streak');
SELECT throws_ok($$SELECT challenge('spend', -1)$$, '22023', 'spend target cannot be -1', 'a debt as a target');
SELECT * FROM finish();
ROLLBACK;
