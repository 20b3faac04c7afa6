-- contact_policy and consents: text and binary forms, constructors, errors; verdicts
SET search_path = public, crm, crm_internal;
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';

-- text form
SELECT ''::contact_policy, '1 per day'::contact_policy, ' email  2 PER 2 weeks ; 3 per 90 minutes;'::contact_policy;
SELECT '1 per 1 day; 3 per 7 days; email 2 per 7 days; quiet 21:00-08:00; pause 14 days after complaint; transactional exempt'::contact_policy;
SELECT '"quiet" 1 per 120 minutes; "1st class" 1 per year; sms quiet 12:00-24:00; email pause 1 month after bounced; "order news" exempt'::contact_policy;
SELECT contact_cap(1, '1 day') + contact_cap(3, '1 week') + contact_cap(2, '90 minutes', 'email') + contact_quiet_hours('21:00', '24:00') + contact_pause('1 year', 'complaint') + contact_pause('2 hours', 'unsubscribed', 'sms') + contact_exempt('transactional');
SELECT contact_cap(NULL, '1 day') IS NULL AS none;

-- text form: errors
SELECT '1 per'::contact_policy;
SELECT '1 per 3'::contact_policy;
SELECT '1 for 3 days'::contact_policy;
SELECT '0 per 3 days'::contact_policy;
SELECT '10001 per 3 days'::contact_policy;
SELECT '1 per 0 days'::contact_policy;
SELECT '1 per 99999999999 weeks'::contact_policy;
SELECT '1 per 9223372036854775807 years'::contact_policy;
SELECT 'email'::contact_policy;
SELECT 'email often'::contact_policy;
SELECT '1 per day 2 per week'::contact_policy;
SELECT 'quiet 21-08'::contact_policy;
SELECT 'quiet 21:00'::contact_policy;
SELECT 'quiet 21:60-08:00'::contact_policy;
SELECT 'quiet 24:01-08:00'::contact_policy;
SELECT 'quiet 08:00-08:00'::contact_policy;
SELECT 'quiet 00:00-24:00'::contact_policy;
SELECT 'pause 3 days after lunch'::contact_policy;
SELECT 'a-channel-of-many-bytes 1 per day'::contact_policy;
SELECT 'quiet 08:00-20:00; sms quiet 20:00-08:00'::contact_policy;
SELECT 'email quiet 08:00-20:00; sms quiet 20:00-08:00'::contact_policy;
SELECT length(repeat('1 per day;', 64)::contact_policy::text);
SELECT repeat('1 per day;', 65)::contact_policy IS NULL;
SELECT contact_cap(1, '1 day 2 hours');
SELECT contact_cap(1, '10 seconds');
SELECT contact_cap(1, '-1 day');
SELECT contact_cap(0, '1 day');
SELECT contact_quiet_hours('21:00:30', '08:00');
SELECT contact_quiet_hours('21:00', '21:00');
SELECT contact_pause('1 day', 'lunch');
SELECT contact_exempt('');
SELECT contact_quiet_hours('08:00', '20:00') + contact_quiet_hours('20:00', '08:00');

-- binary forms: receive is as strict as input
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
SELECT receive(contact_policy_send(p), 'contact_policy') FROM (VALUES (''::contact_policy), ('1 per 1 day; email 3 per 7 days; quiet 21:00-08:00; sms pause 14 days after bounced; transactional exempt')) v(p);
SELECT contact_policy_send('email 3 per 7 days');
\set VERBOSITY terse
CREATE FUNCTION rule(numbers text, channel bytea, purpose bytea) RETURNS bytea LANGUAGE sql
  SET search_path = pg_catalog, pg_temp AS $$ SELECT '\x0001000000000001'::bytea || decode(numbers, 'hex') || int4send(length(channel)) || channel || int4send(length(purpose)) || purpose $$;
