-- retention_curve and survival_curve: text and binary forms, and what is refused
SET search_path = public, crm, crm_internal;

SELECT 'month calendar 1998-06-30 {0 23570 23570, 1 23570 3420, 2 20000 0}'::retention_curve;
SELECT ' WEEK  Age 2024-02-29 { 0 2 2 } '::retention_curve;
SELECT 'decade calendar 1998-06-30 {0 1 1}'::retention_curve;
SELECT 'month lunar 1998-06-30 {0 1 1}'::retention_curve;
SELECT 'month calendar infinity {0 1 1}'::retention_curve;
SELECT 'month calendar 1998-06-30 {}'::retention_curve;
SELECT 'month calendar 1998-06-30 {1 1 1}'::retention_curve;
SELECT 'month calendar 1998-06-30 {0 1 1, 2 1 1}'::retention_curve;
SELECT 'month calendar 1998-06-30 {0 1 1, 1 2 1}'::retention_curve;
SELECT 'month calendar 1998-06-30 {0 2 2, 1 1 2}'::retention_curve;
SELECT 'month calendar 1998-06-30 {0 2 1}'::retention_curve;
SELECT 'month calendar 1998-06-30 {0 2 2, 1 0 0}'::retention_curve;
SELECT 'month calendar 1998-06-30 {0 2 2} more'::retention_curve;

-- the same rows from 31 January: months by the calendar, and counted from the day
SELECT retention_curve(h, '2024-04-29', 'month'), retention_curve(h, '2024-04-29', 'month', 'age')
FROM (VALUES ('{2024-01-31 1 5, 2024-02-29 1 5, 2024-03-30 1 5}'::purchase_history)) v(h);
SELECT retention_curve('{2024-01-31 1 5, 2024-02-29 0 -5, 2024-05-01 1 5}', '2024-04-30', 'month', 'age');
SELECT * FROM curve_points('month calendar 2024-04-30 {0 3 3, 1 2 1, 2 2 0}'::retention_curve);
SELECT retention_curve(h, d, 'month') FROM (VALUES ('{2024-01-31 1 5}'::purchase_history, '2024-04-30'::date), ('{}', '2024-05-01')) v(h, d);
SELECT retention_curve('{2024-01-31 1 5}', 'infinity', 'month');
SELECT retention_curve('{2024-01-31 1 5}', '2024-04-30', NULL);
SELECT retention_curve('{2024-01-31 1 5}', '2024-04-30', 'month', 'lunar');
SELECT 'month age 2024-04-30 {0 1 1}'::retention_curve + 'month calendar 2024-04-30 {0 1 1}';
SELECT 'month age 2024-04-30 {0 1 1}'::retention_curve + 'month age 2024-04-30 {0 2 2, 1 1 1}';
SELECT 'month age 2024-04-30 {0 1 1}'::retention_curve = 'month age 2024-04-30 {0 1 1}', 'month age 2024-04-30 {0 1 1}'::retention_curve < 'week age 2024-04-30 {0 1 1}';

SELECT '{14 20 3, 15 18 0}'::survival_curve, '{}'::survival_curve, '{3 0 0}'::survival_curve;
SELECT '{15 1 0, 14 1 0}'::survival_curve;
SELECT '{-1 1 0}'::survival_curve;
SELECT '{1 -1 0}'::survival_curve;
SELECT '{1 9223372036854775807 1}'::survival_curve;
SELECT '{99999999999 1 0}'::survival_curve;
SELECT * FROM curve_points('{2 1 0, 3 0 1, 5 1 1}'::survival_curve);
SELECT survival('{2 1 0, 5 0 1}'::survival_curve, 2), survival('{2 1 0, 5 0 1}'::survival_curve, 9), survival('{2 1 0}'::survival_curve, 9), survival_days('{2 1 0, 5 0 1}', 0.5), survival_days('{2 1 0, 5 0 1}', 0.6);
SELECT survival_days('{2 1 0}', 0);
SELECT survival('{2 1 0}'::survival_curve, -1);
SELECT survival_curve(-1, true);
SELECT repeat_rate('{2 1 0, 5 0 3}'::survival_curve), repeat_rate('{}'::survival_curve);
SELECT '{2 1 0}'::survival_curve + '{2 1 1, 7 0 1}';

