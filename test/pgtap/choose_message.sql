-- quiet days, messages of several departments, preferred times: against contact_verdict and plain SQL
BEGIN;
SET LOCAL search_path = public, crm;
SELECT plan(34);
SET LOCAL TimeZone = 'UTC';

-- quiet days against the calendar
CREATE TEMP TABLE day AS SELECT t, (t AT TIME ZONE 'Europe/Berlin')::date AS day FROM generate_series('2024-03-20 22:30+00'::timestamptz, '2024-04-12 22:30+00', '7 hours') t;
CREATE TEMP VIEW verdict AS SELECT d.*, p.policy, v.* FROM day d, unnest('{quiet sat-sun,quiet fri-mon,quiet wed,quiet 2024-03-29 to 2024-04-01,quiet 2024-04-03,sms quiet sat-sun,quiet sat-sun; quiet 2024-03-29 to 2024-04-01; quiet 20:00-08:00}'::text[]) p(policy),
  contact_verdict(policy::contact_policy, '{marketing consent [,)}', NULL, t, 'email', 'marketing', 'Europe/Berlin') v;
CREATE FUNCTION pg_temp.is_quiet(policy text, wall timestamp) RETURNS boolean LANGUAGE sql AS $$
  SELECT CASE policy WHEN 'quiet sat-sun' THEN extract(isodow FROM wall) IN (6, 7) WHEN 'quiet fri-mon' THEN extract(isodow FROM wall) IN (5, 6, 7, 1) WHEN 'quiet wed' THEN extract(isodow FROM wall) = 3
    WHEN 'quiet 2024-03-29 to 2024-04-01' THEN wall::date BETWEEN '2024-03-29' AND '2024-04-01' WHEN 'quiet 2024-04-03' THEN wall::date = '2024-04-03' WHEN 'sms quiet sat-sun' THEN false
    ELSE extract(isodow FROM wall) IN (6, 7) OR wall::date BETWEEN '2024-03-29' AND '2024-04-01' OR wall::time < '08:00' OR wall::time >= '20:00' END $$;
SELECT is_empty($$ SELECT * FROM verdict WHERE allowed = pg_temp.is_quiet(policy, t AT TIME ZONE 'Europe/Berlin') $$, 'quiet days are those of the calendar of the zone');
SELECT is_empty($$ SELECT * FROM verdict WHERE NOT allowed AND (pg_temp.is_quiet(policy, earliest AT TIME ZONE 'Europe/Berlin') OR NOT pg_temp.is_quiet(policy, (earliest - interval '1 microsecond') AT TIME ZONE 'Europe/Berlin')
  OR EXISTS (SELECT FROM generate_series(t, earliest - interval '1 microsecond', '30 minutes') x WHERE NOT pg_temp.is_quiet(policy, x AT TIME ZONE 'Europe/Berlin'))) $$, 'the earliest instant is the first that is not quiet, over the change of the clocks too');
SELECT is((SELECT string_agg(DISTINCT reason, ', ' ORDER BY reason) FROM verdict), 'quiet 2024-03-29 to 2024-04-01, quiet 2024-04-03, quiet 20:00-08:00, quiet fri-mon, quiet sat-sun, quiet wed', 'the reason is the rule as it is written');
SELECT is('quiet SAT-sun; email quiet mon; quiet 2024-12-25; quiet 2024-12-24 to 2025-01-01; quiet 21:00-08:00'::contact_policy::text, 'quiet sat-sun; email quiet mon; quiet 2024-12-25; quiet 2024-12-24 to 2025-01-01; quiet 21:00-08:00', 'text is lossless');
SELECT is('quiet sat-sun'::contact_policy + 'quiet 2024-12-25', 'quiet sat-sun; quiet 2024-12-25'::contact_policy, 'rules add');
SELECT ok(contact_allowed('quiet mon-sat; transactional exempt', '{transactional contract [,)}', NULL, '2024-03-20 12:00+00', 'email', 'transactional', 'UTC'), 'what is exempt may go on any day');
SELECT throws_ok($$ SELECT 'quiet mon-fri; quiet sat-sun'::contact_policy $$, '22023', 'the quiet days of a contact policy leave no day of the week', 'some day must be left');
SELECT throws_ok($$ SELECT 'quiet mon-sun'::contact_policy $$, '22023', NULL, 'of the week');
SELECT lives_ok($$ SELECT 'email quiet mon-fri; sms quiet sat-sun'::contact_policy $$, 'each channel for itself');
SELECT throws_ok($$ SELECT 'quiet 2024-12-25 to 2024-12-24'::contact_policy $$, '22023', NULL, 'days in order');
SELECT throws_ok($$ SELECT 'quiet someday'::contact_policy $$, '22P02', NULL, 'days have names');

