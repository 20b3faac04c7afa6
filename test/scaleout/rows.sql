-- rows from which every aggregate of crm can be asked: a column for each name and type of
-- an argument, and the calls, made from the catalogue. A new kind of argument without a column is an error of the tests.
CREATE TABLE split_rows AS
SELECT id, id % 5 AS region,
  -- numbers and words
  x, x::float8 AS x_double_precision, CASE WHEN x = 0 THEN 0 ELSE 20 + id % 100 END::float8 AS t_x, 150 + id % 30 AS age_days, (150 + id % 30)::float8 AS age,
  least(x, 5) AS occasion_x, CASE WHEN x = 0 THEN 0 ELSE 6 + id % 4 END AS last_occasion, 10 AS occasions, money, money::float8 AS number,
  (5 + id % 40 + money / 1000)::float8 AS mean_spend, (id % 11)::int AS score, id % 2 = 0 AS treated, 1 + id % 300 AS days, id % 3 > 0 AS happened,
  'c' || id / 3 AS referrer, 'c' || id AS referred, date '2024-01-01' + (id * 7919 % 500) AS day,
  '2025-01-01 00:00+00'::timestamptz + id * interval '1 minute' AS instant, (ARRAY['message', 'complaint', 'request', 'visit'])[1 + id % 4] AS kind,
  (ARRAY['email', 'phone', 'shop'])[1 + id % 3] AS channel, (ARRAY['consent', 'contract'])[1 + id % 2] AS basis, (ARRAY['books', 'toys', 'food'])[1 + id % 3] AS category,
  tstzrange('2024-01-01 00:00+00'::timestamptz + id * interval '1 hour', NULL) AS validity,
  ARRAY[daterange(date '2023-01-01' + id % 90, CASE WHEN id % 3 = 0 THEN date '2024-01-01' + id % 200 END)] AS contracts,
  h.history, h.redeemed, ARRAY[(date '2024-03-01' + id % 90, 1 + id % 50, date '2025-01-01' + id % 300)::crm.points_gift] AS gifts
FROM generate_series(1, 600) id, LATERAL (SELECT (id * id % 7) AS x, ((id::bigint * 15485863 % 20000003) / 100.0)::numeric AS money) v,
  LATERAL (SELECT crm.purchase_history(date '2024-01-01' + (id * 7919 + n * n * 104729) % 520, (1 + (id * 31 + n * 17) % 300)::numeric) AS history,
      crm.purchase_history(date '2025-05-01' + id % 40, 1::numeric) FILTER (WHERE n = 0 AND id % 4 = 0) AS redeemed FROM generate_series(0, x) n) h;

-- values that merge, each of a few rows
CREATE TABLE split_values AS
SELECT id / 3 AS id, id / 3 % 5 AS region, crm.merge(history) AS history, crm.interaction_history(instant, kind, channel, 'inbound') AS interactions, crm.consents(channel, basis, validity) AS consents,
  crm.retention_curve(history, '2025-06-30', 'month') AS retention_curve, crm.second_purchase_curve(history, '2025-06-30') AS survival_curve, crm.whale_curve(money) AS whale_curve,
  crm.referral_network(referrer, referred, money) AS referral_network, crm.cohort_book(history, '2025-06-30', 'month') AS cohort_book,
  crm.period_book(history, '2025-06-30', 'month') AS period_book, crm.renewals(contracts, '2025-06-30', 'month') AS renewal_curve,
  crm.uplift_curve(score, treated, money::float8) AS uplift_curve, crm.profile(channel, category, 'stated', 'shop', instant) AS profile, crm.mix(category, day, money) AS mix, crm.lift_arms(channel, money::float8, score, category) AS lift_arms,
  crm.deeds('promise', category, instant, instant + interval '1 day', instant + interval '2 days', money) AS deeds,
  crm.breakage('rate 1 expires 12 months', history, redeemed, '2025-06-30') AS breakage_curve,
  crm.compare_programs('{A: spend 0, B: spend 300} calendar year'::crm.tier_program, '{A: spend 0, B: orders 3} calendar year', history, '[2024-01-01,2025-06-30]') AS program_comparison
FROM split_rows GROUP BY id / 3;

