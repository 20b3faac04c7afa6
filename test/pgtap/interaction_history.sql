-- interaction_history and what is asked of it, on random data, against slow and obvious SQL
BEGIN;
SET LOCAL search_path = public, crm, crm_internal;
SET LOCAL timezone = 'UTC';
SELECT plan(36);

-- a seeded table of contacts: whole hours, so that instants meet, and some rows twice
SELECT setseed(0.61);
CREATE TEMPORARY TABLE contact AS
  SELECT i, (random() * 90)::int AS customer, timestamptz '2023-01-01 00:00Z' + floor(random() * random() * 400 * 24) * interval '1 hour' AS at,
    (ARRAY['request', 'complaint', 'suggestion', 'enquiry', 'message', 'message', 'message', 'visit', 'survey', 'referral', 'other'])[1 + floor(random() * 11)] AS kind,
    (ARRAY['email', 'phone', 'sms', 'in person', 'Ünicode', 'web'])[1 + floor(random() * random() * 6)] AS channel,
    (ARRAY['inbound', 'outbound'])[1 + floor(random() * 2)] AS direction,
    (ARRAY[NULL, NULL, 'delivered', 'opened', 'opened', 'answered', 'resolved', 'bounced', 'unsubscribed'])[1 + floor(random() * random() * 9)] AS outcome,
    CASE WHEN random() < 0.2 THEN floor(random() * 11)::int END AS score,
    CASE WHEN random() < 0.2 THEN random() * interval '20 days' END AS took,
    random() AS shuffle
  FROM generate_series(1, 2500) i;
INSERT INTO contact SELECT i + 2500, customer, at, kind, channel, direction, outcome, score, took, random() FROM contact WHERE i <= 100;
ALTER TABLE contact ADD resolved_at timestamptz;
UPDATE contact SET resolved_at = at + took;
CREATE INDEX ON contact (customer, at);
ANALYZE contact;
CREATE TEMPORARY TABLE customer AS
  SELECT customer, interaction_history(at, kind, channel, direction, outcome, score, resolved_at ORDER BY shuffle) AS h FROM contact GROUP BY customer;
CREATE TEMPORARY TABLE asked AS
  SELECT customer, h, timestamptz '2022-12-20 00:00Z' + n * interval '39 days 5 hours' AS as_of FROM customer, generate_series(0, 11) n;
ANALYZE asked;

-- the value

SELECT is_empty($$
  (SELECT customer, e.* FROM customer, interactions(h) e
   EXCEPT ALL SELECT customer, at, kind, channel, direction, outcome, score, resolved_at FROM contact)
  UNION ALL
  (SELECT customer, at, kind, channel, direction, outcome, score, resolved_at FROM contact
   EXCEPT ALL SELECT customer, e.* FROM customer, interactions(h) e)$$,
  'entries are the rows, each as often as it occurs');

SELECT is_empty($$
  SELECT customer FROM customer WHERE h <> (SELECT interaction_history(at, kind, channel, direction, outcome, score, resolved_at ORDER BY at DESC, shuffle) FROM contact c WHERE c.customer = customer.customer)
    OR h <> (SELECT merge(one ORDER BY shuffle) FROM (SELECT shuffle, interaction(at, kind, channel, direction, outcome, score, resolved_at) AS one FROM contact c WHERE c.customer = customer.customer) o)
    OR interaction_history_hash(h) <> interaction_history_hash((SELECT interaction_history(at, kind, channel, direction, outcome, score, resolved_at ORDER BY i) FROM contact c WHERE c.customer = customer.customer))$$,
  'the order of rows and the way in make no difference');

SELECT is_empty($$
  SELECT customer FROM (
    SELECT customer, interaction_history(at, kind, channel, direction, outcome, score, resolved_at) AS whole,
      coalesce(interaction_history(at, kind, channel, direction, outcome, score, resolved_at) FILTER (WHERE shuffle < 0.4), '{}') AS a,
      coalesce(interaction_history(at, kind, channel, direction, outcome, score, resolved_at) FILTER (WHERE shuffle >= 0.4), '{}') AS b
    FROM contact GROUP BY customer) p
  WHERE a + b <> whole OR b + a <> whole OR whole - a <> b OR whole - b <> a OR whole - whole <> '{}'$$,
  'any split adds up, and subtraction takes it back');

