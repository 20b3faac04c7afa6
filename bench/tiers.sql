-- What a standing costs: at most 3 us each (3 s for the million customers of the default).

-- Ten purchases a customer over three years, about a third of the customers above the lowest tier.
CREATE TABLE tier_customer AS
  SELECT i AS customer_id, crm.purchase_history(date '2022-01-01' + ((i::bigint * 7919 + j * 104729) % 1000)::int, 5.0 + (i * 31 + j * 17) % 200) AS history
  FROM generate_series(1, :customers) i, generate_series(1, 10) j GROUP BY i;
VACUUM (ANALYZE) tier_customer;

CALL bench.alternative('standing on a day', 'spend (reads the histories)', $$
    SELECT customer_id, crm.spend(history) FROM tier_customer $$);

CALL bench.alternative('standing on a day', 'tier, rolling year', $$
    SELECT customer_id, crm.tier('{Bronze: spend 0, Silver: spend 500, Gold: spend 2000, Platinum: spend 10000} rolling 12 months downgrade one_tier grace 30 days',
      history, '2024-06-01') FROM tier_customer $$);

CALL bench.alternative('standing on a day', 'standing, rolling year', $$
    SELECT customer_id, s.* FROM tier_customer, crm.standing(
      '{Bronze: spend 0, Silver: spend 500, Gold: spend 2000, Platinum: spend 10000} rolling 12 months downgrade one_tier grace 30 days',
      history, '2024-06-01') s $$, 'at most 3 us each');

CALL bench.alternative('standing on a day', 'standing, calendar year', $$
    SELECT customer_id, s.* FROM tier_customer, crm.standing(
      '{Bronze: spend 0, Silver: spend 500, Gold: spend 2000, Platinum: spend 10000} calendar year downgrade one_tier grace 30 days',
      history, '2024-06-01') s $$, 'at most 3 us each');

-- The executor makes a table of one row for each LATERAL call; a subquery that stays one has none to make.
CALL bench.alternative('standing on a day', 'standing as a column, rolling year', $$
    SELECT customer_id, (s).* FROM (SELECT customer_id, crm.standing(
      '{Bronze: spend 0, Silver: spend 500, Gold: spend 2000, Platinum: spend 10000} rolling 12 months downgrade one_tier grace 30 days',
      history, '2024-06-01') AS s FROM tier_customer OFFSET 0) c $$, 'at most 3 us each');

CALL bench.alternative('standing on a day', 'standing as a column, calendar year', $$
    SELECT customer_id, (s).* FROM (SELECT customer_id, crm.standing(
      '{Bronze: spend 0, Silver: spend 500, Gold: spend 2000, Platinum: spend 10000} calendar year downgrade one_tier grace 30 days',
      history, '2024-06-01') AS s FROM tier_customer OFFSET 0) c $$, 'at most 3 us each');

CALL bench.alternative('standing on a day', 'points balance by tier', $$
    SELECT customer_id, crm.points_balance(
      'rate 1 expires 12 months rates {1, 1.25, 1.5, 2} program {Bronze: spend 0, Silver: spend 500, Gold: spend 2000, Platinum: spend 10000} rolling 12 months',
      history, NULL, '2024-06-01') FROM tier_customer $$);
