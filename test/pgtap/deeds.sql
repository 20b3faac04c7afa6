-- deeds and service hours against slow, obvious SQL: minutes counted one by one, promises by CASE, the lottery by SHA-256
BEGIN;
SET LOCAL search_path = public, crm;
SELECT plan(58);
SET LOCAL TimeZone = 'UTC';

-- service time: every minute of the stretch, looked up on the wall; the clocks change in both zones within it
SELECT setseed(0.23);
CREATE TEMP TABLE hours AS SELECT * FROM (VALUES
  ('mon-fri 09:00-12:00, 13:00-17:30; sat 10:00-14:00; closed 2024-03-29, 2024-04-01; in Europe/Berlin'::service_hours, 'Europe/Berlin',
    '{1,2,3,4,5,1,2,3,4,5,6}'::int[], '{09:00,09:00,09:00,09:00,09:00,13:00,13:00,13:00,13:00,13:00,10:00}'::time[], '{12:00,12:00,12:00,12:00,12:00,17:30,17:30,17:30,17:30,17:30,14:00}'::time[], '{2024-03-29,2024-04-01}'::date[]),
  ('sun 00:00-24:00; wed 22:00-24:00; thu 00:00-06:00; in America/New_York', 'America/New_York', '{7,3,4}', '{00:00,22:00,00:00}', '{24:00,24:00,06:00}', '{}'),
  ('sun 01:00-04:00; in Europe/Berlin', 'Europe/Berlin', '{7}', '{01:00}', '{04:00}', '{2023-01-01}')) v(hours, zone, weekdays, froms, untils, closed);
CREATE TEMP TABLE stretch AS SELECT i, date_trunc('minute', '2024-03-08 00:00+00'::timestamptz + random() * interval '10 days' + (i % 2) * interval '15 days') AS t,
  trunc(random() * 9 * 1440)::int AS minutes FROM generate_series(1, 8) i
  UNION ALL SELECT 9, '2024-10-26 12:00+00', 2000 UNION ALL SELECT 10, '2024-11-02 12:00+00', 2000;
SELECT is_empty($$
  SELECT * FROM hours, stretch, LATERAL (SELECT count(*) AS open FROM generate_series(t, t + (minutes - 1) * interval '1 minute', '1 minute') m, LATERAL (SELECT m AT TIME ZONE zone AS wall) w
    WHERE minutes > 0 AND wall::date <> ALL (closed) AND EXISTS (SELECT FROM unnest(weekdays, froms, untils) s(d, f, u) WHERE d = extract(isodow FROM wall) AND wall::time >= f AND wall::time < u)) want
  WHERE service_time(hours, t, t + minutes * interval '1 minute') <> open * interval '1 minute' $$, 'service time is the minutes that somebody was there, over both changes of the clocks');
SELECT is_empty($$ SELECT * FROM hours, stretch, LATERAL (SELECT t + minutes * interval '30 seconds' AS middle, t + minutes * interval '1 minute' AS u) x
  WHERE service_time(hours, t, middle) + service_time(hours, middle, u) <> service_time(hours, t, u) $$, 'and adds over parts');
SELECT is_empty($$ SELECT * FROM hours, stretch, (VALUES (interval '10 minutes'), ('7.25 hours'), ('30 hours')) v(within), LATERAL service_deadline(hours, t, within) d
  WHERE service_time(hours, t, d) <> within OR service_time(hours, t, d - interval '1 microsecond') >= within $$, 'a deadline is the first instant by which so much has passed');
SELECT results_eq($$ SELECT service_time('mon-sun 00:00-24:00; in Europe/Berlin', t, t + interval '20 years'), service_time('mon 09:00-10:00; in UTC', t, t), service_time('mon 09:00-10:00; in UTC', t, t - interval '1 day') FROM (SELECT '2004-01-01 00:00+00'::timestamptz) s(t) $$,
  $$ SELECT ('2024-01-01 00:00+00'::timestamptz - '2004-01-01 00:00+00') * 1, interval '0', interval '0' $$, 'who is always there counts all; nothing before it begins');
SELECT is((SELECT service_time('mon-fri 09:00-17:00; closed 2024-12-25, 2024-12-26; in Europe/Berlin', '2024-12-24 16:00+01', '2024-12-27 10:00+01')), '2 hours'::interval, 'over Christmas');
SELECT is('sat 10:00-14:00; closed 2024-12-26, 2024-12-25, 2024-12-26; tue 13:00-17:00, 09:00-12:00; in Europe/Berlin; mon 09:00-11:00; mon 13:00-17:00, 10:00-12:00'::service_hours::text,
  'mon-tue 09:00-12:00, 13:00-17:00; sat 10:00-14:00; closed 2024-12-25, 2024-12-26; in Europe/Berlin', 'hours are sorted and put together');