SELECT receive(rule('000100' || '00000003' || '00000007' || '0000' || '0000', 'email', ''), 'contact_policy');
SELECT receive('\x0002000000000000', 'contact_policy');
SELECT receive('\x0001000100000000', 'contact_policy');
SELECT receive('\x000100000000ffff', 'contact_policy');
SELECT receive(rule('040100' || '00000003' || '00000007' || '0000' || '0000', 'email', ''), 'contact_policy');
SELECT receive(rule('000300' || '00000003' || '00000007' || '0000' || '0000', 'email', ''), 'contact_policy');
SELECT receive(rule('000101' || '00000003' || '00000007' || '0000' || '0000', 'email', ''), 'contact_policy');
SELECT receive(rule('000100' || '00000000' || '00000007' || '0000' || '0000', 'email', ''), 'contact_policy');
SELECT receive(rule('000100' || '00000003' || '00000000' || '0000' || '0000', 'email', ''), 'contact_policy');
SELECT receive(rule('000100' || '00000003' || '00000007' || '0001' || '0000', 'email', ''), 'contact_policy');
SELECT receive(rule('000100' || '00000003' || '00000007' || '0000' || '0000', 'email', 'x'), 'contact_policy');
SELECT receive(rule('010000' || '00000000' || '00000000' || '0000' || '0000', '', ''), 'contact_policy');
SELECT receive(rule('010000' || '00000000' || '00000000' || 'ffff' || '0001', '', ''), 'contact_policy');
SELECT receive(rule('020109' || '00000000' || '00000001' || '0000' || '0000', '', ''), 'contact_policy');
SELECT receive(rule('020117' || '00000000' || '00000001' || '0000' || '0000', '', ''), 'contact_policy');
SELECT receive(rule('030000' || '00000000' || '00000000' || '0000' || '0000', '', ''), 'contact_policy');
SELECT receive(rule('030000' || '00000000' || '00000000' || '0000' || '0000', 'email', 'x'), 'contact_policy');
\set VERBOSITY default
SELECT p FROM (VALUES ('2 per 1 day'::contact_policy), ('1 per 1 day'), ('1 per 1 day; quiet 21:00-08:00'), ('')) v(p) ORDER BY p;
SELECT '1 per 1 week'::contact_policy = '1 per 7 days' AS eq, contact_policy_hash('1 per 1 week') = contact_policy_hash('1 per 7 days') AS same_hash;

-- consents
SELECT '{}'::consents, '{ order contract [,), "news letter" consent [2024-01-01 00:00+01, 2025-01-01 00:00Z), order contract [ , ) }'::consents;
SELECT consent('marketing', 'consent', '[2024-01-01 00:00Z,2024-02-01 00:00Z]'), consent('marketing', 'consent', '(2024-01-01 00:00Z,)'), consent('m', 'contract', 'empty'), consent('m', 'contract', '[-infinity,infinity]');
-- behind the last instant there is lies infinity, which can be read again
SELECT c, c::text::consents = c AS again FROM (VALUES (consent('m', 'consent', '[2024-01-01 00:00Z,294276-12-31 23:59:59.999999Z]')), (consent('m', 'consent', '(294276-12-31 23:59:59.999999Z,)')), (consent('m', 'consent', '[4714-11-24 00:00Z BC,4714-11-24 00:00Z BC]'))) v(c);
SELECT consents(purpose, basis, validity) FROM (VALUES ('m', 'consent', tstzrange '[2024-01-01 00:00Z,)'), ('m', 'consent', '[2024-01-01 00:00Z,)'), ('a', 'public_task', '(,)'), (NULL, 'consent', '(,)'), ('m', 'consent', NULL)) v(purpose, basis, validity);
SELECT merge(c), '{m consent [,)}'::consents + '{}' FROM (VALUES ('{m consent [,)}'::consents), ('{a contract [,), m consent [,)}'), (NULL)) v(c);
SELECT receive(consents_send('{m consent [,), a contract [2024-01-01 00:00Z, )}'), 'consents');
SELECT c FROM (VALUES ('{m consent [,)}'::consents), ('{}'), ('{m consent [,), n consent [,)}'), ('{a contract [,)}')) v(c) ORDER BY c;
SELECT '{m}'::consents;
SELECT '{m permission [,)}'::consents;
SELECT '{m consent 2024-01-01}'::consents;
SELECT '{m consent [2024-01-01 00:00Z, 2024-01-01 00:00Z)}'::consents;
SELECT '{a-purpose-whose-name-has-many-bytes consent [,)}'::consents;
SELECT consent('m', 'permission', '(,)');
\set VERBOSITY terse
CREATE FUNCTION grant_of(lo bigint, hi bigint, basis bytea, purpose bytea) RETURNS bytea LANGUAGE sql
  SET search_path = pg_catalog, pg_temp AS $$ SELECT int8send(lo) || int8send(hi) || basis || int4send(length(purpose)) || purpose $$;
SELECT receive('\x0001000000000001' || grant_of(0, 1, '\x05', 'm'), 'consents');
SELECT receive('\x0001000000000001' || grant_of(1, 1, '\x05', 'm'), 'consents');
SELECT receive('\x0001000000000001' || grant_of(0, 1, '\x06', 'm'), 'consents');
SELECT receive('\x0001000000000001' || grant_of(0, 9223372036854775806, '\x05', 'm'), 'consents');
SELECT receive('\x0001000000000002' || grant_of(0, 1, '\x05', 'm') || grant_of(0, 1, '\x05', 'm'), 'consents');
SELECT receive('\x0002000000000000', 'consents');
SELECT receive('\x0001000000000009', 'consents');
\set VERBOSITY default

