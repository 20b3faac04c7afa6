-- breakage against a slow reference: what became of each point, the estimate and its error in plain SQL; and against
-- simulated shops whose truth is known. psql -v repetitions=1000 simulates more of them.
\if :{?repetitions}
\else
\set repetitions 60
\endif
SELECT plan(15);
SET search_path = public, crm, crm_internal;

-- Customers who buy on one day for each award, redeem some of it and return some; no two awards of one overlap, so that all is known by hand.
SELECT setseed(0.42);
CREATE TEMP TABLE award AS
  SELECT c, k, date '2020-01-01' + (k - 1) * 100 + (random() * 20)::int AS day, 10 + floor(random() * 90)::int AS points FROM generate_series(1, 200) c, generate_series(1, 3) k;
ALTER TABLE award ADD redeemed_on date, ADD redeemed int DEFAULT 0, ADD returned_on date, ADD returned int DEFAULT 0;
UPDATE award SET returned_on = day + 1 + floor(random() * 10)::int, returned = floor(random() * 10)::int + 1 WHERE random() < 0.3;
UPDATE award SET redeemed_on = day + 12 + floor(random() * 40)::int, redeemed = ceil(random() * (points - returned))::int WHERE random() < 0.7;
CREATE TEMP TABLE customer AS
  SELECT c, date '2020-09-20' AS as_of, merge(purchase(day, points)) + coalesce(merge(purchase(day, -returned, 0, returned_on)) FILTER (WHERE returned > 0), '{}') AS purchases,
    purchase_history(redeemed_on, redeemed::numeric, 0) FILTER (WHERE redeemed > 0) AS redeemed FROM award GROUP BY c;
CREATE TEMP TABLE measured AS SELECT breakage('rate 1 expires 60 days', purchases, redeemed, as_of) AS curve FROM customer;

-- Each point's end by hand.
CREATE TEMP TABLE ended AS
  SELECT c, age, sum(redeemed)::bigint AS redeemed, sum(expired)::bigint AS expired, sum(taken_back)::bigint AS taken_back, sum(open)::bigint AS open FROM (
    SELECT c, redeemed_on - day AS age, redeemed, 0 AS expired, 0 AS taken_back, 0 AS open FROM award WHERE redeemed_on <= '2020-09-20'
    UNION ALL SELECT c, returned_on - day, 0, 0, returned, 0 FROM award WHERE returned_on <= '2020-09-20'
    UNION ALL SELECT c, 60, 0, points - redeemed - returned, 0, 0 FROM award WHERE day + 60 <= '2020-09-20'
    UNION ALL SELECT c, date '2020-09-20' - day, 0, 0, 0, points - CASE WHEN redeemed_on <= '2020-09-20' THEN redeemed ELSE 0 END - CASE WHEN returned_on <= '2020-09-20' THEN returned ELSE 0 END
      FROM award WHERE day <= '2020-09-20' AND day + 60 > '2020-09-20') e GROUP BY c, age;
CREATE TEMP TABLE by_age AS SELECT age, sum(redeemed) AS r, sum(expired) AS e, sum(taken_back) AS t, sum(open) AS o FROM ended GROUP BY age HAVING sum(redeemed + expired + taken_back + open) > 0;
SELECT is_empty('SELECT age, redeemed, expired, taken_back, open FROM measured, curve_points(curve) EXCEPT SELECT age, r, e, t, o FROM by_age', 'every point ends as by hand');
SELECT is_empty('SELECT age, r, e, t, o FROM by_age EXCEPT SELECT age, redeemed, expired, taken_back, open FROM measured, curve_points(curve)', 'and none is missed');
SELECT is((SELECT at_risk FROM measured, curve_points(curve) ORDER BY age LIMIT 1), (SELECT sum(points)::bigint FROM award WHERE day <= '2020-09-20'), 'all points are at risk first');

