-- tiers: the rules one by one, at their boundaries; overrides and memberships
BEGIN;
SET LOCAL search_path = public, crm;
SELECT plan(58);

-- The timeline on one line: day tier reason, ...
CREATE FUNCTION told(p tier_program, h purchase_history, until date, overrides tier_override[] DEFAULT NULL, memberships daterange[] DEFAULT NULL)
RETURNS text LANGUAGE sql AS $$
  SELECT string_agg(format('%s %s %s', changed_on, coalesce(to_tier, '-'), reason), ', ') FROM tier_timeline(p, h, until, overrides, memberships) $$;

CREATE TEMP TABLE program AS
  SELECT '{Bronze: spend 0, Silver: spend 500, Gold: spend 2000, Platinum: spend 10000} rolling 12 months downgrade requalify'::tier_program AS rolling,
    '{Bronze: spend 0, Silver: spend 500, Gold: spend 2000, Platinum: spend 10000} rolling 12 months downgrade one_tier grace 30 days'::tier_program AS soft,
    '{Bronze: spend 0, Silver: spend 500, Gold: spend 2000} calendar year downgrade requalify'::tier_program AS yearly,
    '{Bronze: spend 0, Silver: spend 500, Gold: spend 2000} anniversary 12 months downgrade requalify'::tier_program AS anniversary;

-- thresholds
SELECT is(tier(rolling, '{2024-01-10 1 500}', '2024-01-10'), 'Silver', 'reached means exactly on the threshold') FROM program;
SELECT is(tier(rolling, '{2024-01-10 1 499.9999}', '2024-01-10'), 'Bronze', 'a ten-thousandth below is below') FROM program;
SELECT is(told(rolling, '{2024-01-10 1 5000}', '2024-02-01'), '2024-01-10 Gold qualified', 'tiers are skipped') FROM program;
SELECT is(told(rolling, '{2024-01-10 2 600, 2024-01-11 1 1400}', '2024-02-01'), '2024-01-10 Silver qualified, 2024-01-11 Gold qualified', 'an upgrade counts at once') FROM program;
SELECT is(told('{Bronze: spend 0, Silver: spend 500, Gold: spend 2000} rolling 12 months', '{2024-01-10 1 100, 2024-03-01 2 2500}', '2024-03-01'),
  '2024-01-10 Bronze enrolled, 2024-03-01 Gold qualified', 'two upgrades on one day are one');
SELECT is(told('{Silver: spend 500} rolling 12 months', '{2024-01-10 1 100, 2024-03-01 1 400}', '2025-01-10'),
  '2024-03-01 Silver qualified, 2025-01-10 - expired', 'without a base tier there may be none');

-- the rolling window: a purchase on p counts on p <= d < p + period
SELECT is(told(rolling, '{2024-02-29 1 500}', '2026-01-01'), '2024-02-29 Silver qualified, 2025-02-28 Bronze expired', '29 February and a year is 28 February') FROM program;
SELECT is(told(rolling, '{2023-02-28 1 500}', '2025-01-01'), '2023-02-28 Silver qualified, 2024-02-28 Bronze expired', '28 February and a year is 28 February') FROM program;
SELECT is(told('{A: spend 1} rolling 1 month', '{2024-01-31 1 1}', '2024-12-31'), '2024-01-31 A qualified, 2024-02-29 - expired', 'a month is cut to its length');
SELECT is((standing(rolling, '{2024-01-10 1 500}', '2024-06-01')).expires_on, '2025-01-10', 'expires_on is the first day no longer held') FROM program;
SELECT is(tier(rolling, '{2024-01-10 1 500}', '2025-01-09'), 'Silver', 'the day before it is held') FROM program;
SELECT is(told(rolling, '{2024-01-10 1 500, 2025-01-10 1 500}', '2025-06-01'), '2024-01-10 Silver qualified', 'a purchase on the expiry day keeps the tier') FROM program;
SELECT is((standing(rolling, '{2024-01-10 1 500, 2025-01-10 1 500}', '2025-06-01')).since, '2024-01-10', 'and since is the first day of the unbroken time') FROM program;
SELECT is(told(rolling, '{2024-01-10 1 500, 2025-01-11 1 500}', '2025-06-01'), '2024-01-10 Silver qualified, 2025-01-10 Bronze expired, 2025-01-11 Silver qualified',
  'one on the day after does not') FROM program;