-- what stands for an argument of a name and a type, and of which aggregate where it is not of all
CREATE TABLE split_arguments (name text, type text, value text, of text DEFAULT '%');
INSERT INTO split_arguments VALUES
  ('actual', 'float8', 'number'), ('arm', 'text', 'channel'), ('stratum', 'text', 'category'), ('question', 'text', 'category'), ('score', 'numeric', 'score::numeric'), ('age', 'float8', 'age'), ('amount', 'float8', 'number'), ('amount', 'numeric', 'money'), ('as_of', 'date', 'date ''2025-06-30'''),
  ('as_of', 'timestamptz', 'timestamptz ''2025-06-30 00:00+00'''), ('attribute', 'text', 'channel'), ('balance', 'int8', 'id::bigint'), ('base_points', 'crm.purchase_history', 'NULL::crm.purchase_history'), ('basis', 'text', '''calendar'''),
  ('before', 'float8', 'mean_spend'), ('bins', 'int4', '4'), ('booked_on', 'date', 'day + 3'), ('breakage_rate', 'numeric', '0.1::numeric'), ('by', 'text', '''purchased'''),
  ('category', 'text', 'category'), ('channel', 'text', 'channel'), ('clv', 'float8', 'number'), ('clv', 'numeric', 'money'), ('confidence', 'float8', '0.5::float8'),
  ('contracts', 'daterange[]', 'contracts'), ('cost', 'numeric', 'money'), ('days', 'daterange', '''[2024-01-01,2025-06-30]''::daterange'), ('during', 'daterange', '''[2024-01-01,2025-06-30]''::daterange'), ('days', 'int4', 'days'), ('derived_from', 'text[]', 'NULL::text[]'),
  ('direction', 'text', '''inbound'''), ('done_at', 'timestamptz', 'instant + interval ''1 day'''), ('due_at', 'timestamptz', 'instant + interval ''2 days'''),
  ('expected', 'float8', 'mean_spend'), ('frequency', 'float8', 'x::float8'), ('frequency', 'int8', '(1 + x)::bigint'), ('gifts', 'crm.points_gift[]', 'gifts'), ('half_life', 'interval', 'interval ''30 days'''),
  ('happened', 'bool', 'happened'), ('history', 'crm.purchase_history', 'history'), ('how_known', 'text', '''stated'''), ('kind', 'text', 'kind'), 
  ('known_at', 'timestamptz', 'instant'), ('last_occasion', 'int4', 'last_occasion'), ('made_at', 'timestamptz', 'instant'), ('mean_spend', 'float8', 'mean_spend'),
  ('model', 'crm.purchase_model', 'crm.bg_nbd(0.2426, 4.4136, 0.7929, 2.4259, 7)'), ('monetary', 'float8', 'number'), ('monetary', 'numeric', 'money'), ('name', 'text', 'category'),
  ('nth', 'int4', '2'), ('occasions', 'int4', 'occasions'), ('occurred_at', 'timestamptz', 'instant'), ('other', 'crm.points_rule', '''rate 2 expires 6 months''::crm.points_rule'),
  ('other', 'crm.tier_program', '''{A: spend 0, B: orders 3} calendar year''::crm.tier_program'), ('other_base_points', 'crm.purchase_history', 'NULL::crm.purchase_history'), ('outcome', 'text', 'NULL::text'), ('period', 'text', '''month'''), ('point_value', 'numeric', '0.01::numeric'),
  ('profit', 'float8', 'number'), ('profit', 'numeric', 'money'), ('program', 'crm.points_rule', '''rate 1 expires 12 months''::crm.points_rule'),
  ('program', 'crm.tier_program', '''{A: spend 0, B: spend 300} calendar year''::crm.tier_program'), ('purchase_count', 'int4', '1 + x'), ('purchased_at', 'timestamptz', 'instant'),
  ('purchased_at', 'timestamp', 'instant AT TIME ZONE ''UTC'''), ('purchased_on', 'date', 'day'), ('purchases', 'crm.purchase_history', 'history'), ('purpose', 'text', 'channel'), ('purposes', 'text[]', 'NULL::text[]'),
  ('recency', 'float8', 'age'), ('recency', 'int4', 'age_days'), ('redeemed', 'crm.purchase_history', 'redeemed'), ('referred', 'text', 'referred'), ('referrer', 'text', 'referrer'),
  ('covariates', 'crm.covariates', 'crm.covariates(''{region}'', ARRAY[id % 3], ARRAY[id % 3])'), ('holdout_days', 'int4', '90'),
  ('season', 'crm.season', 'crm.season(''month'', ''{0.7,0.8,0.9,1,1,1,1,1,1.1,1.2,1.1,1.2}'')'),
  ('resolved_at', 'timestamptz', 'NULL::timestamptz'), ('rule', 'crm.points_rule', '''rate 1 expires 12 months''::crm.points_rule'), ('score', 'float8', 'score::float8'), ('score', 'int4', 'score'),
  ('share', 'float8', '0.1::float8'), ('source', 'text', '''shop'''), ('spend', 'crm.spend_model', 'crm.gamma_gamma(6.25, 3.74, 15.44)'), ('t_x', 'float8', 't_x'),
  ('time_zone', 'text', '''Europe/Paris'''), ('treated', 'bool', 'treated'), ('unit_days', 'int4', '7'), ('until', 'date', 'date ''2026-06-30'''), ('valid', 'tstzrange', 'NULL::tstzrange'), ('validity', 'tstzrange', 'validity'),
  ('value', 'float8', 'number'), ('value', 'numeric', 'money'), ('value', 'text', 'category'), ('worth', 'numeric', 'money'), ('x', 'float8', 'x::float8'), ('x', 'int4', 'occasion_x');
INSERT INTO split_arguments VALUES ('kind', 'text', '''promise''', 'deeds'), ('basis', 'text', 'basis', 'consents'), ('score', 'int4', 'NULL::int', 'interaction_history'), ('score', 'int4', '1 + score % 5', 'csat'), ('score', 'int4', '1 + score % 5', 'effort_score');

-- every aggregate that takes rows or values, as a call over one of the tables; NULL where an argument has none
CREATE VIEW split_calls AS
SELECT p.oid::regprocedure::text AS aggregate,
  CASE WHEN bool_or(a.in_values) THEN 'split_values' ELSE 'split_rows' END AS of,
  CASE WHEN bool_and(a.value IS NOT NULL) THEN format('crm.%I(%s)', p.proname, string_agg(a.value, ', ' ORDER BY a.place)) END AS call
FROM pg_aggregate g JOIN pg_proc p ON p.oid = g.aggfnoid
CROSS JOIN LATERAL (
  SELECT i AS place, c.column_name IS NOT NULL AS in_values,
    coalesce(c.column_name, (SELECT s.value FROM split_arguments s WHERE s.name = p.proargnames[i] AND s.type::regtype = p.proargtypes[i - 1] AND p.proname LIKE s.of ORDER BY s.of DESC LIMIT 1)) AS value
  FROM generate_series(1, p.pronargs) i
  LEFT JOIN LATERAL (SELECT attname::text AS column_name FROM pg_attribute v WHERE v.attrelid = 'split_values'::regclass AND v.attnum > 0 AND v.atttypid = p.proargtypes[i - 1]
      AND v.atttypid::regtype::text LIKE 'crm.%' AND (p.proname = 'merge' OR p.proname IN ('fit_mix_base', 'affinity'))) c ON true) a
WHERE p.pronamespace = 'crm'::regnamespace AND coalesce(p.proargnames[1], '') <> 'state'
  AND g.aggtransfn <> ALL (SELECT oid FROM pg_proc WHERE proname = 'purchase_history_without_zone') -- which only say what is missing
  AND p.oid NOT IN ('crm.fit_pareto_nbd(crm.purchase_history, date, crm.season)'::regprocedure, 'crm.fit_pareto_nbd(crm.purchase_history, date, int, crm.season, crm.covariates)'::regprocedure, 'crm.fit_mbg_cnbd_k(crm.purchase_history, date, crm.season)'::regprocedure) -- which refuse
  AND NOT 'crm.breakage_curve'::regtype = ANY (p.proargtypes[1:])
GROUP BY p.oid, p.proname;