SELECT is_empty($$ SELECT hours FROM hours WHERE hours::text::service_hours <> hours $$, 'text of hours is lossless');
SELECT is('sat-mon 10:00-12:00; in UTC'::service_hours, 'sat 10:00-12:00; sun 10:00-12:00; mon 10:00-12:00; in UTC', 'a range may go over Sunday');

-- service asks by the hours
CREATE TEMP TABLE ih AS SELECT '{2024-12-24 15:00+00 request email inbound, 2024-12-27 09:00+00 message email outbound, 2024-12-27 10:00+00 complaint phone inbound resolved resolved_at 2024-12-27 15:00+00}'::interaction_history AS h,
  'mon-fri 09:00-17:00; closed 2024-12-25, 2024-12-26; in Europe/Berlin'::service_hours AS hours;
SELECT results_eq($$ SELECT first_response_time(h, '2024-12-31 00:00+00', hours), time_to_resolve(h, '2024-12-31 00:00+00', hours) FROM ih $$, $$ VALUES ('03:30'::interval, '05:00'::interval) $$, 'response and resolution in hours of service');
SELECT ok((SELECT first_response_time(h, '2024-12-31 00:00+00', 'mon-sun 00:00-24:00; in UTC') = justify_interval(first_response_time(h, '2024-12-31 00:00+00')) FROM ih), 'hours all day long are all hours');
SELECT is((SELECT first_response_time(h, '2024-12-27 08:30+00', hours) FROM ih), '01:30'::interval, 'who still waits counts what was waited in service');

-- promises
CREATE TEMP TABLE deed AS
SELECT i, i % 40 AS c, (ARRAY['promise', 'promise', 'delight', 'entitlement', 'tie', 'meeting'])[1 + i % 6] AS kind, 'n ' || i % 5 AS name, t AS made_at,
  CASE WHEN i % 6 IN (0, 1, 3, 4) AND random() < 0.8 THEN t + random() * interval '10 days' END AS due_at,
  CASE WHEN i % 6 IN (0, 1, 3, 4) AND random() < 0.7 THEN t + random() * interval '15 days' END AS done_at, CASE WHEN random() < 0.5 THEN round((random() * 20)::numeric, 2) END AS cost
FROM (SELECT i, '2024-01-01 00:00+00'::timestamptz + random() * interval '60 days' AS t FROM generate_series(1, 1500) i) s;
CREATE TEMP TABLE d AS SELECT c, deeds(kind, name, made_at, due_at, done_at, cost) AS deeds FROM deed GROUP BY c;
CREATE TEMP VIEW asked AS SELECT as_of, deed.*, CASE kind
    WHEN 'promise' THEN CASE WHEN done_at <= as_of THEN CASE WHEN due_at IS NULL OR done_at <= due_at THEN 'kept' ELSE 'late' END WHEN due_at < as_of THEN 'overdue' ELSE 'open' END
    WHEN 'entitlement' THEN CASE WHEN done_at <= as_of THEN 'used' WHEN due_at < as_of THEN 'expired' ELSE 'open' END
    WHEN 'tie' THEN CASE WHEN least(done_at, due_at) <= as_of THEN 'ended' ELSE 'in_force' END WHEN 'delight' THEN 'given' ELSE 'held' END AS state
  FROM deed, unnest('{2023-12-01 00:00+00,2024-01-20 00:00+00,2024-02-15 00:00+00,2025-01-01 00:00+00}'::timestamptz[]) as_of WHERE made_at <= as_of;
SELECT is_empty($$ (SELECT d.c, as_of, e.kind, e.name, e.made_at, e.due_at, e.done_at, e.cost, e.state, e.lateness FROM d, (SELECT DISTINCT as_of FROM asked) a, entries(deeds, as_of) e
  EXCEPT ALL SELECT c, as_of, kind, name, made_at, due_at, CASE WHEN done_at <= as_of THEN done_at END, coalesce(cost, 0), state, CASE WHEN state IN ('late', 'overdue') THEN least(done_at, as_of) - due_at END FROM asked)
  UNION ALL (SELECT c, as_of, kind, name, made_at, due_at, CASE WHEN done_at <= as_of THEN done_at END, coalesce(cost, 0), state, CASE WHEN state IN ('late', 'overdue') THEN least(done_at, as_of) - due_at END FROM asked
  EXCEPT ALL SELECT d.c, as_of, e.kind, e.name, e.made_at, e.due_at, e.done_at, e.cost, e.state, e.lateness FROM d, (SELECT DISTINCT as_of FROM asked) a, entries(deeds, as_of) e) $$, 'each deed stands as the rules say');
