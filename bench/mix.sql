-- What a mix costs to build, from lines of purchases.

CREATE TABLE lines AS
SELECT 1 + floor(:customers * random() ^ 1.5)::int AS customer_id, 'category ' || floor(40 * random() ^ 2)::int AS category,
    date '2023-01-01' + (400 * random())::int AS ordered_on, round((100 * random())::numeric, 2) AS amount
FROM generate_series(1, :orders);
VACUUM (ANALYZE) lines;

CALL bench.alternative('mix', 'count and sum in two levels', $$
    SELECT customer_id, array_agg(category), array_agg(n), array_agg(amount)
    FROM (SELECT customer_id, category, count(*) AS n, sum(amount) AS amount FROM lines GROUP BY customer_id, category) c GROUP BY customer_id $$);

CALL bench.alternative('mix', 'mix', $$
    SELECT customer_id, crm.mix(category, ordered_on, amount) FROM lines GROUP BY customer_id $$, 'at most 1.5');

CALL bench.alternative('mix', 'mix in two levels', $$
    SELECT customer_id, crm.merge(mix)
    FROM (SELECT customer_id, category, crm.mix(category, ordered_on, amount) FROM lines GROUP BY customer_id, category) c(customer_id, category, mix) GROUP BY customer_id $$, 'at most 1.5');

-- What it answers.
CREATE TABLE mixes AS SELECT customer_id, crm.mix(category, ordered_on, amount) FROM lines GROUP BY customer_id;
VACUUM (ANALYZE) mixes;

CALL bench.alternative('mixes of customers', 'breadth', $$ SELECT sum(crm.breadth(mix, '2024-02-01')) FROM mixes $$);
CALL bench.alternative('mixes of customers', 'fit_mix_base', $$ SELECT crm.fit_mix_base(mix, '2024-02-01') FROM mixes $$);
CALL bench.alternative('mixes of customers', 'next_category', $$
    SELECT count(n.category) FROM (SELECT crm.fit_mix_base(mix, '2024-02-01') AS base FROM mixes) b, mixes, crm.next_category(b.base, mix, '2024-02-01', '90 days') n $$);