-- binary form: receive is as strict as input
CREATE FUNCTION pg_temp.receive(type regtype, message bytea) RETURNS text LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  answer text;
  file text := pg_catalog.current_setting('data_directory') || '/receive.bin';
BEGIN
  EXECUTE pg_catalog.format('COPY (SELECT %L::bytea) TO %L (FORMAT binary)', message, file);
  EXECUTE pg_catalog.format('CREATE TEMPORARY TABLE received (value %s)', type);
  EXECUTE pg_catalog.format('COPY pg_temp.received FROM %L (FORMAT binary)', file);
  SELECT value::text INTO answer FROM pg_temp.received;
  DROP TABLE pg_temp.received;
  RETURN answer;
END $$;
\set VERBOSITY terse
SELECT pg_temp.receive('retention_curve', retention_curve_send('month age 2024-04-30 {0 2 2, 1 1 1}'));
SELECT pg_temp.receive('survival_curve', survival_curve_send('{2 1 0, 5 0 1}'));
SELECT pg_temp.receive('retention_curve', '\x00010201000022b60000000100000000000000010000000000000001');
SELECT pg_temp.receive('retention_curve', '\x00020201000022b60000000100000000000000010000000000000001');
SELECT pg_temp.receive('retention_curve', '\x00010501000022b60000000100000000000000010000000000000001');
SELECT pg_temp.receive('retention_curve', '\x00010202000022b60000000100000000000000010000000000000001');
SELECT pg_temp.receive('retention_curve', '\x000102017fffffff0000000100000000000000010000000000000001');
SELECT pg_temp.receive('retention_curve', '\x00010201000022b60000000200000000000000010000000000000001');
SELECT pg_temp.receive('retention_curve', '\x00010201000022b6ffffffff00000000000000010000000000000001');
SELECT pg_temp.receive('retention_curve', '\x00010201000022b6000000010000000000000001000000000000000100');
SELECT pg_temp.receive('retention_curve', '\x00010201000022b60000000100000000000000010000000000000002');
SELECT pg_temp.receive('retention_curve', '\x00010201000022b600000001ffffffffffffffff0000000000000000');
SELECT pg_temp.receive('retention_curve', '\x00010201000022b6000000020000000000000001000000000000000100000000000000000000000000000000');
SELECT pg_temp.receive('retention_curve', '\x00010201000022b6000000027fffffffffffffff000000000000000100000000000000010000000000000000');
SELECT pg_temp.receive('retention_curve', '\x00010201000022b600000000');
SELECT pg_temp.receive('survival_curve', '\x00010000000000000000000100000000000000010000000000000001');
SELECT pg_temp.receive('survival_curve', '\x00010100000000000000000100000000000000010000000000000001');
SELECT pg_temp.receive('survival_curve', '\x00010000000000010000000100000000000000010000000000000001');
SELECT pg_temp.receive('survival_curve', '\x0001000000000000000000010000000000000001ffffffffffffffff');
SELECT pg_temp.receive('survival_curve', '\x00010000000000007fffffff00000000000000010000000000000001');
\set VERBOSITY default

-- one stray date does not ask for all the memory there is
SELECT repeat_rate(history, '5874897-01-01') FROM (VALUES ('{2023-01-01 1 1}'::purchase_history)) v(history);
SELECT retention_curve(history, '5874897-01-01', 'day') FROM (VALUES ('{2023-01-01 1 1}'::purchase_history)) v(history);
SELECT survival_curve(2147000000, true);
SELECT '{2147000000 1 0}'::survival_curve;
SELECT repeat_rate(history, '9999-12-31') FROM (VALUES ('{0001-01-01 1 1}'::purchase_history)) v(history);