SELECT is_empty($$ SELECT customer FROM customer WHERE h::text::interaction_history <> h $$, 'text out and in');

SELECT results_eq('SELECT interaction_history(at, kind, channel, direction) FROM contact',
  'SELECT merge(h) FROM (SELECT interaction_history(at, kind, channel, direction) AS h FROM contact GROUP BY customer % 7) p',
  'merge of histories equals the history of all');

SELECT is_empty($$
  SELECT customer FROM customer WHERE interaction_count(h) <> (SELECT count(*) FROM contact c WHERE c.customer = customer.customer)
    OR first_interaction_at(h) <> (SELECT min(at) FROM contact c WHERE c.customer = customer.customer)
    OR last_interaction_at(h) <> (SELECT max(at) FROM contact c WHERE c.customer = customer.customer)$$,
  'count, first and last');

SELECT is_empty($$
  SELECT customer, as_of FROM asked a, LATERAL (SELECT * FROM (VALUES ('[]'), ('[)'), ('(]'), ('()')) b(bounds)) b
  WHERE customer < 60 AND (until(h, as_of) <> coalesce((SELECT interaction_history(at, kind, channel, direction, outcome, score, resolved_at) FROM contact c
        WHERE c.customer = a.customer AND at <= as_of), '{}')
    OR within(h, tstzrange(as_of, as_of + interval '40 days', bounds)) <> coalesce((SELECT interaction_history(at, kind, channel, direction, outcome, score, resolved_at)
        FROM contact c WHERE c.customer = a.customer AND tstzrange(as_of, as_of + interval '40 days', bounds) @> at), '{}'))$$,
  'until and within, with every kind of bound');

SELECT is_empty($$
  SELECT customer, as_of FROM asked a, LATERAL (
    SELECT max(at) AS last, count(*) FILTER (WHERE direction = 'inbound') AS inbound, count(*) FILTER (WHERE direction = 'outbound') AS outbound
    FROM contact c WHERE c.customer = a.customer AND at <= as_of) r
  WHERE days_since_last_contact(h, as_of) IS DISTINCT FROM floor(extract(epoch FROM as_of - last) / 86400)::int
    OR reciprocity(h, as_of) IS DISTINCT FROM least(inbound, outbound)::float8 / nullif(greatest(inbound, outbound), 0)$$,
  'days since the last contact and reciprocity');

-- the state of the aggregate packs what it can, and tells nobody

CREATE TEMPORARY TABLE channel_name AS
  SELECT n, c, CASE c WHEN 'ascii' THEN repeat(chr(32 + 5 * n), n - 1) || 'z' WHEN 'high' THEN repeat('~', n - 1) || chr(127) WHEN 'low' THEN repeat(chr(1), n)
      WHEN 'two bytes first' THEN 'é' || repeat('x', n - 2) ELSE repeat('x', n - 2) || 'é' END AS channel
  FROM generate_series(1, 15) n, unnest(ARRAY['ascii', 'high', 'low', 'two bytes first', 'two bytes last']) c WHERE n > CASE c WHEN 'two bytes first' THEN 1 WHEN 'two bytes last' THEN 2 ELSE 0 END;

SELECT is_empty($$
  SELECT a.channel FROM (SELECT channel, interaction_history('2024-01-01 00:00Z', 'other', channel, 'outbound', 'unsubscribed') AS h FROM channel_name GROUP BY channel) a, LATERAL interactions(h) e
  WHERE h <> interaction('2024-01-01 00:00Z', 'other', a.channel, 'outbound', 'unsubscribed') OR interaction_count(h) <> 1 OR e.channel <> a.channel$$,
  'a channel of any length and any bytes comes back');

SELECT is((SELECT interaction_history('2024-01-01 00:00Z', kind, channel, direction) FROM channel_name, (VALUES ('request', 'inbound'), ('other', 'outbound')) k(kind, direction)),
  (SELECT merge(interaction('2024-01-01 00:00Z', kind, channel, direction)) FROM channel_name, (VALUES ('request', 'inbound'), ('other', 'outbound')) k(kind, direction)),
  'packed or not, entries of one instant have the same order');

