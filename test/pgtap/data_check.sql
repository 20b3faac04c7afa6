-- data_check: figures against plain SQL, and what makes models lie planted in made-up shops
BEGIN;
SET LOCAL search_path = public, crm, crm_internal;
SELECT plan(30);

CREATE TEMP TABLE orders (customer_id int, ordered_on date, amount numeric);
\copy orders FROM 'test/data/cdnow_sample.csv' CSV HEADER
CREATE TEMP TABLE customer AS SELECT customer_id, purchase_history(ordered_on, amount) AS history FROM orders GROUP BY 1;
CREATE TEMP TABLE cdnow AS SELECT d.* FROM (SELECT data_check(history, '1998-06-30') AS c FROM customer) s, LATERAL (SELECT (s.c).*) d;

-- figures, by plain SQL
CREATE TEMP TABLE buyer AS SELECT customer_id, b.*, first_purchased_on(history) AS first, last_purchased_on(history) AS last FROM customer, btyd(history, '1998-06-30') b;
SELECT ok(abs(spend_correlation - r) < 1e-4 AND abs(spend_correlation_error - sqrt((1 - r * r) / (n - 2))) < 1e-4, 'correlation of the logarithms is that of corr()')
FROM cdnow, (SELECT corr(ln(x), ln(mean_spend)) AS r, count(*) AS n FROM buyer WHERE x > 0 AND mean_spend > 0) s;
SELECT ok(abs(usual_gap_days - gap) < 1e-9 AND cohort_days = cohort, 'usual gap and cohort') FROM cdnow, (SELECT sum(t_x) / sum(x) AS gap, max(first) - min(first) AS cohort FROM buyer) s;
CREATE TEMP TABLE inner_purchase AS
SELECT o.customer_id, (day - first) / t_x AS place, extract(month FROM day)::int AS month
FROM (SELECT DISTINCT customer_id, ordered_on AS day FROM orders) o JOIN buyer USING (customer_id) WHERE day > first AND day < last AND day <= '1998-06-30';
SELECT ok(abs(rate_trend - (2 * p - 1)) < 1e-5 AND abs(rate_trend_error - 2 / sqrt(12 * n)) < 1e-12, 'trend: the mean place of the purchases in between') FROM cdnow, (SELECT avg(place) AS p, count(*) AS n FROM inner_purchase) s;
SELECT ok(abs(season - sqrt(greatest(0, chi_square - 11) / n)) < 1e-5, 'season: a chi-square less its degrees of freedom') FROM cdnow, (
  SELECT sum((seen - even) ^ 2 / even) AS chi_square, sum(seen) AS n FROM (
    SELECT month, sum(even) AS even, (SELECT count(*) FROM inner_purchase i WHERE i.month = e.month) AS seen FROM (
      SELECT extract(month FROM d)::int AS month, (x - 1) / (t_x - 1) AS even FROM buyer, generate_series(first + 1, last - 1, '1 day') d WHERE x > 1) e GROUP BY month) m) s;
SELECT is((SELECT data_check(history, '1998-06-30' ORDER BY customer_id DESC)::text FROM customer), (SELECT cdnow::text FROM cdnow), 'no order of rows changes it');
SELECT is((SELECT data_check_final(data_check_combine(a, b))::text FROM (SELECT
    (SELECT data_check_transition(NULL, history, '1998-06-30') FROM customer WHERE customer_id = 1) AS a,
    (SELECT data_check_transition(NULL, history, '1998-06-30') FROM customer WHERE customer_id = 6) AS b) s),
  (SELECT data_check(history, '1998-06-30')::text FROM customer WHERE customer_id IN (1, 6)), 'nor does merging');
SELECT is((data_check(history, '1997-09-30')).verdict, 'good', 'CDNOW is good as of its usual day') FROM customer;
SELECT is((data_check(history, '1997-09-30')).remarks, '{}', 'without remarks') FROM customer;

-- planted: 600 customers who came over three years, bought at a rate of their own and left
SELECT setseed(0.5);
CREATE TEMP TABLE visit AS
SELECT c, day, random() AS luck FROM (
  SELECT c, born, born + (random() * 900)::int AS gone, random() + 0.3 AS eager FROM (SELECT c, date '2020-01-01' + (random() * 900)::int AS born FROM generate_series(1, 600) c) b) b,
  LATERAL (SELECT born AS day UNION SELECT day::date FROM generate_series(born + 1, gone, '1 day') day WHERE random() < eager / 25) d;
