-- interaction_history: text and binary forms, errors, arithmetic, questions
SET search_path = public, crm, crm_internal;
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';

-- text form: any order in, sorted out, nothing lost
SELECT '{}'::interaction_history, ' { } '::interaction_history;
SELECT '{2024-03-01 10:00:00+01 message email outbound opened,2024-01-05T10:00Z complaint phone inbound resolved score 3 resolved_at 2024-01-06 08:30:00.25+00}'::interaction_history;
SELECT '{0044-03-15 10:00Z BC visit "in ""person""" inbound, 12020-01-02 1:2-05:30 referral "7-eleven" outbound, 2024-01-05 10:00Z other a.b-c inbound}'::interaction_history;
SELECT '{2024-01-05 10:00Z visit shop inbound, 2024-01-05 10:00Z visit shop inbound}'::interaction_history;
SET DateStyle = 'SQL, DMY';
SET timezone = 'Asia/Tokyo';
SELECT '{2024-02-03 10:00Z visit shop inbound}'::interaction_history;
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';

-- text form: errors
SELECT ''::interaction_history;
SELECT '{'::interaction_history;
SELECT '{2024-01-05 10:00Z visit shop inbound'::interaction_history;
SELECT '{2024-01-05 10:00Z visit shop inbound} x'::interaction_history;
SELECT '{2024-01-05 10:00Z visit shop inbound,}'::interaction_history;
SELECT '{2024-01-05 10:00 visit shop inbound}'::interaction_history;
SELECT '{2024-01-05 visit shop inbound}'::interaction_history;
SELECT '{01-05-2024 10:00Z visit shop inbound}'::interaction_history;
SELECT '{infinity visit shop inbound}'::interaction_history;
SELECT '{2024-02-30 10:00Z visit shop inbound}'::interaction_history;
SELECT '{294277-01-01 00:00Z visit shop inbound}'::interaction_history;
SELECT '{2024-01-05 10:00Z call shop inbound}'::interaction_history;
SELECT '{2024-01-05 10:00Z visit shop sideways}'::interaction_history;
SELECT '{2024-01-05 10:00Z visit shop inbound lost}'::interaction_history;
SELECT '{2024-01-05 10:00Z visit "" inbound}'::interaction_history;
SELECT '{2024-01-05 10:00Z visit "shop inbound}'::interaction_history;
SELECT '{2024-01-05 10:00Z visit sixteen-bytes-xx inbound}'::interaction_history;
SELECT '{2024-01-05 10:00Z visit shop inbound score 11}'::interaction_history;
SELECT '{2024-01-05 10:00Z visit shop inbound score -1}'::interaction_history;
SELECT '{2024-01-05 10:00Z visit shop inbound resolved_at 2024-01-05 09:59Z}'::interaction_history;
SELECT '{0001-01-05 10:00Z visit shop inbound resolved_at 4024-01-05 09:59Z}'::interaction_history;

-- binary form: receive is as strict as input
CREATE FUNCTION receive(message bytea, kind regtype) RETURNS text LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  answer text;
  file text := pg_catalog.current_setting('data_directory') || '/receive.bin';
BEGIN
  EXECUTE pg_catalog.format('COPY (SELECT %L::bytea) TO %L (FORMAT binary)', message, file);
  EXECUTE pg_catalog.format('CREATE TEMPORARY TABLE received (v %s) ON COMMIT DROP', kind);
  EXECUTE pg_catalog.format('COPY pg_temp.received FROM %L (FORMAT binary)', file);
  SELECT v::text INTO answer FROM pg_temp.received;
  DROP TABLE pg_temp.received;
  RETURN answer;
END $$;
SELECT interaction_history_send('{2024-01-05 10:00Z complaint web inbound resolved score 3 resolved_at 2024-01-06 08:30Z}');
SELECT receive(interaction_history_send('{2024-01-05 10:00Z complaint web inbound resolved score 3 resolved_at 2024-01-06 08:30Z, 2024-01-05 10:00Z visit "in person" inbound}'), 'interaction_history');
SELECT receive(interaction_history_send('{}'), 'interaction_history');
\set VERBOSITY terse
CREATE FUNCTION entry(at bigint, codes bytea, resolved bigint, channel bytea) RETURNS bytea LANGUAGE sql
  SET search_path = pg_catalog, pg_temp AS $$ SELECT int8send(at) || codes || int8send(resolved) || int4send(length(channel)) || channel $$;
