-- two programs on the same past against plain SQL: a timeline, a tier and a statement for each customer
BEGIN;
SET LOCAL search_path = public, crm;
SELECT plan(16);
CREATE TEMP TABLE shopper AS
  SELECT i, purchase_history(date '2023-01-01' + (i * 37 + j * 53) % 700, (5 + (i * 31 + j * 17) % 200)::numeric)
      + CASE WHEN i % 3 = 0 THEN purchase(date '2023-01-01' + (i * 37 + 53) % 700, -(5 + (i * 31 + 17) % 200)::numeric, 0, date '2023-01-01' + (i * 37 + 53) % 700 + 20) ELSE '{}' END AS history,
    CASE WHEN i % 2 = 0 THEN purchase_history(date '2024-05-01' + i % 90, 30 + i % 50, 0) END AS redeemed
  FROM generate_series(1, 400) i, generate_series(1, 7) j GROUP BY i;
INSERT INTO shopper VALUES (401, '{}'), (402, '{2026-01-01 1 5}'), (403, NULL);
CREATE TEMP TABLE terms AS SELECT daterange('2024-01-01', '2025-01-01') AS days,
  '{Silver: spend 300, Gold: spend 600} rolling 12 months'::tier_program AS program, '{Bronze: spend 0, "Silver plus": spend 400 or orders 6, Gold: spend 700} calendar year grace 30 days'::tier_program AS other,
  'rate 1 expires 12 months rates {1, 2} program {Silver: spend 300, Gold: spend 600} rolling 12 months'::points_rule AS rule, 'rate 1 per 2 expires end of year'::points_rule AS other_rule;
CREATE TEMP TABLE compared AS SELECT compare_programs(program, other, history, days) AS c, compare_programs(rule, other_rule, history, redeemed, days) AS r FROM shopper, terms;

CREATE TEMP TABLE expected AS
  SELECT which, p, i, tier(p, history, upper(days) - 1) AS tier, (standing(p, history, upper(days) - 1)).rank FROM shopper, terms, LATERAL (VALUES ('program', program), ('other', other)) v(which, p) WHERE history IS NOT NULL;
SELECT results_eq($$SELECT program, tier, customer_count FROM compared, compared_tiers(c) WHERE customer_count > 0 ORDER BY 1, 2$$,
  $$SELECT which, tier, count(*) FROM expected GROUP BY 1, 2 ORDER BY 1, 2$$, 'customers per tier are those of crm.tier');
SELECT results_eq($$SELECT program, tier, upgrade_count, downgrade_count FROM compared, compared_tiers(c) WHERE upgrade_count + downgrade_count > 0 ORDER BY 1, 2$$,
  $$SELECT which, to_tier, count(*) FILTER (WHERE to_rank > coalesce(tier_rank(p, from_tier), 0)), count(*) FILTER (WHERE to_rank < coalesce(tier_rank(p, from_tier), 0))
    FROM shopper, terms, LATERAL (VALUES ('program', program), ('other', other)) v(which, p), tier_timeline(p, history, upper(days) - 1) t
    WHERE changed_on >= lower(days) AND to_rank <> coalesce(tier_rank(p, from_tier), 0) AND reason <> 'enrolled' GROUP BY 1, 2 ORDER BY 1, 2$$, 'upgrades and downgrades are those of the timelines');
SELECT results_eq($$SELECT tier, other_tier, customer_count FROM compared, compared_moves(c) ORDER BY 1, 2$$,
  $$SELECT a.tier, b.tier, count(*) FROM expected a JOIN expected b USING (i) WHERE a.which = 'program' AND b.which = 'other' GROUP BY 1, 2 ORDER BY 1, 2$$, 'customers by both tiers are those who hold both');
SELECT results_eq($$SELECT program, earned, expired, open FROM compared, compared_points(r) ORDER BY 1$$,
  $$SELECT which, sum(earned)::bigint, sum(expired)::bigint, sum(greatest(points_balance(rl, history, redeemed, upper(days) - 1), 0))::bigint
    FROM shopper, terms, LATERAL (VALUES ('program', rule), ('other', other_rule)) v(which, rl),
      LATERAL (SELECT coalesce(sum(points) FILTER (WHERE kind IN ('earned', 'reinstated')), 0) AS earned, -coalesce(sum(points) FILTER (WHERE kind = 'expired'), 0) AS expired
        FROM points_statement(rl, history, redeemed, upper(days) - 1) WHERE booked_on >= lower(days)) s WHERE history IS NOT NULL GROUP BY 1 ORDER BY 1$$, 'points are those of the statements and balances');
