-- contribution, payback, discounts, the whale curve and customer equity against slow, obvious SQL
BEGIN;
SET LOCAL search_path = public, crm;
SELECT plan(41);

SELECT is(contribution(100, 40, 15.5, 20), 24.5, 'revenue less all costs');
SELECT is(contribution(100, NULL, 15.5, 20), NULL, 'an unknown cost of goods is not zero');
SELECT is(contribution(100, 40, NULL, 20), NULL, 'an unknown cost to serve is not zero');
SELECT is(contribution(100, 40, 15.5, NULL), NULL, 'an unknown acquisition cost is not zero');
SELECT throws_ok($$ SELECT contribution(100, 'NaN', 0, 0) $$, '22003', 'cost of goods NaN is not a finite number', 'NaN is no cost');
SELECT is(discount_share(200, 30), 0.15::float8, 'discount per list revenue');
SELECT is(discount_share(0, 0), NULL, 'no revenue, no share');
SELECT throws_ok($$ SELECT discount_share(10, -1) $$, '22003', 'discount -1 is negative', 'a discount is not negative');

-- payback
SELECT setseed(0.63);
CREATE TEMPORARY TABLE bought AS
SELECT (random() * 900)::int AS customer, date '2020-01-01' + (random() * 1000)::int AS day,
  CASE WHEN random() < 0.15 THEN -round((random() * 30)::numeric, 2) ELSE round((random() * 60)::numeric, 2) END AS amount
FROM generate_series(1, 6000);
CREATE TEMPORARY TABLE customer AS
SELECT customer, purchase_history(day, amount) AS history, round((customer % 7) * 11.1, 2) AS cost, (customer % 11) / 10.0 AS margin
FROM bought GROUP BY customer;
SELECT is_empty($$
  SELECT customer FROM customer c
  WHERE payback_on(history, margin, cost) IS DISTINCT FROM (
    SELECT min(day) FROM (SELECT day, sum(amount) OVER (ORDER BY day) AS cumulated FROM (
        SELECT day, sum(amount) AS amount FROM bought b WHERE b.customer = c.customer GROUP BY day) d) e
    WHERE cumulated * margin >= cost) AND NOT (margin = 0 AND cost = 0) $$,
  'payback_day is the first day on which the running sum covers the cost');
SELECT is(payback_on('{2024-01-01 1 10.00, 2024-01-02 1 20.00}', 1.0 / 3, 9.9999), '2024-01-02'::date, 'a margin that has no end');
SELECT is(payback_on('{2024-01-01 1 10.00, 2024-01-02 1 20.00}', 0.5, 15), '2024-01-02'::date, 'covered exactly is covered');
SELECT is(payback_on('{2024-01-01 1 10.00, 2024-01-02 1 20.00}', 0.5, 15.0001), NULL, 'not covered yet');
SELECT is(payback_on('{2024-01-01 1 10.00}', 0, 1), NULL, 'without a margin nothing pays back');
SELECT throws_ok($$ SELECT payback_on('{}', 1.01, 1) $$, '22023', 'margin 1.01 is out of range', 'a margin is a share');

-- the whale curve
CREATE TEMPORARY TABLE earned AS
SELECT i, CASE WHEN i % 5 = 0 THEN -round((random() * random() * 80)::numeric, 2)
    WHEN i % 97 = 0 THEN 0
    ELSE round((exp(4 * random()) * 3)::numeric, (i % 3)) END AS profit
FROM generate_series(1, 7919) i;
CREATE TEMPORARY TABLE ranked AS
SELECT i, profit, row_number() OVER w AS rank, sum(profit) OVER w AS cumulated, sum(profit) OVER () AS total, count(*) OVER () AS n
FROM earned WINDOW w AS (ORDER BY profit DESC, i);

