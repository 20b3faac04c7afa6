-- contact_verdict on random policies, consents and contacts, in zones and at hours where clocks change, against plain SQL
BEGIN;
SET LOCAL search_path = public, crm;
SET LOCAL timezone = 'UTC';
SELECT plan(19);

-- rules as rows: what the policy says, and what the reference reads
CREATE TABLE rule (policy int, n int, kind text, channel text, contacts int, span interval, starts time, ends time, event text, purpose text, words text);
INSERT INTO rule (policy, n, kind, channel, contacts, span, starts, ends, event, purpose, words) VALUES
  (1, 1, 'cap', NULL, 1, '1 day', NULL, NULL, NULL, NULL, '1 per 1 day'),
  (1, 2, 'cap', NULL, 3, '7 days', NULL, NULL, NULL, NULL, '3 per 7 days'),
  (1, 3, 'cap', 'email', 2, '7 days', NULL, NULL, NULL, NULL, 'email 2 per 7 days'),
  (1, 4, 'quiet', NULL, NULL, NULL, '21:00', '08:00', NULL, NULL, 'quiet 21:00-08:00'),
  (1, 5, 'pause', NULL, NULL, '14 days', NULL, NULL, 'complaint', NULL, 'pause 14 days after complaint'),
  (1, 6, 'exempt', NULL, NULL, NULL, NULL, NULL, NULL, 'transactional', 'transactional exempt'),
  (2, 1, 'quiet', NULL, NULL, NULL, '01:30', '02:30', NULL, NULL, 'quiet 01:30-02:30'),
  (2, 2, 'quiet', 'sms', NULL, NULL, '00:00', '03:15', NULL, NULL, 'sms quiet 00:00-03:15'),
  (2, 3, 'cap', NULL, 2, '3 hours', NULL, NULL, NULL, NULL, '2 per 3 hours'),
  (3, 1, 'pause', 'email', NULL, '2 days', NULL, NULL, 'bounced', NULL, 'email pause 2 days after bounced'),
  (3, 2, 'exempt', NULL, NULL, NULL, NULL, NULL, NULL, 'visit', 'visit exempt'),
  (3, 3, 'cap', NULL, 2, '1 month', NULL, NULL, NULL, NULL, '2 per 1 month'),
  (3, 4, 'quiet', NULL, NULL, NULL, '22:00', '02:10', NULL, NULL, 'quiet 22:00-02:10');
CREATE TABLE policy AS SELECT policy, string_agg(words, '; ' ORDER BY n)::contact_policy AS p FROM rule GROUP BY policy;

SELECT set_eq('SELECT p::text FROM policy', 'SELECT string_agg(words, ''; '' ORDER BY n) FROM rule GROUP BY policy', 'a policy prints as it is written');
SELECT results_eq($$ SELECT contact_cap(1, '1 day') + contact_cap(3, '7 days') + contact_cap(2, '7 days', 'email') + contact_quiet_hours('21:00', '08:00')
    + contact_pause('14 days', 'complaint') + contact_exempt('transactional') $$, 'SELECT p FROM policy WHERE policy = 1', 'constructors build the same');

-- zones with changes of an hour, of half an hour, at midnight, and of a whole day; contacts around them
SELECT setseed(0.27);
CREATE TABLE scene AS
  SELECT s, 1 + s % 3 AS policy, zone, (ARRAY['email', 'sms', 'post'])[1 + floor(random() * 2.2)] AS channel, (ARRAY['marketing', 'transactional', 'visit'])[1 + floor(random() * random() * 3)] AS purpose,
    change + (random() - 0.5) * interval '4 days' + floor(random() * 3) * interval '2 hours' AS at
  FROM generate_series(1, 240) s, LATERAL (SELECT * FROM (VALUES (0, 'Europe/Berlin', timestamptz '2024-03-31 01:00Z'), (1, 'Europe/Berlin', '2024-10-27 01:00Z'),
    (2, 'Australia/Lord_Howe', '2024-04-06 15:00Z'), (3, 'Australia/Lord_Howe', '2024-10-05 15:30Z'), (4, 'America/Havana', '2024-03-10 05:00Z'),
    (5, 'America/Havana', '2024-11-03 05:00Z'), (6, 'Pacific/Apia', '2011-12-30 10:00Z'), (7, 'UTC', '2024-02-29 12:00Z')) z(n, zone, change) WHERE n = s / 3 % 8) z;