SELECT receive('\x00010000'::bytea || '\x00000001' || entry(0, '\x08010006', 1, 'web'), 'interaction_history');
SELECT receive('\x00020000'::bytea || '\x00000000', 'interaction_history');
SELECT receive('\x00010001'::bytea || '\x00000000', 'interaction_history');
SELECT receive('\x00010000'::bytea || '\x00000001', 'interaction_history');
SELECT receive('\x00010000'::bytea || '\x7fffffff' || entry(0, '\x00000000', 0, 'web'), 'interaction_history');
SELECT receive('\x00010000'::bytea || '\xffffffff', 'interaction_history');
SELECT receive('\x00010000'::bytea || '\x00000001' || entry(0, '\x09000000', 0, 'web'), 'interaction_history');
SELECT receive('\x00010000'::bytea || '\x00000001' || entry(0, '\x00020000', 0, 'web'), 'interaction_history');
SELECT receive('\x00010000'::bytea || '\x00000001' || entry(0, '\x00000700', 0, 'web'), 'interaction_history');
SELECT receive('\x00010000'::bytea || '\x00000001' || entry(0, '\x0000000c', 0, 'web'), 'interaction_history');
SELECT receive('\x00010000'::bytea || '\x00000001' || entry(0, '\x00000000', -1, 'web'), 'interaction_history');
SELECT receive('\x00010000'::bytea || '\x00000001' || entry(0, '\x00000000', 9223372036854775807, 'web'), 'interaction_history');
SELECT receive('\x00010000'::bytea || '\x00000001' || entry(9223372036854775807, '\x00000000', 0, 'web'), 'interaction_history');
SELECT receive('\x00010000'::bytea || '\x00000001' || entry(9223371331199999999, '\x00000000', 72057594037927935, 'web'), 'interaction_history');
SELECT receive('\x00010000'::bytea || '\x00000001' || entry(0, '\x00000000', 0, 'a channel of more bytes'), 'interaction_history');
SELECT receive('\x00010000'::bytea || '\x00000001' || entry(0, '\x00000000', 0, ''), 'interaction_history');
SELECT receive('\x00010000'::bytea || '\x00000001' || entry(0, '\x00000000', 0, '\x776500'), 'interaction_history');
SELECT receive('\x00010000'::bytea || '\x00000001' || int8send(0) || '\x00000000'::bytea || int8send(0) || '\x0000ffff'::bytea || '\x77'::bytea, 'interaction_history');
SELECT receive('\x00010000'::bytea || '\x00000002' || entry(1, '\x00000000', 0, 'web') || entry(0, '\x00000000', 0, 'web'), 'interaction_history');
SELECT receive('\x00010000'::bytea || '\x00000002' || entry(0, '\x00000000', 0, 'web') || entry(0, '\x00000000', 0, 'app'), 'interaction_history');
\set VERBOSITY default

-- the aggregate: what may be NULL
SELECT interaction_history(at, kind, channel, direction) FROM (VALUES (timestamptz '2024-01-05 10:00Z', 'visit', 'shop', 'inbound'), ('2024-01-04 10:00Z', 'message', 'sms', 'outbound'),
  (NULL, 'visit', 'shop', 'inbound'), ('2024-01-06', NULL, 'shop', 'inbound'), ('2024-01-06', 'visit', NULL, 'inbound'), ('2024-01-06', 'visit', 'shop', NULL)) v(at, kind, channel, direction);
