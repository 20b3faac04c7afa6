-- tier_program: text, binary and jsonb forms, constructors, errors
SET search_path = public, crm, crm_internal;
SET DateStyle = ISO;

-- text form: what is written is what was read
SELECT '{Bronze: spend 0, Silver: spend 500} rolling 12 months'::tier_program;
SELECT ' { Bronze :spend 0,"Rising Star":SPEND 500.5 OR orders 5 or points 70 KEEP orders 4 lifetime } Calendar Year From 04-06  DOWNGRADE one_tier grace 1 month 2 weeks
  valid 2 years starts 2024-02-29 points rate 1.25 per_order 5 bonus 100 every 10'::tier_program;
SELECT '{A: orders 3} calendar quarter'::tier_program, '{A: points 3} calendar month points rate 0.00000001'::tier_program;
SELECT '{"a ""b"", {c}": purchase_days 1, "4": purchase_days 2} anniversary 2 years downgrade to_base'::tier_program;
SELECT '{A: spend 0.0001, B: spend 900000000000000} lifetime downgrade none'::tier_program;
SELECT '{A: spend 1 keep orders 1, B: orders 2} rolling 1 day'::tier_program;
SET DateStyle = 'SQL, DMY';
SELECT '{A: spend 1} rolling 1 month 15 days starts 2024-01-31'::tier_program;
SET DateStyle = ISO;

-- text form: errors
SELECT ''::tier_program;
SELECT '{}'::tier_program;
SELECT '{A}'::tier_program;
SELECT '{A: spend} rolling 1 month'::tier_program;
SELECT '{A: profit 3} rolling 1 month'::tier_program;
SELECT '{A: spend 1 or spend 2} rolling 1 month'::tier_program;
SELECT '{A: spend -1} rolling 1 month'::tier_program;
SELECT '{A: spend 1.00001} rolling 1 month'::tier_program;
SELECT '{A: orders 1.5} rolling 1 month'::tier_program;
SELECT '{A: spend NaN} rolling 1 month'::tier_program;
SELECT '{A: spend 1'::tier_program;
SELECT '{A: spend 1} sliding 1 month'::tier_program;
SELECT '{A: spend 1} rolling'::tier_program;
SELECT '{A: spend 1} rolling 0 days'::tier_program;
SELECT '{A: spend 1} rolling 3 hours'::tier_program;
SELECT '{A: spend 1} rolling 1201 months'::tier_program;
SELECT '{A: spend 1} rolling 99999999999999999999 days'::tier_program;
SELECT '{A: spend 1} calendar week'::tier_program;
SELECT '{A: spend 1} calendar year from 13-01'::tier_program;
SELECT '{A: spend 1} calendar year from 02-29'::tier_program;
SELECT '{A: spend 1} rolling 1 year downgrade slowly'::tier_program;
SELECT '{A: spend 1} rolling 1 year starts 2023-02-29'::tier_program;
SELECT '{A: spend 1} rolling 1 year points rate -1'::tier_program;
SELECT '{A: spend 1} rolling 1 year points rate 0.000000001'::tier_program;
SELECT '{A: spend 1} rolling 1 year points bonus 5'::tier_program;
SELECT '{A: spend 1} rolling 1 year and more'::tier_program;
SELECT ('{' || string_agg(format('T%s: spend %s', i, i), ', ') || '} lifetime')::tier_program FROM generate_series(1, 33) i;
SELECT length(('{' || string_agg(format('T%s: spend %s', i, i), ', ') || '} lifetime')::tier_program::text) FROM generate_series(1, 32) i;
SELECT format('{%s: spend 1} lifetime', repeat('x', 64))::tier_program;
SELECT E'{"a\nb": spend 1} lifetime'::tier_program;