SELECT is_empty($$
  SELECT size, wide_one, way FROM unnest(ARRAY[1, 2, 14, 15, 16, 31, 32, 33, 100]) size, generate_series(1, size, 1 + size / 8) wide_one, unnest(ARRAY['score', 'resolved_at', 'channel']) way,
    LATERAL (SELECT interaction_history(at, 'enquiry', channel, 'inbound', NULL, score, resolved_at ORDER BY n) AS built, merge(interaction(at, 'enquiry', channel, 'inbound', NULL, score, resolved_at)) AS expected
      FROM (SELECT n, a.at, CASE WHEN n = wide_one AND way = 'channel' THEN 'a long channel' ELSE 'web' || n % 7 END AS channel,
          CASE WHEN n = wide_one AND way = 'score' THEN 0 END AS score, CASE WHEN n = wide_one AND way = 'resolved_at' THEN a.at END AS resolved_at
        FROM generate_series(1, size) n, LATERAL (SELECT timestamptz '2024-01-01 00:00Z' + (n * 37 % 101) * interval '1 hour' AS at) a) r) h
  WHERE built <> expected OR interaction_count(built) <> size$$,
  'the first entry that cannot be packed may come at any time');

SELECT is((SELECT interaction_history(at, kind, 'c' || i % 1500, direction) FROM contact), (SELECT merge(interaction(at, kind, 'c' || i % 1500, direction)) FROM contact),
  'as many channels as one likes');

SELECT results_eq('SELECT interaction_count(interaction_history(at, kind, channel, direction) OVER w), last_interaction_at(interaction_history(at, kind, channel, direction) OVER w) FROM contact WINDOW w AS (ORDER BY at, i) ORDER BY at, i',
  'SELECT row_number() OVER (ORDER BY at, i)::int, at FROM contact ORDER BY at, i', 'a state goes on after it was asked for its history');

-- a state, as an aggregate without a final function shows it
CREATE AGGREGATE pg_temp.state_packed(timestamptz, text, text, text) (SFUNC = crm_internal.interaction_history_transition, STYPE = interaction_history_state);
CREATE AGGREGATE pg_temp.state_wide(timestamptz, text, text, text, text, int) (SFUNC = crm_internal.interaction_history_transition, STYPE = interaction_history_state);
CREATE AGGREGATE pg_temp.history_of_states(interaction_history_state) (SFUNC = crm_internal.interaction_history_combine, STYPE = interaction_history_state, FINALFUNC = crm_internal.interaction_history_final);
CREATE TEMPORARY TABLE built AS SELECT pg_temp.state_packed(at, kind, channel, direction ORDER BY shuffle)::text AS packed, pg_temp.state_wide(at, kind, channel, direction, outcome, score ORDER BY shuffle)::text AS wide,
    crm_internal.interaction_history_state_send(pg_temp.state_packed(at, kind, channel, direction ORDER BY shuffle)) AS sent,
    interaction_history(at, kind, channel, direction) AS h, interaction_history(at, kind, channel, direction, outcome, score) AS scored
  FROM contact WHERE channel <> 'Ünicode' GROUP BY customer;

SELECT is_empty($$SELECT * FROM built WHERE packed <> h::text OR wide <> scored::text OR sent <> interaction_history_send(h)$$, 'the forms of a state, packed or not, are those of its history');
SELECT is((SELECT pg_temp.history_of_states(s) FROM (SELECT pg_temp.state_packed(at, kind, channel, direction) FROM contact GROUP BY customer UNION ALL SELECT pg_temp.state_wide(at, kind, channel, direction, outcome, score) FROM contact GROUP BY customer) p(s)),
  (SELECT interaction_history(at, kind, channel, direction) + interaction_history(at, kind, channel, direction, outcome, score) FROM contact), 'packed states are combined with wide ones');
SELECT is((SELECT pg_temp.history_of_states(s::interaction_history_state) FROM (SELECT packed FROM built UNION ALL SELECT wide FROM built) p(s)), (SELECT merge(h) + merge(scored) FROM built), 'and with those of other servers');

-- engagement