SELECT interaction_history(at, 'request', 'web', 'inbound', outcome, score, resolved_at) FROM (VALUES (timestamptz '2024-01-05 10:00Z', 'resolved', 10, timestamptz '2024-01-05 10:00Z'), ('2024-01-04 10:00Z', NULL, 0, NULL), ('2024-01-04 10:00Z', NULL, NULL, NULL)) v(at, outcome, score, resolved_at);
SELECT interaction_history(NULL::timestamptz, 'visit', 'shop', 'inbound') IS NULL AS none;
SELECT interaction('2024-01-05 10:00Z', 'visit', 'shop', 'inbound', score => 7), interaction(NULL, 'visit', 'shop', 'inbound');
SELECT interaction_history(timestamptz '2024-01-05', 'visit', 'shop', 'inbound', 'lost');
SELECT interaction_history(timestamptz '2024-01-05', 'visit', 'shop', 'inbound', '');
SELECT interaction_history(timestamptz '2024-01-05', 'visit', 'shop', 'in');
SELECT interaction_history(timestamptz '2024-01-05', 'Visit', 'shop', 'inbound');
SELECT interaction_history(timestamptz '2024-01-05', 'visit', '', 'inbound');
SELECT interaction_history(timestamptz '2024-01-05', 'visit', 'shop', 'inbound', NULL, 11);
SELECT interaction_history(timestamptz '2024-01-05', 'visit', 'shop', 'inbound', NULL, NULL, '2024-01-04');
SELECT interaction_history(timestamptz '-infinity', 'visit', 'shop', 'inbound');
SELECT interaction_history_transition(NULL, timestamptz '2024-01-05', 'visit', 'shop', 'inbound');
SELECT merge_transition(NULL::interaction_history_state, '{}');
SELECT merge(h) FROM (VALUES ('{2024-01-05 10:00Z visit shop inbound}'::interaction_history), ('{2024-01-04 10:00Z visit shop inbound, 2024-01-05 10:00Z visit shop inbound}'), (NULL), ('{}')) v(h);

-- sum and difference count what recurs
SELECT '{2024-01-05 10:00Z visit shop inbound}'::interaction_history + '{2024-01-05 10:00Z visit shop inbound, 2024-01-04 10:00Z visit shop inbound}';
SELECT '{2024-01-05 10:00Z visit shop inbound, 2024-01-05 10:00Z visit shop inbound}'::interaction_history - '{2024-01-05 10:00Z visit shop inbound}';
SELECT '{2024-01-05 10:00Z visit shop inbound}'::interaction_history - '{2024-01-05 10:00Z visit shop inbound, 2024-01-05 10:00Z visit shop inbound}';
SELECT '{2024-01-05 10:00Z visit shop inbound}'::interaction_history - '{2024-01-05 10:00Z visit shop inbound score 5}';

-- order, equality, hash
SELECT h FROM (VALUES ('{2024-01-05 10:00Z visit shop inbound}'::interaction_history), ('{2024-01-04 10:00Z visit shop inbound}'), ('{}'), ('{2024-01-05 10:00Z visit shop inbound score 1}'),
  ('{2024-01-05 10:00Z visit shop inbound, 2024-01-05 10:00Z visit shop inbound}'), ('{2024-01-05 10:00Z visit app inbound}')) v(h) ORDER BY h;
SELECT '{}'::interaction_history < '{2024-01-05 10:00Z visit shop inbound}' AS lt, '{}'::interaction_history <= '{}' AS le, '{}'::interaction_history > '{}' AS gt, '{}'::interaction_history >= '{}' AS ge,
  '{}'::interaction_history = '{}' AS eq, '{}'::interaction_history <> '{}' AS ne;

-- questions
CREATE TABLE crm_contact (name text, h interaction_history);
INSERT INTO crm_contact VALUES ('nobody', '{}'), ('unknown', NULL),
  ('talker', '{2024-01-01 09:00Z enquiry chat inbound answered, 2024-01-02 09:00Z complaint phone inbound, 2024-01-02 15:00Z message email outbound opened, 2024-01-03 09:00Z request phone inbound resolved_at 2024-01-05 09:00Z, 2024-01-09 09:00Z message email outbound bounced, 2024-01-10 09:00Z survey email inbound score 9}');
SELECT name, interaction_count(h), first_interaction_at(h), last_interaction_at(h), days_since_last_contact(h, '2024-01-11 08:59:59Z') AS days, reciprocity(h, '2024-02-01') FROM crm_contact;
SELECT name, complaint_count(h, '2024-02-01'), complaint_rate(h, '2024-02-01'), open_request_count(h, '2024-02-01'), unanswered_request_count(h, '2024-02-01'), first_response_time(h, '2024-02-01'), time_to_resolve(h, '2024-02-01') FROM crm_contact;
SELECT as_of, open_request_count(h, as_of), unanswered_request_count(h, as_of), first_response_time(h, as_of), time_to_resolve(h, as_of)
  FROM crm_contact, (VALUES (timestamptz '2024-01-02 15:00Z' - interval '1 microsecond'), ('2024-01-02 15:00Z'), ('2024-01-04 09:00Z'), ('2024-01-05 09:00Z')) q(as_of) WHERE name = 'talker';