SELECT is_empty($$
  SELECT * FROM (SELECT d.c, as_of, p.* FROM d, (SELECT DISTINCT as_of FROM asked) a, promises_kept(deeds, as_of) p) got JOIN
    (SELECT c, as_of, count(*) FILTER (WHERE state = 'kept') AS k, count(*) FILTER (WHERE state = 'late') AS l, count(*) FILTER (WHERE state = 'overdue') AS o, count(*) FILTER (WHERE state = 'open') AS w,
      avg(extract(epoch FROM CASE WHEN state IN ('late', 'overdue') THEN least(done_at, as_of) - due_at WHEN state = 'kept' THEN '0' END)::float8) AS mean FROM asked WHERE kind = 'promise' GROUP BY 1, 2) want USING (c, as_of)
  WHERE (kept, late, overdue, open) <> (k, l, o, w) OR kept_share IS DISTINCT FROM k::float8 / nullif(k + l + o, 0) OR NOT coalesce(abs(extract(epoch FROM mean_lateness)::float8 - mean) < 1e-5, mean_lateness IS NULL AND mean IS NULL) $$, 'promises kept, those overdue counting what they are late so far');
SELECT is_empty($$ SELECT c FROM d, promises_kept(deeds, '2024-02-15 00:00+00', 'mon-sun 00:00-24:00; in UTC') a, promises_kept(deeds, '2024-02-15 00:00+00') b WHERE (a.kept, a.late, a.overdue, a.open) <> (b.kept, b.late, b.overdue, b.open)
  OR abs(extract(epoch FROM a.mean_lateness) - extract(epoch FROM b.mean_lateness)) > 1e-6 $$, 'hours all day long are all hours');
SELECT results_eq($$ SELECT kept, late, overdue, open, kept_share, mean_lateness FROM promises_kept(NULL, '2024-01-01 00:00+00') $$, $$ VALUES (0, 0, 0, 0, NULL::float8, NULL::interval) $$, 'nothing promised, nothing broken');
SELECT is((SELECT mean_lateness FROM promises_kept('{promise a 2024-12-23 10:00+00 due 2024-12-24 15:00+00 done 2024-12-27 09:00+00}', '2025-01-01 00:00+00', 'mon-fri 09:00-17:00; closed 2024-12-25, 2024-12-26; in Europe/Berlin')), '02:00'::interval, 'lateness in service time');
SELECT is_empty($$ SELECT c FROM d, unnest('{2023-12-01 00:00+00,2024-02-15 00:00+00}'::timestamptz[]) t WHERE ties(deeds, t) <> coalesce((SELECT array_agg(name ORDER BY made_at) FROM asked a WHERE a.c = d.c AND as_of = t AND state = 'in_force'), '{}')
  OR given(deeds, t) <> coalesce((SELECT sum(cost) FROM asked a WHERE a.c = d.c AND as_of = t), 0) $$, 'ties in force, and what was given');

-- sums
SELECT is((SELECT merge(deeds ORDER BY c) FROM d), (SELECT deeds(kind, name, made_at, due_at, done_at, cost ORDER BY i DESC) FROM deed), 'merging is aggregating, in any order');
SELECT is_empty($$ SELECT a.c FROM d a JOIN d b ON b.c = (a.c + 1) % 40 WHERE a.deeds + b.deeds <> b.deeds + a.deeds OR a.deeds + b.deeds - b.deeds <> a.deeds OR a.deeds - a.deeds <> '{}' $$, '+ is commutative, - undoes it');
SELECT is_empty($$ SELECT c FROM d WHERE deeds::text::deeds <> deeds $$, 'text of deeds is lossless');
SELECT is((SELECT merge(deed(kind, name, made_at, due_at, done_at, cost)) FROM deed), (SELECT merge(deeds) FROM d), 'one by one');
SELECT is((SELECT deeds(k, n, t, NULL, NULL, NULL) FROM (VALUES (NULL, 'x', '2024-01-01'::timestamptz), ('tie', NULL, '2024-01-01'), ('tie', 'x', NULL)) v(k, n, t)), '{}'::deeds, 'rows that lack what they need are left out');
SELECT is('{tie a 2024-01-01 00:00+00, tie a 2024-01-01 00:00+00}'::deeds::text, '{tie a 2024-01-01 00:00:00+00, tie a 2024-01-01 00:00:00+00}', 'deeds may recur');