-- a program that contradicts itself is refused with the reason
SELECT '{A: spend 0, A: spend 5} lifetime'::tier_program;
SELECT '{A: spend 5, B: spend 4} lifetime'::tier_program;
SELECT '{A: spend 5, B: spend 5} lifetime'::tier_program;
SELECT '{A: spend 5, B: spend 6 or orders 4, C: orders 4} lifetime'::tier_program;
SELECT '{A: spend 0, B: orders 0} lifetime'::tier_program;
SELECT '{A: spend 5 keep spend 6} lifetime'::tier_program;
SELECT '{A: spend 5 keep spend 0} lifetime'::tier_program;
SELECT '{A: spend 0 keep orders 3} lifetime'::tier_program;
SELECT '{A: spend 5, B: spend 50 keep spend 4} lifetime'::tier_program;
SELECT '{A: points 5} lifetime'::tier_program;
SELECT '{A: spend 5} anniversary 30 days'::tier_program;
SELECT '{A: spend 5} rolling 1 year downgrade none grace 1 month'::tier_program;
SELECT '{A: spend 5} rolling 1 year downgrade none valid 1 month'::tier_program;
SELECT '{A: spend 5 keep spend 4} rolling 1 year downgrade none'::tier_program;
SELECT '{A: spend 5} lifetime downgrade one_tier'::tier_program;

-- the constructors
SELECT tier_program(tiers => '{Bronze,Silver,Gold,Platinum}', thresholds => '{0,500,2000,10000}', metric => 'spend',
  period => '12 months', window_kind => 'rolling', downgrade => 'one_tier', grace => '30 days');
SELECT tier_program('{A,B}', '{0,5}', 'orders', window_kind => 'calendar_year', fiscal_start => '04-06', validity => '18 months',
  retain => '{NULL,4}', lifetime_tiers => '{B}', starts_on => '2020-01-01');
SELECT tier_program('{A,B}', '{0,5}', period => '3 months', window_kind => 'calendar'), tier_program('{A}', '{1}', window_kind => 'calendar_month', period => '1 month');
SELECT or_rule(tier_program('{A,B}', '{0,500}', 'points', '1 year', points_rate => 1.5, purchase_points => 10, bonus_points => 50, bonus_every => 5),
  'purchase_days', '{NULL,20}', '{NULL,15}');
SELECT or_rule(NULL, 'orders', '{1}');
SELECT tier_program(NULL, '{1}');
SELECT tier_program('{A}', NULL);
SELECT tier_program('{}', '{}');
SELECT tier_program('{A,NULL}', '{1,2}', period => '1 year');
SELECT tier_program('{{A,B}}', '{1,2}', period => '1 year');
SELECT tier_program('{A,B}', '{1}', period => '1 year');
SELECT tier_program('{A,B}', '{1,NULL}', period => '1 year');
SELECT tier_program('{A,""}', '{1,2}', period => '1 year');
SELECT tier_program('{A,B}', '{1,NaN}', period => '1 year');
SELECT tier_program('{A,B}', '{1,2.00001}', period => '1 year');
SELECT tier_program('{A,B}', '{1,2.5}', 'orders', period => '1 year');
SELECT tier_program('{A,B}', '{-1,2}', period => '1 year');
SELECT tier_program('{A,B}', '{1,2}', 'profit', period => '1 year');
SELECT tier_program('{A,B}', '{1,2}', NULL, period => '1 year');
SELECT tier_program('{A,B}', '{1,2}');
SELECT tier_program('{A,B}', '{1,2}', period => '1 year', window_kind => 'fixed');
SELECT tier_program('{A,B}', '{1,2}', period => '1 year 1 hour');
SELECT tier_program('{A,B}', '{1,2}', period => '-1 year');
SELECT tier_program('{A,B}', '{1,2}', period => '0');
SELECT tier_program('{A,B}', '{1,2}', period => '2 months', window_kind => 'calendar');
SELECT tier_program('{A,B}', '{1,2}', period => '2 months', window_kind => 'calendar_year');
SELECT tier_program('{A,B}', '{1,2}', window_kind => 'anniversary');
SELECT tier_program('{A,B}', '{1,2}', period => '1 year', window_kind => 'lifetime');
SELECT tier_program('{A,B}', '{1,2}', period => '1 year', fiscal_start => '04-06');
SELECT tier_program('{A,B}', '{1,2}', window_kind => 'calendar_year', fiscal_start => 'April');
SELECT tier_program('{A,B}', '{1,2}', window_kind => 'calendar_year', fiscal_start => '04-31');
SELECT tier_program('{A,B}', '{1,2}', window_kind => 'calendar_year', fiscal_start => '2024-04-01');
SELECT tier_program('{A,B}', '{1,2}', period => '1 year', downgrade => 'gently');
SELECT tier_program('{A,B}', '{1,2}', period => '1 year', grace => '1 hour');
SELECT tier_program('{A,B}', '{1,2}', period => '1 year', lifetime_tiers => '{C}');
SELECT tier_program('{A,B}', '{1,2}', period => '1 year', starts_on => 'infinity');
SELECT tier_program('{A,B}', '{1,2}', 'points', period => '1 year');
SELECT tier_program('{A,B}', '{1,2}', 'points', period => '1 year', bonus_points => 5);
SELECT tier_program('{A,B}', '{1,2}', 'points', period => '1 year', points_rate => 'NaN');
SELECT tier_program('{A,B}', '{1,2}', 'points', period => '1 year', points_rate => 1000000.01);
SELECT tier_program('{A,B}', '{1,2}', 'points', period => '1 year', purchase_points => -1);
SELECT or_rule('{A: spend 1} lifetime', 'spend', '{2}');
SELECT or_rule('{A: spend 1} lifetime', 'orders', '{2,3}');
SELECT or_rule('{A: spend 1} lifetime', 'orders', NULL);
SELECT or_rule('{A: spend 1} lifetime', 'points', '{2}');