SELECT is_empty($$
  SELECT customer, as_of FROM asked a, LATERAL (
    SELECT coalesce(sum(CASE kind WHEN 'visit' THEN 3 WHEN 'message' THEN 0.5 WHEN 'complaint' THEN -1 ELSE 0 END * power(2, -extract(epoch FROM as_of - at)::float8 / (10 * 86400)))
        FILTER (WHERE direction = 'inbound' OR outcome IN ('opened', 'answered', 'resolved')), 0) AS engagement,
      coalesce(sum(power(2, -extract(epoch FROM as_of - at)::float8 / (10 * 86400))) FILTER (WHERE direction = 'outbound'), 0) AS pressure
    FROM contact c WHERE c.customer = a.customer AND at <= as_of) r
  WHERE abs(engagement(h, as_of, '{"visit": 3, "message": 0.5, "complaint": -1}', '10 days') - r.engagement) > 1e-12
    OR abs(contact_pressure(h, as_of, '10 days') - pressure) > 1e-12$$,
  'engagement and contact pressure equal a sum of powers');

SELECT is_empty($$
  SELECT customer FROM (SELECT customer, decayed_sum(score, at, '2023-06-01 00:00Z', '30 days') AS ours,
      sum(score * power(2, -extract(epoch FROM timestamptz '2023-06-01 00:00Z' - at)::float8 / (30 * 86400))) FILTER (WHERE at <= '2023-06-01 00:00Z') AS theirs
    FROM contact GROUP BY customer) s
  WHERE abs(ours - theirs) > 1e-12 * abs(theirs) OR (ours IS NULL) <> (theirs IS NULL)$$,
  'decayed_sum equals a sum of powers, and is NULL of nothing');

SELECT is((SELECT count(DISTINCT float8send(s)) FROM (
    SELECT decayed_sum(v, at, now(), '1 month' ORDER BY i) AS s FROM (SELECT i, shuffle - 0.5 AS v, at FROM contact) x
    UNION ALL SELECT decayed_sum(v, at, now(), '1 month' ORDER BY v) FROM (SELECT shuffle - 0.5 AS v, at FROM contact) x
    UNION ALL SELECT decayed_sum(v, at, now(), '1 month' ORDER BY v DESC) FROM (SELECT shuffle - 0.5 AS v, at FROM contact) x) s),
  1::bigint, 'decayed_sum has the same bits in every order');

-- channels

CREATE TEMPORARY TABLE channel_reference AS
  SELECT a.customer, as_of, channel, count(*) FILTER (WHERE direction = 'outbound') AS attempts,
    count(*) FILTER (WHERE direction = 'outbound' AND outcome IN ('opened', 'answered', 'resolved')) AS responses,
    count(*) FILTER (WHERE direction = 'outbound' AND outcome = 'bounced') AS bounced,
    count(*) FILTER (WHERE direction = 'outbound' AND outcome = 'unsubscribed') AS unsubscribed,
    count(*) FILTER (WHERE direction = 'inbound') AS inbound, max(at) AS last_at
  FROM asked a JOIN contact c ON c.customer = a.customer AND at <= as_of
  GROUP BY a.customer, as_of, channel;
CREATE INDEX ON channel_reference (customer, as_of);
ANALYZE channel_reference;

SELECT is_empty($$
  (SELECT a.customer, as_of, p.* FROM asked a, channel_profile(h, as_of, 2, 5) p
   EXCEPT ALL SELECT customer, as_of, channel, attempts::int, responses::int, (responses + 2::float8) / (attempts + 7::float8), bounced::int, unsubscribed::int, inbound::int, last_at FROM channel_reference)
  UNION ALL
  (SELECT customer, as_of, channel, attempts::int, responses::int, (responses + 2::float8) / (attempts + 7::float8), bounced::int, unsubscribed::int, inbound::int, last_at FROM channel_reference
   EXCEPT ALL SELECT a.customer, as_of, p.* FROM asked a, channel_profile(h, as_of, 2, 5) p)$$,
  'channel_profile equals counts by channel');

SELECT is_empty($$
  SELECT customer, as_of FROM asked a
  WHERE preferred_channel(h, as_of, minimum_attempts => 2) IS DISTINCT FROM
      (SELECT channel FROM channel_reference r WHERE r.customer = a.customer AND r.as_of = a.as_of AND attempts >= 2 AND unsubscribed = 0
       ORDER BY (responses + 1.0) / (attempts + 2.0) DESC, last_at DESC, channel COLLATE "C" LIMIT 1)
    OR preferred_channel(h, as_of, 'post') <> 'post'$$,
  'preferred_channel is the best by rate, then time, then name; a stated one wins');