-- delight: the lottery in SQL
CREATE TEMP TABLE lot AS SELECT 'c' || i AS key, t, d.* , ('x' || left(encode(sha256(convert_to('spring ' || (t AT TIME ZONE 'Europe/Berlin')::date, 'UTF8') || '\x00' || convert_to('c' || i, 'UTF8')), 'hex'), 13))::bit(52)::bigint / 2 ^ 52 AS want
FROM generate_series(1, 600) i, unnest('{2024-03-02 12:00+00,2024-03-02 23:30+00}'::timestamptz[]) t, delight_due(ROW(0.2, '30 days', 20, 5, 0.1)::delight_policy,
  CASE i % 3 WHEN 0 THEN '{delight cake 2024-02-20 09:00+00 cost 1}'::deeds WHEN 1 THEN '{delight cake 2023-06-20 09:00+00 cost 16, promise x 2024-03-01 00:00+00}' END, t, 'c' || i, 'spring', 'Europe/Berlin') d;
SELECT is_empty($$ SELECT * FROM lot WHERE draw <> want $$, 'the draw is SHA-256 of salt, day and key');
SELECT is_empty($$ SELECT * FROM lot, LATERAL (SELECT substr(key, 2)::int % 3 AS m) s WHERE (reason = 'held out') <> holdout(key, 'spring', 0.1) OR due <> (reason = 'drawn')
  OR reason <> 'held out' AND reason <> CASE WHEN draw >= 0.2 THEN 'not drawn' WHEN m = 0 THEN 'pause until 2024-03-21 09:00:00+00' WHEN m = 1 THEN 'budget: 16.00 given in 365 days' ELSE 'drawn' END $$, 'held out, then the draw, then the pause, then the budget');
SELECT ok((SELECT count(*) FILTER (WHERE draw < 0.2) BETWEEN 180 AND 300 AND count(DISTINCT draw) = 1200 FROM lot), 'a fifth is drawn, every day anew');
SELECT results_eq($$ SELECT due, reason FROM delight_due(ROW(1, NULL, NULL, NULL, NULL)::delight_policy, '{delight cake 2024-03-02 11:00+00 cost 99}', '2024-03-02 12:00+00', 'c', 's', 'UTC') $$, $$ VALUES (true, 'drawn') $$, 'a policy without limits');
SELECT results_eq($$ SELECT due, reason FROM unnest('{2024-03-03 10:59+00,2024-03-03 11:00+00}'::timestamptz[]) t, delight_due(ROW(1, NULL, 20, 5, NULL)::delight_policy, '{delight cake 2023-03-04 11:00+00 cost 16}', t, 'c', 's', 'UTC') $$, $$ VALUES (false, 'budget: 16.00 given in 365 days'), (true, 'drawn') $$, 'a budget is one of 365 days');