-- binary form: receive is as strict as input
CREATE FUNCTION receive(message bytea) RETURNS tier_program LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  answer crm.tier_program;
  file text := pg_catalog.current_setting('data_directory') || '/receive_program.bin';
BEGIN
  EXECUTE pg_catalog.format('COPY (SELECT %L::bytea) TO %L (FORMAT binary)', message, file);
  CREATE TEMPORARY TABLE received (p crm.tier_program) ON COMMIT DROP;
  EXECUTE pg_catalog.format('COPY pg_temp.received FROM %L (FORMAT binary)', file);
  SELECT p INTO answer FROM pg_temp.received;
  DROP TABLE pg_temp.received;
  RETURN answer;
END $$;
CREATE TABLE program AS
  SELECT '{Bronze: spend 0, "Gold Plus": spend 500 or orders 3 keep orders 2 lifetime} calendar quarter from 02-03 downgrade one_tier grace 30 days valid 2 months starts 2024-01-01 points rate 1'::tier_program AS p;
SELECT receive(tier_program_send(p)) = p, octet_length(tier_program_send(p)) FROM program;
\set VERBOSITY terse
SELECT receive('\x');
SELECT receive(set_byte(tier_program_send(p), 1, 2)) FROM program;
SELECT receive(set_byte(tier_program_send(p), 3, 2)) FROM program;
SELECT receive(set_byte(tier_program_send(p), 3, 4)) FROM program;
SELECT receive(set_byte(tier_program_send(p), 5, 0)) FROM program;
SELECT receive(set_byte(tier_program_send(p), 4, 255)) FROM program;
SELECT receive(set_byte(tier_program_send(p), 6, 4)) FROM program;
SELECT receive(set_byte(tier_program_send(p), 7, 4)) FROM program;
SELECT receive(set_byte(tier_program_send(p), 7, 0)) FROM program;
SELECT receive(set_byte(tier_program_send(p), 8, 9)) FROM program;
SELECT receive(set_byte(tier_program_send(p), 12, 7)) FROM program;
SELECT receive(set_byte(tier_program_send(p), 17, 200)) FROM program;
SELECT receive(set_byte(tier_program_send(p), 33, 200)) FROM program;
SELECT receive(set_byte(tier_program_send(p), 40, 200)) FROM program;
SELECT receive(set_byte(tier_program_send(p), 73, 200)) FROM program;
SELECT receive(substr(tier_program_send(p), 1, 100)) FROM program;
SELECT receive(tier_program_send(p) || '\x00') FROM program;
\set VERBOSITY default

