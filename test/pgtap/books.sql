-- cohort_book and period_book against slow, obvious SQL on random data; projection against published triangles
BEGIN;
SET LOCAL search_path = public, crm;
SELECT plan(57);

-- a seeded table of purchases: first purchases at every day of the month, refunds, some before the first purchase, days after as_of
SELECT setseed(0.17);
CREATE TEMPORARY TABLE bought AS
SELECT customer, start + (random() * random() * span)::int AS day,
  CASE WHEN random() < 0.12 THEN -5.5 ELSE round((random() * 100)::numeric, 2) END AS amount
FROM (SELECT customer, date '2020-10-28' + (random() * 800)::int AS start, 30 + random() * 900 AS span,
        1 + (random() * random() * 14)::int AS n
      FROM generate_series(1, 400) customer) c, generate_series(1, n);
CREATE TEMPORARY TABLE customer AS
SELECT b.customer, b.customer % 7 AS shop, purchase_history(day, amount) AS history FROM bought b GROUP BY b.customer;

-- the start of a day's period, by date_trunc of a shifted day
CREATE FUNCTION pg_temp.period_start(period text, day date) RETURNS date LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE period
    WHEN 'week(sunday)' THEN date_trunc('week', day + 1)::date - 1
    WHEN 'week(wednesday)' THEN date_trunc('week', day - 2)::date + 2
    WHEN 'quarter(february)' THEN (date_trunc('quarter', day - interval '1 month') + interval '1 month')::date
    WHEN 'year(april)' THEN (date_trunc('year', day - interval '3 months') + interval '3 months')::date
    ELSE date_trunc(period, day)::date END $$;
CREATE FUNCTION pg_temp.next_start(period text, starts date) RETURNS date LANGUAGE sql IMMUTABLE AS $$
  SELECT (starts + (CASE split_part(period, '(', 1) WHEN 'quarter' THEN '3 months' ELSE '1 ' || split_part(period, '(', 1) END)::interval)::date $$;
-- shifting a month's last days back must not leave the quarter: the reference is checked by counting days
SELECT is_empty($$ SELECT d, p FROM (SELECT date '2020-01-01' + i AS d FROM generate_series(0, 800) i) x,
    unnest('{day,week,week(sunday),week(wednesday),month,quarter,quarter(february),year,year(april)}'::text[]) p
  WHERE NOT (pg_temp.period_start(p, d) <= d AND d < pg_temp.next_start(p, pg_temp.period_start(p, d))) $$,
  'the reference: every day lies in its period');
SELECT is_empty($$ SELECT d, p FROM (SELECT date '1899-01-01' + i * 11 AS d FROM generate_series(0, 9000) i) x,
    unnest('{day,week,week(sunday),week(wednesday),month,quarter,quarter(february),year,year(april)}'::text[]) p, activity(purchase(d, 1), d, p)
  WHERE period_start <> pg_temp.period_start(p, d) $$, 'periods start where date_trunc says, weeks and years that start elsewhere too');

-- every day of every customer with his first purchase, as known on a day
CREATE FUNCTION pg_temp.seen(as_of date) RETURNS TABLE (customer int, day date, orders bigint, amount numeric, first_day date) LANGUAGE sql AS $$
  SELECT customer, day, count(*) FILTER (WHERE amount >= 0), sum(amount),
    min(min(day) FILTER (WHERE amount >= 0)) OVER (PARTITION BY customer)
  FROM bought WHERE day <= as_of GROUP BY customer, day $$;
-- periods since the first purchase, counted one by one
CREATE FUNCTION pg_temp.starts(period text, until date) RETURNS TABLE (no bigint, starts date, ends date) LANGUAGE sql AS $$
  SELECT row_number() OVER (ORDER BY s), s, pg_temp.next_start(period, s)
  FROM (SELECT DISTINCT pg_temp.period_start(period, date '2020-10-20' + i) AS s FROM generate_series(0, until - date '2020-10-20') i) x $$;