SELECT row_eq('SELECT s.expires_on, s.missing_to_keep, s.missing_for_next FROM program, standing(rolling, ''{2024-01-10 1 400, 2024-05-10 1 300}'', ''2024-06-01'') s',
  ROW('2025-01-10'::date, 200.0000, 1300.0000), 'missing to keep is what the window lacks on that day') FROM program;

-- refunds
SELECT is(told(rolling, '{2024-01-10 1 2000, 2024-01-20 0 -1}', '2024-02-01'), '2024-01-10 Gold qualified, 2024-01-20 Silver refund', 'a refund after an upgrade takes it back on its day') FROM program;
SELECT is(tier(rolling, '{2024-01-10 1 100, 2024-01-20 0 -200}', '2024-02-01'), 'Bronze', 'the base tier stays below zero') FROM program;
SELECT is((standing(rolling, '{2024-01-10 1 100, 2024-01-20 0 -200}', '2024-02-01')).missing_for_next, 600.0000, 'and the metric is below zero') FROM program;
SELECT is(told(rolling, '{2024-01-10 1 100, 2024-01-20 0 -300, 2024-03-10 1 600}', '2025-04-10'),
  '2024-01-10 Bronze enrolled, 2025-01-20 Silver qualified, 2025-03-10 Bronze expired', 'a refund that leaves the window raises the metric') FROM program;
SELECT is(told(yearly, '{2024-01-10 1 2000, 2024-01-20 0 -1999}', '2026-02-01'), '2024-01-10 Gold qualified, 2026-01-01 Bronze expired', 'by period a tier is a promise') FROM program;

-- by period
SELECT is(told(yearly, '{2024-12-31 1 500}', '2027-01-01'), '2024-12-31 Silver qualified, 2026-01-01 Bronze expired', 'the rest of the period and the whole next one') FROM program;
SELECT is(told(yearly, '{2024-12-31 1 500, 2025-06-01 1 500}', '2027-01-01'), '2024-12-31 Silver qualified, 2026-01-01 Silver renewed, 2027-01-01 Bronze expired', 'renewed for one more') FROM program;
SELECT is((standing(yearly, '{2024-12-31 1 500, 2025-06-01 1 500}', '2025-07-01')).expires_on, '2027-01-01', 'a renewal that is certain is foreseen') FROM program;
SELECT is((standing(yearly, '{2024-12-31 1 500, 2025-06-01 1 400}', '2025-07-01')).missing_to_keep, 100.0000, 'missing to keep is what the period lacks') FROM program;
SELECT is(told(yearly, '{2024-12-31 1 500, 2026-01-01 1 500}', '2028-01-01'), '2024-12-31 Silver qualified, 2026-01-01 Silver renewed, 2028-01-01 Bronze expired',
  'a purchase on the expiry day that earns the tier renews it as reached that day') FROM program;
SELECT is(told(yearly, '{2024-03-01 1 2000, 2025-03-01 1 600}', '2027-01-01'), '2024-03-01 Gold qualified, 2026-01-01 Silver expired, 2027-01-01 Bronze expired',
  'requalify falls to what the last period earned') FROM program;
SELECT is(told('{Bronze: spend 0, Silver: spend 500} calendar year from 04-06 downgrade requalify', '{2024-04-05 1 500}', '2026-01-01'),
  '2024-04-05 Silver qualified, 2025-04-06 Bronze expired', 'a fiscal year begins on its day');
SELECT is(told('{Bronze: spend 0, Silver: spend 500} calendar quarter from 02-01 downgrade requalify', '{2024-01-31 1 500}', '2026-01-01'),
  '2024-01-31 Silver qualified, 2024-05-01 Bronze expired', 'and quarters with it');
SELECT is(told('{Bronze: spend 0, Silver: spend 500} calendar month downgrade requalify', '{2024-01-31 1 500}', '2026-01-01'),
  '2024-01-31 Silver qualified, 2024-03-01 Bronze expired', 'months too');
SELECT is(told(anniversary, '{2024-02-29 1 500}', '2030-01-01'), '2024-02-29 Silver qualified, 2026-02-28 Bronze expired', 'an anniversary of 29 February') FROM program;
SELECT is(told(anniversary, '{2020-02-29 1 1, 2023-03-01 1 500, 2024-02-28 1 500, 2025-02-28 1 500}', '2030-01-01'),
  '2020-02-29 Bronze enrolled, 2023-03-01 Silver qualified, 2025-02-28 Silver renewed, 2027-02-28 Bronze expired',
  'is counted from its origin: 28 February 2024 is still the old year, 28 February 2025 the new one') FROM program;

