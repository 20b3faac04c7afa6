-- corrections from rows: booked_on in the aggregate and in crm.purchase, random rows against plain SQL
SELECT plan(8);
SET search_path = public, crm;

-- random histories: rows in any order, split and merged, net amounts by plain SQL
SELECT setseed(0.5);
CREATE TEMP TABLE line AS
  SELECT i % 60 AS customer, date '2024-01-01' + (random() * 300)::int AS bought, (random() * 100)::numeric(8,2) AS amount, 1 AS n, NULL::date AS booked
  FROM generate_series(1, 900) i;
INSERT INTO line SELECT customer, bought, -round(amount * (random() * 1.0)::numeric, 2), 0, bought + 1 + (random() * 40)::int FROM line WHERE random() < 0.4;
CREATE TEMP TABLE made AS SELECT customer, purchase_history(bought, amount, n, booked) AS h, purchase_history(bought, amount, n, booked ORDER BY booked DESC, amount) AS shuffled,
    merge(purchase(bought, amount, n, booked)) AS merged, purchase_history(bought, amount, n, booked) FILTER (WHERE amount::text LIKE '%1') AS a,
    purchase_history(bought, amount, n, booked) FILTER (WHERE amount::text NOT LIKE '%1') AS b
  FROM line GROUP BY customer;
SELECT is_empty('SELECT * FROM made WHERE shuffled <> h OR merged <> h OR a + b <> h OR h - a <> b OR h::text::purchase_history <> h', 'any order, split and merge, plus and minus, text');
SELECT is_empty($$
  SELECT m.customer, d FROM made m, unnest('{2024-02-01,2024-05-15,2024-09-30,2025-06-01}'::date[]) AS d
  WHERE spend(until(m.h, d)) <> (SELECT coalesce(sum(l.amount), 0) FROM line l WHERE l.customer = m.customer AND l.bought <= d AND (l.booked IS NULL OR l.booked <= d))$$, 'spend as known on a day');
SELECT is_empty($$
  SELECT m.customer, d FROM made m, unnest('{2024-05-15,2024-09-30}'::date[]) AS d
  WHERE ARRAY(SELECT ROW(p.purchased_on, p.amount) FROM purchases(until(m.h, d)) AS p ORDER BY p.purchased_on)::text
     <> ARRAY(SELECT ROW(l.bought, sum(l.amount)::numeric(20,4)) FROM line l WHERE l.customer = m.customer AND l.bought <= d AND (l.booked IS NULL OR l.booked <= d) GROUP BY l.bought ORDER BY l.bought)::text$$,
  'each purchase day with its net amount');
SELECT is_empty($$
  SELECT m.customer FROM made m WHERE spend(within(m.h, '[2024-03-01,2024-06-30]'))
    <> (SELECT coalesce(sum(l.amount), 0) FROM line l WHERE l.customer = m.customer AND l.bought BETWEEN '2024-03-01' AND '2024-06-30')$$, 'a cut keeps all corrections of what it keeps');
SELECT is_empty($$SELECT m.customer FROM made m WHERE (SELECT count(*) FROM corrections(m.h)) <>
    (SELECT count(*) FROM (SELECT FROM line l WHERE l.customer = m.customer AND l.booked IS NOT NULL GROUP BY bought, booked HAVING sum(l.amount) <> 0) AS c)$$, -- none is of nothing
  'corrections as rows');
SELECT is(purchase(NULL, -5, 1, '2024-01-20')::text, '{2024-01-20 0 -5.00}', 'a refund whose purchase is not known is one of its own day');
SELECT is(purchase('2024-01-10', 5, 1, '2024-01-10')::text, '{2024-01-10 1 5.00}', 'what is booked on its day is no correction');
SELECT is(drop_refunded('{2024-01-01 1 10, 2024-01-05 0 -10 of 2024-01-01, 2024-02-01 1 5}', '2024-01-03')::text, '{2024-01-01 1 10.00}', 'what is not yet refunded is kept');