-- messages: against contact_verdict, one by one
SELECT setseed(0.29);
CREATE TEMP TABLE person AS SELECT c, (SELECT interaction_history('2024-03-01 00:00+00'::timestamptz + random() * interval '30 days', (ARRAY['message', 'complaint', 'request'])[1 + (random() * 2.99)::int % 3], (ARRAY['email', 'sms'])[1 + (c + i) % 2], (ARRAY['outbound', 'outbound', 'inbound'])[1 + i % 3])
    FROM generate_series(1, c % 9) i) AS interactions,
  (ARRAY['{marketing consent [,)}', '{marketing consent [,), service contract [,)}', '{service contract [,), survey consent [2024-04-01 00:00+00,)}', NULL]::consents[])[1 + c % 4] AS consents,
  (ARRAY['2 per 7 days; quiet sat-sun', '1 per 1 day; email 1 per 7 days; pause 10 days after complaint; service exempt', 'quiet 20:00-08:00; sms 1 per 14 days']::contact_policy[])[1 + c % 3] AS policy,
  '2024-03-28 12:00+00'::timestamptz + c % 5 * interval '1 day' AS as_of,
  ARRAY[('sale', 'email', 'marketing', 2), ('bill', 'email', 'service', CASE WHEN c % 2 = 0 THEN 3 END), ('ask', 'sms', 'survey', 2), ('news', 'sms', 'marketing', -1)]::message[] AS candidates FROM generate_series(1, 240) c;
CREATE TEMP TABLE chosen AS SELECT c, (SELECT name FROM unnest(candidates) WITH ORDINALITY m(name, channel, purpose, priority, i), contact_verdict(policy, consents, interactions, as_of, channel, purpose, 'Europe/Berlin') v WHERE v.allowed ORDER BY coalesce(priority, 0) DESC, i LIMIT 1) AS name FROM person;
SELECT is_empty($$ SELECT * FROM person JOIN chosen USING (c) WHERE choose_message(policy, consents, interactions, as_of, candidates, 'Europe/Berlin') IS DISTINCT FROM name $$, 'the first by priority that contact_verdict allows');
SELECT ok((SELECT count(DISTINCT name) >= 3 AND count(*) FILTER (WHERE name IS NULL) > 10 FROM chosen), 'each is chosen for some, and for some none');
SELECT is_empty($$ SELECT c FROM person JOIN chosen USING (c), LATERAL (SELECT count(*) AS n, count(*) FILTER (WHERE v.chosen) AS k, max(v.name) FILTER (WHERE v.chosen) AS chosen_name, array_agg(v.name) AS names FROM message_verdicts(policy, consents, interactions, as_of, candidates, 'Europe/Berlin') v) s
  WHERE n <> 4 OR k <> (name IS NOT NULL)::int OR chosen_name IS DISTINCT FROM name OR names <> (SELECT array_agg(m.name ORDER BY coalesce(priority, 0) DESC, i) FROM unnest(candidates) WITH ORDINALITY m(name, channel, purpose, priority, i)) $$, 'verdicts are of all, in their order, one chosen at most');