CREATE FUNCTION pg_temp.slow_cells(period text, as_of date)
RETURNS TABLE (cohort_start date, age int, period_start date, observable bigint, active bigint, active_since bigint,
  purchase_count bigint, purchase_day_count bigint, amount numeric) LANGUAGE sql AS $$
  WITH starts AS MATERIALIZED (SELECT * FROM pg_temp.starts(period, as_of)),
  seen AS MATERIALIZED (
    SELECT s.*, c.no AS cohort, greatest(p.no, c.no) AS no
    FROM pg_temp.seen(as_of) s JOIN starts c ON first_day >= c.starts AND first_day < c.ends
      JOIN starts p ON day >= p.starts AND day < p.ends),
  -- of each customer the last period over in which he bought
  last AS (SELECT customer, cohort, max(no) AS no FROM seen JOIN starts USING (no) WHERE orders > 0 AND ends <= as_of + 1 GROUP BY customer, cohort)
  SELECT c.starts, (p.no - c.no)::int, p.starts,
    (SELECT count(DISTINCT customer) FROM seen WHERE cohort = c.no),
    (SELECT count(DISTINCT customer) FROM seen WHERE cohort = c.no AND seen.no = p.no AND orders > 0),
    (SELECT count(*) FROM last WHERE cohort = c.no AND last.no >= p.no),
    coalesce((SELECT sum(orders)::bigint FROM seen WHERE cohort = c.no AND seen.no = p.no), 0),
    (SELECT count(*) FROM seen WHERE cohort = c.no AND seen.no = p.no AND orders > 0),
    coalesce((SELECT sum(amount) FROM seen WHERE cohort = c.no AND seen.no = p.no), 0)
  FROM starts c JOIN starts p ON p.no >= c.no AND p.ends <= as_of + 1
  WHERE c.no IN (SELECT cohort FROM seen)
  ORDER BY 1, 2 $$;