SELECT is((SELECT array_agg(tier ORDER BY rank) FROM compared, compared_tiers(r) WHERE program = 'other'), '{NULL,all}', 'a rule without a program has one tier for all');
SELECT is((SELECT count(*) FROM compared, compared_points(c)), 0::bigint, 'tier programs have no points');
SELECT is((SELECT ARRAY[merge(c), merge(r)] FROM (SELECT compare_programs(program, other, history, days) AS c, compare_programs(rule, other_rule, history, redeemed, days) AS r FROM shopper, terms GROUP BY i % 7) p),
  (SELECT ARRAY[c, r] FROM compared), 'parts merge to the whole');
SELECT is((SELECT ARRAY[c::text::program_comparison, r::text::program_comparison] FROM compared), (SELECT ARRAY[c, r] FROM compared), 'the text form loses nothing');
SELECT is((SELECT compare_programs(program, other, history, days) FROM shopper, terms WHERE history IS NULL), NULL, 'nobody is nothing');
SELECT throws_ok($$SELECT compare_programs(p, other, history, days) FROM shopper, terms, (VALUES ('{A: spend 0} lifetime'::tier_program), ('{B: spend 0} lifetime')) v(p)$$, '22023', 'programs of other tiers on another row', 'two programs at a time');
SELECT throws_ok($$SELECT compare_programs(program, other, history, d) FROM shopper, terms, (VALUES ('[2024-01-01,2025-01-01)'::daterange), ('[2024-01-01,2025-02-01)')) v(d)$$, '22023', 'days from 2024-01-01 until 2024-12-31 on one row, from 2024-01-01 until 2025-01-31 on another', 'over one range of days');
SELECT throws_ok($$SELECT merge(v) FROM (SELECT c AS v FROM compared UNION ALL SELECT compare_programs(program, other, history, '[2024-01-01,2025-02-01)') FROM shopper, terms) u$$, '22023', 'comparisons over different days cannot be added', 'which are those of every part');
SELECT throws_ok($$SELECT replace(c::text, '2024-12-31', '2023-12-31')::program_comparison FROM compared$$, '22P02', 'days of a program_comparison are not in order', 'and in order');
-- gifts are open under both, base points are of the rule that rounds per purchase
SELECT results_eq($$SELECT p.* FROM compared_points((SELECT compare_programs('rate 1 expires 12 months'::points_rule, 'rate 2', h, NULL, '[2024-01-01,2025-01-01)', NULL, NULL, ARRAY[('2024-02-01', 50, '2024-06-01'), ('2024-03-01', 20, NULL), ('2025-03-01', 99, NULL)]::points_gift[]) FROM (VALUES ('{2024-01-05 1 10}'::purchase_history)) v(h))) p$$,
  $$VALUES ('program'::text, 10::bigint, 50::bigint, 30::bigint), ('other', 20, 50, 40)$$, 'gifts are received, expire and are open');
SELECT results_eq($$SELECT p.program, p.earned FROM (SELECT compare_programs('rate 1 per 10 round down per purchase'::points_rule, 'rate 1 per 10', h, NULL, '[2024-01-01,2025-01-01)', base, NULL, NULL) AS c
    FROM (SELECT purchase_history(day, a) AS h, purchase_history(day, base_points('rate 1 per 10 round down per purchase', a)::numeric) AS base FROM (VALUES (date '2024-01-05', 15.0), ('2024-01-05', 15)) v(day, a)) x) y, compared_points(c) p$$,
  $$VALUES ('program'::text, 2::bigint), ('other', 3)$$, 'two purchases of 15 are two points one by one, three together');
SELECT throws_ok($$SELECT merge(v) FROM (SELECT c AS v FROM compared UNION ALL SELECT r FROM compared) u$$, '22023', 'comparisons of different programs cannot be added', 'and so when merged');
SELECT * FROM finish();
ROLLBACK;
