-- What is known of a customer and may be used, what the customers buy next, and which
-- promises were kept: of the made-up shop's tables orders and contacts. :as_of is the
-- day to look from, or empty for the day of the last order.
SET search_path = crm, public;

SELECT coalesce(nullif(:'as_of', '')::date, max(ordered_on)) AS as_of FROM orders \gset
SELECT (timestamp :'as_of' + interval '18 hours') AT TIME ZONE 'Europe/Berlin' AS now \gset

-- A number between 0 and 1 that is a function of its key alone.
CREATE FUNCTION pg_temp.luck(key text) RETURNS float8
LANGUAGE sql IMMUTABLE AS
    $$ SELECT (('x' || substr(md5(key), 1, 12))::bit(48)::bigint + 0.5) / 2.0 ^ 48 $$;

CREATE TEMP TABLE memory AS
SELECT profile(attribute, value, how_known, source, known_at, NULL, confidence, NULL, derived_from) AS profile
FROM (VALUES
    ('language', 'English', 'observed', 'web site', timestamptz '2023-03-01 10:00+00', NULL::float8, NULL::text[]),
    ('language', 'Hindi', 'stated', 'call 812', '2023-09-12 15:30+00', NULL, NULL),
    ('baby products', 'bought', 'observed', 'orders', '2024-02-20 09:00+00', NULL, NULL),
    ('expects child', 'yes', 'inferred', 'model 3', '2024-03-01 02:00+00', 0.93, '{baby products}')) a(attribute, value, how_known, source, known_at, confidence, derived_from);

\echo 'What is known of one customer, and whether it may be used: a fact with its source, and an inference that sells nothing'
SELECT attribute, purpose, allowed, v.value, reason, missing
FROM memory, (VALUES ('language', 'service'), ('expects child', 'offers')) u(attribute, purpose),
    use_verdict('language is preference for service by contract; "expects child" is family for offers by consent', profile,
        '{service contract [2022-01-01 00:00+00, )}', :'now', attribute, purpose) v;

-- Each order is of a category; every other customer has one that he or she likes best.
CREATE TEMP TABLE mixed AS
SELECT customer_id, mix(category, ordered_on, amount) AS mix
FROM (SELECT customer_id, ordered_on, amount, (ARRAY['bread', 'cheese', 'tea', 'wine'])[1 + floor(4 * CASE
            WHEN pg_temp.luck('has a taste ' || customer_id) < 0.5 AND pg_temp.luck(format('follows it %s %s', customer_id, ordered_on)) < 0.7 THEN pg_temp.luck('taste ' || customer_id)
            ELSE pg_temp.luck(format('basket %s %s', customer_id, ordered_on)) ^ 1.7 END)::int] AS category
      FROM orders WHERE ordered_on <= :'as_of') o
GROUP BY customer_id;
SELECT fit_mix_base(mix, :'as_of') AS base FROM mixed \gset
\echo
\echo 'What they buy next: the category preferred most, and for how many it is their own taste (a lift above 1.5) rather than the shop''s'
SELECT category, count(*) AS customers, round(min(base_share)::numeric, 2) AS share_of_shop, round(avg(preference)::numeric, 2) AS mean_preference,
    count(*) FILTER (WHERE lift > 1.5) AS own_taste
FROM mixed, next_category(:'base'::mix_base, mix, :'as_of', '180 days')
GROUP BY category
ORDER BY customers DESC, category;

-- Who complains is promised an answer within sixteen hours of service.
SELECT 'mon-fri 09:00-17:00; closed 2022-12-26, 2023-12-25, 2023-12-26, 2024-12-25, 2024-12-26; in Europe/Berlin' AS hours \gset
CREATE TEMP TABLE promised AS
SELECT customer_id, deeds('promise', 'answer', s.requested_at, service_deadline(:'hours', s.requested_at, '16 hours'), s.answered_at, NULL) AS deeds
FROM (SELECT customer_id, interaction_history(at, kind, channel, direction, outcome, score, resolved_at) AS met FROM contacts GROUP BY customer_id) c,
    service_requests(met, :'now') s
WHERE s.kind = 'complaint'
GROUP BY customer_id;
\echo
\echo 'Who complains is promised an answer within 16 hours of service. Of all promises, those overdue among them:'
SELECT count(*) AS customers, sum(kept) AS kept, sum(late) AS kept_late, sum(overdue) AS overdue, sum(open) AS open,
    round(100.0 * sum(kept) / nullif(sum(kept + late + overdue), 0), 1) AS "kept_%",
    round((extract(epoch FROM sum(mean_lateness * (kept + late + overdue))) / 3600 / nullif(sum(kept + late + overdue), 0))::numeric, 1) AS mean_lateness_hours
FROM promised, promises_kept(deeds, :'now', :'hours');