-- half of the instants stand on full local hours, where the edges are
UPDATE scene SET at = date_trunc('hour', at) WHERE s % 2 = 0;
CREATE TABLE contact AS
  SELECT s, sc.at - CASE WHEN random() < 0.3 THEN floor(random() * 9) * interval '1 day' ELSE random() * random() * interval '30 days' END + (random() < 0.1)::int * interval '40 days' AS at,
    (ARRAY['message', 'message', 'visit', 'complaint', 'survey'])[1 + floor(random() * 5)] AS kind, (ARRAY['email', 'sms', 'post'])[1 + floor(random() * 2.2)] AS channel,
    CASE WHEN random() < 0.8 THEN 'outbound' ELSE 'inbound' END AS direction, (ARRAY[NULL, NULL, NULL, NULL, 'opened', 'bounced', 'unsubscribed'])[1 + floor(random() * random() * 7)] AS outcome
  FROM scene sc, generate_series(1, 8) WHERE random() < 0.6;
CREATE TABLE given AS
  SELECT s, (ARRAY['marketing', 'transactional', 'visit'])[1 + floor(random() * 2.5)] AS purpose, (ARRAY['consent', 'contract', 'legitimate_interest'])[1 + floor(random() * 3)] AS basis,
    tstzrange(CASE WHEN random() < 0.8 THEN lo END, CASE WHEN random() < 0.6 THEN NULL ELSE lo + random() * interval '30 days' END, '[)') AS validity
  FROM scene sc, generate_series(1, 4), LATERAL (SELECT sc.at - (random() * 30 - 5) * interval '1 day' AS lo) l;
CREATE TABLE question AS
  SELECT s, policy, p, zone, channel, purpose, at,
    (SELECT interaction_history(at, kind, channel, direction, outcome) FROM contact c WHERE c.s = scene.s) AS h,
    (SELECT consents(purpose, basis, validity) FROM given c WHERE c.s = scene.s) AS c
  FROM scene JOIN policy USING (policy);

-- The slow, obvious reference: the first reason against a contact at t, knowing what happened until known.
CREATE FUNCTION reason(question, t timestamptz, known timestamptz) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  q ALIAS FOR $1;
  unsubscribed timestamptz;
  found text;
BEGIN
  PERFORM set_config('timezone', q.zone, true);
  SELECT max(at) INTO unsubscribed FROM contact c WHERE c.s = q.s AND at <= known AND outcome = 'unsubscribed' AND c.channel = q.channel;
  IF NOT EXISTS (SELECT FROM given g WHERE g.s = q.s AND g.purpose = q.purpose AND validity @> t
                 AND NOT (unsubscribed IS NOT NULL AND basis IN ('consent', 'legitimate_interest') AND coalesce(lower(validity), '-infinity') <= unsubscribed)) THEN
    PERFORM set_config('timezone', 'UTC', true);
    RETURN CASE WHEN EXISTS (SELECT FROM given g WHERE g.s = q.s AND g.purpose = q.purpose AND validity @> t) THEN 'unsubscribed from ' || q.channel ELSE 'no consent for ' || q.purpose END;
  END IF;
  IF NOT EXISTS (SELECT FROM rule r WHERE r.policy = q.policy AND r.purpose = q.purpose) THEN
    SELECT words INTO found FROM rule r
    WHERE r.policy = q.policy AND (r.channel IS NULL OR r.channel = q.channel) AND CASE kind
      WHEN 'cap' THEN contacts <= (SELECT count(*) FROM contact c WHERE c.s = q.s AND at <= known AND at <= t AND t < at + span AND direction = 'outbound'
        AND (r.channel IS NULL OR c.channel = r.channel) AND NOT EXISTS (SELECT FROM rule x WHERE x.policy = q.policy AND x.purpose = c.kind))
      WHEN 'quiet' THEN CASE WHEN starts < ends THEN t::time >= starts AND t::time < ends ELSE t::time >= starts OR t::time < ends END
      WHEN 'pause' THEN EXISTS (SELECT FROM contact c WHERE c.s = q.s AND at <= known AND at <= t AND t < at + span AND (r.channel IS NULL OR c.channel = r.channel)
        AND CASE direction WHEN 'inbound' THEN c.kind = event ELSE c.outcome = event END)
      END
    ORDER BY n LIMIT 1;
  END IF;
  PERFORM set_config('timezone', 'UTC', true);
  RETURN found;
