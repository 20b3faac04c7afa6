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

-- What the words that not every program has cost: at most twice the program without them.
CALL bench.alternative('words of programs', 'tier, calendar year', $$
    SELECT customer_id, crm.tier('{Bronze: spend 0, Silver: spend 500, Gold: spend 2000, Platinum: spend 10000} calendar year', history, '2024-06-01') FROM tier_customer $$);

CALL bench.alternative('words of programs', 'rollover', $$
    SELECT customer_id, crm.tier('{Bronze: spend 0, Silver: spend 500, Gold: spend 2000, Platinum: spend 10000} calendar year rollover', history, '2024-06-01') FROM tier_customer $$, '2');

CALL bench.alternative('words of programs', 'two metrics together', $$
    SELECT customer_id, crm.tier('{Bronze: spend 0, Silver: spend 500 and orders 3, Gold: spend 2000 and orders 5, Platinum: spend 10000} calendar year', history, '2024-06-01') FROM tier_customer $$, '2');

CALL bench.alternative('words of programs', 'status match', $$
    SELECT customer_id, crm.tier('{Bronze: spend 0, Silver: spend 500, Gold: spend 2000, Platinum: spend 10000} calendar year match 90 days {Gold: 300}', history, '2024-06-01',
      ARRAY[('Gold', NULL, '[2024-02-01,2024-05-01)')::crm.tier_override]) FROM tier_customer $$, '2');

CALL bench.alternative('words of points rules', 'balance by tier', $$
    SELECT customer_id, crm.points_balance(
      'rate 1 expires 12 months rates {1, 1.25, 1.5, 2} program {Bronze: spend 0, Silver: spend 500, Gold: spend 2000, Platinum: spend 10000} rolling 12 months',
      history, NULL, '2024-06-01') FROM tier_customer $$);

CALL bench.alternative('words of points rules', 'reaching split', $$
    SELECT customer_id, crm.points_balance(
      'rate 1 expires 12 months rates {1, 1.25, 1.5, 2} reaching split program {Bronze: spend 0, Silver: spend 500, Gold: spend 2000, Platinum: spend 10000} rolling 12 months',
      history, NULL, '2024-06-01') FROM tier_customer $$, '2');

CALL bench.alternative('words of points rules', 'pending, inactivity, reinstated', $$
    SELECT customer_id, crm.points_balance(
      'rate 1 pending 14 days expires 12 months inactivity 9 months reinstated within 60 days rates {1, 1.25, 1.5, 2} program {Bronze: spend 0, Silver: spend 500, Gold: spend 2000, Platinum: spend 10000} rolling 12 months',
      history, NULL, '2024-06-01') FROM tier_customer $$, '2');

CALL bench.alternative('words of points rules', 'two programs compared', $$
    SELECT crm.compare_programs('{Bronze: spend 0, Silver: spend 500, Gold: spend 2000} rolling 12 months'::crm.tier_program, '{Bronze: spend 0, Silver: spend 500, Gold: spend 2000} calendar year', history, '[2023-01-01,2024-06-02)')
    FROM tier_customer $$, '2');
