-- whale_curve: text and binary forms, and what is refused
SET search_path = public, crm, crm_internal;

SELECT 'exact {-12.50 1, 100 3}'::whale_curve, ' BUCKETS { -12.4992 2 -25.00, 0.00 3 0, 12.8 2 25.61 } '::whale_curve;
SELECT 'exact {}'::whale_curve;
SELECT 'exact {1.00 0}'::whale_curve;
SELECT 'exact {1.00 1, 1.00 1}'::whale_curve;
SELECT 'exact {2.00 1, 1.00 1}'::whale_curve;
SELECT 'exact {1.00001 1}'::whale_curve;
SELECT 'exact {1.00 9223372036854775807}'::whale_curve;
SELECT 'buckets {12.8001 1 12.8001}'::whale_curve;
SELECT 'buckets {12.80 2 25.59}'::whale_curve;
SELECT 'buckets {12.80 2 25.70}'::whale_curve;
SELECT 'roughly {1 1}'::whale_curve;
SELECT 'exact {1 1} 2'::whale_curve;
SELECT whale_curve(v) FROM (VALUES (3), (-1.5), (3), (NULL)) t(v);
SELECT 'exact {-1.50 1, 3.00 2}'::whale_curve + 'exact {-1.50 2}';
SELECT 'exact {-1.50 1, 3.00 2}'::whale_curve + 'buckets {12.80 2 25.61}';
SELECT * FROM curve_points('exact {-2.00 1, 1.00 1, 4.00 2}'::whale_curve, 4);
SELECT * FROM whale_peak('exact {-2.00 1, 0.00 1, 1.00 1, 4.00 2}'::whale_curve);
SELECT * FROM whale_peak('exact {-2.00 1}'::whale_curve);
SELECT * FROM deciles('exact {-2.00 1, 1.00 1, 4.00 11}'::whale_curve);
SELECT curve_points('exact {1.00 1}'::whale_curve, 0);
SELECT customer_count('exact {-2.00 1, 4.00 2}'::whale_curve), profit('exact {-2.00 1, 4.00 2}'::whale_curve);
SELECT whale_curve_send('exact {-12.50 1, 100 3}');

SELECT payback_on('{2024-01-01 1 10, 2024-02-01 0 -4, 2024-03-01 1 20}', 0.4, 5), payback_on('{}', 0.4, 5), payback_on('{2024-01-01 1 10}', 0.4, 0);
SELECT payback_on('{2024-01-01 1 10}', -0.1, 5);
SELECT payback_on('{2024-01-01 1 10}', 'NaN', 5);
SELECT payback_on('{2024-01-01 1 10}', 0.5, -5);
SELECT payback_on('{2024-01-01 1 10}', 0.000001, 900000000000000);
SELECT contribution(100, 'NaN', 0, 0);
SELECT discount_share(100, 25), discount_share(-1, 0), discount_share(NULL, 1);
SELECT customer_equity(v) FROM (VALUES (10.0), (30.0), (60.0)) t(v);

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
SELECT pg_temp.receive('whale_curve', whale_curve_send('exact {-12.50 1, 100 3}'));
SELECT pg_temp.receive('whale_curve', '\x00010000000000010000000000004e2000000000000000020000000000009c40');
SELECT pg_temp.receive('whale_curve', '\x00020000000000010000000000004e2000000000000000020000000000009c40');
SELECT pg_temp.receive('whale_curve', '\x00010002000000010000000000004e2000000000000000020000000000009c40');
SELECT pg_temp.receive('whale_curve', '\x0001000000000000');
SELECT pg_temp.receive('whale_curve', '\x00010000000000020000000000004e2000000000000000020000000000009c40');
SELECT pg_temp.receive('whale_curve', '\x00010000000000010000000000004e2000000000000000020000000000009c4000');
SELECT pg_temp.receive('whale_curve', '\x00010000000000010000000000004e2000000000000000020000000000009c41');
SELECT pg_temp.receive('whale_curve', '\x00010001000000010000000000004e2100000000000000020000000000009c42');
SELECT pg_temp.receive('whale_curve', '\x00010001000000010000000000004e2000000000000000020000000000009c5e');
SELECT pg_temp.receive('whale_curve', '\x00010001000000010000000000004e2000000000000000020000000000009c5f');
SELECT pg_temp.receive('whale_curve', '\x00010000000000010000000000004e2000000000000000000000000000000000');
SELECT pg_temp.receive('whale_curve', '\x0001000000000002000000000000000200000000000000010000000000000002000000000000000100000000000000010000000000000001');
SELECT pg_temp.receive('whale_curve', '\x0001000000000001800000000000000000000000000000018000000000000000');
SELECT pg_temp.receive('whale_curve', '\x000100000000000200000000000000017fffffffffffffff7fffffffffffffff000000000000000200000000000000010000000000000002');
\set VERBOSITY default

-- a quotient that no float8 holds; sums that could not be read again
SELECT discount_share(1e-20, 1e300);
SELECT discount_share(1e300, 1e-300);
SELECT whale_curve 'exact {10000000000000 80}' + 'exact {10000000000000 11}';
SELECT whale_curve 'exact {10000000000000 80}' + 'exact {10000000000000 10}';