-- jsonb
SELECT jsonb_pretty(p::jsonb) FROM program;
SELECT '{"a ""b\\": spend 1} lifetime'::tier_program::jsonb -> 'tiers' -> 0 ->> 'tier';

-- order and hash
SELECT p = p, p < p, p <> or_rule(p, 'points', '{NULL,5}'), hashtext(p::text) IS NOT NULL FROM program;
CREATE TABLE programs (p tier_program PRIMARY KEY);
INSERT INTO programs SELECT format('{A: spend %s} lifetime', i % 7)::tier_program FROM generate_series(1, 7) i;
INSERT INTO programs VALUES ('{A: spend 3} lifetime');
SELECT count(DISTINCT p), count(*) FROM (SELECT p FROM programs UNION ALL SELECT p FROM programs) u;
SELECT a.p FROM programs a JOIN programs b USING (p) ORDER BY a.p LIMIT 2;

-- what a program says of itself
SELECT * FROM tiers('{Bronze: spend 0, Silver: spend 500 keep spend 400, Gold: spend 2000 or orders 20 keep purchase_days 15 lifetime} rolling 1 year');
SELECT tier_rank(p, 'Bronze'), tier_rank(p, 'Gold Plus') FROM program;
SELECT tier_rank(p, 'bronze') FROM program;
SELECT v, tier_by_value(p, v), tier_by_value('{A: orders 1, B: orders 5} lifetime', v) FROM program, unnest('{-5,0,0.9999,1,499.99,500,500.0000,1e20}'::numeric[]) v;
SELECT tier_by_value(p, 'NaN') FROM program;
SELECT tier_by_value(p, NULL) FROM program;

-- a customer in a program: arguments
SELECT tier(p, '{2024-02-01 1 10}', '2024-02-01'), tier(p, NULL, '2024-02-01'), tier(NULL, '{}', '2024-02-01'), tier(p, '{}', NULL) FROM program;
SELECT tier(p, '{}', 'infinity') FROM program;
SELECT * FROM standing((SELECT p FROM program), '{}', '-infinity');
SELECT * FROM tier_timeline((SELECT p FROM program), '{}', 'infinity');
SELECT * FROM standing(NULL, '{}', '2024-01-01');
SELECT * FROM standing((SELECT p FROM program), '{}', '2024-01-01');
SELECT * FROM tier_timeline(NULL, '{}', '2024-01-01');
SELECT * FROM tier_progress((SELECT p FROM program), '{2024-02-01 1 10}', '2024-02-01');
SELECT * FROM tier_progress((SELECT p FROM program), NULL, '2024-02-01');
-- overrides and memberships: errors
SELECT tier(p, '{}', '2024-01-01', ARRAY[ROW('Gold', NULL, '(,)')]::tier_override[]) FROM program;
SELECT tier(p, '{}', '2024-01-01', ARRAY[ROW(NULL, NULL, '(,)')]::tier_override[]) FROM program;
SELECT tier(p, '{}', '2024-01-01', ARRAY[ROW('Bronze', NULL, NULL)]::tier_override[]) FROM program;
SELECT tier(p, '{}', '2024-01-01', ARRAY[ROW('Bronze', NULL, 'empty'), NULL]::tier_override[], '{NULL,empty}') FROM program;

-- days at the end of time
SELECT * FROM tier_timeline('{A: spend 0, B: spend 5} rolling 12 months grace 1 day', '{5874897-12-01 1 10}', '5874897-12-31');
SELECT * FROM standing('{A: spend 0, B: spend 5} calendar year downgrade one_tier grace 1 day', '{5874896-12-01 1 10}', '5874897-12-31');
SELECT * FROM standing('{A: spend 0, B: spend 5} lifetime valid 1000 months', '{4713-12-01 BC 1 10}', '5874897-12-31');
SELECT * FROM standing('{A: spend 5} rolling 12 months', '{4713-12-01 BC 1 900000000000000, 4713-12-02 BC 1 900000000000000}', '4713-12-02 BC');