-- Aalen and Johansen, the product taken by logarithms.
CREATE TEMP TABLE estimate AS
  SELECT age, n, p_open, sum(before * r / n) OVER w AS p_redeemed, sum(before * e / n) OVER w AS p_expired, sum(before * t / n) OVER w AS p_taken_back
  FROM (SELECT *, coalesce(lag(p_open) OVER (ORDER BY age), 1) AS before FROM (
          SELECT *, CASE WHEN bool_or(r + e + t = n) OVER w THEN 0 ELSE exp(sum(ln(CASE WHEN r + e + t = n THEN 1 ELSE 1 - (r + e + t)::float8 / n END)) OVER w) END AS p_open
          FROM (SELECT age, r::float8, e::float8, t::float8, sum(r + e + t + o) OVER (ORDER BY age DESC)::float8 AS n FROM by_age) a WINDOW w AS (ORDER BY age)) b) c WINDOW w AS (ORDER BY age);
SELECT is_empty($$
  SELECT p.age FROM measured, curve_points(curve) p JOIN estimate e USING (age)
  WHERE abs(p.p_open - e.p_open) > 1e-12 OR abs(p.p_redeemed - e.p_redeemed) > 1e-12 OR abs(p.p_expired - e.p_expired) > 1e-12 OR abs(p.p_taken_back - e.p_taken_back) > 1e-12
     OR abs(p.p_open + p.p_redeemed + p.p_expired + p.p_taken_back - 1) > 1e-12$$, 'the probabilities are those of Aalen and Johansen, and add up to 1');
SELECT is_empty($$
  SELECT p.age FROM measured, curve_points(curve) p JOIN estimate e USING (age), (SELECT * FROM estimate ORDER BY age DESC LIMIT 1) l
  WHERE e.p_open > 0 AND (abs(breakage_rate - (l.p_expired - e.p_expired) / e.p_open) > 1e-12 OR abs(p_redeemed_later - (l.p_redeemed - e.p_redeemed) / e.p_open) > 1e-12
    OR breakage_rate IS DISTINCT FROM breakage_rate(curve, p.age))$$, 'what is open is redeemed or expires later with the rest of them');
SELECT is((SELECT breakage_rate(curve, 61) IS NULL AND breakage_rate(curve) = (SELECT max(p_expired) FROM curve_points(curve)) FROM measured), true, 'NULL beyond the oldest age, all that expires of an award');

-- The standard error: without each group once, by the groups that the text form names.
CREATE TEMP TABLE entry AS SELECT split_part(e[1], '/', 1)::int AS age, split_part(split_part(e[1], '/', 2), ' ', 1)::int AS grp, e[1] AS entry FROM measured, regexp_matches(curve::text, '(\d+/\d+ \d+ \d+ \d+ \d+)', 'g') e;
SELECT is_empty($$
  SELECT p.age, p.standard_error, j.se FROM measured, curve_points(curve) p, LATERAL (
    SELECT sqrt((count(*) - 1) * var_pop(breakage_rate(rest, p.age))) AS se FROM (
      SELECT g, (SELECT format('{%s}', string_agg(entry, ', ' ORDER BY age, grp)) FROM entry WHERE grp <> g)::breakage_curve AS rest FROM (SELECT DISTINCT grp AS g FROM entry) gs) r) j
  WHERE p.age IN (0, 15, 30, 45) AND abs(p.standard_error - j.se) > 1e-9$$, 'the standard error is that of leaving out each group once');
SELECT is((SELECT merge(part) FROM (SELECT breakage('rate 1 expires 60 days', purchases, redeemed, as_of) AS part FROM customer GROUP BY c % 7) p), (SELECT curve FROM measured), 'parts merge to the whole');
SELECT is((SELECT curve::text::breakage_curve FROM measured), (SELECT curve FROM measured), 'the text form loses nothing');

