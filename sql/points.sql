-- points_rule: forms and errors; points_balance, points_statement, points_expiring, points_liability
SET search_path = public, crm, crm_internal;
SET DateStyle = ISO;

-- text form
SELECT 'rate 1'::points_rule;
SELECT ' Rate 1.50  per_order 5 bonus 100 every 10 expires 1 year rates {1.5, 2, 0.00000001} program {A: spend 0, B: spend 5, C: spend 6} calendar year '::points_rule;
SELECT 'per_order 1'::points_rule, 'rate 0 bonus 5 every 2 expires 30 days'::points_rule;
SELECT ''::points_rule;
SELECT 'rate'::points_rule;
SELECT 'rate 0'::points_rule;
SELECT 'rate -1'::points_rule;
SELECT 'rate 1 expires 0 days'::points_rule;
SELECT 'rate 1 bonus 5 every 0'::points_rule;
SELECT 'rate 1 per_order 1000000000001'::points_rule;
SELECT 'rate 1 rates {1}'::points_rule;
SELECT 'rate 1 rates {1, 2} program {A: spend 5} lifetime'::points_rule;
SELECT 'rate 1 rates {1} program {A: points 5} lifetime points rate 2'::points_rule;
SELECT 'rate 1 for ever'::points_rule;

-- the constructor
SELECT points_rule();
SELECT points_rule(rate => 1.5, purchase_points => 5, bonus_points => 100, bonus_every => 10, expiry => '12 months',
  program => tier_program('{Bronze,Silver}', '{0,500}', period => '12 months'), multipliers => '{1,1.25}');
SELECT points_rule(program => tier_program('{Bronze,Silver}', '{0,500}', period => '12 months'), rates => '{1,1.25}');
SELECT points_rule(rate => NULL);
SELECT points_rule(-1);
SELECT points_rule(0);
SELECT points_rule(bonus_points => 5);
SELECT points_rule(expiry => '1 hour');
SELECT points_rule(multipliers => '{1}');
SELECT points_rule(program => '{A: spend 5} lifetime');
SELECT points_rule(program => '{A: spend 5} lifetime', multipliers => '{1}', rates => '{1}');
SELECT points_rule(program => '{A: spend 5} lifetime', multipliers => '{1,2}');
SELECT points_rule(program => '{A: spend 5} lifetime', rates => '{NULL}');
SELECT points_rule(program => '{A: spend 5} lifetime', multipliers => '{-1}');
SELECT points_rule(1.23456789, program => '{A: spend 5} lifetime', multipliers => '{1.5}');
SELECT points_rule(2, program => '{A: points 5} lifetime points rate 1', multipliers => '{1.5}');