SELECT is_empty($$
  SELECT * FROM person JOIN chosen USING (c), message_verdicts(policy, consents, interactions, as_of, candidates, 'Europe/Berlin') v JOIN LATERAL unnest(candidates) m ON m.name = v.name,
    LATERAL (SELECT coalesce(interactions, '{}') + coalesce((SELECT interaction_history(as_of, 'message', x.channel, 'outbound') FROM unnest(candidates) x WHERE x.name = chosen.name), '{}') AS then) s,
    contact_verdict(policy, consents, s.then, as_of, m.channel, m.purpose, 'Europe/Berlin') w
  WHERE v.chosen AND (v.reason IS NOT NULL OR v.earliest <> as_of) OR NOT v.chosen AND (v.reason IS DISTINCT FROM coalesce(w.reason, 'after ' || chosen.name) OR v.earliest IS DISTINCT FROM w.earliest) $$, 'the others are judged as if it had been sent');
SELECT is((SELECT choose_message('', '{marketing consent [,)}', NULL, '2024-03-28', '{}', 'UTC')), NULL, 'no candidates');
SELECT throws_ok($$ SELECT choose_message('', NULL, NULL, '2024-03-28', ARRAY[('a', NULL, 'x', 1)]::message[], 'UTC') $$, '22004', 'channel of a message cannot be null', 'a message goes somewhere');
SELECT throws_ok($$ SELECT choose_message('', NULL, NULL, '2024-03-28', ARRAY[NULL]::message[], 'UTC') $$, '22004', 'a message cannot be null', 'and is there');
SELECT throws_ok($$ SELECT choose_message('', NULL, NULL, '2024-03-28', NULL, 'UTC') $$, '22004', 'candidates cannot be null', 'candidates are given');
SELECT throws_ok($$ SELECT * FROM message_verdicts('', NULL, NULL, NULL, '{}', 'UTC') $$, '22004', 'as_of cannot be null', 'there is no hidden today');

-- preferred time, by counting
CREATE TEMP TABLE touch AS SELECT i % 25 AS c, '2024-03-01 00:00+00'::timestamptz + random() * interval '60 days' AS at, (ARRAY['message', 'request'])[1 + i % 2] AS kind, (ARRAY['outbound', 'inbound', 'outbound'])[1 + i % 3] AS direction,
  (ARRAY['', 'opened', 'answered', 'bounced', 'delivered'])[1 + (random() * 4.99)::int % 5] AS outcome FROM generate_series(1, 1200) i;
CREATE TEMP TABLE touched AS SELECT c, interaction_history(at, kind, 'email', direction, nullif(outcome, '')) AS h FROM touch GROUP BY c;
CREATE TEMP VIEW counted AS SELECT c, lower(to_char(wall, 'dy')) AS weekday, extract(isodow FROM wall)::int AS d, extract(hour FROM wall)::int AS hour
  FROM touch, LATERAL (SELECT at AT TIME ZONE 'Europe/Berlin' AS wall) w WHERE at <= '2024-04-20 00:00+00' AND (direction = 'inbound' OR outcome IN ('opened', 'answered'));
SELECT is_empty($$
  SELECT * FROM (SELECT c, p.* FROM touched, preferred_time(h, '2024-04-20 00:00+00', 'Europe/Berlin') p) got JOIN
    (SELECT DISTINCT ON (c) c, weekday, (n + 1) / (sum(n) OVER (PARTITION BY c) + 7)::float8 AS share, sum(n) OVER (PARTITION BY c) AS evidence FROM (SELECT c, weekday, d, count(*) AS n FROM counted GROUP BY 1, 2, 3) s ORDER BY c, n DESC, d) want USING (c)
  WHERE got.weekday <> want.weekday OR abs(weekday_share - share) > 1e-12 OR evidence_count <> evidence $$, 'the weekday with most evidence');