-- what is owed: each open award times its probability, an age that was not seen in full
SELECT is((SELECT round(points_liability('rate 1 expires 60 days', purchases, redeemed, date '2020-07-30', 0.01, curve), 8) FROM customer, measured),
  (SELECT round(sum(round((a.points * p)::numeric, 4) * 0.01), 8) FROM customer, measured, points_awards('rate 1 expires 60 days', purchases, redeemed, '2020-07-30') a,
     LATERAL (SELECT (SELECT max(p_redeemed) FROM curve_points(curve)) AS total) t,
     LATERAL (SELECT CASE WHEN '2020-07-30' - a.awarded_on > (SELECT max(age) FROM curve_points(curve)) THEN 1
         ELSE coalesce((SELECT (total - p_redeemed) / nullif(p_open, 0) FROM curve_points(curve) WHERE age <= '2020-07-30' - a.awarded_on ORDER BY age DESC LIMIT 1), total) END AS p) b), 'the liability is that of the awards');
SELECT is(points_liability('rate 1', '{2020-01-01 1 50}', NULL, date '2020-07-30', 0.02, '{}'), 1.0000, 'all is owed where nothing is known');

-- a correction that comes after the expiry, and one that gives back
SELECT is((SELECT breakage('rate 1 expires 1 month', '{2024-01-01 1 100, 2024-03-01 0 -40 of 2024-01-01, 2024-06-01 1 50, 2024-06-03 0 -50 of 2024-06-01, 2024-06-05 0 20 of 2024-06-01}', NULL, '2024-06-10')::text ~ '^\{2/\d+ 0 0 30 0, 9/\d+ 0 0 0 20, 31/\d+ 0 60 0 0\}$'), true,
  'what was refunded after it had expired did not expire, what was given back was not taken');
-- Shops of 160 customers, who redeem each award with a probability of their own, at an age of 1 to 59 days: half of what is awarded is
-- redeemed. The awards of one customer end alike, and one in three is seen for less than its 60 days.
SELECT setseed(0.7);
CREATE TEMP TABLE shop AS
  SELECT r, breakage('rate 1 expires 60 days', purchases, redeemed, date '2020-09-20') AS curve FROM (
    SELECT r, c, merge(purchase(day, 100)) AS purchases, purchase_history(day + age, 100.0, 0) FILTER (WHERE redeems AND day + age <= '2020-09-20') AS redeemed
    FROM (SELECT r, c, date '2020-07-22' - (k - 1) * 61 + (k = 1)::int * shift AS day, 1 + floor(random() * 59)::int AS age, random() < p AS redeems
          FROM (SELECT r, c, random() AS p, floor(random() * 59)::int AS shift FROM generate_series(1, :repetitions) r, generate_series(1, 160) c OFFSET 0) s, generate_series(1, 3) k OFFSET 0) a GROUP BY r, c) s GROUP BY r;
CREATE TEMP TABLE estimated AS SELECT r, age, breakage_rate, standard_error, p_redeemed_later FROM shop, LATERAL (SELECT * FROM curve_points(curve) WHERE age <= 30 ORDER BY age DESC LIMIT 1) p;
-- of those open at age a: the half that expires against half of the redemptions, (59 - a) / 59 of which are to come
SELECT cmp_ok((SELECT abs(avg(breakage_rate - 0.5 / (0.5 + 0.5 * (59 - age) / 59.0))) / (stddev_samp(breakage_rate) / sqrt(count(*))) FROM estimated)::float8, '<', 3.5::float8, 'the estimate is that of the simulation');
SELECT cmp_ok((SELECT avg(standard_error ^ 2) / var_samp(breakage_rate) FROM estimated)::float8, '>', 0.6::float8, 'its standard error is not too small');
SELECT cmp_ok((SELECT avg(standard_error ^ 2) / var_samp(breakage_rate) FROM estimated)::float8, '<', 1.7::float8, 'nor too large, with the awards of a customer ending alike');
SELECT * FROM finish();