SELECT r.* FROM crm_contact, service_requests(h, '2024-02-01') r;
SELECT p.* FROM crm_contact, channel_profile(h, '2024-02-01') p;
SELECT i.* FROM crm_contact, interactions(h) i;
SELECT h::jsonb FROM crm_contact;
SELECT preferred_channel(h, '2024-02-01', minimum_attempts => 1), preferred_channel(h, '2024-02-01'), preferred_channel(h, '2024-02-01', 'post') FROM crm_contact WHERE name = 'talker';
SELECT preferred_channel(NULL, '2024-02-01', 'post'), preferred_channel(NULL, '2024-02-01') IS NULL AS unknown;
SELECT preferred_channel(h, '2024-02-01', NULL, 0) FROM crm_contact WHERE name = 'talker';
SELECT preferred_channel(h, '2024-02-01', NULL, 1e308, 1e308) FROM crm_contact WHERE name = 'talker';
SELECT preferred_channel(h, '2024-02-01', NULL, 1, 'infinity') FROM crm_contact WHERE name = 'talker';
SELECT preferred_channel(h, '2024-02-01', NULL, 1, 1, 0) FROM crm_contact WHERE name = 'talker';
SELECT preferred_channel(h, NULL) FROM crm_contact WHERE name = 'talker';
-- an unsubscription rules a channel out; equal rates go to the one used last, then to the first name
SELECT preferred_channel('{2024-01-01 09:00Z message email outbound opened, 2024-01-02 09:00Z message sms outbound opened, 2024-01-02 09:00Z message app outbound opened}', '2024-02-01', minimum_attempts => 1),
  preferred_channel('{2024-01-01 09:00Z message email outbound opened, 2024-01-02 09:00Z message email outbound unsubscribed, 2024-01-02 09:00Z message app outbound}', '2024-02-01', minimum_attempts => 1);
SELECT until(h, '2024-01-01 09:00Z'), until(h, '-infinity'), until(h, 'infinity') = h AS all_of_it FROM crm_contact WHERE name = 'talker';
SELECT period, interaction_count(within(h, period)) FROM crm_contact, (VALUES (tstzrange '[2024-01-02 09:00Z,2024-01-09 09:00Z]'), ('[2024-01-02 09:00Z,2024-01-09 09:00Z)'), ('(2024-01-02 09:00Z,2024-01-09 09:00Z]'), ('(2024-01-02 09:00Z,)'), ('(,2024-01-02 09:00Z)'), ('(,)'), ('empty'), ('[-infinity,infinity]')) v(period) WHERE name = 'talker';

-- as_of and lengths of time
SELECT reciprocity('{}', 'infinity');
SELECT engagement('{2024-01-01 09:00Z visit shop inbound, 2024-01-02 09:00Z visit shop outbound, 2024-01-03 09:00Z visit shop outbound opened, 2024-01-04 09:00Z visit shop inbound}', '2024-01-03 09:00Z', '{"visit": 8}', '1 day');
SELECT engagement('{}', '2024-01-01', '[1]', '1 day');
SELECT engagement('{}', '2024-01-01', '{"visit": "much"}', '1 day');
SELECT engagement('{2024-01-01 00:00Z visit shop inbound, 2024-01-01 00:00Z other shop inbound}', '2024-01-01', '{"visit": 1e308, "other": 1e308}', '1 day');
SELECT contact_pressure('{2024-01-01 00:00Z visit shop outbound}', '2024-01-31 00:00Z', '30 days'), contact_pressure('{2024-01-01 00:00Z visit shop outbound}', '2024-01-31 00:00Z', '1 month');
SELECT contact_pressure('{}', '2024-01-01', '0 days');
SELECT contact_pressure('{}', '2024-01-01', '-1 month');
SELECT decayed_sum(v, at, '2024-01-03', '1 day') FROM (VALUES (8.0, timestamptz '2024-01-01'), (1, '2024-01-03'), (5, '2024-01-04'), (NULL, '2024-01-01'), (7, NULL)) x(v, at);
SELECT decayed_sum(v, '2024-01-04', '2024-01-03', '1 day') IS NULL AS nothing_yet FROM (VALUES (8.0)) x(v);
SELECT decayed_sum(1e19, '2024-01-01', '2024-01-03', '1 day');
SELECT decayed_sum('NaN', '2024-01-01', '2024-01-03', '1 day');
SELECT decayed_sum(1, 'infinity', '2024-01-03', '1 day');
SELECT decayed_sum(1, '2024-01-01', '2024-01-03', NULL);
SELECT decayed_sum(1, '2024-01-01', NULL, '1 day');