SELECT results_eq(
  $$ SELECT customers, customer_share, profit, round(profit_share::numeric, 12)
     FROM (SELECT whale_curve(profit) AS c FROM earned) x, curve_points(c) $$,
  $$ SELECT k, k::float8 / 7919, round(coalesce(cumulated, 0), 4), round(coalesce(cumulated / total, 0), 12)
     FROM (SELECT ceil(s * 7919 / 100.0)::bigint AS k FROM generate_series(0, 100) s) s LEFT JOIN ranked ON rank = k ORDER BY k $$,
  'the points are the running sums from the most profitable customer down');
SELECT results_eq(
  $$ SELECT customers, round(profit, 2), round(profit_share::numeric, 12) FROM (SELECT whale_curve(profit) AS c FROM earned) x, curve_points(c, 7) $$,
  $$ SELECT k, coalesce(round(cumulated, 2), 0.00), coalesce(round(cumulated / total, 12), 0)
     FROM (SELECT ceil(s * 7919 / 7.0)::bigint AS k FROM generate_series(0, 7) s) s LEFT JOIN ranked ON rank = k ORDER BY k $$,
  'in as many steps as asked for');
SELECT results_eq(
  $$ SELECT customers, round(profit, 2), round(profit_share::numeric, 12) FROM (SELECT whale_curve(profit) AS c FROM earned) x, whale_peak(c) $$,
  $$ SELECT rank, round(cumulated, 2), round(cumulated / total, 12) FROM ranked ORDER BY cumulated DESC, rank LIMIT 1 $$,
  'the peak is the highest running sum');
SELECT cmp_ok((SELECT p.profit_share FROM (SELECT whale_curve(profit) AS c FROM earned) x, whale_peak(c) p), '>', 1::float8,
  'loss makers put the peak above the total');
SELECT results_eq(
  $$ SELECT decile, customers, round(profit, 2), round(profit_share::numeric, 12), round(cumulative_profit, 2), round(cumulative_share::numeric, 12)
     FROM (SELECT whale_curve(profit) AS c FROM earned) x, deciles(c) $$,
  $$ SELECT decile, count(*), round(sum(profit), 2), round(sum(profit) / max(total), 12), round(sum(sum(profit)) OVER (ORDER BY decile), 2),
       round(sum(sum(profit)) OVER (ORDER BY decile) / max(total), 12)
     FROM (SELECT *, ntile(10) OVER (ORDER BY rank) AS decile FROM ranked) x GROUP BY decile ORDER BY decile $$,
  'the deciles are those of ntile');
SELECT results_eq($$ SELECT customer_count(c), profit(c) FROM (SELECT whale_curve(profit) AS c FROM earned) x $$,
  $$ SELECT count(*), sum(profit) FROM earned $$, 'customers and profit are count and sum');
SELECT results_eq($$ SELECT customers, profit, profit_share FROM curve_points(whale_curve 'exact {-3.00 1, 2.00 1}', 2) $$,
  $$ VALUES (0::bigint, 0.0000, NULL::float8), (1, 2.0000, NULL), (2, -1.0000, NULL) $$,
  'there is no share of a loss');
SELECT is((SELECT count(*) FROM deciles(whale_curve 'exact {1.00 3}'))::int, 3, 'three customers fill three tenths');

-- order, merge, forms
SELECT is((SELECT whale_curve(profit ORDER BY random()) FROM earned), (SELECT whale_curve(profit) FROM earned), 'the order of rows does not matter');
SELECT is((SELECT merge(c) FROM (SELECT whale_curve(profit) AS c FROM earned GROUP BY i % 19) x), (SELECT whale_curve(profit) FROM earned),
  'curves of parts merge to the curve of all');
SELECT is((SELECT whale_curve(profit::float8) FROM earned), (SELECT whale_curve(profit) FROM earned), 'float8 gives what numeric gives');
SELECT is((SELECT whale_curve(profit)::text::whale_curve FROM earned), (SELECT whale_curve(profit) FROM earned), 'the text form loses nothing');
SELECT is((SELECT whale_curve(p) FROM (SELECT profit AS p FROM earned UNION ALL SELECT NULL) x), (SELECT whale_curve(profit) FROM earned),
  'an unknown profit is left out');