SELECT is((SELECT count(*) || ' ' || sum(attempts) FROM channel_profile((SELECT interaction_history(at, 'message', 'c' || i % 40, 'outbound') FROM contact), '2030-01-01') p),
  '40 2600', 'many channels are told apart too');

-- service

CREATE TEMPORARY TABLE request_reference AS
  SELECT a.customer, as_of, c.at, kind, channel, i,
    CASE WHEN resolved_at <= as_of THEN resolved_at END AS resolved_at,
    c.resolved_at IS NULL AND coalesce(outcome IN ('answered', 'resolved'), false) AS closed_unseen,
    least((SELECT min(at) FROM contact o WHERE o.customer = c.customer AND o.at > c.at AND o.at <= as_of AND o.direction = 'outbound' AND o.outcome IS DISTINCT FROM 'bounced'),
      CASE WHEN resolved_at <= as_of THEN resolved_at END) AS answered_at
  FROM asked a JOIN contact c ON c.customer = a.customer AND at <= as_of
  WHERE direction = 'inbound' AND kind IN ('request', 'complaint', 'enquiry') AND a.customer < 80;
CREATE INDEX ON request_reference (customer, as_of);
ANALYZE request_reference;

SELECT is_empty($$
  WITH ours AS (SELECT a.customer, as_of, s.* FROM asked a, service_requests(h, as_of) s WHERE a.customer < 80),
  theirs AS (SELECT customer, as_of, at, kind, channel, answered_at, CASE WHEN answered_at IS NULL AND closed_unseen THEN NULL ELSE coalesce(answered_at, as_of) - at END,
      resolved_at, resolved_at - at, resolved_at IS NULL AND NOT closed_unseen FROM request_reference)
  (TABLE ours EXCEPT ALL TABLE theirs) UNION ALL (TABLE theirs EXCEPT ALL TABLE ours)$$,
  'service_requests equals the obvious SQL');

SELECT is_empty($$
  SELECT a.customer, a.as_of FROM asked a LEFT JOIN LATERAL (
      SELECT count(*) FILTER (WHERE resolved_at IS NULL AND NOT closed_unseen) AS open, count(*) FILTER (WHERE answered_at IS NULL AND NOT closed_unseen) AS unanswered,
        avg(coalesce(answered_at, as_of) - at) FILTER (WHERE answered_at IS NOT NULL OR NOT closed_unseen) AS response, avg(resolved_at - at) AS resolution
      FROM request_reference r WHERE r.customer = a.customer AND r.as_of = a.as_of) r ON true
  WHERE a.customer < 80 AND (open_request_count(h, as_of) <> open OR unanswered_request_count(h, as_of) <> unanswered
    OR (first_response_time(h, as_of) IS NULL) <> (response IS NULL) OR (time_to_resolve(h, as_of) IS NULL) <> (resolution IS NULL)
    OR abs(extract(epoch FROM first_response_time(h, as_of) - response)) > 1e-5 OR abs(extract(epoch FROM time_to_resolve(h, as_of) - resolution)) > 1e-5)$$,
  'open and unanswered requests and the mean times');

SELECT is_empty($$
  SELECT customer, as_of FROM asked a, LATERAL (
    SELECT count(*) FILTER (WHERE kind = 'complaint') AS complaints, count(*) AS inbound FROM contact c WHERE c.customer = a.customer AND at <= as_of AND direction = 'inbound') r
  WHERE complaint_count(h, as_of) <> complaints OR complaint_rate(h, as_of) IS DISTINCT FROM complaints::float8 / nullif(inbound, 0)$$,
  'complaints and their rate');

CREATE TEMPORARY TABLE bought AS
  SELECT customer, purchase_history(day, 10) AS p, array_agg(day) AS days FROM (SELECT (random() * 90)::int AS customer, date '2023-01-01' + (random() * 400)::int AS day FROM generate_series(1, 900)) b GROUP BY customer;