CREATE TEMP TABLE planted AS
SELECT 'even' AS shop, c, purchase_history(day, 10 + 90 * luck::numeric) AS history FROM visit WHERE day <= '2022-12-31' GROUP BY c
UNION ALL SELECT 'christmas', c, purchase_history(day, 10 + 90 * luck::numeric) FROM visit WHERE day <= '2022-12-31' AND (extract(month FROM day) = 12 OR luck < 0.4) GROUP BY c
UNION ALL SELECT 'rising', c, purchase_history(day, 10) FROM (SELECT *, day - min(day) OVER (PARTITION BY c) AS age FROM visit) v WHERE day <= '2022-12-31' AND (age = 0 OR luck < 0.1 + age / 500.0) GROUP BY c
UNION ALL SELECT 'falling', c, purchase_history(day, 10) FROM (SELECT *, day - min(day) OVER (PARTITION BY c) AS age FROM visit) v WHERE day <= '2022-12-31' AND (age = 0 OR luck < 1 - age / 500.0) GROUP BY c
UNION ALL SELECT 'big spenders', c, purchase_history(day, count) FROM (SELECT *, count(*) OVER (PARTITION BY c) AS count FROM visit) v WHERE day <= '2022-12-31' GROUP BY c
UNION ALL SELECT 'one cohort', c, purchase_history(day - born + date '2020-01-01' + c % 20, 10 + 90 * luck::numeric) FROM (SELECT *, min(day) OVER (PARTITION BY c) AS born FROM visit) v GROUP BY c;
CREATE TEMP TABLE checked AS SELECT shop, (data_check(history, '2022-12-31')).* FROM planted GROUP BY shop;
SELECT is(verdict || array_to_string(remarks, ''), 'good', 'growth and leaving alone are nothing to remark on') FROM checked WHERE shop = 'even';
SELECT ok(verdict LIKE 'weak: purchases have a season%' AND season BETWEEN 0.3 AND 0.7, format('a season of Christmas: %s', season)) FROM checked WHERE shop = 'christmas';
SELECT ok(array_to_string(remarks, '') LIKE '%most are in December: fit by the clock of the season (crm.season)%', 'which month, and a way out') FROM checked WHERE shop = 'christmas';
SELECT ok(array_to_string((data_check(history, '2021-06-30')).remarks, '') LIKE '%most are in December (doubtful, of less than two years)%', 'less than two years are doubtful') FROM planted WHERE shop = 'christmas';
SELECT ok(verdict LIKE 'weak: customers buy more and more often, so forecasts will be too low' AND rate_trend > 0.1, format('rates that rise: %s', rate_trend)) FROM checked WHERE shop = 'rising';
SELECT ok(verdict LIKE 'weak: customers buy less and less often, so forecasts will be too high' AND rate_trend < -0.1, format('rates that fall: %s', rate_trend)) FROM checked WHERE shop = 'falling';
SELECT ok(array_to_string(remarks, '') LIKE '%spends more a purchase (correlation 0.%fit groups of customers apart%', 'spend that depends on frequency') FROM checked WHERE shop = 'big spenders';
SELECT ok(array_to_string(remarks, '') LIKE '%All customers came within 19 days%' AND cohort_days = 19, 'one cohort') FROM checked WHERE shop = 'one cohort';
SELECT ok(is_one_price AND spend_correlation IS NULL AND array_to_string(remarks, '') LIKE '%crm.one_price is the spend model%', 'one price') FROM checked WHERE shop = 'rising';
SELECT ok(verdict LIKE 'doubtful: the data span%' AND array_to_string(remarks, '') LIKE '%days apart and the data span 29: take in older purchases%', 'a span of two gaps')
FROM (SELECT (data_check(purchase_history, '2024-02-28')).* FROM (SELECT purchase_history(day, 5) FROM generate_series(1, 40) c,
  LATERAL (SELECT date '2024-01-01' + c % 16 AS day UNION ALL SELECT date '2024-01-16' + c % 16 WHERE c % 2 = 0) d GROUP BY c) h) s;
SELECT ok(verdict LIKE 'no fit%' AND cardinality(remarks) = 1, 'no fit, and what to do: ' || remarks[1])
FROM (SELECT (data_check(purchase_history, '2024-02-28')).* FROM (SELECT purchase_history(date '2024-01-01' + c, 5) FROM generate_series(1, 40) c GROUP BY c) h) s;
SELECT is((data_check(h, as_of)).remarks, '{"Nobody has bought by as_of: ask as of the last day of the data."}', 'nobody yet') FROM (VALUES (purchase_history '{2024-01-01 1 5}', date '2023-01-01')) v(h, as_of);
SELECT is((data_check(h, '9999-01-01')).season, NULL, 'purchases four thousand years apart are no season') FROM (VALUES (purchase_history '{2024-01-01 1 5,2024-02-01 1 5,6024-01-01 1 5}')) v(h);

-- states are values that anybody can write
CREATE FUNCTION pg_temp.forged(place int, number bigint) RETURNS bigint[] LANGUAGE sql AS $$
  SELECT array_agg(CASE WHEN n = place THEN number ELSE s END ORDER BY n) FROM unnest(crm_internal.data_check_transition(NULL, '{2024-01-01 1 5, 2024-03-01 1 7}', '2024-12-31')) WITH ORDINALITY u(s, n) $$;
SELECT throws_ok(format('SELECT crm_internal.data_check_final(pg_temp.forged(%s, -1))', n), '22023', 'state of data_check does not hold together', format('number %s of a state is not negative', n)) FROM generate_series(1, 8) n;
SELECT throws_ok('SELECT crm_internal.data_check_combine(pg_temp.forged(3, 2), pg_temp.forged(1, 1))', '22023', 'state of data_check does not hold together', 'repeat buyers are customers');
SELECT * FROM finish();
ROLLBACK;