-- the verdict: each objection, its first reason, and the earliest instant
CREATE TABLE shop AS SELECT '1 per 1 day; email 2 per 7 days; quiet 21:00-08:00; pause 14 days after complaint; transactional exempt'::contact_policy AS policy,
  '{marketing consent [2024-01-01 00:00Z, 2024-07-01 00:00Z), marketing consent [2024-09-01 10:00Z, ), transactional contract [, )}'::consents AS consents;
SELECT what, v.* FROM shop, (VALUES
  ('never met', NULL::interaction_history, 'email', 'marketing', timestamptz '2024-03-01 12:00Z'),
  ('yesterday at noon', '{2024-02-29 12:00Z message post outbound}', 'email', 'marketing', '2024-03-01 12:00Z'),
  ('a microsecond later', '{2024-02-29 12:00:00.000001Z message post outbound}', 'email', 'marketing', '2024-03-01 12:00Z'),
  ('two this week', '{2024-02-25 12:00Z message email outbound, 2024-02-28 12:00Z message email outbound}', 'email', 'marketing', '2024-03-01 12:00Z'),
  ('two this week, by post', '{2024-02-25 12:00Z message email outbound, 2024-02-28 12:00Z message email outbound}', 'post', 'marketing', '2024-03-01 12:00Z'),
  ('three this week', '{2024-02-25 12:00Z message email outbound, 2024-02-27 12:00Z message email outbound, 2024-02-28 12:00Z message email outbound}', 'email', 'marketing', '2024-03-01 12:00Z'),
  ('at night', '{}', 'email', 'marketing', '2024-03-01 21:00Z'),
  ('in the morning', '{}', 'email', 'marketing', '2024-03-01 08:00Z'),
  ('angry', '{2024-02-20 09:30Z complaint phone inbound}', 'email', 'marketing', '2024-03-01 12:00Z'),
  ('angry, about an order', '{2024-02-20 09:30Z complaint phone inbound}', 'email', 'transactional', '2024-03-01 22:00Z'),
  ('consent over', '{}', 'email', 'marketing', '2024-07-01 00:00Z'),
  ('not asked', '{}', 'email', 'survey', '2024-03-01 12:00Z'),
  ('unsubscribed', '{2024-02-20 09:30Z message email outbound unsubscribed}', 'email', 'marketing', '2024-03-01 12:00Z'),
  ('unsubscribed, by sms', '{2024-02-20 09:30Z message email outbound unsubscribed}', 'sms', 'marketing', '2024-03-01 12:00Z'),
  ('unsubscribed, about an order', '{2024-02-20 09:30Z message email outbound unsubscribed}', 'email', 'transactional', '2024-03-01 12:00Z'),
  ('contact to come', '{2024-03-01 12:00:01Z message email outbound}', 'email', 'marketing', '2024-03-01 12:00Z')) q(what, h, channel, purpose, at),
  contact_verdict(policy, consents, h, at, channel, purpose, 'UTC') v;
SELECT contact_allowed(policy, consents, NULL, '2024-03-01 12:00Z', 'email', 'marketing', 'UTC'), contact_allowed(policy, NULL, NULL, '2024-03-01 12:00Z', 'email', 'marketing', 'UTC') FROM shop;
SELECT contact_verdict(NULL, consents, NULL, '2024-03-01 12:00Z', 'email', 'marketing', 'UTC') FROM shop;
SELECT contact_verdict(policy, consents, NULL, '2024-03-01 12:00Z', NULL, 'marketing', 'UTC') FROM shop;
SELECT contact_verdict(policy, consents, NULL, 'infinity', 'email', 'marketing', 'UTC') FROM shop;
SELECT contact_verdict(policy, consents, NULL, '2024-03-01', 'email', 'marketing', 'CEST/nowhere') FROM shop;
SELECT contact_verdict(policy, consents, NULL, '2024-03-01', 'a channel of many bytes', 'marketing', 'UTC') FROM shop;

-- quiet times where the clocks change: what begins within the gap ends at it; in the hour that comes twice, both are quiet
SELECT at, v.* FROM (VALUES (timestamptz '2024-03-31 00:30Z'), ('2024-03-31 00:59:59Z'), ('2024-03-31 01:00Z')) q(at), contact_verdict('quiet 01:30-02:30', '{m consent [,)}', NULL, at, 'email', 'm', 'Europe/Berlin') v;
SELECT at, v.* FROM (VALUES (timestamptz '2024-10-27 00:15Z'), ('2024-10-27 00:30Z'), ('2024-10-27 01:15Z'), ('2024-10-27 01:30Z')) q(at), contact_verdict('quiet 01:30-02:30', '{m consent [,)}', NULL, at, 'email', 'm', 'Europe/Berlin') v;

DROP TABLE shop;
DROP FUNCTION receive(bytea, regtype), rule(text, bytea, bytea), grant_of(bigint, bigint, bytea, bytea);