SELECT is_empty($$
  SELECT a.customer, as_of FROM asked a JOIN bought b USING (customer),
    LATERAL (SELECT (as_of AT TIME ZONE 'Asia/Kolkata')::date AS today) t,
    LATERAL (SELECT max((at AT TIME ZONE 'Asia/Kolkata')::date) AS complained FROM contact c WHERE c.customer = a.customer AND at <= as_of AND direction = 'inbound' AND kind = 'complaint') c,
    LATERAL (SELECT (complained + interval '1 month')::date AS last_day) l,
    LATERAL (SELECT bool_or(d > complained AND d <= last_day AND d <= today) AS again FROM unnest(days) d) g
  WHERE recovered(h, p, as_of, '1 month', 'Asia/Kolkata') IS DISTINCT FROM
    CASE WHEN complained IS NULL THEN NULL WHEN again THEN true WHEN today <= last_day THEN NULL ELSE false END
    OR complaint_rate(h, p, as_of, 'Asia/Kolkata') IS DISTINCT FROM complaint_count(h, as_of)::float8 / nullif((SELECT count(*) FROM unnest(days) d WHERE d <= today), 0)$$,
  'recovered and complaints per order');

-- nps

SELECT is_empty($$
  SELECT customer FROM (SELECT customer, nps(score) AS n, 100 * avg(CASE WHEN score >= 9 THEN 1.0 WHEN score <= 6 THEN -1 ELSE 0 END) FILTER (WHERE score IS NOT NULL) AS s,
      100 * stddev_pop(CASE WHEN score >= 9 THEN 1 WHEN score <= 6 THEN -1 ELSE 0 END::float8) FILTER (WHERE score IS NOT NULL) / sqrt(count(score)) AS e, count(score) AS c
    FROM contact GROUP BY customer) x
  WHERE (n IS NULL) <> (s IS NULL) OR abs((n).score - s) > 1e-9 OR (n).responses <> c OR abs((n).standard_error - e) > 1e-6$$,
  'nps and its standard error');

-- what does not depend on the plan

CREATE TEMPORARY TABLE serial AS SELECT interaction_history(at, kind, channel, direction, outcome, score, resolved_at) AS h, nps(score) AS n,
  decayed_sum(shuffle, at, '2024-01-01', '9 days') AS d, lift(direction = 'inbound', shuffle) AS l FROM contact;
CREATE TABLE public.contact_shared AS TABLE contact;
SET LOCAL max_parallel_workers_per_gather = 2;
SET LOCAL min_parallel_table_scan_size = 0;
SET LOCAL parallel_setup_cost = 0;
SET LOCAL parallel_tuple_cost = 0;
CREATE TEMPORARY TABLE parallel AS SELECT interaction_history(at, kind, channel, direction, outcome, score, resolved_at) AS h, nps(score) AS n,
  decayed_sum(shuffle, at, '2024-01-01', '9 days') AS d, lift(direction = 'inbound', shuffle) AS l FROM public.contact_shared;
SELECT results_eq('TABLE parallel', 'TABLE serial', 'a parallel plan gives the same bits');

-- what is refused

SELECT throws_ok($$ SELECT '{2024-01-01 00:00Z visit shop inbound}'::interaction_history - '{2024-01-01 00:00Z visit shop outbound}' $$, '22000', NULL, 'only what is there can be taken away');
SELECT throws_ok($$ SELECT '{}'::interaction_history - '{2024-01-01 00:00Z visit shop outbound}' $$, '22000', NULL, 'nor anything from nothing');
SELECT throws_ok($$ SELECT interaction('2024-01-01', 'call', 'phone', 'inbound') $$, '22023', NULL, 'kinds have fixed names');
SELECT throws_ok($$ SELECT interaction('2024-01-01', 'visit', 'a very long channel', 'inbound') $$, '22001', NULL, 'a channel has at most 15 bytes');
SELECT throws_ok($$ SELECT interaction('infinity', 'visit', 'shop', 'inbound') $$, '22008', NULL, 'an interaction happens at a finite time');
SELECT throws_ok($$ SELECT interaction('2024-01-02', 'visit', 'shop', 'inbound', resolved_at => '2024-01-01') $$, '22000', NULL, 'nothing is resolved before it came up');
SELECT throws_ok($$ SELECT nps(11) $$, '22003', NULL, 'a score is 0 to 10');
SELECT throws_ok($$ SELECT engagement('{}', '2024-01-01', '{"call": 1}', '1 day') $$, '22023', NULL, 'weights are for kinds');

SELECT * FROM finish();
ROLLBACK;
