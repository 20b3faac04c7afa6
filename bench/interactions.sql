-- What an interaction history costs to build, and a verdict on one.

CREATE TABLE contacts (customer_id int, at timestamptz, kind text, channel text, direction text);
INSERT INTO contacts
SELECT customer_id, timestamptz '2023-01-01 00:00Z' + 400.0 * i / :orders * interval '1 day',
    (ARRAY['message', 'message', 'message', 'visit', 'request', 'complaint'])[1 + i % 6], (ARRAY['email', 'sms', 'phone'])[1 + i % 3],
    (ARRAY['outbound', 'outbound', 'inbound'])[1 + i / 5 % 3]
FROM (SELECT i, 1 + floor(:customers * random() ^ 1.5)::int AS customer_id FROM generate_series(1, :orders) i) c;
VACUUM (ANALYZE) contacts;

CALL bench.alternative('interaction history', 'count, min, max', $$
    SELECT customer_id, count(*), min(at), max(at) FROM contacts GROUP BY customer_id $$);

CALL bench.alternative('interaction history', 'interaction_history', $$
    SELECT customer_id, crm.interaction_history(at, kind, channel, direction)
    FROM contacts GROUP BY customer_id $$, 'at most 1.4');

-- Plain SQL that keeps all that a history holds.
CALL bench.alternative('interaction history', 'four arrays', $$
    SELECT customer_id, array_agg(at), array_agg(kind), array_agg(channel), array_agg(direction)
    FROM contacts GROUP BY customer_id $$);

-- 20 interactions a customer; the bar is 3 us a verdict, 3 s for a million customers.
CREATE TABLE recipients AS
SELECT c AS customer_id, crm.consent('marketing', 'consent', '[2023-01-01 00:00Z,)') AS consents, h AS contacts
FROM generate_series(1, :customers) c, LATERAL (
    SELECT crm.interaction_history(timestamptz '2024-02-01 12:00Z' - ((c * 7919::bigint + n * n * 104729) % 8640) * interval '10 minutes',
        (ARRAY['message', 'message', 'visit', 'complaint'])[1 + (c + n) % 4], (ARRAY['email', 'sms'])[1 + n % 2], CASE WHEN (c + n) % 4 = 3 THEN 'inbound' ELSE 'outbound' END) AS h
    FROM generate_series(1, 20) n) i;
VACUUM (ANALYZE) recipients;

CALL bench.alternative('verdicts of customers with 20 interactions', 'scan of the histories', $$
    SELECT count(crm.interaction_count(contacts)), count(consents) FROM recipients $$);

CALL bench.alternative('verdicts of customers with 20 interactions', 'contact_allowed', $$
    SELECT count(*) FROM recipients WHERE crm.contact_allowed('1 per 1 day; 3 per 7 days; email 2 per 7 days; quiet 21:00-08:00; pause 14 days after complaint; transactional exempt',
        consents, contacts, '2024-02-01 12:00Z', 'email', 'marketing', 'Europe/Berlin') $$, '3 us a customer');

CALL bench.alternative('verdicts of customers with 20 interactions', 'contact_verdict', $$
    SELECT count(*) FROM recipients, crm.contact_verdict('1 per 1 day; 3 per 7 days; email 2 per 7 days; quiet 21:00-08:00; pause 14 days after complaint; transactional exempt',
        consents, contacts, '2024-02-01 12:00Z', 'email', 'marketing', 'Europe/Berlin') v WHERE v.allowed $$, '3 us a customer');

CALL bench.alternative('verdicts of customers with 20 interactions', 'choose_message of three', $$
    SELECT count(crm.choose_message('1 per 1 day; 3 per 7 days; email 2 per 7 days; quiet 21:00-08:00; quiet sun; pause 14 days after complaint; transactional exempt',
        consents, contacts, '2024-02-01 12:00Z', ARRAY[('sale', 'email', 'marketing', 1), ('survey', 'sms', 'marketing', 2), ('news', 'email', 'marketing', 0)]::crm.message[], 'Europe/Berlin')) FROM recipients $$, '3 us a customer');

-- What may be used: profiles of ten assertions.
CREATE TABLE profiles AS
SELECT c AS customer_id, p AS profile FROM generate_series(1, :customers) c, LATERAL (
    SELECT crm.profile('attribute ' || n % 7, 'value ' || (c + n) % 11, (ARRAY['stated', 'observed', 'inferred'])[1 + (c + n) % 3], 'source', timestamptz '2024-01-01 00:00Z' - n * interval '10 days') AS p
    FROM generate_series(1, 10) n) i;
VACUUM (ANALYZE) profiles;

CALL bench.alternative('uses of profiles of ten assertions', 'scan of the profiles', $$ SELECT count(profile OPERATOR(crm.=) '{}') FROM profiles $$);

CALL bench.alternative('uses of profiles of ten assertions', 'use_verdict', $$
    SELECT count(*) FROM profiles, crm.use_verdict('"attribute 3" is preference for marketing by consent; "attribute 4" is family for advice by consent',
        profile, '{marketing consent [2023-01-01 00:00Z,)}', '2024-02-01 12:00Z', 'attribute 3', 'marketing') v WHERE v.allowed $$, '3 us a customer');