-- fixed lengths, grace, downgrades
SELECT is(told('{Bronze: spend 0, Silver: spend 500} rolling 12 months downgrade requalify valid 18 months', '{2024-01-31 1 500}', '2027-01-01'),
  '2024-01-31 Silver qualified, 2025-07-31 Bronze expired', 'a fixed length');
SELECT is(told('{A: spend 1} lifetime downgrade to_base valid 1 month', '{2024-01-31 1 1}', '2024-05-01'),
  '2024-01-31 A qualified, 2024-02-29 A renewed, 2024-03-31 A renewed, 2024-04-30 A renewed', 'is counted on from the day the tier was reached');
SELECT is(told(soft, '{2024-01-10 1 10000}', '2029-01-01'),
  '2024-01-10 Platinum qualified, 2025-01-10 Platinum grace, 2025-02-09 Gold soft landing, 2026-02-09 Gold grace, 2026-03-11 Silver soft landing, 2027-03-11 Silver grace, 2027-04-10 Bronze soft landing',
  'a soft landing falls tier by tier, one period each, with its grace') FROM program;
SELECT is(told('{Bronze: spend 0, Silver: spend 500, Gold: spend 2000} calendar year downgrade one_tier grace 30 days', '{2024-01-10 1 2000, 2026-01-15 1 600}', '2029-01-01'),
  '2024-01-10 Gold qualified, 2026-01-01 Gold grace, 2026-01-31 Silver soft landing, 2028-01-01 Silver grace, 2028-01-31 Bronze soft landing',
  'by period a soft landing on a tier that is earned is as good as reaching it') FROM program;
SELECT is((standing(soft, '{2024-01-10 1 10000}', '2024-02-01')).expires_on, '2025-02-09', 'the grace counts as held') FROM program;
SELECT is(told(soft, '{2024-01-10 1 600, 2025-02-08 1 500}', '2025-04-01'), '2024-01-10 Silver qualified, 2025-01-10 Silver grace, 2025-02-08 Silver renewed',
  'a purchase in the grace renews') FROM program;
SELECT is(told('{Bronze: spend 0, Silver: spend 500, Gold: spend 2000} rolling 12 months downgrade to_base', '{2024-01-10 1 1900, 2024-06-10 1 600}', '2025-06-10'),
  '2024-01-10 Silver qualified, 2024-06-10 Gold qualified, 2025-01-10 Bronze expired', 'to_base starts over: what is left in the window does not count');
SELECT is(told('{Bronze: spend 0, Silver: spend 500, Gold: spend 2000} rolling 12 months downgrade none', '{2024-01-10 1 500}', '2034-06-10'),
  '2024-01-10 Silver qualified', 'without downgrade nothing falls');
SELECT is((standing('{Bronze: spend 0, Silver: spend 500} rolling 12 months downgrade none', '{2024-01-10 1 500}', '2034-06-10')).expires_on, NULL, 'and nothing expires');
SELECT is(told('{Bronze: spend 0, Silver: spend 500 lifetime, Gold: spend 2000} rolling 12 months downgrade to_base', '{2024-01-10 1 2000}', '2034-06-10'),
  '2024-01-10 Gold qualified, 2025-01-10 Silver expired', 'a lifetime tier that was skipped holds the fall');
SELECT is(told('{Bronze: spend 0, Silver: spend 500 keep spend 300} rolling 12 months', '{2024-01-10 1 250, 2024-03-10 1 300}', '2025-04-01'),
  '2024-01-10 Bronze enrolled, 2024-03-10 Silver qualified, 2025-03-10 Bronze expired', 'a retain threshold of its own');
SELECT is(told('{Bronze: spend 0, Silver: spend 500 or orders 3} rolling 12 months', '{2024-01-10 1 5, 2024-03-10 2 5}', '2024-04-01'),
  '2024-01-10 Bronze enrolled, 2024-03-10 Silver qualified', 'another rule suffices');