END $$;

CREATE TABLE answer AS SELECT q, v.* FROM question q, contact_verdict(p, c, h, at, channel, purpose, zone) v;

SELECT is_empty('SELECT (q).s, reason, reason(q, (q).at, (q).at) FROM answer WHERE reason IS DISTINCT FROM reason(q, (q).at, (q).at) OR allowed <> (reason IS NULL)',
  'allowed and the first reason equal the obvious SQL');
SELECT cmp_ok((SELECT count(DISTINCT regexp_replace(reason, 'for \w+|from \w+', ''))::int FROM answer), '>=', 9, 'the questions meet nearly every reason');
SELECT is_empty('SELECT q FROM answer WHERE contact_allowed((q).p, (q).c, (q).h, (q).at, (q).channel, (q).purpose, (q).zone) <> allowed', 'contact_allowed says the same');
SELECT is_empty('SELECT (q).s FROM answer WHERE allowed AND earliest <> (q).at', 'what is allowed is allowed at once');
SELECT is_empty('SELECT (q).s, reason(q, earliest, (q).at) FROM answer WHERE reason(q, earliest, (q).at) IS NOT NULL AND earliest IS NOT NULL', 'the earliest instant is allowed');
SELECT is_empty($$ SELECT (q).s, earliest, reason FROM answer WHERE NOT allowed AND reason(q, earliest - interval '1 microsecond', (q).at) IS NULL $$, 'the microsecond before it is not');
SELECT is_empty($$
  SELECT (q).s, t FROM answer, LATERAL (SELECT (q).at + (least(earliest, (q).at + interval '40 days') - (q).at) * n / 40.0 AS t FROM generate_series(1, 39) n
    UNION ALL SELECT (q).at + interval '1 minute' * n FROM generate_series(1, 300, 7) n) b
  WHERE NOT allowed AND t < coalesce(earliest, 'infinity') AND (q).s % 4 = 0 AND reason(q, t, (q).at) IS NULL $$,
  'nor is anything before; and what is never allowed is not within the next 40 days');

-- one call site asked about many zones, years and spans in turn: what it keeps of the last clock must not show
CREATE FUNCTION plus(at timestamptz, span interval, zone text) RETURNS timestamptz LANGUAGE plpgsql AS $$
BEGIN
  PERFORM set_config('timezone', zone, true);
  at := at + span;
  PERFORM set_config('timezone', 'UTC', true);
  RETURN at;
END $$;
CREATE TABLE moment AS
  SELECT m, zone, span, CASE WHEN m % 5 = 0 THEN timestamptz '1840-01-01 00:00Z' + random() * interval '113000 days' ELSE date_trunc('hour', timestamptz '1996-01-01 00:00Z' + random() * interval '15000 days') END AS at
  FROM generate_series(1, 6000) m, LATERAL (SELECT (ARRAY['Europe/Berlin', 'Europe/Berlin', 'America/St_Johns', 'Australia/Lord_Howe', 'Pacific/Apia', 'Africa/Casablanca', 'Asia/Kolkata', 'UTC', 'EST5EDT'])[1 + floor(random() * 9 + 0 * m)] AS zone,
    (ARRAY['1 day', '2 days', '14 days', '200 days', '1 month', '5 hours']::interval[])[1 + floor(random() * 6 + 0 * m)] AS span) z;
SELECT is_empty($$
  SELECT zone, at, span, earliest FROM moment, contact_verdict(contact_cap(1, span), '{m contract [, )}', interaction(at, 'message', 'sms', 'outbound'), at, 'sms', 'm', zone)
  WHERE allowed OR earliest <> plus(at, span, zone)$$, 'days and months are those of the zone''s calendar, whatever was asked before');
SELECT is_empty($$
  SELECT zone, at, earliest FROM moment, contact_verdict('quiet 22:00-07:00', '{m contract [, )}', NULL, at, 'sms', 'm', zone)
  WHERE allowed <> ((at AT TIME ZONE zone)::time >= '07:00' AND (at AT TIME ZONE zone)::time < '22:00')
    OR NOT allowed AND ((earliest AT TIME ZONE zone)::time <> '07:00' OR earliest - at > interval '10 hours')$$, 'and so are quiet hours');

