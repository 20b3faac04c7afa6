-- What a history costs to build, against the figures that plain SQL would keep.

CALL bench.alternative('history from numeric amounts', 'count, min, max, sum', $$
    SELECT customer_id, count(*), min(ordered_on), max(ordered_on), sum(amount)
    FROM orders GROUP BY customer_id $$);

CALL bench.alternative('history from numeric amounts', 'purchase_history', $$
    SELECT customer_id, crm.purchase_history(ordered_on, amount)
    FROM orders GROUP BY customer_id $$, 'at most 1.2');

-- Plain SQL that merges the orders of one day first, as the models want them.
CALL bench.alternative('history from numeric amounts', 'days merged, then count, min, max, sum', $$
    SELECT customer_id, count(*), min(ordered_on), max(ordered_on), sum(amount)
    FROM (SELECT customer_id, ordered_on, sum(amount) AS amount FROM orders GROUP BY customer_id, ordered_on) d
    GROUP BY customer_id $$, 'at least 3 x ours');

-- Plain SQL that keeps all that a history holds.
CALL bench.alternative('history from numeric amounts', 'days merged, then arrays', $$
    SELECT customer_id, array_agg(ordered_on), array_agg(orders), array_agg(amount)
    FROM (SELECT customer_id, ordered_on, count(*) AS orders, sum(amount) AS amount
          FROM orders GROUP BY customer_id, ordered_on ORDER BY customer_id, ordered_on) d
    GROUP BY customer_id $$, 'at least 3 x ours');

CALL bench.alternative('history from float8 amounts', 'count, min, max, sum', $$
    SELECT customer_id, count(*), min(ordered_on), max(ordered_on), sum(amount_float8)
    FROM orders GROUP BY customer_id $$);

CALL bench.alternative('history from float8 amounts', 'purchase_history', $$
    SELECT customer_id, crm.purchase_history(ordered_on, amount_float8)
    FROM orders GROUP BY customer_id $$);
