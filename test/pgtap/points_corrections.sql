-- points with rates by tier, per order and bonuses, under corrections, against a
-- slow reference in plain SQL: the award of a day at the rate of the tier at its
-- start, as it was told then; of it what is left, net over gross; points of orders
-- and bonuses by the orders left.
--
-- psql -v cases=20000 runs more of them, -v seed=0.7 others.
\if :{?cases}
\else
\set cases 300
\endif
\if :{?seed}
\else
\set seed 0.141421
\endif
SET client_min_messages = warning;
SET search_path = public, crm;
SELECT plan(6);
SELECT setseed(:seed) IS NOT NULL AS seeded;
CREATE TEMP TABLE bought AS SELECT c, d AS day, min(1 + (random() * 2)::int) AS n, sum(round((random() * 200)::numeric + 0.01, 2)) AS gross
  FROM generate_series(1, :cases) c, LATERAL (SELECT date '2024-01-01' + (random() * 150 + c * 0)::int AS d FROM generate_series(1, 6)) s GROUP BY 1, 2;
CREATE TEMP TABLE back AS SELECT c, day, booked, sum(n) AS n, sum(amount) AS amount FROM (
    SELECT c, day, day + 1 + (random() * random() * 90)::int AS booked, CASE WHEN kind < 0.3 THEN -n ELSE 0 END AS n,
      CASE WHEN kind < 0.6 THEN -gross ELSE -round(gross * (random() * 0.9)::numeric, 2) END AS amount
    FROM (SELECT *, random() AS kind FROM bought) b WHERE random() < 0.5) s GROUP BY 1, 2, 3;
CREATE TEMP TABLE program AS SELECT row_number() OVER () AS no, p::tier_program AS program FROM (VALUES
  ('{Bronze: spend 0, Silver: spend 150, Gold: spend 350} rolling 60 days'),
  ('{Bronze: spend 0, Silver: spend 150, Gold: spend 350} rolling 60 days downgrade one_tier'),
  ('{Bronze: spend 0, Silver: spend 150, Gold: orders 6} calendar quarter on_refund revoke'),
  ('{Bronze: spend 0, Silver: spend 150, Gold: spend 350} calendar quarter'),
  ('{Bronze: spend 0, Silver: spend 150, Gold: spend 350} lifetime on_refund revoke')) v(p);
CREATE TEMP TABLE made AS SELECT c, h, date '2024-01-20' + (random() * 250)::int AS as_of, 1 + c % 5 AS no, (ARRAY['{1,1.5,2}', '{0.5,1,3}'])[1 + c % 2]::numeric[] AS rates
  FROM (SELECT c, merge(h) AS h FROM (SELECT c, purchase(day, gross, n::int) AS h FROM bought UNION ALL SELECT c, purchase(day, amount, n::int, booked) FROM back) p GROUP BY c) m;
ALTER TABLE made ADD rule points_rule, ADD with_expiry points_rule;
UPDATE made m SET rule = points_rule(rate => 1, purchase_points => 3, bonus_points => 50, bonus_every => 4, program => p.program, rates => m.rates),
  with_expiry = points_rule(rate => 1, program => p.program, rates => m.rates, expiry => '40 days') FROM program p WHERE p.no = m.no;

-- what each day earned, by the tier that was told then, and what is left of it
CREATE TEMP TABLE award AS
  SELECT m.c, b.day, b.n + k.n AS orders, t.rank, floor(coalesce(m.rates[t.rank], 1) * b.gross) AS award,
    least(greatest(floor(floor(coalesce(m.rates[t.rank], 1) * b.gross) * (b.gross + k.amount) / b.gross + 0.5), 0), floor(coalesce(m.rates[t.rank], 1) * b.gross)) AS remaining
  FROM made m JOIN program p USING (no) JOIN bought b ON b.c = m.c AND b.day <= m.as_of,
    LATERAL (SELECT coalesce(sum(amount), 0) AS amount, coalesce(sum(n), 0) AS n FROM back k WHERE (k.c, k.day) = (b.c, b.day) AND k.booked <= m.as_of) k,
    -- who is not enrolled yet has the plain rate
    LATERAL (SELECT (standing(p.program, until(m.h, b.day - 1), b.day)).rank) t;
CREATE TEMP TABLE reference AS SELECT m.c, sum(a.remaining) + 3 * sum(a.orders) + 50 * floor(sum(a.orders) / 4) AS points,
    coalesce(sum(a.remaining) FILTER (WHERE a.day + 40 > m.as_of), 0) AS unexpired
  FROM made m JOIN award a USING (c) GROUP BY m.c, m.as_of;
SELECT is_empty('SELECT m.c, m.rule, m.h, m.as_of, r.points AS expected, points_balance(m.rule, m.h, NULL, m.as_of) AS found FROM made m JOIN reference r USING (c)
  WHERE r.points <> points_balance(m.rule, m.h, NULL, m.as_of) ORDER BY length(m.h::text) LIMIT 3', 'rates by tier, points of orders and bonuses follow what is left');
SELECT is_empty('SELECT m.c, m.with_expiry, m.h, m.as_of, r.unexpired AS expected, points_balance(m.with_expiry, m.h, NULL, m.as_of) AS found FROM made m JOIN reference r USING (c)
  WHERE r.unexpired <> points_balance(m.with_expiry, m.h, NULL, m.as_of) ORDER BY length(m.h::text) LIMIT 3', 'what has expired is not taken again, at any rate');
SELECT is_empty('SELECT m.c, m.rule, m.h, m.as_of FROM made m, LATERAL (SELECT sum(points) AS points FROM points_statement(m.rule, m.h, NULL, m.as_of)) s
  WHERE coalesce(s.points, 0) <> points_balance(m.rule, m.h, NULL, m.as_of)', 'the statement adds up to the balance');
SELECT is_empty('SELECT m.c FROM made m, LATERAL (SELECT s::text FROM points_statement(m.rule, until(m.h, m.as_of - 30), NULL, m.as_of - 30) s EXCEPT SELECT s::text FROM points_statement(m.rule, m.h, NULL, m.as_of) s) x',
  'what was told is not rewritten');
SELECT cmp_ok((SELECT count(*) FROM award WHERE rank > 1 AND remaining < award)::int, '>', :cases / 4, 'many awards of higher tiers were taken back in part');
SELECT cmp_ok((SELECT count(DISTINCT (no, rank)) FROM award JOIN made USING (c) WHERE rank > 0)::int, '=', 15, 'at every tier of every program');
SELECT * FROM finish();
