-- The contacts of the made-up shop with its customers, and what these agreed
-- to: always the same ones, from the table orders.

-- A number between 0 and 1 that is a function of its key alone.
CREATE FUNCTION pg_temp.luck(key text) RETURNS float8
LANGUAGE sql IMMUTABLE AS
    $$ SELECT (('x' || substr(md5(key), 1, 12))::bit(48)::bigint + 0.5) / 2.0 ^ 48 $$;

CREATE TEMP TABLE buyer AS
SELECT customer_id, min(ordered_on) AS since, count(*) > 25 AS is_known,
    (ARRAY['email', 'email', 'phone', 'chat'])[1 + floor(4 * pg_temp.luck('speaks by ' || customer_id))::int] AS speaks_by,
    CASE WHEN pg_temp.luck('agrees ' || customer_id) < 0.8 THEN 'marketing' END AS agreed
FROM orders GROUP BY customer_id;

CREATE TABLE contacts AS
-- A newsletter on every first Tuesday; some open it, one in two hundred has enough of it.
SELECT customer_id, (day + time '10:00') AT TIME ZONE 'Europe/Berlin' AS at, 'message' AS kind, 'email' AS channel, 'outbound' AS direction,
    CASE WHEN luck < 0.005 THEN 'unsubscribed' WHEN luck < 0.3 THEN 'opened' WHEN luck > 0.98 THEN 'bounced' ELSE 'delivered' END AS outcome,
    NULL::int AS score, NULL::timestamptz AS resolved_at
FROM buyer
JOIN (SELECT (month + (9 - extract(isodow FROM month)::int) % 7 * interval '1 day')::date AS day
      FROM generate_series(timestamp '2022-01-01', '2024-12-01', '1 month') month) n ON since < day
CROSS JOIN LATERAL pg_temp.luck(format('newsletter %s %s', customer_id, day)) luck
WHERE agreed IS NOT NULL
UNION ALL
-- A week after one order in seven, a question how it was; half of them answer.
SELECT customer_id, (ordered_on + 7 + time '11:00') AT TIME ZONE 'Europe/Berlin', 'survey', 'email', 'outbound', 'delivered', NULL, NULL
FROM orders WHERE amount > 0 AND pg_temp.luck(format('survey %s %s', customer_id, ordered_on)) < 0.14
UNION ALL
SELECT customer_id, (ordered_on + 9 + time '20:00') AT TIME ZONE 'Europe/Berlin', 'survey', 'email', 'inbound', NULL,
    11 - ceil(11 * pg_temp.luck(format('answer %s %s', customer_id, ordered_on)) ^ 2)::int, NULL
FROM orders WHERE amount > 0 AND pg_temp.luck(format('survey %s %s', customer_id, ordered_on)) < 0.07
UNION ALL
-- Customers who are known by name hear from us every other month.
SELECT customer_id, (day + time '15:00') AT TIME ZONE 'Europe/Berlin', 'suggestion', 'phone', 'outbound', 'answered', NULL, NULL
FROM buyer JOIN (SELECT generate_series(timestamp '2022-01-15', '2024-12-31', '2 months')::date AS day) d ON since < day
WHERE is_known AND pg_temp.luck('has an owner ' || customer_id) < 0.4;

-- Complaints, whose fate the shop made, and before one order in twenty an enquiry; most are answered, sooner or later.
CREATE TEMP TABLE request AS
SELECT customer_id, raised_at, 'complaint' AS kind, speaks_by, answered_after AS waited
FROM complaint JOIN buyer b USING (customer_id)
WHERE raised_at < timestamp '2025-01-01'
UNION ALL
SELECT b.customer_id, ordered_on - 2 + interval '9 hours' + 9 * luck * interval '1 hour', 'enquiry', speaks_by,
    CASE WHEN fate < 0.85 THEN fate / 0.85 * (ARRAY[10, 60, 120])[1 + floor(3 * luck)::int] * interval '1 hour' END
FROM orders o JOIN buyer b USING (customer_id)
CROSS JOIN LATERAL pg_temp.luck(format('hour of enquiry %s %s', customer_id, ordered_on)) luck
CROSS JOIN LATERAL pg_temp.luck(format('fate of enquiry %s %s', customer_id, ordered_on)) fate
WHERE amount > 0 AND pg_temp.luck(format('enquiry %s %s', customer_id, ordered_on)) < 0.05;

INSERT INTO contacts
SELECT customer_id, raised_at AT TIME ZONE 'Europe/Berlin', kind, speaks_by, 'inbound', CASE WHEN waited IS NOT NULL THEN 'resolved' END, NULL::int,
    (raised_at + 2 * waited) AT TIME ZONE 'Europe/Berlin'
FROM request
UNION ALL
SELECT customer_id, (raised_at + waited) AT TIME ZONE 'Europe/Berlin', kind, speaks_by, 'outbound', 'delivered', NULL, NULL
FROM request WHERE waited IS NOT NULL;

CREATE TABLE grants AS
SELECT customer_id, agreed AS purpose, 'consent' AS basis,
    tstzrange((since + time '12:00') AT TIME ZONE 'Europe/Berlin',
        CASE WHEN pg_temp.luck('withdraws ' || customer_id) < 0.05 THEN (since + 200 + time '12:00') AT TIME ZONE 'Europe/Berlin' END) AS validity
FROM buyer WHERE agreed IS NOT NULL;