CREATE FUNCTION pg_temp.same_cells(period text, as_of date) RETURNS text LANGUAGE sql AS $$
  SELECT results_eq(
    format('SELECT cohort_start, age, period_start, observable, active, active_since, purchase_count, purchase_day_count, amount
            FROM (SELECT cohort_book(history, %2$L, %1$L) AS b FROM customer) x, cells(b)', period, as_of),
    format('SELECT * FROM pg_temp.slow_cells(%L, %L)', period, as_of),
    format('the cells by %s as of %s are what counting each gives', period, as_of)) $$;
SELECT pg_temp.same_cells('month', '2023-06-30');
SELECT pg_temp.same_cells('month', '2023-06-29');
SELECT pg_temp.same_cells('quarter(february)', '2023-04-30');
SELECT pg_temp.same_cells('quarter', '2023-04-30');
SELECT pg_temp.same_cells('year(april)', '2023-04-02');
SELECT pg_temp.same_cells('week(sunday)', '2021-06-05');
SELECT pg_temp.same_cells('week(wednesday)', '2021-06-05');
SELECT pg_temp.same_cells('day', '2021-01-15');

SELECT results_eq(
  $$ SELECT cohort_start, age, cumulative_amount, rate FROM (SELECT cohort_book(history, '2023-06-30', 'month') AS b FROM customer) x, cells(b) $$,
  $$ SELECT cohort_start, age, sum(amount) OVER (PARTITION BY cohort_start ORDER BY age), active::float8 / observable
     FROM (SELECT cohort_book(history, '2023-06-30', 'month') AS b FROM customer) x, cells(b) $$,
  'amounts are cumulated within a cohort, and the rate is active customers per observable one');
SELECT results_eq(
  $$ SELECT age, observable, active_since, rate FROM (SELECT cohort_book(history, '2023-06-15', 'month') AS b FROM customer) x, rolling_retention(b) $$,
  $$ SELECT age, sum(observable)::bigint, sum(active_since)::bigint, (sum(active_since) / sum(observable))::float8
     FROM pg_temp.slow_cells('month', '2023-06-15') GROUP BY age ORDER BY age $$,
  'rolling retention is the sum over the cohorts');
-- three users over seven days (a public request for rolling retention)
SELECT results_eq($$
  SELECT age, active_since FROM (SELECT cohort_book(h::purchase_history, '2024-01-07', 'day') AS b
    FROM (VALUES ('{2024-01-01 1 1}'), ('{2024-01-01 1 1, 2024-01-02 1 1}'), ('{2024-01-01 1 1, 2024-01-06 1 1}')) v(h)) x, rolling_retention(b) $$,
  $$ VALUES (0, 3::bigint), (1, 2), (2, 1), (3, 1), (4, 1), (5, 1), (6, 0) $$, 'rolling retention of three users: 100, 66, 33, 33, 33, 33, 0 %');

-- agreement: retention_curve and cohort_triangle
SELECT is((SELECT retention_curve(b) FROM (SELECT cohort_book(history, d, p) AS b FROM customer) x),
  (SELECT retention_curve(history, d, p) FROM customer), format('the retention curve by %s as of %s is the book summed over its cohorts', p, d))
FROM (VALUES (date '2023-06-30', 'month'), ('2023-06-29', 'month'), ('2022-12-31', 'year'), ('2021-05-16', 'week(sunday)'), ('2021-02-11', 'quarter(february)')) v(d, p);
SELECT results_eq(
  $$ SELECT * FROM cohort_triangle('customer', '2023-06-29', 'month') $$,
  $$ SELECT c.cohort_start, p.* FROM (
       SELECT date_trunc('month', first_purchased_on(until(history, '2023-06-29')))::date AS cohort_start, retention_curve(history, '2023-06-29', 'month') AS curve
       FROM customer WHERE first_purchased_on(until(history, '2023-06-29')) IS NOT NULL GROUP BY 1) c, curve_points(c.curve) p ORDER BY 1, 2 $$,
  'the cohort triangle is the retention of each cohort');
SELECT results_eq($$ SELECT (cells(b)).cohort_start FROM (SELECT cohort_book(history, '2024-01-31', 'month') AS b FROM (VALUES
    ('{2024-01-05 1 1}'::purchase_history), ('{2024-01-31 1 1}')) v(history)) x $$, $$ VALUES (date '2024-01-01') $$, 'a period is over on its last day');
SELECT is((SELECT b::text FROM (SELECT cohort_book(history, '2024-01-30', 'month') AS b FROM (VALUES
    ('{2024-01-05 1 1}'::purchase_history), ('{2024-01-31 1 1}')) v(history)) x), 'month 2024-01-30 {2024-01-01 1}', 'the unfinished period counts nothing but who joined');
SELECT is((SELECT cohort_book(h::purchase_history, '2024-03-31', 'month')::text FROM (VALUES
    ('{2024-01-05 0 -7, 2024-02-05 1 10, 2024-03-01 0 -2}'), ('{2024-01-05 0 -7}'), ('{}')) v(h)), 'month 2024-03-31 {2024-02-01 (1 1 1 1 3.00, 0 0 0 0 -2.00)}',
  'money before the first purchase counts at age 0, later refunds where they are; who never bought has no cohort');

-- order, merge, forms
CREATE FUNCTION pg_temp.book(period text) RETURNS cohort_book LANGUAGE sql AS $$ SELECT cohort_book(history, '2023-06-20', period) FROM customer $$;
CREATE FUNCTION pg_temp.calendar(period text) RETURNS period_book LANGUAGE sql AS $$ SELECT period_book(history, '2023-06-20', period) FROM customer $$;
SELECT is((SELECT cohort_book(history, '2023-06-20', 'month' ORDER BY random()) FROM customer), pg_temp.book('month'), 'the order of rows does not matter to cohorts');
SELECT is((SELECT merge(b) FROM (SELECT cohort_book(history, '2023-06-20', 'month') AS b FROM customer GROUP BY shop) x), pg_temp.book('month'), 'books of parts merge to the book of all');
SELECT is((SELECT a + b FROM (SELECT cohort_book(history, '2023-06-20', 'week') FILTER (WHERE shop < 3) AS a, cohort_book(history, '2023-06-20', 'week') FILTER (WHERE shop >= 3) AS b FROM customer) x),
  pg_temp.book('week'), '+ adds the customers of two books');
SELECT is(pg_temp.book(p)::text::cohort_book, pg_temp.book(p), format('the text form of cohorts by %s loses nothing', p)) FROM unnest('{week(sunday),year(april)}'::text[]) p;
SELECT is((SELECT period_book(history, '2023-06-20', 'month' ORDER BY random()) FROM customer), pg_temp.calendar('month'), 'the order of rows does not matter to periods');
SELECT is((SELECT merge(b) FROM (SELECT period_book(history, '2023-06-20', 'month') AS b FROM customer GROUP BY shop) x), pg_temp.calendar('month'), 'period books of parts merge to that of all');
SELECT is(pg_temp.calendar(p)::text::period_book, pg_temp.calendar(p), format('the text form of periods by %s loses nothing', p)) FROM unnest('{day,quarter(february)}'::text[]) p;
SELECT is((SELECT cohort_book(history, '2018-01-01', 'month') FROM customer), NULL, 'nobody there yet: NULL');

-- the calendar of figures
CREATE FUNCTION pg_temp.slow_periods(period text, as_of date)
RETURNS TABLE (period_start date, new_count bigint, retained_count bigint, reactivated_count bigint, lapsed_count bigint, purchase_count bigint,
  amount numeric, new_amount numeric, retained_amount numeric, reactivated_amount numeric, lapsed_amount numeric) LANGUAGE sql AS $$
  WITH starts AS MATERIALIZED (SELECT * FROM pg_temp.starts(period, as_of) WHERE ends <= as_of + 1),
  seen AS MATERIALIZED (SELECT s.*, no FROM pg_temp.seen(as_of) s JOIN starts ON day >= starts AND day < ends),
  active AS MATERIALIZED (SELECT customer, no, sum(amount) AS amount FROM seen GROUP BY customer, no HAVING sum(orders) > 0),
  kind AS MATERIALIZED (
    SELECT a.*, CASE WHEN NOT EXISTS (SELECT FROM active b WHERE b.customer = a.customer AND b.no < a.no) THEN 'new'
      WHEN EXISTS (SELECT FROM active b WHERE b.customer = a.customer AND b.no = a.no - 1) THEN 'retained' ELSE 'reactivated' END AS kind
    FROM active a),
  lapsed AS (SELECT no + 1 AS no, amount FROM active a WHERE NOT EXISTS (SELECT FROM active b WHERE b.customer = a.customer AND b.no = a.no + 1))
  SELECT starts, (SELECT count(*) FROM kind k WHERE k.no = s.no AND kind = 'new'), (SELECT count(*) FROM kind k WHERE k.no = s.no AND kind = 'retained'),
    (SELECT count(*) FROM kind k WHERE k.no = s.no AND kind = 'reactivated'), (SELECT count(*) FROM lapsed l WHERE l.no = s.no),
    coalesce((SELECT sum(orders)::bigint FROM seen k WHERE k.no = s.no), 0), coalesce((SELECT sum(k.amount) FROM seen k WHERE k.no = s.no), 0),
    coalesce((SELECT sum(k.amount) FROM kind k WHERE k.no = s.no AND kind = 'new'), 0), coalesce((SELECT sum(k.amount) FROM kind k WHERE k.no = s.no AND kind = 'retained'), 0),
    coalesce((SELECT sum(k.amount) FROM kind k WHERE k.no = s.no AND kind = 'reactivated'), 0), coalesce((SELECT sum(l.amount) FROM lapsed l WHERE l.no = s.no), 0)
  FROM starts s WHERE s.no >= (SELECT min(no) FROM seen) ORDER BY 1 $$;
CREATE FUNCTION pg_temp.same_periods(period text, as_of date) RETURNS text LANGUAGE sql AS $$
  SELECT results_eq(
    format('SELECT period_start, new_count, retained_count, reactivated_count, lapsed_count, purchase_count, amount, new_amount, retained_amount, reactivated_amount, lapsed_amount
            FROM (SELECT period_book(history, %2$L, %1$L) AS b FROM customer) x, periods(b)', period, as_of),
    format('SELECT * FROM pg_temp.slow_periods(%L, %L)', period, as_of),
    format('the figures by %s as of %s are what counting each gives', period, as_of)) $$;
SELECT pg_temp.same_periods('month', '2023-06-30');
SELECT pg_temp.same_periods('month', '2023-06-29');
SELECT pg_temp.same_periods('week(sunday)', '2022-06-04');
SELECT pg_temp.same_periods('year(april)', '2023-06-04');
SELECT pg_temp.same_periods('day', '2021-03-04');
SELECT is_empty($$ SELECT period_start FROM periods(pg_temp.calendar('month'))
  WHERE active_count <> new_count + retained_count + reactivated_count OR average_order_value IS DISTINCT FROM amount / nullif(purchase_count, 0)
    OR repeat_share IS DISTINCT FROM (retained_count + reactivated_count)::float8 / nullif(active_count, 0) $$, 'what is derived from the figures');
SELECT results_eq($$ SELECT period_start, sum(active)::bigint, sum(purchase_count)::bigint FROM cells(pg_temp.book('month')) GROUP BY 1 ORDER BY 1 $$,
  $$ SELECT period_start, active_count, purchase_count FROM periods(pg_temp.calendar('month')) WHERE period_start >= (SELECT min(cohort_start) FROM cells(pg_temp.book('month'))) $$,
  'the diagonals of the cohorts are the periods');

-- why a period brought more: the parts add up, and no order of the factors is favoured
SELECT is_empty($$
  SELECT d, e FROM generate_series(timestamp '2021-01-15', '2023-05-15', '1 month') d, generate_series(timestamp '2021-02-20', '2023-05-20', '2 months') e
  WHERE date_trunc('month', d) < date_trunc('month', e)
    AND (SELECT sum(amount) FROM decompose(pg_temp.book('month'), d::date, e::date)) IS DISTINCT FROM
      (SELECT coalesce(sum(amount) FILTER (WHERE period_start = date_trunc('month', e)), 0) - coalesce(sum(amount) FILTER (WHERE period_start = date_trunc('month', d)), 0) FROM cells(pg_temp.book('month'))) $$,
  'the parts of a change add up to it, to the last digit');
SELECT is_empty($$
  WITH f AS (SELECT sum(active) FILTER (WHERE period_start = '2022-01-01') AS n1, sum(active) FILTER (WHERE period_start = '2022-09-01') AS n2,
      sum(purchase_count) FILTER (WHERE period_start = '2022-01-01') AS o1, sum(purchase_count) FILTER (WHERE period_start = '2022-09-01') AS o2,
      sum(amount) FILTER (WHERE period_start = '2022-01-01') AS a1, sum(amount) FILTER (WHERE period_start = '2022-09-01') AS a2
    FROM cells(pg_temp.book('month')) WHERE cohort_start <= '2022-01-01'),
  r AS (SELECT n1, n2, o1 / n1 AS r1, o2 / n2 AS r2, a1 / o1 AS v1, a2 / o2 AS v2 FROM f),
  -- the mean over the six orders in which the factors can change
  s AS (SELECT ((n2 - n1) * r1 * v1 * 2 + (n2 - n1) * r2 * v1 + (n2 - n1) * r1 * v2 + (n2 - n1) * r2 * v2 * 2) / 6 AS customers,
      ((r2 - r1) * n1 * v1 * 2 + (r2 - r1) * n2 * v1 + (r2 - r1) * n1 * v2 + (r2 - r1) * n2 * v2 * 2) / 6 AS frequency,
      ((v2 - v1) * n1 * r1 * 2 + (v2 - v1) * n2 * r1 + (v2 - v1) * n1 * r2 + (v2 - v1) * n2 * r2 * 2) / 6 AS value FROM r)
  SELECT part, amount FROM decompose(pg_temp.book('month'), '2022-01-31', '2022-09-01'), s
  WHERE abs(amount - CASE part WHEN 'returning customers' THEN customers WHEN 'purchases per customer' THEN frequency WHEN 'amount per purchase' THEN value
    ELSE (SELECT sum(c.amount) FROM cells(pg_temp.book('month')) c WHERE period_start = '2022-09-01' AND cohort_start > '2022-01-01') END) > 0.0002 $$,
  'each part is the mean over all orders of the factors');
SELECT throws_ok($$ SELECT decompose(pg_temp.book('month'), '2022-01-01', '2022-01-31') $$, '22023', 'after, 2022-01-31, is not in a later period than before, 2022-01-01', 'one period explains nothing');
SELECT throws_ok($$ SELECT decompose(pg_temp.book('month'), '2022-01-01', '2023-06-02') $$, '22023', 'after, 2023-06-02, is in no period of the cohort book', 'an unfinished period is none');

-- a triangle of cumulated figures as a book: one customer a cohort
CREATE FUNCTION pg_temp.triangle(t text) RETURNS cohort_book LANGUAGE sql AS $$
  WITH row AS (SELECT i, string_to_array(trim(r), ' ')::numeric[] AS c FROM regexp_split_to_table(t, ';') WITH ORDINALITY v(r, i)),
  cell AS (SELECT i, k, c[k] - coalesce(c[k - 1], 0) AS amount, k = array_length(c, 1) AS is_last FROM row, generate_subscripts(c, 1) k)
  SELECT format('year 2010-12-31 {%s}', string_agg(x, ', ' ORDER BY i))::cohort_book
  FROM (SELECT i, format('%s-01-01 (%s)', 2000 + i, string_agg(format('1 %s 1 1 %s', is_last::int, amount), ', ' ORDER BY k)) AS x FROM cell GROUP BY i) y $$;
-- Taylor and Ashe (1983) in Mack (1993), tables 2 and 3
SELECT results_eq($$ SELECT round(still_to_come)::bigint, round(standard_error)::bigint FROM project(pg_temp.triangle(
    '357848 1124788 1735330 2218270 2745596 3319994 3466336 3606286 3833515 3901463;352118 1236139 2170033 3353322 3799067 4120063 4647867 4914039 5339085;290507 1292306 2218525 3235179 3985995 4132918 4628910 4909315;310608 1418858 2195047 3757447 4029929 4381982 4588268;443160 1136350 2128333 2897821 3402672 3873311;396132 1333217 2180715 2985752 3691712;440832 1288463 2419861 3483130;359480 1421128 2864498;376686 1363294;344014')) $$,
  $$ VALUES (0::bigint, 0::bigint), (94634, 75535), (469511, 121699), (709638, 133549), (984889, 261406), (1419459, 411010), (2177641, 558317), (3920301, 875328), (4278972, 971258), (4625811, 1363155), (18680856, 2447095) $$,
  'the reserves of Taylor and Ashe with the standard errors of Mack, all ten origins and the total');
-- the general liability triangle of the Reinsurance Association of America in Mack (1994)
SELECT results_eq($$ SELECT round(still_to_come)::bigint, round(standard_error)::bigint FROM project(pg_temp.triangle(
    '5012 8269 10907 11805 13539 16181 18009 18608 18662 18834;106 4285 5396 10666 13782 15599 15496 16169 16704;3410 8992 13873 16141 18735 22214 22863 23466;5655 11555 15766 21266 23425 26083 27067;1092 9565 15836 22169 25955 26180;1513 6445 11702 12935 15852;557 4020 10946 12314;1351 6947 13112;3133 5395;2063')) $$,
  $$ VALUES (0::bigint, 0::bigint), (154, 206), (617, 623), (1636, 747), (2747, 1469), (3649, 2002), (5435, 2209), (10907, 5358), (10650, 6333), (16339, 24566), (52135, 26909) $$,
  'a triangle with a figure that goes down');
SELECT results_eq($$ SELECT cohort_start, to_date FROM project(pg_temp.book('quarter'), 'purchase_count') WHERE cohort_start IS NOT NULL $$,
  $$ SELECT cohort_start, sum(purchase_count) FROM cells(pg_temp.book('quarter')) GROUP BY 1 ORDER BY 1 $$, 'to date is what the cells hold');
SELECT throws_ok($$ SELECT project(pg_temp.book('month'), 'active') $$, '22023', 'unknown measure "active"', 'what does not add up is not projected');
SELECT throws_ok($$ SELECT project('month 2024-03-31 {2024-01-01 (1 0 1 1 0, 1 1 1 1 5), 2024-02-01 (1 1 1 1 5)}') $$, '22000', 'cohort of 2024-01-01 has no positive amount up to age 0', 'a ratio to nothing is refused');

-- amounts are those that the text can hold, in what comes from outside and in sums
SELECT throws_ok($$ SELECT b + b FROM (SELECT cohort_book 'month 2024-03-31 {2024-01-01 (1 1 1 1 900000000000000)}' AS b) x $$, '22003', 'amount of the cohort book is out of range', 'a sum that would not read back, of cohorts');
SELECT throws_ok($$ SELECT cohort_book('{2024-01-05 1 600000000000000}', date '2024-03-31', 'month') FROM generate_series(1, 2) $$, '22003', 'amount of the cohort book is out of range', 'in the aggregate');
SELECT throws_ok($$ SELECT period_book('{2024-01-05 1 600000000000000}', date '2024-03-31', 'month') FROM generate_series(1, 2) $$, '22003', 'figure of the period book is out of range', 'and of periods');
SELECT lives_ok($$ SELECT period_book(h, date '2024-03-31', 'month')::text::period_book FROM (VALUES ('{2024-01-05 1 600000000000000}'::purchase_history), ('{2024-01-05 1 300000000000000}')) v(h) $$, 'the largest reads back');

-- depth of repeat, and the log-rank test
SELECT is((SELECT next_purchase_curve(history, '2023-06-20', 1) FROM customer), (SELECT second_purchase_curve(history, '2023-06-20') FROM customer), 'after the first purchase comes the second');
SELECT is((SELECT next_purchase_curve(history, '2023-06-20', 3) FROM customer),
  (SELECT survival_curve(coalesce(next_day, date '2023-06-20') - day, next_day IS NOT NULL) FROM (
     SELECT day, row_number() OVER w AS nth, lead(day) OVER w AS next_day
     FROM (SELECT DISTINCT customer, day FROM bought WHERE amount >= 0 AND day <= date '2023-06-20') d WINDOW w AS (PARTITION BY customer ORDER BY day)) x WHERE nth = 3),
  'days from the third purchase day to the fourth');

-- acute myelogenous leukaemia, maintained or not (Miller 1981, p. 49), and remission under 6-mercaptopurine (Freireich et al. 1963)
SELECT results_eq($$
  SELECT round(r.chi_square::numeric, 6), round(r.p_value::numeric, 6) FROM (
    SELECT survival_curve(d, h) FILTER (WHERE arm = 1) AS a, survival_curve(d, h) FILTER (WHERE arm = 2) AS b FROM (VALUES
      (9, true, 1), (13, true, 1), (13, false, 1), (18, true, 1), (23, true, 1), (28, false, 1), (31, true, 1), (34, true, 1), (45, false, 1), (48, true, 1), (161, false, 1),
      (5, true, 2), (5, true, 2), (8, true, 2), (8, true, 2), (12, true, 2), (16, false, 2), (23, true, 2), (27, true, 2), (30, true, 2), (33, true, 2), (43, true, 2), (45, true, 2)) v(d, h, arm)) x, log_rank(a, b) r
  UNION ALL
  SELECT round(r.chi_square::numeric, 6), round(r.p_value::numeric, 6) FROM log_rank(
    '{6 3 1, 7 1 0, 9 0 1, 10 1 1, 11 0 1, 13 1 0, 16 1 0, 17 0 1, 19 0 1, 20 0 1, 22 1 0, 23 1 0, 25 0 1, 32 0 2, 34 0 1, 35 0 1}',
    '{1 2 0, 2 2 0, 3 1 0, 4 2 0, 5 2 0, 8 4 0, 11 2 0, 12 2 0, 15 1 0, 17 1 0, 22 1 0, 23 1 0}') r $$,
  $$ VALUES (3.396389, 0.065339), (16.792941, 0.000042) $$, 'the published log-rank tests of two trials');
SELECT is((SELECT log_rank(second_purchase_curve(history, '2023-06-20') FILTER (WHERE shop < 3), second_purchase_curve(history, '2023-06-20') FILTER (WHERE shop >= 3)) FROM customer),
  (SELECT log_rank(second_purchase_curve(history, '2023-06-20') FILTER (WHERE shop >= 3), second_purchase_curve(history, '2023-06-20') FILTER (WHERE shop < 3)) FROM customer),
  'which curve comes first does not matter');
SELECT is((SELECT (log_rank('{5 3 1}', '{}')).chi_square), NULL, 'a curve without customers tells nothing');

SELECT * FROM finish();
ROLLBACK;