SELECT is_empty($$
  SELECT * FROM (SELECT c, p.* FROM touched, preferred_time(h, '2024-04-20 00:00+00', 'Europe/Berlin') p) got JOIN
    (SELECT DISTINCT ON (c) c, x AS hour, (w + 1) / ((SELECT count(*) FROM counted k WHERE k.c = s.c) + 24)::float8 AS share
     FROM (SELECT c, x, sum(CASE WHEN x = hour THEN 0.5 WHEN (x - hour + 24) % 24 IN (1, 23) THEN 0.25 ELSE 0 END) AS w FROM counted, generate_series(0, 23) x GROUP BY 1, 2) s ORDER BY c, w DESC, x) want USING (c)
  WHERE got.hour <> want.hour OR abs(hour_share - share) > 1e-12 $$, 'and the hour, smoothed over its neighbours');
SELECT results_eq($$ SELECT weekday, hour, weekday_share, hour_share, evidence_count FROM preferred_time('{2024-03-05 17:30+00 request email inbound}', '2024-04-01 00:00+00', 'Europe/Berlin') $$, $$ VALUES (NULL::text, NULL::int, NULL::float8, NULL::float8, 1::bigint) $$, 'one is not enough');
SELECT results_eq($$ SELECT weekday, hour FROM unnest('{tue 18:00,fri,07:30,sun 24:00}'::text[]) s, preferred_time('{2024-03-06 09:30+00 request email inbound}', '2024-04-01 00:00+00', 'Europe/Berlin', s, 1) $$, $$ VALUES ('tue', 18), ('fri', 10), ('wed', 7), ('sun', 0) $$, 'what was stated wins');
SELECT results_eq($$ SELECT weekday, hour, evidence_count FROM preferred_time(NULL, '2024-04-01 00:00+00', 'UTC', 'mon 09:00') $$, $$ VALUES ('mon', 9, 0::bigint) $$, 'also of who was never in touch');
SELECT is((SELECT weekday FROM preferred_time('{2024-03-05 23:30+00 request email inbound}', '2024-04-01 00:00+00', 'Europe/Berlin', NULL, 1)), 'wed', 'after midnight there is tomorrow');
SELECT throws_ok($$ SELECT preferred_time(NULL, '2024-01-01', 'Mars/Phobos') $$, '22023', NULL, 'who was never in touch has a time zone too');
SELECT throws_ok($$ SELECT preferred_time('{}', '2024-01-01', 'UTC', 'noon') $$, '22P02', NULL, 'a stated time is one');
SELECT throws_ok($$ SELECT preferred_time('{}', '2024-01-01', 'UTC', NULL, 0) $$, '22023', NULL, 'some evidence is needed');
SELECT throws_ok($$ SELECT preferred_time('{}', NULL, 'UTC') $$, '22004', NULL, 'there is no hidden today');
SELECT throws_ok($$ SELECT preferred_time('{}', '2024-01-01', NULL) $$, '22004', NULL, 'nor zone');


-- names are those of the row's own array, however its memory was used since
CREATE TEMP TABLE candidates AS SELECT i, array[row(repeat('n', 40) || i / 1000, 'email', 'marketing', 1), row(repeat('m', 30), 'sms', 'marketing', 2)]::message[] AS candidates FROM generate_series(1, 2000) i;
SELECT is_empty($$ SELECT i FROM candidates WHERE choose_message('quiet sat-sun', '{marketing consent [,)}', NULL, '2024-03-20 10:00+00', candidates, 'UTC') <> repeat('m', 30) $$, 'the name of the message, row by row');
SELECT is_empty($$ SELECT i FROM (SELECT i, message_verdicts('quiet sat-sun', '{marketing consent [,)}', NULL, '2024-03-20 10:00+00', candidates, 'UTC') AS v FROM candidates) s
  WHERE (v).name NOT IN (repeat('m', 30), repeat('n', 40) || i / 1000) $$, 'and those of all verdicts');
SELECT throws_ok($$ SELECT choose_message('quiet sat-sun', '{marketing consent [,)}', NULL, '2024-03-20 10:00+00', array[row('a', 'email', 'marketing', 'NaN')]::message[], 'UTC') $$, '22023', 'priority of a message must be a number, not NaN', 'a priority can be compared');

SELECT * FROM finish();
ROLLBACK;
