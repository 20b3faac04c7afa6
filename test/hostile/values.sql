-- Values at the edge of every type that the extension's functions take, by the type's name. A tier that is renewed each day is not among them:
-- a walk takes each renewal, and there are two billion of them until the last date (it can be cancelled).
CREATE SCHEMA hostile;

CREATE TABLE hostile.value (type text, value text);
INSERT INTO hostile.value
SELECT v.type, u.value FROM (VALUES
  ('date', '{2024-02-29,2024-12-31,2000-01-01,0001-01-01,4714-11-24 BC,5874897-12-31,infinity,-infinity,2026-01-01,2023-06-15}'::text[]),
  ('timestamp with time zone', '{2024-03-31 00:30+00,2024-10-27 00:30+00,infinity,-infinity,4714-11-24 00:00:00+00 BC,294276-12-31 23:59:59.999999+00,2024-01-01 00:00+00}'),
  ('timestamp without time zone', '{2024-03-31 00:30,infinity,-infinity,4714-11-24 00:00:00 BC,294276-12-31 23:59:59.999999,2024-01-01}'),
  ('time without time zone', '{00:00,24:00,23:59:59.999999,08:00,21:00}'),
  ('integer', '{0,1,-1,2,3,5,7,9,10,30,100,365,2147483647,-2147483648,36525,65536}'),
  ('smallint', '{0,1,5,-32768,32767}'),
  ('bigint', '{0,1,-1,7,1000000000000,9223372036854775807,-9223372036854775808}'),
  ('double precision', '{0,-0,1,-1,0.5,0.1,0.9,2,7,30,365.25,1e308,-1e308,1e-308,4.9e-324,NaN,Infinity,-Infinity,1e15,1e-9,0.999999999999,1e100,-0.99}'),
  ('numeric', '{0,1,-1,0.00004,0.00005,99.99,NaN,1e30,-1e30,900000000000000,900000000000000.0001,-900000000000000,1e-20,0.5,12345.6789,1e1000,0.2}'),
  ('boolean', '{t,f}'),
  ('text', '{"",a,month,day,week,quarter,year,calendar,age,email,phone,message,complaint,inbound,outbound,request,survey,opened,unsubscribed,marketing,consent,Europe/Berlin,UTC,Pacific/Apia,<+99>99,spend,orders,points,purchase_days,rolling,calendar,anniversary,lifetime,one_tier,requalify,base,none,01-01,02-29,Bronze,Gold,anna,ben,zoë,new,active,lost,Champions,resolved,bounced,high,low,many,few,"ab\"c",purchased,booked,keep,revoke,aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa}'),
  ('name', '{a,""}'),
  ('interval', '{1 day,1 month,12 months,0,-1 day,1 second,100 years,178000000 years,-178000000 years,1 mon 1 day,36525 days,1200 months,7 days,90 minutes}'),
  ('jsonb', ARRAY['{}', '[]', 'null', '1', '{"message":1}', '{"complaint":-1,"request":2}', '{"email":1e308}', '{"x":"y"}', '{"message":{"a":1}}']),
  ('daterange', ARRAY['[2024-01-01,2024-06-01)', 'empty', '(,)', '[2024-01-01,)', '(,2024-01-01)', '[-infinity,infinity)', '[4714-11-24 BC,5874897-12-31)']),
  ('tstzrange', ARRAY['[2024-01-01 00:00+00,2024-06-01 00:00+00)', 'empty', '(,)', '[2024-01-01 00:00+00,)', '(,infinity)', '[,294276-12-31 23:59:59.999999+00]']),
  ('crm.exact_sums', ARRAY['{0}', '{1,2,3}', '{-1,-2,-3}', '{170141183460469231731687303715884105727,0,0}', '{-170141183460469231731687303715884105728,1,1}', '{1,2,3,4,5,6,7,8,9,10,11,12}']),
  ('crm.purchase_history', ARRAY['{}', '{2024-01-01 1 10}', '{2024-01-15 1 180.00, 2024-02-29 2 1850.00, 2024-03-04 0 -650.00, 2024-08-20 1 240.00, 2025-03-20 1 350.00}', '{2024-01-01 0 -5}',
    '{2024-01-01 2147483647 900000000000000}', '{2024-01-01 1 900000000000000, 2024-01-02 1 900000000000000}', '{4714-11-24 BC 1 1, 5874897-12-31 1 1}', '{0001-01-01 1 1, 2024-01-01 1 1}',
    '{2024-01-01 1 -900000000000000}', '{2024-01-01 0 5, 2024-02-01 1 5}', '{2024-01-01 1 0}', '{2024-01-01 2147483647 1, 2024-01-02 2147483647 1}',
    '{2024-03-14 1 100, 2024-04-01 2 150, 2024-04-08 -1 -100 of 2024-03-14, 2024-04-24 0 -50 of 2024-04-01, 2024-06-01 0 -50 of 2024-04-01, 2026-01-02 1 80}',
    '{2023-12-30 3 300, 2024-02-29 2 250.50, 2024-12-31 1 2000, 2025-01-01 1 10, 2025-02-28 -2 -250.50 of 2024-02-29, 2025-12-31 -1 -2000 of 2024-12-31, 2026-03-01 0 -300 of 2023-12-30, 2026-03-02 4 600}',
    '{0001-01-01 5 5000, 2024-01-01 -5 -5000 of 0001-01-01, 2024-01-02 5 5000}', '{2024-01-07 1 500, 2024-01-08 0 -500 of 2024-01-07, 2024-01-08 1 500, 2024-01-15 0 -500 of 2024-01-08, 5874897-12-31 0 -1 of 2024-01-08}']),
  ('crm.interaction_history', ARRAY['{}', '{2024-03-29 10:00+00 message post outbound}', '{2024-03-25 10:00+00 complaint phone inbound}',
    '{2024-01-05 10:00:00+00 complaint email inbound resolved resolved_at 2024-01-06 08:00:00+00}',
    '{4714-11-24 00:00:00+00 BC request email inbound, 294276-12-31 23:59:59.999999+00 message email outbound}',
    '{2024-01-05 10:00:00+00 survey email inbound score 10, 2024-01-05 10:00:00+00 survey email inbound score 0}', '{2024-01-01 00:00+00 message email outbound unsubscribed}']),
  ('crm.consents', ARRAY['{}', '{marketing consent [2024-01-01 00:00+00, )}', '{marketing consent [, )}', '{marketing contract [, 2024-01-01 00:00+00), marketing legitimate_interest [2024-02-01 00:00+00,2024-03-01 00:00+00)}']),
  ('crm.contact_policy', ARRAY['', 'quiet sat-sun; quiet 2024-12-24 to 2025-01-01; email quiet wed', 'quiet 5874897-12-31', '1 per day', '1 per 1 minute; 10000 per 100 years; quiet 21:00-08:00', 'quiet 00:00-23:59', 'pause 14 days after complaint; email pause 1 month after opened; transactional exempt', '1 per 527040 minutes']),
  ('crm.tier_program', ARRAY['{Bronze: spend 0, Silver: spend 500, Gold: spend 2000} rolling 12 months', '{A: spend 0, B: spend 1} lifetime valid 1 year',
    '{A: orders 1, B: orders 5 or spend 100 keep orders 2} calendar month downgrade one_tier grace 1 day', '{A: purchase_days 0, B: purchase_days 2 lifetime} anniversary 1 month downgrade to_base',
    '{A: points 0, B: points 10} rolling 1 day downgrade one_tier points rate 1000000 per_order 1000000000000 bonus 1000000000000 every 1', '{A: spend 1, B: spend 2} rolling 36525 days grace 36525 days valid 1 year',
    '{A: spend 0, B: spend 1} rolling 1 month starts 2024-03-01', '{A: spend 0, B: spend 1 and orders 2 or spend 3} calendar week(sunday) grace 1 day rollover',
    '{A: orders 0, B: orders 3} rolling 2 months starts 2024-05-02 on_refund revoke', '{A: spend 0, B: spend 100, C: spend 400 lifetime} rolling 12 months downgrade one_tier grace 7 days on_refund revoke',
    '{A: orders 0, B: orders 2 keep orders 1} calendar week starts 2024-01-03 on_refund revoke rollover up to 1', '{A: spend 0, B: spend 400} calendar week(sunday) downgrade to_base grace 3 days on_refund revoke',
    '{A: orders 1, B: orders 3 or spend 300} calendar year from 02-28 downgrade one_tier on_refund revoke rollover', '{A: spend 0, B: spend 200} calendar quarter from 12-28 starts 2024-02-29 on_refund revoke rollover up to 50',
    '{A: points 0, B: points 300} calendar month from 04-06 grace 2 months points rate 1 round up on_refund revoke', '{A: purchase_days 0, B: purchase_days 2} anniversary 1 year valid 400 days on_refund revoke', '{A: spend 0, B: spend 1} lifetime valid 1 year on_refund revoke']),
  ('crm.points_rule', ARRAY['rate 1', 'rate 1 expires 12 months', 'rate 1 per 900 round half in parts', 'rate 3 per 0.0001 round up per purchase', 'rate 1 pending 36525 days expires end of year from 12-28 after 1200 months inactivity 1 day reinstated within 1 day never negative', 'rate 1 expires 1 day inclusive rates {1, 2} expiries {never, 1 day} program {A: spend 0, B: spend 1} rolling 1 day', 'rate 1000000 per_order 1000000000000 bonus 1000000000000 every 1', 'rate 1 rates {1, 2} program {A: spend 0, B: spend 1} lifetime valid 1 year', 'rate 0.00000001 bonus 1 every 9223372036854775807']),
  ('crm.referral_network', ARRAY['{anna > ben 12.50, anna > "c d" unknown}', '{a > b 1, b > c 1, c > a 1}', '{a > b 900000000000000, a > c 900000000000000}']),
  ('crm.retention_curve', ARRAY['month calendar 2024-05-31 {0 5 5, 1 4 2}', 'day age 5874897-12-30 {0 9223372036854775807 9223372036854775807}', 'week age 2024-01-01 {0 1 1}']),
  ('crm.survival_curve', ARRAY['{}', '{14 20 3, 15 18 0}', '{0 5 0}', '{0 0 5, 3652425 1 0}', '{5 9223372036854775807 0}']),
  ('crm.cohort_book', ARRAY['month 2024-05-31 {2024-01-01 (2 0 2 2 80, 1 0 1 1 35, 1 1 1 1 -15, 1 1 1 1 25), 2024-03-01 (1 1 1 1 0)}', 'year(april) 5874897-12-30 {5874890-04-01 (1 1 1 1 5)}', 'day 2024-05-31 {2024-05-31 (9223372036854775807 9223372036854775807 9223372036854775807 9223372036854775807 900000000000000)}', 'month 2024-05-30 {2024-05-01 9223372036854775807}', 'week(sunday) 2024-05-31 {}']),
  ('crm.period_book', ARRAY['month 2024-05-31 {2024-01-01 2 0 0 0 2 80 80 0 0 0, 2024-02-01 2 1 0 1 3 77 42 35 0 60, 2024-03-01 0 0 0 3 0 0 0 0 0 77}', 'day 2024-05-31 {2024-05-31 9223372036854775807 0 0 0 9223372036854775807 900000000000000 -900000000000000 0 0 0}', 'week(sunday) 2024-05-31 {}', 'year 5874897-12-30 {5874890-01-01 0 0 0 0 0 -5 0 0 0 0}']),
  ('crm.profile', ARRAY['{}', '{stated a = "42" by anna at 2024-01-01 00:00+00 for (marketing); inferred b = yes by ben at 2024-02-01 00:00+00 valid [2024-01-01 00:00+00, 2025-01-01 00:00+00) confidence 0.5 from (a)}',
    '{observed a = x at 4714-11-24 00:00:00+00 BC valid [, ); withdrawn a at 294276-12-31 23:59:59.999999+00}', '{forgotten a until 2024-01-01 00:00+00; forgotten_derived a until 2024-03-01 00:00+00; inferred c = "d ""e""" at 2024-03-31 00:30+00 from (b)}']),
  ('crm.profile_rule', ARRAY['', 'a is health for marketing by consent, email by contract; b is family; order observed, inferred, stated', 'a is criminal for marketing by consent', 'order inferred, stated, observed', 'b is x for marketing by legitimate_interest, email by public_task']),
  ('crm.mix', ARRAY['{}', '{bread (2024-01-05 1 2.50, 2024-01-12 0 -2.50), "olive ""oil""" (2024-02-01 3 9)}', '{a (4713-01-01 BC 2147483647 900000000000000, 5874897-12-31 1 -900000000000000)}']),
  ('crm.mix_base', ARRAY['converged {a 1, "b c" 0.5} customers 7', 'pooled {a 100000} customers 9223372036854775807', 'split {a 1e-100, b 1e100} customers 1']),
  ('crm.deeds', ARRAY['{}', '{promise "call back" 2024-01-01 10:00+00 due 2024-01-02 10:00+00 done 2024-01-03 10:00+00 cost 5, tie a 2024-01-01 10:00+00, tie a 2024-01-01 10:00+00}', '{delight x 4714-11-24 00:00:00+00 BC cost -900000000000000, entitlement y 294276-12-31 23:59:59.999999+00 due 294276-12-31 23:59:59.999999+00}']),
  ('crm.service_hours', ARRAY['mon-fri 09:00-12:00, 13:00-17:00; closed 2024-12-25; in Europe/Berlin', 'mon-sun 00:00-24:00; in UTC', 'sun 23:59-24:00; closed 4714-11-24 BC, 5874897-12-31; in America/New_York']),
  ('crm.named_sums', ARRAY['{x (1)}', '{"" (0, 0, 0), price (12, 5, 3), "se ""r""" north (-1, 170141183460469231731687303715884105727, 4)}', '{a (2, 4, 2, 0, 0, 2, 2, 2, 1, 0, 0, 1, 0, 0, 1), b s (2, 4, 2, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0)}']),
  ('crm.uplift_curve', ARRAY['{}', '{0.9 120 340.50 118 200, 0.5 130 210 0 0}', '{1e308 9223372036854775807 900000000000000 1 -900000000000000, -1e-300 0 0 1 0}']),
  ('crm.rfm', ARRAY['555', '111', '545', '123/3', '345']),
  ('crm.rfm_scale', ARRAY['recency: 95, 260, 420, 480; frequency: 1, 1, 2, 4; monetary: 14.37, 28.5, 50, 120', 'recency: 1; frequency: 1; monetary: 1', 'recency: -900000000000000; frequency: 900000000000000; monetary: 0.00000001']),
  ('crm.relationship_level', ARRAY['basic', 'partnership']),
  ('crm.program_comparison', ARRAY['from 4714-11-24 BC until 5874897-12-30 {none 0 0} other {none 0 0} moves {}', 'from 2024-01-01 until 2024-12-31 {none 0 0, Bronze 0 2, "a b" 5 0} other {none 0 9223372036854775807, Base 3 1} moves {1/1 40, 2/1 8} points {900 20 500} other {880 0 560}']),
  ('crm.challenge', ARRAY['orders 1', 'orders 5 within 30 days from 2024-03-01 until 2024-08-31 reward 500', 'streak 3 week(sunday)', 'streak 100000 year(april)', 'spend 900000000000000 within 1200 months 36525 days']),
  ('crm.breakage_curve', ARRAY['{}', '{14/3 100 0 0 0, 365/3 0 20 0 5}', '{0/0 0 0 0 9223372036854775807}', '{36524/31 1 1 1 1}']),
  ('crm.whale_curve', ARRAY['exact {1.00 5}', 'exact {-5 1, 0 3, 7 2}', 'buckets {1.00 5 5}', 'exact {900000000000000 1}', 'exact {0 9223372036854775807}', 'exact {-900000000000000 1, 900000000000000 1}'])
) AS v(type, vals), unnest(v.vals) AS u(value);