SELECT is((SELECT whale_curve(NULL::numeric)), NULL, 'no profit, no curve');

-- more distinct profits than are kept one by one
CREATE TEMPORARY TABLE many AS
SELECT i, ((i::bigint * 7919 % 200003) - 30000)::numeric / 7 * (1 + i % 13) AS profit FROM generate_series(1, 200000) i;
SELECT matches((SELECT left(whale_curve(profit)::text, 9) FROM many), 'buckets', 'beyond 65536 distinct profits there are buckets');
SELECT is((SELECT whale_curve(profit ORDER BY i DESC) FROM many), (SELECT whale_curve(profit) FROM many), 'the order of rows does not matter then either');
SELECT is((SELECT merge(c) FROM (SELECT whale_curve(profit) AS c FROM many GROUP BY CASE WHEN i < 1000 THEN i % 3 WHEN i < 60000 THEN 4 ELSE 5 END) x),
  (SELECT whale_curve(profit) FROM many), 'exact and bucketed parts merge to the curve of all');
SELECT is((SELECT whale_curve(profit)::text::whale_curve FROM many), (SELECT whale_curve(profit) FROM many), 'the text form loses nothing then either');
CREATE TEMPORARY TABLE many_ranked AS
SELECT row_number() OVER w AS rank, sum(round(profit, 4)) OVER w AS cumulated, sum(round(profit, 4)) OVER () AS total
FROM many WINDOW w AS (ORDER BY round(profit, 4) DESC ROWS UNBOUNDED PRECEDING);
SELECT results_eq($$ SELECT p.customers, p.profit FROM (SELECT whale_curve(profit) AS c FROM many) x, whale_peak(c) p $$,
  $$ SELECT rank, cumulated FROM many_ranked ORDER BY cumulated DESC, rank LIMIT 1 $$, 'the peak stays exact');
SELECT is((SELECT profit(whale_curve(profit)) FROM many), (SELECT sum(round(profit, 4)) FROM many), 'the sum stays exact');
SELECT cmp_ok((SELECT max(abs(profit - cumulated) / total) FROM (SELECT whale_curve(profit) AS c FROM many) x, curve_points(c) JOIN many_ranked ON rank = customers),
  '<', 0.00001, 'a point is off by less than 0.001 % of the total');
SELECT throws_ok($$ SELECT whale_curve(v) FROM (VALUES ('NaN'::numeric)) t(v) $$, '22003', 'amount NaN is out of range', 'NaN is no profit');

-- customer equity
CREATE TEMPORARY TABLE worth AS SELECT i, abs(profit) AS clv FROM earned;
SELECT results_eq(
  $$ SELECT (e).customers, (e).equity, round((e).mean_lifetime_value, 8), round((e).top_fifth_share::numeric, 12), round((e).gini::numeric, 12)
     FROM (SELECT customer_equity(clv) AS e FROM worth) x $$,
  $$ SELECT count(*), sum(clv), round(avg(clv), 8), round(concentration(clv), 12), round(gini(clv), 12) FROM worth $$,
  'customer equity is count, sum, mean, concentration and gini');
SELECT is((SELECT customer_equity(clv::float8) FROM worth), (SELECT customer_equity(clv) FROM worth), 'float8 gives what numeric gives');
SELECT is((SELECT (customer_equity(profit)).gini FROM earned), NULL, 'no Gini coefficient with negative values');
SELECT is((SELECT (customer_equity(0::numeric)).top_fifth_share), NULL, 'no share of nothing');
SELECT is((SELECT customer_equity(NULL::float8)), NULL, 'no value, no equity');

SELECT * FROM finish();
ROLLBACK;