-- exact rates, rounding
SELECT 'rate 1 per 900'::points_rule, 'RATE 1.5 PER 0.5 ROUND UP PER DAY'::points_rule, 'rate 2 per 1 round half per purchase'::points_rule, 'rate 1 round down in parts'::points_rule;
SELECT 'rate 1 per 7 round half rates {1, 1.5} program {A: points 5, B: points 9} lifetime points rate 1 per 7 round half'::points_rule;
SELECT 'rate 1 per 0'::points_rule;
SELECT 'rate 1 per 0.00001'::points_rule;
SELECT 'rate 1 per 10000000000.0001'::points_rule;
SELECT 'rate 1 round'::points_rule;
SELECT 'rate 1 round up per order'::points_rule;
SELECT 'rate 1 round up per purchase in parts'::points_rule;
SELECT 'rate 0 per_order 1 round up in parts'::points_rule;
SELECT 'rate 0 round up in parts rates {1} program {A: spend 5} lifetime'::points_rule;
SELECT 'rate 1 round up per purchase rates {1} program {A: points 5} lifetime points rate 1 round up'::points_rule;
SELECT 'rate 1 per 7 rates {1} program {A: points 5} lifetime points rate 1 per 8'::points_rule;
SELECT '{A: points 5} lifetime points rate 1 round up per purchase'::tier_program;
SELECT 'rate 0.3333333333333333'::points_rule;
SELECT points_rule(1.0 / 900);
SELECT points_rule(rate => 0.1234567890123);
SELECT points_rule(per => 900, rounding => 'half per purchase'), points_rule(2, per => NULL, rounding => NULL);
SELECT points_rule(per => 0.00001);
SELECT points_rule(per => -1);
SELECT points_rule(rounding => 'sideways');
SELECT tier_program('{A}', '{5}', 'points', window_kind => 'lifetime', points_rate => 1, points_per => 900, points_rounding => 'up');
SELECT amount, base_points('rate 1 per 10', amount) AS down, base_points('rate 1 per 10 round up', amount) AS up, base_points('rate 1 per 10 round half', amount) AS half
FROM unnest('{0,4.99,5,9.99,10,10.01,-4.99,-5,-10,-10.01}'::numeric[]) AS amount;
SELECT base_points('rate 1000000 per 0.0001', 900000000000000);
SELECT points_balance('rate 1 per 10 round down per purchase', '{2024-01-01 2 30}', NULL, '2024-01-31');
SELECT points_balance('rate 1 per 10 round down per purchase', '{2024-01-01 2 30}', NULL, '2024-01-31', '{2024-01-01 2 2}');
SELECT points_balance('rate 1 per 10 round down per purchase', '{2024-01-01 2 30}', NULL, '2024-01-31', '{2024-01-01 2 2.5}');
SELECT points_balance('rate 1 per 10', '{2024-01-01 2 30}', NULL, '2024-01-31', '{2024-01-01 2 2}');

-- pending, expiry, inactivity, reinstatement
SELECT r::points_rule, r::points_rule::text::points_rule = r::points_rule AS same, r::points_rule::jsonb - '{rate,per,rounding,order_points,bonus_points,bonus_every,tier_rates,program}'::text[] AS terms
FROM unnest(ARRAY['rate 1 pending 14 days', 'rate 1 expires 12 months inclusive', 'rate 1 expires end of month', 'rate 1 EXPIRES END OF QUARTER FROM 02-01 AFTER 1 year', 'rate 1 expires end of year from 01-01',
  'rate 1 inactivity 18 months inclusive', 'rate 1 expires 4 years inactivity 18 months reinstated within 90 days never negative',
  'rate 1 per 9 expires 6 months inclusive inactivity 3 months rates {1, 2} expiries {never, 1 year 2 days} program {A: spend 0, B: spend 5} lifetime',
  'rate 1 rates {1, 2} expiries {1 month, 2 months} program {A: spend 0, B: spend 5} lifetime']) r;
SELECT points_rule(pending => '14 days', expiry => '24 months', expires_at => 'end of year from 04-01', inactivity => '18 months', reinstatement => '90 days', never_negative => true,
  program => '{A: spend 0, B: spend 5} lifetime', rates => '{1,2}', tier_expiry => '{12 months,NULL}');
SELECT points_rule(expiry => '12 months', last_day_inclusive => true);
SELECT 'rate 1 expires end of week'::points_rule;
SELECT 'rate 1 expires end of month from 04-01'::points_rule;
SELECT 'rate 1 expires end of year from 04-31'::points_rule;
SELECT 'rate 1 expires end of year inclusive'::points_rule;
SELECT 'rate 1 expires'::points_rule;
SELECT 'rate 1 reinstated within 3 days'::points_rule;
SELECT 'rate 1 rates {1} expiries {1 day, 2 days} program {A: spend 0} lifetime'::points_rule;
SELECT points_rule(last_day_inclusive => true);
SELECT points_rule(expires_at => 'year end');
SELECT points_rule(pending => '0 days');
SELECT points_rule(tier_expiry => '{1 month}');
SELECT points_rule(program => '{A: spend 5} lifetime', rates => '{1}', tier_expiry => '{1 month,NULL}');
SELECT points_rule(program => '{A: spend 5} lifetime', rates => '{1}', tier_expiry => '{1 hour}');
-- the last days of the calendar
SELECT a.* FROM points_awards('rate 1 pending 1 day expires end of year after 12 months inactivity 1 day', '{5874897-12-31 1 5}', NULL, '5874897-12-31') a;
SELECT a.* FROM points_awards('rate 1 expires end of year', '{5874897-12-31 1 5}', NULL, '5874897-12-31') a;
SELECT * FROM points_awards(NULL, '{}', NULL, '2024-01-01');