-- Values whose text forms are long, as the extension itself writes them.
INSERT INTO hostile.value VALUES
  ('crm.segment_map', crm.rf_grid()::text), ('crm.segment_map', crm.rfm_cells()::text),
  ('crm.purchase_model', crm.bg_nbd(0.243, 4.414, 0.793, 2.426, 7)::text), ('crm.purchase_model', crm.pareto_nbd(0.553, 10.578, 0.606, 11.669, 7)::text),
  ('crm.purchase_model', crm.mbg_nbd(0.5, 6, 0.8, 2, 7)::text), ('crm.purchase_model', crm.mbg_cnbd_k(3, 0.5, 6, 0.8, 2, 7)::text),
  ('crm.purchase_model', crm.bg_nbd(1e-6, 1e6, 1e-6, 1e6, 36525)::text), ('crm.purchase_model', crm.pareto_nbd(1e3, 1e-3, 1e-3, 1e3, 1)::text),
  ('crm.purchase_model', 'mbg_nbd(r 0.8, alpha 60, a 0.8, b 2.5, unit_days 1) by season (month 1 1 1 1 1 1 1 1 1 1 1 1)'),
  ('crm.purchase_model', 'bg_nbd(r 0.8, alpha 60, a 0.8, b 2.5, unit_days 7) by season (' || crm.season('week', array_fill(1::float8, '{51}') || 50::float8)::text || ')'),
  ('crm.purchase_model', 'pareto_nbd(r 0.8, alpha 60, s 0.8, beta 250, unit_days 1) by covariates (buying(a 0.5) leaving(a -100))'),
  ('crm.purchase_model', 'mbg_nbd(rate 0.01, p 0.3, unit_days 7) by season (month 1 1 1 1 1 1 1 1 1 1 1 1) by covariates (buying(a 0.5) leaving(a 1))'),
  ('crm.spend_model', 'gamma_gamma(p 6.25, q 3.74, v 15.44) by covariates (buying(a 0.5))'), ('crm.spend_model', 'one_price(price 5) by covariates (buying(a -3))'),
  ('crm.season', crm.season('month', '{1,1,1,1,1,1,1,1,1,1,1,2}')::text), ('crm.season', crm.season('week', array_fill(1::float8, '{51}') || 1e9::float8)::text),
  ('crm.season', 'month 1 1 1 1 1 1 1 1 1 1 1 1 found (customers 3, from 2021-01-03, until 2024-12-30, purchases 1 0 0 0 0 0 0 0 0 0 0 2, errors 0 0 0 0 0 0 0 0 0 0 0 1)'),
  ('crm.covariates', crm.covariates('{a}', '{1}', '{-1}')::text), ('crm.covariates', crm.covariates('{a}', '{1e9}', '{1e9}')::text), ('crm.covariates', 'none'),
  ('crm.spend_model', crm.gamma_gamma(6.25, 3.74, 15.44)::text), ('crm.spend_model', crm.gamma_gamma(1e-5, 1e-5, 1e5)::text),
  ('crm.relationship_bands', crm.relationship_bands(100, 1000, 10, 100)::text);

-- Each is a value of its type.
DO $$
DECLARE
  v record;
BEGIN
  FOR v IN SELECT type, value FROM hostile.value LOOP
    EXECUTE format('SELECT %L::%s', v.value, v.type);
  END LOOP;
END $$;