-- history before the start
SELECT is(told('{Bronze: spend 0, Silver: spend 500} rolling 12 months starts 2024-01-01', '{2023-12-31 1 5000, 2024-01-01 1 5}', '2024-04-01'),
  '2024-01-01 Bronze enrolled', 'what was bought before the start does not count');
SELECT is(told('{Bronze: spend 0, Silver: spend 500} rolling 12 months starts 2024-01-01', '{2023-12-31 1 5000}', '2024-04-01'), NULL, 'and enrols nobody');

-- points
SELECT is(told('{Bronze: points 0, Silver: points 100} calendar year points rate 0.5 per_order 5 bonus 20 every 3', '{2024-01-01 1 20, 2024-02-01 1 20.99, 2024-03-01 1 50}', '2024-04-01'),
  '2024-01-01 Bronze enrolled', 'base points: 15 + 15 + 50 are 80');
SELECT is((standing('{Bronze: points 0, Silver: points 100} calendar year points rate 0.5 per_order 5 bonus 20 every 3', '{2024-01-01 1 20, 2024-02-01 1 20.99, 2024-03-01 1 50}', '2024-04-01')).missing_for_next,
  20::numeric, 'so that 20 are missing');

-- overrides
SELECT is(told(rolling, '{2024-01-10 1 100}', '2025-01-01', ARRAY[ROW('Gold', NULL, '[2024-03-01,2024-06-01)')]::tier_override[]),
  '2024-01-10 Bronze enrolled, 2024-03-01 Gold floor, 2024-06-01 Bronze override ended', 'a floor raises, until its end') FROM program;
SELECT is(told(rolling, '{2024-01-10 1 5000}', '2024-12-01', ARRAY[ROW(NULL, 'Silver', '[2024-03-01,2024-06-01)'), ROW('Gold', NULL, '[2024-05-01,)')]::tier_override[]),
  '2024-01-10 Gold qualified, 2024-03-01 Silver ceiling, 2024-06-01 Gold override ended', 'a ceiling lowers, and is stronger than a floor') FROM program;
SELECT row_eq('SELECT s.tier, s.since, s.expires_on, s.missing_to_keep, s.reason FROM program,
    standing(rolling, ''{2024-01-10 1 100}'', ''2024-04-01'', ARRAY[ROW(''Gold'', NULL, ''[2024-03-01,2024-06-01)'')]::tier_override[]) s',
  ROW('Gold'::text, '2024-03-01'::date, '2024-06-01'::date, 1900.0000, 'floor'::text), 'to keep a tier beyond its floor one must qualify');
SELECT is(tier(rolling, '{}', '2024-04-01', ARRAY[ROW('Gold', NULL, '(,)')]::tier_override[]), 'Gold', 'a floor needs no purchase') FROM program;

-- memberships
SELECT is(told(rolling, '{2024-01-10 1 600}', '2026-01-01', NULL, '{"[2024-02-01,2024-04-01)","[2024-09-01,)"}'),
  '2024-02-01 Silver joined, 2024-04-01 - not a member, 2024-09-01 Silver joined, 2025-01-10 Bronze expired', 'outside the memberships there is no tier') FROM program;
SELECT is(told(rolling, '{2024-03-10 1 600}', '2024-05-01', NULL, '{"[2024-02-01,2024-04-01)"}'),
  '2024-02-01 Bronze joined, 2024-03-10 Silver qualified, 2024-04-01 - not a member', 'joining enrols before the first purchase') FROM program;
SELECT row_eq('SELECT s.* FROM program, standing(rolling, ''{2024-01-10 1 600}'', ''2024-05-01'', NULL, ''{}'') s',
  ROW(NULL::text, 0, NULL::date, NULL::date, 600.0000, NULL::text, NULL::numeric, NULL::numeric, 'not a member'::text), 'who never joined has no tier and no next one');