-- errors
SELECT throws_ok($$ SELECT 'mon 17:00-09:00; in UTC'::service_hours $$, '22023', 'service hours must end after they began, on the same day', 'hours over midnight are two');
SELECT throws_ok($$ SELECT 'mon 09:00-17:00'::service_hours $$, '22023', 'service hours name no time zone', 'hours are on some clock');
SELECT throws_ok($$ SELECT 'in UTC'::service_hours $$, '22023', 'service hours name no hours', 'somebody is there at some time');
SELECT throws_ok($$ SELECT 'mon 09:00-17:00; in Atlantis'::service_hours $$, '22023', 'time zone "Atlantis" not recognized', 'and one that there is');
SELECT throws_ok($$ SELECT 'mon 24:00-24:00; in UTC'::service_hours $$, '22023', NULL, 'nothing begins at 24:00');
SELECT throws_ok($$ SELECT 'noon 09:00-17:00; in UTC'::service_hours $$, '22P02', NULL, 'weekdays have names');
SELECT throws_ok($$ SELECT 'mon 09:00-17:00; in UTC; in UTC'::service_hours $$, '22P02', NULL, 'one zone');
SELECT throws_ok($$ SELECT service_deadline('mon 09:00-10:00; in UTC', '2024-01-01 00:00+00', '-1 hour') $$, '22023', NULL, 'a deadline lies ahead');
SELECT throws_ok($$ SELECT service_time('mon 09:00-10:00; in UTC', '2024-01-01 00:00+00', 'infinity') $$, '22008', NULL, 'time ends');
SELECT throws_ok($$ SELECT deed('gift', 'x', '2024-01-01') $$, '22023', NULL, 'kinds are few words');
SELECT throws_ok($$ SELECT deed('promise', '', '2024-01-01') $$, '22023', 'deed cannot be without a name', 'a deed has a name');
SELECT throws_ok($$ SELECT deed('promise', repeat('x', 48), '2024-01-01') $$, '22001', NULL, 'and not too long a one');
SELECT throws_ok($$ SELECT deed('promise', 'x', '2024-01-02', '2024-01-01') $$, '22000', NULL, 'nothing is due before it was made');
SELECT throws_ok($$ SELECT deed('delight', 'x', '2024-01-02', '2024-01-03') $$, '22023', NULL, 'a delight is never due');
SELECT throws_ok($$ SELECT '{tie a 2024-01-01 00:00+00}'::deeds - '{tie b 2024-01-01 00:00+00}'::deeds $$, '22023', NULL, 'what is taken away was there');
SELECT throws_ok($$ SELECT promises_kept('{}', NULL) $$, '22004', NULL, 'there is no hidden today');
SELECT throws_ok($$ SELECT delight_due(ROW(2, NULL, NULL, NULL, NULL)::delight_policy, NULL, '2024-01-01', 'c', 's', 'UTC') $$, '22023', NULL, 'a share is a share');
SELECT throws_ok($$ SELECT delight_due(ROW(1, '-1 day', NULL, NULL, NULL)::delight_policy, NULL, '2024-01-01', 'c', 's', 'UTC') $$, '22023', NULL, 'a pause is a length');
SELECT throws_ok($$ SELECT delight_due(NULL, NULL, '2024-01-01', 'c', 's', 'UTC') $$, '22004', NULL, 'no policy, no lottery');
SELECT throws_ok($$ SELECT '{promise a 2024-01-01 00:00+00 done 2023-01-01 00:00+00}'::deeds $$, '22000', NULL, 'nor done');
SELECT lives_ok($$ SELECT service_time(hours, '4714-11-24 00:00+00 BC'::timestamptz + interval '2 days', '4714-12-24 00:00+00 BC') FROM hours $$, 'from the first days of the calendar');


-- hours that the clocks jump over are none, and nobody serves them later
SELECT is(service_time(hours::service_hours, '2024-03-30 00:00+01', '2024-04-01 00:00+02'), hours_served, hours) FROM (VALUES ('sun 02:15-02:45; in Europe/Berlin', interval '0'), ('sun 02:15-02:45, 03:00-04:00; in Europe/Berlin', '1 hour'),
  ('sun 01:30-02:30; in Europe/Berlin', '30 minutes'), ('sun 02:30-03:30; in Europe/Berlin', '30 minutes')) v(hours, hours_served);
SELECT is(service_time('mon-sun 00:00-24:00; in Pacific/Apia', '2011-12-28 00:00+00', '2012-01-03 00:00+00'), interval '144 hours', 'a day that was left out is not served twice');
SELECT is((SELECT reason FROM delight_due(row(1, '1 month -1 hour', NULL, 0, 0)::delight_policy, '{delight cake 2024-01-01 00:00:00+00}', at, 'k', 's', 'UTC')), reason, 'a pause of a month less an hour, at ' || at)
FROM (VALUES ('2024-01-31 22:59+00'::timestamptz, 'pause until 2024-01-31 23:00:00+00'), ('2024-01-31 23:00+00', 'drawn')) v(at, reason);

SELECT is((SELECT deeds('promise', 'x', '2024-01-01 00:00+00'::timestamptz - i * interval '1 minute', NULL, NULL, NULL) FROM generate_series(1, 200000) i),
  (SELECT deeds('promise', 'x', '2024-01-01 00:00+00'::timestamptz - i * interval '1 minute', NULL, NULL, NULL ORDER BY i DESC) FROM generate_series(1, 200000) i), 'rows from the last to the first are no more work');
SELECT is('{delight b 2024-02-01 00:00+00, delight a 2024-01-01 00:00+00}'::deeds_state::text, '{delight b 2024-02-01 00:00:00+00, delight a 2024-01-01 00:00:00+00}', 'a state has its deeds as they came');
SELECT * FROM finish();
ROLLBACK;