-- renewals that a membership hides, day by day to the end of the calendar, can be cancelled
SET statement_timeout = '100ms';
SELECT * FROM standing('{A: spend 5} lifetime valid 1 day', '{2024-01-01 1 10}', '5874897-12-31', memberships => '{"[2023-01-01,2024-01-10)"}');
RESET statement_timeout;

-- terms: what is joined, rolls over, is matched, is paid for, is a benefit
CREATE TABLE terms AS SELECT '{Bronze: spend 0, Silver: spend 500 and orders 3 or spend 1000 keep spend 300 and orders 2, Gold: spend 2000} calendar year rollover up to 500 match 90 days {Gold: 600} fee 60 every 12 months renewal 50 benefits {"free shipping": Silver, lounge: Gold}'::tier_program AS p;
SELECT p, p::text::tier_program = p, receive(tier_program_send(p)) = p, octet_length(tier_program_send(p)) FROM terms;
SELECT p::jsonb FROM terms;
SELECT and_rule(tier_program('{A,B,C}', '{0,100,200}', period => '12 months', retain => '{NULL,50,NULL}'), 'orders', '{NULL,2,3}', '{NULL,1,NULL}');
SELECT tier_program('{A,B}', '{0,100}', window_kind => 'calendar_month', rollover => 'all', proof_period => '1 month', proof => '{NULL,10}', fee => 9.90, fee_period => '1 month', benefits => '{lounge: B}');
SELECT '{A: spend 0} lifetime grace 0 days'::tier_program, tier_program('{A}', '{0}', period => '1 month', grace => '0 days');
\set SHOW_CONTEXT never
SELECT receive(tier_program_send(p) || '\x00') FROM terms;
SELECT receive(substr(tier_program_send(p), 1, octet_length(tier_program_send(p)) - 8)) FROM terms;
SELECT receive(set_byte(tier_program_send(p), octet_length(tier_program_send(p)) - 8, 9)) FROM terms;
SELECT r, receive(overlay(tier_program_send('{A: spend 0} calendar year rollover') PLACING r FROM octet_length(tier_program_send('{A: spend 0} calendar year rollover')) - 7)) FROM unnest('{"\\x0000000100000000","\\xffffffff00000000","\\x0000000000000041"}'::bytea[]) r;
\set SHOW_CONTEXT errors
SELECT '{A: spend 5 and orders 0} rolling 1 month'::tier_program;
SELECT '{A: spend 5 and spend 6} rolling 1 month'::tier_program;
SELECT '{A: spend 0} rolling 1 month rollover'::tier_program;
SELECT '{A: spend 0} calendar year rollover up to 0'::tier_program;
SELECT '{A: spend 0} calendar year match 90 days {B: 5}'::tier_program;
SELECT '{A: spend 0} lifetime match 90 days {A: 5}'::tier_program;
SELECT '{A: spend 0} calendar year fee 5 every 1 month renewal 5'::tier_program;
SELECT '{A: spend 0} calendar year benefits {x: A, x: A}'::tier_program;
SELECT tier_program('{A}', '{0}', window_kind => 'calendar_year', proof_period => '1 month');
SELECT tier_program('{A}', '{0}', window_kind => 'calendar_year', fee => 5);
SELECT tier_program('{A}', '{0}', window_kind => 'calendar_year', rollover => 'half');
SELECT and_rule('{A: spend 0} calendar year', 'orders', '{5}');
SELECT status_match('{A: spend 0} calendar year', 'A', '2024-01-01');
SELECT memberships('{A: spend 0} calendar year', '{}', '2024-01-01');
SELECT entitled('{A: spend 0} calendar year', 'A', 'lounge');
SELECT entitled(p, 'Silver', 'bed') FROM terms;
SELECT b.* FROM terms, benefits(p, 'Silver') b;
DROP TABLE terms;

DROP FUNCTION receive;
DROP TABLE program, programs;