-- recovered: the last complaint, the days after its own, the last day to its end
SELECT as_of, recovered('{2024-01-01 22:30Z complaint email inbound}', p, as_of, '30 days', zone), p, zone FROM (VALUES
  (timestamptz '2024-01-31 23:59Z', '{2024-01-01 1 10}'::purchase_history, 'UTC'), ('2024-02-01 00:00Z', '{2024-01-01 1 10}', 'UTC'), ('2024-01-31 12:00Z', '{2024-01-31 1 10}', 'UTC'),
  ('2024-01-31 12:00Z', '{2024-02-01 1 10}', 'UTC'), ('2024-02-05 12:00Z', '{2024-02-01 1 10}', 'UTC'), ('2024-02-05 12:00Z', '{2024-02-01 1 10}', 'Europe/Athens'), ('2024-02-05 12:00Z', '{2024-01-09 0 -10}', 'UTC'), ('2024-01-01 12:00Z', '{}', 'UTC')) q(as_of, p, zone);
SELECT recovered('{2024-01-01 22:30Z complaint email inbound}', '{}', '2024-02-01', '5 hours', 'UTC');
SELECT recovered('{2024-01-01 22:30Z complaint email inbound}', '{}', '2024-02-01', '5 days', 'Mars');
SELECT complaint_rate('{2024-01-01 22:30Z complaint email inbound}', '{2024-01-01 4 10}', '2024-02-01', 'UTC'), complaint_rate('{}', '{}', '2024-02-01', 'UTC') IS NULL AS no_orders;

-- nps
SELECT nps(score) FROM generate_series(0, 10) score;
SELECT nps(score) FROM unnest('{9,10,9,NULL}'::int[]) score;
SELECT nps(NULL::int) IS NULL AS no_answer;
SELECT nps(-1);

-- exact_sums: the state of these aggregates
SELECT '{0, -5,170141183460469231731687303715884105727}'::exact_sums, '{-170141183460469231731687303715884105728}'::exact_sums;
SELECT '{170141183460469231731687303715884105728}'::exact_sums;
SELECT '{}'::exact_sums;
SELECT '{1.5}'::exact_sums;
SELECT receive(exact_sums_send('{1, -2}'), 'exact_sums');
\set VERBOSITY terse
SELECT receive('\x00010000', 'exact_sums');
SELECT receive('\x00020001' || int8send(0) || int8send(0), 'exact_sums');
\set VERBOSITY default
SELECT exact_sums_combine('{1, 170141183460469231731687303715884105727}', '{2, -7}');
SELECT exact_sums_combine('{1, 170141183460469231731687303715884105727}', '{2, 7}');
SELECT exact_sums_combine('{1}', '{1, 2}');
SELECT nps_final('{1, 2}');
SELECT s FROM unnest('{"{1,2}","{-3}","{1}","{1,-170141183460469231731687303715884105728}"}'::exact_sums[]) s ORDER BY s;

-- a history in a table: toasted, indexed; 32 bytes an entry
CREATE TABLE stored (h interaction_history);
INSERT INTO stored SELECT interaction_history(timestamptz '2010-01-01 00:00Z' + i * interval '7919 hours' * (i % 3 - 1), 'message', 'email', 'outbound') FROM generate_series(1, 5000) i;
CREATE INDEX ON stored USING hash (h);
SELECT interaction_count(h), first_interaction_at(h), last_interaction_at(h) FROM stored;
SELECT pg_column_size(interaction('2024-01-01', 'visit', 'shop', 'inbound')) AS one, pg_column_size(interaction_history(timestamptz '2024-01-01', 'visit', 'shop', 'inbound')) AS hundred FROM generate_series(1, 100);

DROP TABLE crm_contact, stored;
DROP FUNCTION receive(bytea, regtype), entry(bigint, bytea, bigint, bytea);

-- the first and the last instant of the calendar are further apart than 64 bits of microseconds
SELECT first_response_time(h, as_of), days_since_last_contact(h, as_of), r.response_time, engagement(h, as_of, '{"request": 1}', '1 day')
FROM (VALUES (interaction('4714-11-24 00:00Z BC', 'request', 'post', 'inbound'), timestamptz '294276-12-31 23:59:59.999999Z')) v(h, as_of), service_requests(h, as_of) r;