-- binary form and jsonb
CREATE FUNCTION receive(message bytea) RETURNS points_rule LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  answer crm.points_rule;
  file text := pg_catalog.current_setting('data_directory') || '/receive_points.bin';
BEGIN
  EXECUTE pg_catalog.format('COPY (SELECT %L::bytea) TO %L (FORMAT binary)', message, file);
  CREATE TEMPORARY TABLE received (r crm.points_rule) ON COMMIT DROP;
  EXECUTE pg_catalog.format('COPY pg_temp.received FROM %L (FORMAT binary)', file);
  SELECT r INTO answer FROM pg_temp.received;
  DROP TABLE pg_temp.received;
  RETURN answer;
END $$;
CREATE TABLE rule (r points_rule);
INSERT INTO rule VALUES ('rate 1 per_order 5 bonus 100 every 3 expires 12 months rates {1, 1.5} program {Bronze: spend 0, Silver: spend 500} rolling 12 months'), ('rate 2');
SELECT receive(points_rule_send(r)) = r, octet_length(points_rule_send(r)) FROM rule;
\set VERBOSITY terse
SELECT receive('\x');
SELECT receive(set_byte(points_rule_send(r), 1, 2)) FROM rule;
SELECT receive(set_byte(points_rule_send(r), 3, 1)) FROM rule;
SELECT receive(set_byte(points_rule_send(r), 4, 200)) FROM rule;
SELECT receive(set_byte(points_rule_send(r), 36, 200)) FROM rule;
SELECT receive(set_byte(points_rule_send(r), 44, 2)) FROM rule;
SELECT receive(set_byte(points_rule_send(r), 46, 9)) FROM rule LIMIT 1;
SELECT receive(set_byte(points_rule_send(r), octet_length(points_rule_send(r)) - 8, 200)) FROM rule LIMIT 1;
SELECT receive(points_rule_send(r) || '\x00') FROM rule;
SELECT receive(points_rule_send(r)) = r, octet_length(points_rule_send(r)), r::jsonb FROM unnest(ARRAY['rate 1 per 900 round half rates {1, 1.5} program {A: points 0, B: points 7} lifetime points rate 1 per 900 round half', 'rate 2 per 3']::points_rule[]) r;
SELECT receive(set_byte(points_rule_send('rate 2 per 3'), 53, 3));
SELECT receive(set_byte(points_rule_send('rate 2 per 3'), 54, 2));
SELECT receive(set_byte(points_rule_send('rate 2 per 3'), 55, 2));
SELECT receive(set_byte(points_rule_send('rate 2 per 1.0001'), 52, 16));
SELECT receive(overlay(points_rule_send('rate 2 per 3') PLACING '\xffffffffffffffff' FROM 46));
SELECT receive(substr(points_rule_send('rate 2 per 3'), 1, 53));
SELECT receive(points_rule_send(r)) = r, octet_length(points_rule_send(r)) FROM unnest(ARRAY['rate 1 pending 14 days expires end of year from 04-06 after 1 year inactivity 18 months reinstated within 90 days never negative',
  'rate 1 expires 1 day inclusive rates {1, 2} expiries {never, 1 year 2 days} program {A: spend 0, B: spend 5} lifetime']::points_rule[]) r;
SELECT receive(set_byte(points_rule_send('rate 1 expires end of year'), 56, 200));
SELECT receive(set_byte(points_rule_send('rate 1 expires end of year'), 83, 101));
SELECT receive(set_byte(points_rule_send('rate 1 expires end of year'), 83, 9));
SELECT receive(set_byte(points_rule_send('rate 1 expires end of year'), 84, 4));
SELECT receive(set_byte(points_rule_send('rate 1 expires end of year'), 84, 0));
SELECT receive(set_byte(points_rule_send('rate 1 expires end of year'), 85, 1));
SELECT receive(set_byte(points_rule_send('rate 1 expires end of year'), 86, 2));
SELECT receive(set_byte(points_rule_send('rate 1 expires end of year'), 87, 1));
\set VERBOSITY default
SELECT r::jsonb - 'program', r::jsonb -> 'program' ->> 'period' FROM rule;

