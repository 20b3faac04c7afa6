-- referral_network: text and binary forms, and what is refused
SET search_path = public, crm, crm_internal;

SELECT '{anna > cleo unknown, anna > ben 12.5, "b c" > "say ""hi""" -3}'::referral_network;
SELECT '{}'::referral_network;
SELECT '{anna ben 12.5}'::referral_network;
SELECT '{anna > ben}'::referral_network;
SELECT '{anna > ben 1.00001}'::referral_network;
SELECT '{anna > anna 1}'::referral_network;
SELECT '{anna > ben 1, cleo > ben 1}'::referral_network;
SELECT '{"" > ben 1}'::referral_network;
SELECT '{anna > ben 1} more'::referral_network;
SELECT referral_network(repeat('a', 1025), 'ben', 1);
SELECT '{anna > ben 1}'::referral_network + '{ben > cleo 2}';
SELECT * FROM referrals('{anna > ben 1, ben > cleo unknown, cleo > anna 2, dora > emil 4}');
SELECT * FROM referrers('{anna > ben 1, ben > cleo unknown, cleo > anna 2, dora > emil 4}', 2);
SELECT referral_value('{anna > ben 1.5, anna > cleo 2}', 'anna'), referral_reach('{anna > ben 1.5, ben > cleo 2}', 'anna', 2);
SELECT referrers('{anna > ben 1.5}', 0);
SELECT referral_network_send('{anna > ben 12.5, ben > cleo unknown}');
SELECT referral_worth(50, 20, false), referral_worth(50, 20, true), referral_worth(NULL, 20, false);
SELECT present_value(100, '2025-01-01', '2025-01-01', 0.1), present_value(100, '2025-01-01', '1999-01-01', 0);
SELECT present_value(100, '2025-01-01', '2025-01-01', -1);
SELECT present_value(100, '2025-01-01', '2025-01-01', 'NaN');
SELECT present_value(100, 'infinity', '2025-01-01', 0.1);

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
SELECT pg_temp.receive('referral_network', referral_network_send('{anna > ben 12.5, ben > cleo unknown}'));
SELECT pg_temp.receive('referral_network', '\x00010000000000010000000000002710000161000162');
SELECT pg_temp.receive('referral_network', '\x00020000000000010000000000002710000161000162');
SELECT pg_temp.receive('referral_network', '\x00010001000000010000000000002710000161000162');
SELECT pg_temp.receive('referral_network', '\x0001000000000000');
SELECT pg_temp.receive('referral_network', '\x00010000000000020000000000002710000161000162');
SELECT pg_temp.receive('referral_network', '\x0001000000000001000000000000271000016100016200');
SELECT pg_temp.receive('referral_network', '\x00010000000000010000000000002710000161000161');
SELECT pg_temp.receive('referral_network', '\x000100000000000100000000000027100000000161');
SELECT pg_temp.receive('referral_network', '\x0001000000000001000000000000271000026100000162');
SELECT pg_temp.receive('referral_network', '\x00010000000000010000000000002710000261ff000162');
SELECT pg_temp.receive('referral_network', '\x00010000000000018000000000000001000161000162');
SELECT pg_temp.receive('referral_network', '\x000100000000000200000000000000010001610001630000000000000001000162000163');
SELECT pg_temp.receive('referral_network', '\x000100000000000200000000000000010001620001640000000000000001000161000163');
\set VERBOSITY default
