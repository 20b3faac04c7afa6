-- tier programs, points rules and challenges as text, jsonb and by their constructors: random values, each made into each
--
-- psql -v cases=5000 makes more of them, -v seed=0.7 others.
\if :{?cases}
\else
\set cases 60
\endif
\if :{?seed}
\else
\set seed 0.1618
\endif
BEGIN;
SET LOCAL search_path = public, crm;
SET LOCAL client_min_messages = warning;
SELECT plan(20);
SELECT setseed(:seed);
CREATE FUNCTION pick(VARIADIC choices text[]) RETURNS text LANGUAGE sql AS $$ SELECT choices[1 + floor(random() * cardinality(choices))::int] $$;

-- ---- values out of the constructors, told what jsonb says ----

CREATE FUNCTION rules(single jsonb, together jsonb) RETURNS text LANGUAGE sql AS $$
  SELECT string_agg(rule, ' or ') FROM (
    SELECT key || ' ' || value AS rule FROM jsonb_each_text(single)
    UNION ALL SELECT (SELECT string_agg(key || ' ' || value, ' and ') FROM jsonb_each_text(c)) FROM jsonb_array_elements(coalesce(together, '[]')) c) r $$;
CREATE FUNCTION constructed(j jsonb) RETURNS tier_program LANGUAGE sql AS $$
  SELECT tier_program(array_agg(t ->> 'tier' ORDER BY n), metric => j ->> 'metric', window_kind => j ->> 'window_kind',
    period => CASE WHEN j ->> 'window_kind' NOT LIKE 'calendar%' THEN (j ->> 'period')::interval END, downgrade => j ->> 'downgrade', grace => (j ->> 'grace')::interval,
    validity => (j ->> 'validity')::interval, lifetime_tiers => array_agg(t ->> 'tier') FILTER (WHERE (t ->> 'lifetime')::boolean), fiscal_start => j ->> 'fiscal_start',
    starts_on => (j ->> 'starts_on')::date, points_rate => (j #>> '{points,rate}')::numeric, purchase_points => (j #>> '{points,order_points}')::bigint,
    bonus_points => (j #>> '{points,bonus_points}')::bigint, bonus_every => (j #>> '{points,bonus_every}')::bigint, points_per => (j #>> '{points,per}')::numeric,
    points_rounding => j #>> '{points,rounding}', on_refund => j ->> 'on_refund', rollover => j ->> 'rollover', proof_period => (j ->> 'proof_period')::interval,
    proof => CASE WHEN j ->> 'proof_period' IS NOT NULL THEN array_agg((j #>> ARRAY['proof', t ->> 'tier'])::numeric ORDER BY n) END, fee => (j ->> 'fee')::numeric,
    fee_period => (j ->> 'fee_period')::interval, renewal_fee => (j ->> 'renewal_fee')::numeric,
    benefits => '{' || (SELECT string_agg(format('"%s": "%s"', replace(b ->> 'benefit', '"', '""'), replace(b ->> 'tier', '"', '""')), ', ' ORDER BY no) FROM jsonb_array_elements(j -> 'benefits') WITH ORDINALITY x(b, no)) || '}',
    rules => array_agg(rules(t -> 'qualify', t -> 'qualify_together') ORDER BY n), retain_rules => array_agg(rules(t -> 'retain', t -> 'retain_together') ORDER BY n))
  FROM jsonb_array_elements(j -> 'tiers') WITH ORDINALITY x(t, n) $$;
CREATE FUNCTION constructed_rule(j jsonb) RETURNS points_rule LANGUAGE sql AS $$
  SELECT points_rule((j ->> 'rate')::numeric, (j ->> 'order_points')::bigint, (j ->> 'bonus_points')::bigint, (j ->> 'bonus_every')::bigint, (j ->> 'expiry')::interval,
    CASE WHEN j ->> 'program' IS NOT NULL THEN constructed(j -> 'program') END,
    rates => (SELECT array_agg(r::numeric ORDER BY n) FROM jsonb_array_elements_text(nullif(j -> 'tier_rates', 'null')) WITH ORDINALITY x(r, n)),
    per => (j ->> 'per')::numeric, rounding => j ->> 'rounding', pending => (j ->> 'pending')::interval, expires_at => j ->> 'expires_at',
    last_day_inclusive => (j ->> 'last_day_inclusive')::boolean, inactivity => (j ->> 'inactivity')::interval, reinstatement => (j ->> 'reinstatement')::interval,
    never_negative => (j ->> 'never_negative')::boolean,
    tier_expiry => (SELECT array_agg(e::interval ORDER BY n) FROM jsonb_array_elements_text(nullif(j -> 'tier_expiry', 'null')) WITH ORDINALITY x(e, n)), reaching => j ->> 'reaching') $$;
CREATE FUNCTION constructed_challenge(j jsonb) RETURNS challenge LANGUAGE sql AS $$
  SELECT challenge(j ->> 'metric', (j ->> 'target')::numeric, (j ->> 'within')::interval, j ->> 'period', (j ->> 'starts_on')::date, (j ->> 'ends_on')::date, (j ->> 'reward')::bigint) $$;

-- ---- random ones ----

-- So much of a metric, at least.
CREATE FUNCTION asked(metric text, lowest int) RETURNS text LANGUAGE sql AS $$
  SELECT metric || ' ' || CASE metric WHEN 'spend' THEN (lowest + round((random() * 40)::numeric, 4))::text ELSE (lowest + floor(random() * 40))::text END $$;
-- Rules of a tier: metrics alone, the main one always, and up to three that join others.
CREATE FUNCTION random_rules(main text, lowest int, metrics text[], n int) RETURNS text LANGUAGE sql AS $$
  SELECT concat_ws(' or ', asked(main, lowest), (SELECT string_agg(asked(m, lowest), ' or ') FROM unnest(metrics) m WHERE m <> main AND random() < 0.4),
    (SELECT string_agg((SELECT string_agg(asked(m, lowest), ' and ' ORDER BY m = main DESC) FROM (SELECT m FROM unnest(metrics) m ORDER BY random() + i * 0 LIMIT 2 + i % 2) x), ' or ') FROM generate_series(1, n) i)) $$;
CREATE FUNCTION random_program(i int) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  names text[] := (ARRAY['A', '"Tier of ""B"""', 'c_3', '"großartig, sehr: {x}"'])[1:1 + i % 4];
  metrics text[] := '{spend,orders,purchase_days,points}';
  main text := metrics[1 + i / 4 % 4];
  by_period boolean;
  p text := '';
BEGIN
  FOR k IN 1..cardinality(names) LOOP
    p := p || CASE WHEN k > 1 THEN ', ' ELSE '' END || names[k] || ': ' || CASE WHEN k = 1 AND i % 3 = 0 THEN main || ' 0' ELSE random_rules(main, k * 100 + 50, metrics, floor(random() * 4)::int) END
      || CASE WHEN i % 7 > 0 AND NOT (k = 1 AND i % 3 = 0) AND random() < 0.3 THEN ' keep ' || random_rules(main, k * 100, metrics, floor(random() * 2)::int) ELSE '' END
      || CASE WHEN random() < 0.2 THEN ' lifetime' ELSE '' END;
  END LOOP;
  p := '{' || p || '} ' || pick('rolling 12 months', 'rolling 1 month 10 days', 'calendar year', 'calendar year from 04-06', 'calendar quarter from 02-01', 'calendar month', 'calendar week', 'calendar week(sunday)',
    'calendar year(july)', 'anniversary 6 months', 'lifetime');
  by_period := p ~ '} (calendar|anniversary)';
  p := p || CASE WHEN i % 7 = 0 THEN ' downgrade none' ELSE pick('', ' downgrade requalify', ' downgrade to_base', CASE WHEN p ~ '} lifetime' THEN '' ELSE ' downgrade one_tier' END)
      || pick('', ' grace 30 days', ' grace 1 month 2 days') || pick('', ' valid 12 months', ' valid 45 days') END
    || pick('', ' starts 2024-02-29') || ' points rate ' || pick('1', '0.00000001', '2.5') || pick('', ' per 7', ' per 0.5') || pick('', ' round up', ' round half') || pick('', ' per_order 5') || pick('', ' bonus 100 every 10')
    || pick('', ' on_refund revoke', ' on_refund keep') || CASE WHEN by_period THEN pick('', ' rollover', ' rollover up to 50') ELSE '' END
    || CASE WHEN p !~ '} lifetime' THEN pick('', format(' match 90 days {%s: 40}', names[cardinality(names)])) ELSE '' END
    || pick('', ' fee 49.5 every 12 months', ' fee 60 every 1 month renewal 50') || pick('', format(' benefits {"free ""shipping""": %s, lounge: %s}', names[1], names[cardinality(names)]));
  RETURN p;
END $$;

-- Some of them contradict themselves (a threshold to keep a tier above that to reach it): what is refused is left out.
CREATE FUNCTION read_program(p text) RETURNS tier_program LANGUAGE plpgsql AS $$ DECLARE r tier_program; BEGIN r := p; RETURN r; EXCEPTION WHEN invalid_parameter_value OR invalid_text_representation THEN RETURN NULL; END $$;
CREATE TEMP TABLE programs AS SELECT i, t, read_program(t) AS p FROM (SELECT i, random_program(i) AS t FROM generate_series(1, :cases * 2) i OFFSET 0) r;
DELETE FROM programs WHERE p IS NULL;
SELECT cmp_ok((SELECT count(*) FROM programs)::int, '>=', :cases, 'as many programs as asked for');
SELECT is_empty('SELECT p FROM programs WHERE p::text::tier_program <> p OR p::text::tier_program::text <> p::text', 'the text of a program is the program');
SELECT is_empty('SELECT p FROM programs WHERE p::jsonb::tier_program <> p OR p::jsonb::tier_program::jsonb <> p::jsonb', 'so is its jsonb');
SELECT is_empty('SELECT p, constructed(p::jsonb) FROM programs WHERE constructed(p::jsonb) <> p', 'and what the constructor makes of its fields');
SELECT is_empty('SELECT j FROM (SELECT p, p::jsonb AS j FROM programs) x GROUP BY j HAVING count(DISTINCT p) > 1', 'programs that differ have other jsonb');
SELECT is_empty($$SELECT word FROM unnest('{keep,lifetime,rolling,calendar year,from 04-06,calendar quarter,calendar month,calendar week downgrade,calendar week(sunday),anniversary,none,one_tier,to_base,grace,valid,starts,per 7,round up,per_order,bonus,revoke,rollover up to,rollover match,match,renewal,benefits,and}'::text[]) word
  WHERE NOT EXISTS (SELECT FROM programs WHERE strpos(p::text, word) > 0)$$, 'with every word of theirs');

-- Rules of points over some of these programs.
CREATE FUNCTION read_rule(r text) RETURNS points_rule LANGUAGE plpgsql AS $$ DECLARE v points_rule; BEGIN v := r; RETURN v; EXCEPTION WHEN invalid_parameter_value OR invalid_text_representation THEN RETURN NULL; END $$;
CREATE TEMP TABLE point_rules AS SELECT i, t, read_rule(t) AS r FROM (
  -- a program that counts points counts those of its rule
  SELECT c.i, concat(coalesce(substring(p::text FROM ' points (rate .*?)(?: on_refund| rollover| match| fee| benefits|$)'),
      concat('rate ', pick('1', '0.125', '3'), pick('', ' per 900', ' per 0.25'), pick('', ' round up', ' round half per purchase', ' round down in parts'), pick('', ' per_order 3'), pick('', ' bonus 5 every 2'))),
    pick('', ' pending 14 days', ' pending 1 month'), pick('', ' expires 12 months', ' expires 6 months inclusive', ' expires end of month', ' expires end of quarter from 02-01 after 30 days', ' expires end of year from 04-06 after 12 months'),
    pick('', ' inactivity 18 months', ' inactivity 3 months inclusive'), pick('', ' reinstated within 90 days'), pick('', ' never negative'),
    (SELECT format(' rates {%s}%s%s program %s', string_agg(pick('1', '2', '0.5') || left(k::text, 0), ', '),
        CASE WHEN c.i % 4 = 0 THEN ' expiries {' || string_agg(pick('never', '12 months', '20 days') || left(k::text, 0), ', ') || '}' || pick('', '', ' inclusive') END,
        CASE WHEN p::jsonb ->> 'metric' = 'spend' THEN pick('', ' reaching new', ' reaching old', ' reaching split') ELSE pick('', ' reaching new') END, p)
      FROM generate_series(1, jsonb_array_length(p::jsonb -> 'tiers')) k HAVING p IS NOT NULL)) AS t
  FROM generate_series(1, :cases * 3) c(i) LEFT JOIN programs ON programs.i = c.i / 2 AND c.i % 2 = 0 OFFSET 0) x;
DELETE FROM point_rules WHERE r IS NULL;
SELECT cmp_ok((SELECT count(*) FROM point_rules)::int, '>=', :cases, 'as many rules as asked for');
SELECT is_empty('SELECT r FROM point_rules WHERE r::text::points_rule <> r OR r::text::points_rule::text <> r::text', 'the text of a rule is the rule');
SELECT is_empty('SELECT r FROM point_rules WHERE r::jsonb::points_rule <> r OR r::jsonb::points_rule::jsonb <> r::jsonb', 'so is its jsonb');
SELECT is_empty('SELECT r, constructed_rule(r::jsonb) FROM point_rules WHERE constructed_rule(r::jsonb) <> r', 'and what the constructor makes of its fields');
SELECT is_empty($$SELECT word FROM unnest('{per 900,round up,per purchase,in parts,per_order,bonus,pending,expires,months inclusive,end of month,end of quarter from 02-01,end of year from 04-06 after,inactivity,months inclusive,reinstated,never negative,rates,expiries,reaching new,reaching split,program}'::text[]) word
  WHERE NOT EXISTS (SELECT FROM point_rules WHERE strpos(r::text, word) > 0)$$, 'with every word of theirs');

-- Challenges.
CREATE TEMP TABLE challenges AS SELECT concat(CASE WHEN i % 3 = 0 THEN 'streak ' || i || ' ' || pick('day', 'week', 'week(sunday)', 'month', 'quarter(february)', 'year(april)')
    ELSE pick('spend', 'orders', 'purchase_days') || ' ' || i || pick('', ' within 30 days', ' within 2 months 3 days') END,
  pick('', ' from 2024-02-29'), pick('', ' until 2025-01-31'), pick('', ' reward 500'))::challenge AS c FROM generate_series(1, :cases) i;
SELECT is_empty('SELECT c FROM challenges WHERE c::text::challenge <> c OR c::text::challenge::text <> c::text', 'the text of a challenge is the challenge');
SELECT is_empty('SELECT c FROM challenges WHERE c::jsonb::challenge <> c OR c::jsonb::challenge::jsonb <> c::jsonb', 'so is its jsonb');
SELECT is_empty('SELECT c FROM challenges WHERE constructed_challenge(c::jsonb) <> c', 'and what the constructor makes of its fields');

-- ---- the shorter ways ----

SELECT is(or_rule(and_rule(tier_program('{A,B}', '{0,4000}', period => '12 months', retain => '{NULL,3000}'), 'orders', '{NULL,4}', '{NULL,3}'), 'spend', '{NULL,5000}'),
  '{A: spend 0, B: spend 4000 and orders 4 or spend 5000 keep spend 3000 and orders 3} rolling 12 months', 'a metric joined to another, or more of it alone');
SELECT is(or_rule(and_rule(and_rule(tier_program('{A,B}', '{10,4000}', period => '12 months'), 'orders', '{2,4}'), 'purchase_days', '{NULL,3}'), 'purchase_days', '{NULL,9}'),
  '{A: spend 10 and orders 2, B: spend 4000 and orders 4 and purchase_days 3 or purchase_days 9} rolling 12 months', 'three of them together, or one');
SELECT throws_ok($$SELECT or_rule('{A: spend 0, B: spend 5 or orders 2} lifetime', 'orders', '{NULL,3}')$$, '22023', 'orders threshold of tier "B" is given twice', 'one threshold of a metric alone');
SELECT throws_ok($$SELECT tier_program('{A}', '{0}', window_kind => 'lifetime', rules => '{spend 0}')$$, '22023', 'tiers cannot have both thresholds and rules', 'thresholds or rules');
SELECT throws_ok($$SELECT challenge('streak', 3, '30 days', 'month')$$, '22023', 'a streak is not within a length', 'periods follow each other');
SELECT throws_ok($$SELECT '{"metric": "orders"}'::jsonb::challenge$$, '22023', 'a challenge needs a metric and a target', 'a challenge asks for something');
SELECT * FROM finish();
ROLLBACK;