-- order and hash
SELECT a.r = b.r, a.r < b.r, points_rule_hash(a.r) = points_rule_hash(b.r) FROM rule a, rule b ORDER BY 1, 2;

-- a statement: bonus, multiplier, refund, debt, a cancelled redemption, expiry
SELECT s.* FROM rule, points_statement(r,
  '{2024-01-10 1 100, 2024-02-29 1 2000.50, 2024-03-01 0 -200, 2024-04-01 2 10, 2025-03-01 1 10}',
  '{2024-05-01 0 700, 2024-06-01 0 10000, 2024-06-02 0 -100}', '2026-01-01') s;

-- nothing earned, nothing redeemed
SELECT points_balance(r, '{}', NULL, '2024-01-01'), points_balance(r, '{}', '{}', '2024-01-01'), points_balance(r, NULL, '{}', '2024-01-01'),
  points_balance(NULL, '{}', '{}', '2024-01-01'), points_balance(r, '{}', '{}', NULL) FROM rule;
SELECT * FROM points_statement('rate 1', '{2024-01-01 1 0.99}', NULL, '2024-01-01');
SELECT * FROM points_statement(NULL, '{2024-01-01 1 0.99}', NULL, '2024-01-01');
-- a rate is exact, and points are whole: down, for refunds too
SELECT * FROM points_statement('rate 0.1', '{2024-01-01 1 9.9999, 2024-01-02 1 10, 2024-01-03 1 19.99, 2024-01-04 0 -0.0001, 2024-01-05 0 -19.99}', NULL, '2024-01-05');
-- the 29th of February
SELECT * FROM points_statement('rate 1 expires 12 months', '{2023-02-28 1 1, 2024-02-28 1 2, 2024-02-29 1 4, 2024-03-01 1 8}', NULL, '2025-03-31');
SELECT d, points_expiring('rate 1 expires 1 month', '{2024-01-29 1 1, 2024-01-30 1 2, 2024-01-31 1 4, 2024-02-01 1 8}', NULL, '2024-02-05', d)
FROM unnest('{2024-02-05,2024-02-28,2024-02-29,2024-03-01}'::date[]) d;
SELECT points_expiring('rate 1', '{2024-01-29 1 1}', NULL, '2024-02-05', '2094-01-01');

-- errors
SELECT points_balance('rate 1', '{}', '{2024-01-01 0 1.5}', '2024-01-01');
SELECT points_balance('rate 1', '{}', '{2024-01-02 0 1.5}', '2024-01-01');
SELECT points_balance('rate 1', '{}', NULL, 'infinity');
SELECT points_expiring('rate 1', '{}', NULL, '2024-01-01', 'infinity');
SELECT * FROM points_statement('rate 1', '{}', NULL, '-infinity');
SELECT points_balance('rate 1000000', '{2024-01-01 1 900000000000000}', NULL, '2024-01-01');
SELECT points_balance('rate 9000', '{2024-01-01 1 900000000000000, 2024-01-02 1 900000000000000}', NULL, '2024-01-02');
SELECT points_balance('rate 9000', '{2024-01-01 1 900000000000000}', NULL, '2024-01-02');

-- liability
SELECT points_liability(b, 0.01, 0.15) FROM unnest('{100,-50,NULL,33}'::bigint[]) b;
SELECT points_liability(b, 0.01, 0) FROM unnest('{}'::bigint[]) b;
SELECT points_liability(1, 0.01, 1.01);
SELECT points_liability(1, 0.01, 'NaN');
SELECT points_liability(1, -0.01, 0);
SELECT points_liability(1, 1000001, 0);

DROP FUNCTION receive;
DROP TABLE rule;
