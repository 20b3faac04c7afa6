-- Every rule type can be made from the jsonb that it casts to.
BEGIN;
SET LOCAL search_path = public, crm;
SELECT plan(69);

-- Types whose values are observations, counts of them or states: no form and no tool writes one.  A new type stands here, or casts both ways.
CREATE TEMP TABLE observed AS SELECT unnest('{breakage_curve,cohort_book,consents,covariates,deeds,deeds_state,exact_sums,expected_revenue_state,interaction_history,interaction_history_state,mix,mix_state,named_sums,
  period_book,profile,profile_state,program_comparison,purchase_forecast,purchase_history,purchase_model_state,referral_network,relationship_level,renewal_curve,retention_curve,rfm,rfm_scale_state,
  spend_model_state,survival_curve,uplift_curve,value_list_state,whale_curve}'::text[]) AS name;
CREATE TEMP TABLE rule_types AS SELECT typname::text AS name, t.oid AS of FROM pg_type t WHERE typnamespace = 'crm'::regnamespace AND typtype = 'b' AND typcategory <> 'A' AND typname NOT IN (SELECT name FROM observed);
SELECT is_empty($$SELECT name FROM observed WHERE to_regtype('crm.' || name) IS NULL$$, 'no name of a type that is gone stands here');
SELECT is_empty($$SELECT name FROM rule_types r WHERE NOT EXISTS (SELECT FROM pg_cast WHERE castsource = r.of AND casttarget = 'jsonb'::regtype)$$, 'every rule type casts to jsonb');
SELECT is_empty($$SELECT name FROM rule_types r WHERE NOT EXISTS (SELECT FROM pg_cast WHERE casttarget = r.of AND castsource = 'jsonb'::regtype)$$, 'and can be made of it');
SELECT cmp_ok((SELECT count(*) FROM rule_types), '>=', 15::bigint, 'which are fifteen at least');
SELECT is(jsonb_populate_record(NULL::delight_policy, to_jsonb(d)), d, 'a rule that is a row needs no cast') FROM (SELECT ROW(0.1, interval '30 days', 5, 2.5, 0.05)::delight_policy AS d) r;