-- the edges, spelled out: the clocks of Berlin go from 2:00 to 3:00 on 31 March 2024
SELECT results_eq($$
  SELECT at AT TIME ZONE 'Europe/Berlin', allowed, reason, earliest AT TIME ZONE 'Europe/Berlin'
  FROM (VALUES ('2024-03-31 09:59:59.999999+02'::timestamptz), ('2024-03-31 10:00+02'), ('2024-03-30 20:59:59.999999+01'), ('2024-03-30 21:00+01'), ('2024-03-31 07:59+02'), ('2024-03-31 01:30+01')) t(at),
    contact_verdict('quiet 21:00-08:00; 1 per 1 day', '{m consent [, )}', '{2024-03-30 10:00+01 message email outbound}', at, 'email', 'm', 'Europe/Berlin') v $$,
  $$ VALUES (timestamp '2024-03-31 09:59:59.999999', false, '1 per 1 day', timestamp '2024-03-31 10:00'), ('2024-03-31 10:00', true, NULL, '2024-03-31 10:00'),
    ('2024-03-30 20:59:59.999999', false, '1 per 1 day', '2024-03-31 10:00'), ('2024-03-30 21:00', false, 'quiet 21:00-08:00', '2024-03-31 10:00'),
    ('2024-03-31 07:59', false, 'quiet 21:00-08:00', '2024-03-31 10:00'), ('2024-03-31 01:30', false, 'quiet 21:00-08:00', '2024-03-31 10:00') $$,
  'half-open edges across the change of clocks');

SELECT results_eq($$ SELECT allowed, reason, earliest FROM contact_verdict('', NULL, NULL, '2024-01-01', 'email', 'm', 'UTC') $$, $$ VALUES (false, 'no consent for m', NULL::timestamptz) $$, 'unknown is no');
SELECT results_eq($$ SELECT allowed, reason, earliest FROM contact_verdict('', '{m consent [2024-02-01 00:00Z, 2024-03-01 00:00Z)}', NULL, '2024-01-01', 'email', 'm', 'UTC') $$,
  $$ VALUES (false, 'no consent for m', timestamptz '2024-02-01 00:00Z') $$, 'a consent to come is the earliest');
SELECT throws_ok($$ SELECT contact_verdict('', NULL, NULL, '2024-01-01', 'email', 'm', 'Mars/Olympus') $$, '22023', NULL, 'a time zone exists');
SELECT throws_ok($$ SELECT 'quiet 08:00-20:00; sms quiet 19:00-09:00'::contact_policy $$, '22023', NULL, 'quiet times leave some of the day on every channel');

-- aggregates: as the sum of single grants, in any order, repeated or not; and in time
CREATE TEMPORARY TABLE granted AS SELECT i, crm.consent('p' || i % 7, 'consent', tstzrange(timestamptz '2024-01-01' + i * 37 % 11 * interval '1 day', NULL)) AS one FROM generate_series(1, 60) AS i;
SELECT is((SELECT merge(one ORDER BY md5(i::text))::text FROM granted), (SELECT consents('p' || i % 7, 'consent', tstzrange(timestamptz '2024-01-01' + i * 37 % 11 * interval '1 day', NULL))::text FROM granted),
  'grants one by one and consents merged');
CREATE FUNCTION pg_temp.summed() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  sum crm.consents := '{}';
  g crm.consents;
BEGIN
  FOR g IN SELECT one FROM granted LOOP sum := sum OPERATOR(crm.+) g; END LOOP;
  RETURN sum;
END $$;
SELECT is((SELECT merge(one)::text FROM granted), pg_temp.summed(), 'are what + makes of them');
SET LOCAL statement_timeout = '120s';
SELECT is((SELECT length(merge(one)::text) FROM (SELECT consent('marketing', 'consent', tstzrange(timestamptz '2024-01-01' + i * interval '1 hour', NULL)) AS one FROM generate_series(1, 20000) AS i) AS s), 920000,
  'twenty thousand grants take no long time');
SET LOCAL statement_timeout = 0;

SELECT * FROM finish();
ROLLBACK;