-- the masked standing is the standing of every day, masked
SELECT setseed(0.5);
CREATE TEMP TABLE masked AS
  SELECT i, p, h, day, overrides, memberships
  FROM (SELECT i, (ARRAY['{Bronze: spend 0, Silver: spend 100, Gold: spend 300} rolling 40 days downgrade one_tier grace 5 days',
              '{Silver: spend 100, Gold: spend 300} calendar month downgrade requalify', '{Bronze: spend 0, Silver: spend 100, Gold: spend 300} lifetime downgrade to_base valid 25 days']
              ::tier_program[])[1 + i % 3] AS p,
          (SELECT coalesce(merge(purchase(date '2024-01-01' + (random() * 150)::int, (random() * 4 - 0.5)::int * 50, 1)), '{}') FROM generate_series(1, 6 + i * 0)) AS h,
          date '2024-01-01' + (random() * 220)::int AS day,
          (SELECT array_agg(ROW(CASE WHEN f < 0.6 THEN CASE WHEN f < 0.3 THEN 'Gold' ELSE 'Silver' END END, CASE WHEN f >= 0.6 OR i % 5 = 0 THEN 'Silver' END,
               daterange(CASE WHEN l > 0.1 THEN date '2023-12-01' + (l * 250)::int END, CASE WHEN u > 0.1 THEN date '2023-12-01' + (l * 250)::int + (u * 90)::int END))::tier_override)
           FROM (SELECT random() AS f, random() AS l, random() AS u FROM generate_series(1, i % 4)) o) AS overrides,
          CASE WHEN i % 2 = 0 THEN (SELECT coalesce(array_agg(daterange(date '2023-12-01' + (l * 250)::int, CASE WHEN u > 0.1 THEN date '2023-12-01' + (l * 250)::int + (u * 90)::int END)), '{}')
           FROM (SELECT random() AS l, random() AS u FROM generate_series(1, 1 + i % 3)) o) END AS memberships
        FROM generate_series(1, 600) i) r;
-- a first membership enrols; an endless one masks nothing
CREATE TEMP TABLE walked AS
  SELECT i, daterange(changed_on, lead(changed_on) OVER (PARTITION BY i ORDER BY changed_on)) AS days, coalesce(tier_rank(p, to_tier), 0) AS rank
  FROM masked, tier_timeline(p, until(h, day), '2025-06-01', NULL,
    CASE WHEN memberships IS NOT NULL THEN (SELECT array_agg(daterange(f, NULL)) FROM (SELECT min(lower(m)) AS f FROM unnest(memberships) m) g WHERE f IS NOT NULL) END);
CREATE INDEX ON walked (i);
CREATE TEMP TABLE every_day AS
  SELECT i, d.day, CASE WHEN memberships IS NULL OR EXISTS (SELECT FROM unnest(memberships) m WHERE m @> d.day) THEN
      least(greatest(coalesce((SELECT rank FROM walked w WHERE w.i = m.i AND w.days @> d.day), 0), (SELECT max(tier_rank(p, floor)) FROM unnest(overrides) WHERE valid @> d.day)),
            (SELECT min(tier_rank(p, ceiling)) FROM unnest(overrides) WHERE valid @> d.day)) ELSE 0 END AS rank
  FROM masked m CROSS JOIN LATERAL (SELECT date '2023-12-01' + k AS day FROM generate_series(0, 500) k) d;
CREATE INDEX ON every_day (i, day);
ANALYZE every_day;
SELECT cmp_ok((SELECT count(*) FROM masked, standing(p, h, day, overrides, memberships) s WHERE s.rank > 0 AND s.expires_on IS NOT NULL)::int, '>', 100, 'many masked standings expire');
SELECT is_empty($$
  SELECT m.i, s.rank, e.rank FROM masked m JOIN every_day e USING (i, day), standing(p, h, day, overrides, memberships) s
  WHERE s.rank <> e.rank OR tier(p, h, day, overrides, memberships) IS DISTINCT FROM s.tier$$, 'rank');
SELECT is_empty($$
  SELECT m.i, m.day, s.since, e.since FROM masked m, standing(p, h, day, overrides, memberships) s,
    LATERAL (SELECT coalesce(max(d.day) + 1, '2023-12-01') AS since FROM every_day d WHERE d.i = m.i AND d.day <= m.day AND d.rank <> s.rank) e
  WHERE s.rank > 0 AND s.since <> e.since AND s.since > '2023-12-01'$$, 'since');
SELECT is_empty($$
  SELECT m.i, m.day, s.expires_on, e.expires_on FROM masked m, standing(p, h, day, overrides, memberships) s,
    LATERAL (SELECT min(d.day) AS expires_on FROM every_day d WHERE d.i = m.i AND d.day > m.day AND d.rank < s.rank) e
  WHERE s.rank > 0 AND s.expires_on IS DISTINCT FROM e.expires_on$$, 'expires_on');
SELECT * FROM finish();
ROLLBACK;