-- Numbers as languages write them that have but one kind of number: 5.00 for 5.
CREATE FUNCTION pg_temp.with_zeros(value jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  RETURN CASE jsonb_typeof(value) WHEN 'number' THEN to_jsonb(round(value::numeric, scale(value::numeric) + 2))
    WHEN 'array' THEN (SELECT coalesce(jsonb_agg(pg_temp.with_zeros(e) ORDER BY n), '[]') FROM jsonb_array_elements(value) WITH ORDINALITY AS a(e, n))
    WHEN 'object' THEN (SELECT coalesce(jsonb_object_agg(k, pg_temp.with_zeros(e)), '{}') FROM jsonb_each(value) AS o(k, e)) ELSE value END;
END $$;
SELECT is(pg_temp.with_zeros('{"a": [1, {"b": 0.5}]}')::text, '{"a": [1.00, {"b": 0.500}]}', 'zeros at the end of every number');

-- A value of each, with all that its type may have; each comes back to the last bit, and its text with it, also with zeros at the end of its numbers.
CREATE FUNCTION pg_temp.comes_back(type text, value text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  same boolean;
BEGIN
  EXECUTE format('SELECT j::%1$I = v AND j::%1$I::text = v::text AND pg_temp.with_zeros(j)::%1$I::text = v::text FROM (SELECT v, v::jsonb AS j FROM (SELECT %2$L::%1$I AS v) a) b', type, value) INTO same;
  RETURN ok(same, format('%s comes back: %s', type, left(value, 60)));
END $$;
SELECT pg_temp.comes_back(type, value) FROM (VALUES
  ('rfm_scale', 'recency: 95, 260, 420, 480; frequency: 1, 1, 2, 4; monetary: -14.37, 28.5, 50, 120.12345678'),
  ('rfm_scale', 'recency: 1; frequency: 2; monetary: 900000000000000'),
  ('segment_map', rf_grid()::text), ('segment_map', rf_grid(3)::text), ('segment_map', rfm_cells()::text),
  ('segment_map', 'bins 4; A b: r 4, total 3; "q": any; A b: fm 2-3, m 1-4; r 5: f 1'),
  ('contact_policy', ''),
  ('contact_policy', 'email 3 per 7 days; quiet 21:00-08:00; "quiet" quiet sat-sun; quiet 2024-12-24 to 2025-01-01; pause 14 days after complaint; sms pause 90 minutes after opened;
     "a;b""c" exempt; quiet mon; 2 per 12 months; quiet 2024-05-01; 1 per 36 hours; phone quiet 12:30-12:31'),
  ('relationship_bands', 'customers few < 100 <= medium < 10000 <= many; margin low < -50.00 <= medium < 500.1234 <= high'),
  ('service_hours', 'mon-fri 09:00-12:00, 13:00-17:00; sat 00:00-24:00; closed 2024-12-25, 2024-12-26; in Europe/Berlin'),
  ('service_hours', 'sun 10:00-11:00; in EST5EDT,M3.2.0,M11.1.0'),
  ('profile_rule', ''), ('profile_rule', 'order inferred, observed, stated'),
  ('profile_rule', 'shoe_size is preference for service by contract, marketing by legitimate_interest; "order" is family for advice by consent; "x;y" is health; order observed, stated, inferred'),
  ('season', season('month', ARRAY[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])::text),
  ('season', 'month 1 1 1 1 1 1 1 1 1 1 1 1 found (customers 812, from 2021-01-03, until 2024-12-30, purchases 41 2 3 4 5 6 7 8 9 10 11 0, errors 0.1 0.2 0 0 0 0 0 0 0 0 0 1e-05)'),
  ('mix_base', 'converged {"Z a" 0.1, "b""c;" 1e-09, milk 1.2} customers 1234'),
  ('tier_program', '{"A, b": spend 0, C: spend 500} rolling 12 months downgrade one_tier grace 30 days'), ('points_rule', 'rate 1 per 900 round up pending 14 days'),
  ('challenge', 'streak 3 month reward 500'), ('challenge', 'spend 99.5 within 30 days'),
  ('purchase_model', 'pareto_nbd(r 1, alpha 2, s 3, beta 4, unit_days 7)'), ('spend_model', 'gamma_gamma(p 6.25, q 3.74, v 15.44)')) AS v(type, value);

-- By hand: what may be left out, and what is refused rather than taken for something else.
SELECT is(jsonb '{"rules": [{"segment": "Best", "r": 5, "fm": [4, 5]}, {"segment": "Others"}]}'::segment_map, 'Best: r 5, fm 4-5; Others: any', 'a map without bins is of five, a number is a range of one');
SELECT is(jsonb '{"uses": [{"attribute": "b", "category": "c"}, {"attribute": "a", "category": "c", "purpose": "p", "basis": "Consent"}]}'::profile_rule, 'a is c for p by consent; b is c', 'uses in any order');
SELECT is(jsonb '{"zone": "UTC", "hours": [{"weekday": "mon", "from": "09:00", "until": "10:00"}]}'::service_hours, 'mon 09:00-10:00; in UTC', 'no day is closed');
SELECT throws_ok($$SELECT jsonb '{"rules": [{"segment": "A: any; B", "r": 5}]}'::segment_map$$, '22023', '"segment" of a rule of a segment map in JSON cannot be "A: any; B"', 'a name cannot smuggle a rule in');
SELECT throws_ok($$SELECT jsonb '{"rules": [{"segment": "A", "r": [5, 4]}]}'::segment_map$$, '22023', 'segment rule cannot have r from 5 to 4', 'ranges are checked');
SELECT throws_ok($$SELECT jsonb '{"rules": [{"segment": "A", "R": [4, 5]}]}'::segment_map$$, '22023', 'rule of a segment map has no field "R"', 'and fields');
SELECT throws_ok($$SELECT jsonb '[]'::segment_map$$, '22023', 'segment map is no jsonb object', 'a map is an object');
SELECT throws_ok($$SELECT jsonb '{"recency": [1], "frequency": ["1; monetary: 3"], "monetary": [1]}'::rfm_scale$$, '22023', '"frequency" of a scale in JSON cannot be "1; monetary: 3"', 'cut points are numbers');
SELECT throws_ok($$SELECT jsonb '{"recency": [1], "frequency": [1]}'::rfm_scale$$, '22023', '"monetary" of a scale in JSON cannot be missing', 'of three measures');
SELECT throws_ok($$SELECT jsonb '{"rules": [{"rule": "cap", "contacts": 3, "per": "7 days; sms 9 per 1 day"}]}'::contact_policy$$, '22023', '"per" of a contact policy in JSON cannot be "7 days; sms 9 per 1 day"', 'nor a length');
SELECT throws_ok($$SELECT jsonb '{"rules": [{"rule": "limit", "contacts": 3}]}'::contact_policy$$, '22023', 'rule of a contact policy in JSON cannot be {"rule": "limit", "contacts": 3}', 'a rule that is none');
SELECT throws_ok($$SELECT jsonb '{"rules": [{"rule": "exempt", "purpose": "a", "channel": "sms"}]}'::contact_policy$$, '22023', 'rule "exempt" has no field "channel"', 'an exemption has no channel');
SELECT throws_ok($$SELECT jsonb '{"medium_customers": 10, "many_customers": 5, "medium_margin": 1, "high_margin": 2}'::relationship_bands$$, '22023', 'many customers (5) must be more than medium (10)', 'bands ascend');
SELECT throws_ok($$SELECT jsonb '{"period": "month", "indexes": [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1], "customers": 5}'::season$$, '22023', '"from" of a season in JSON cannot be missing', 'half a finding');
SELECT throws_ok($$SELECT jsonb '{"fit": "converged", "customers": 5, "concentrations": {"milk": -1}}'::mix_base$$, '22023', 'concentration of category "milk" must be from 1e-100 to 1e+100, not -1', 'concentrations are positive');
SELECT throws_ok($$SELECT jsonb '{"metric": "orders", "target": 5.5}'::challenge$$, '22P02', 'invalid input syntax for type challenge: "orders 5.5"', 'half an order is none');
-- what a text form has without quotes brings no other field with it
SELECT throws_ok(format('SELECT jsonb %L::%I', rule, type), '22023', message, rule) FROM (VALUES
  ('challenge', '{"metric": "orders", "target": "5\freward\f1000"}', E'"target" of a challenge in JSON cannot be "5\freward\f1000"'),
  ('challenge', '{"metric": "orders", "target": "5reward", "within": "30 days"}', '"target" of a challenge in JSON cannot be "5reward"'),
  ('points_rule', '{"pending": "14\u000bdays\u000bexpires\u000b12\u000bmonths"}', E'"pending" of a points rule in JSON cannot be "14\x0bdays\x0bexpires\x0b12\x0bmonths"'),
  ('tier_program', '{"tiers": [{"tier": "A", "qualify": {"spend": "0lifetime"}}], "window_kind": "lifetime"}', '"spend" of a rule in JSON cannot be "0lifetime"'),
  ('season', '{"period": "month 2", "indexes": [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]}', '"period" of a season in JSON cannot be "month 2"'),
  ('contact_policy', '{"rules": [{"rule": "cap", "contacts": 3, "per": "7\fdays"}]}', E'"per" of a contact policy in JSON cannot be "7\fdays"'),
  ('challenge', '{"metric": "orders", "target": "5 reward 1000"}', '"target" of a challenge in JSON cannot be "5 reward 1000"'),
  ('challenge', '{"metric": "orders", "target": 5, "starts_on": "2024-01-01 reward 1000"}', '"starts_on" of a challenge in JSON cannot be "2024-01-01 reward 1000"'),
  ('points_rule', '{"pending": "14 days expires 12 months"}', '"pending" of a points rule in JSON cannot be "14 days expires 12 months"'),
  ('points_rule', '{"program": {"tiers": [{"tier": "A", "qualify": {"spend": 0}}], "window_kind": "lifetime"}, "tier_rates": ["1} expiries {3 days"]}', '"tier_rates" of a points rule in JSON cannot be "1} expiries {3 days"'),
  ('tier_program', '{"tiers": [{"tier": "A", "qualify": {"spend": "0 lifetime"}}], "window_kind": "lifetime"}', '"spend" of a rule in JSON cannot be "0 lifetime"'),
  ('tier_program', '{"tiers": [{"tier": "A", "qualify": {"spend": 0, "orders 5 or purchase_days": 3}}], "window_kind": "lifetime"}', '"metric" of a rule in JSON cannot be "orders 5 or purchase_days"'),
  ('tier_program', '{"tiers": [{"tier": "A", "qualify": {"spend": 0}}], "window_kind": "lifetime grace 5 days"}', '"window_kind" of a tier program in JSON cannot be "lifetime grace 5 days"')) t(type, rule, message);
-- and nothing that is given is left out without a word
SELECT throws_ok(format('SELECT jsonb %L::%I', rule, type), '22023', message, rule) FROM (VALUES
  ('tier_program', '{"tiers": [{"tier": "A", "qualify": {"spend": 0}}], "window_kind": "calendar_year", "period": "3 months"}', '"period" of a tier program in JSON cannot be "3 months"'),
  ('tier_program', '{"tiers": [{"tier": "A", "qualify": {"spend": 0}}], "window_kind": "lifetime", "benefits": [{"name": "Free", "tier": "A"}]}', 'benefit has no field "name"'),
  ('tier_program', '{"tiers": [{"tier": "A", "qualify": {"spend": 0}}], "window_kind": "lifetime", "benefits": [{"benefit": "Free"}]}', '"tier" of a benefit in JSON cannot be missing'),
  ('tier_program', '{"tiers": [{"tier": "A", "qualify": {"spend": 0}, "rank": 2}], "window_kind": "lifetime"}', '"rank" of tier "A" in JSON cannot be 2'),
  ('tier_program', '{"tiers": [{"tier": "A", "qualify": {"spend": 0}}], "window_kind": "lifetime", "points": {"rate": 0, "rounding": "up"}}', 'a tier program that awards no points has none to round'),
  ('tier_program', '{"tiers": [{"tier": "A", "qualify": 5}], "window_kind": "lifetime"}', '"qualify" of a tier in JSON cannot be 5'),
  ('points_rule', '{"last_day_inclusive": true}', 'points that never expire have no last day'),
  ('points_rule', '{"reaching": "new"}', 'reaching new needs a program'),
  ('points_rule', '{"tier_expiry": ["3 months"]}', 'expiry by tier needs a program')) t(type, rule, message);
SELECT is(jsonb '{"metric": "Streak", "target": 3, "period": "week(sunday)", "starts_on": "0044-03-15 BC"}'::challenge, 'streak 3 week(sunday) from 0044-03-15 BC', 'a streak in any case, from long ago');
SELECT is(NULL::jsonb::contact_policy, NULL, 'nothing of nothing');
SELECT * FROM finish();
ROLLBACK;
