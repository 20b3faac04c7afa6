-- What the contacts say about the customers of the tables orders, contacts and
-- grants. :as_of is the day to look from, or empty for the day of the last order.
SET search_path = crm, public;

SELECT coalesce(nullif(:'as_of', '')::date, max(ordered_on)) AS as_of FROM orders \gset
SELECT (timestamp :'as_of' + interval '18 hours') AT TIME ZONE 'Europe/Berlin' AS now,
    (timestamp :'as_of' + interval '1 day 10 hours') AT TIME ZONE 'Europe/Berlin' AS mailing \gset

CREATE TEMP TABLE relation AS
SELECT customer_id, history, coalesce(until(met, :'now'), '{}') AS met, coalesce(until(met_in_person, :'now'), '{}') AS met_in_person, consents, segment(rfm), segment_rank(rfm)
FROM (SELECT customer_id, until(purchase_history(ordered_on, amount), :'as_of') AS history FROM orders GROUP BY customer_id) o
LEFT JOIN (SELECT customer_id, interaction_history(at, kind, channel, direction, outcome, score, resolved_at) AS met,
             -- A newsletter to everybody is no relationship.
             interaction_history(at, kind, channel, direction, outcome) FILTER (WHERE (kind, channel, direction) <> ('message', 'email', 'outbound')) AS met_in_person
           FROM contacts GROUP BY customer_id) c USING (customer_id)
LEFT JOIN (SELECT customer_id, consents(purpose, basis, validity) AS consents FROM grants GROUP BY customer_id) g USING (customer_id)
CROSS JOIN LATERAL (
    SELECT rfm_score(scale, history, :'as_of') AS rfm
    FROM (SELECT rfm_scale(history, :'as_of') AS scale
          FROM (SELECT until(purchase_history(ordered_on, amount), :'as_of') AS history FROM orders GROUP BY customer_id) h) s) r
WHERE rfm IS NOT NULL;

\echo
\echo 'The relationship gap: what the number of customers and their margin of a year (30 % of spend) recommend, and what the record shows'
SELECT segment, customers, margin_per_customer, recommended,
    count(*) FILTER (WHERE practised = 'basic') AS basic, count(*) FILTER (WHERE practised = 'reactive') AS reactive,
    count(*) FILTER (WHERE practised = 'accountable') AS accountable, count(*) FILTER (WHERE practised = 'proactive') AS proactive,
    count(*) FILTER (WHERE relationship_gap(recommended, practised) > 0) AS too_little,
    count(*) FILTER (WHERE relationship_gap(recommended, practised) < 0) AS too_much
FROM (
    SELECT segment, segment_rank, count(*) OVER s AS customers, margin_per_customer,
        recommended_level(relationship_bands(150, 600, 10, 60), count(*) OVER s, margin_per_customer) AS recommended,
        practised_level(met_in_person, history, :'now', 'Europe/Berlin') AS practised
    FROM (SELECT *, round(0.3 * avg(spend(within(history, daterange(date :'as_of' - 364, date :'as_of' + 1)))) OVER (PARTITION BY segment), 2) AS margin_per_customer
          FROM relation) m
    WINDOW s AS (PARTITION BY segment)) l
GROUP BY segment, segment_rank, customers, margin_per_customer, recommended
ORDER BY segment_rank;

SELECT '1 per 1 day; 3 per 30 days; quiet 20:00-08:00; pause 30 days after complaint; complaint exempt; enquiry exempt' AS policy \gset
\echo 'A mailing at' :mailing 'under the policy:' :policy
SELECT coalesce(reason, '(sent)') AS stopped_by, count(*) AS customers, min(earliest) FILTER (WHERE NOT allowed) AS first_allowed, max(earliest) FILTER (WHERE NOT allowed) AS last_allowed
FROM relation, contact_verdict(:'policy', consents, met, :'mailing', 'email', 'marketing', 'Europe/Berlin')
GROUP BY allowed, reason
ORDER BY allowed DESC, customers DESC, stopped_by;

\echo 'Complaints of the last year, by how long the first answer took, and whether the customer bought again within 60 days'
SELECT CASE WHEN answered_at IS NULL THEN 'never' WHEN response_time <= interval '1 day' THEN 'a day' WHEN response_time <= interval '3 days' THEN '3 days' ELSE 'longer' END AS answered_after,
    count(*) AS complaints, count(*) FILTER (WHERE recovered) AS recovered, count(*) FILTER (WHERE NOT recovered) AS not_recovered, count(*) FILTER (WHERE recovered IS NULL) AS too_early,
    round(100.0 * count(*) FILTER (WHERE NOT recovered) / nullif(count(recovered), 0), 1) AS "not_recovered_%"
FROM relation, service_requests(met, :'now') s,
    LATERAL (SELECT recovered(until(met, s.requested_at), history, :'now', '60 days', 'Europe/Berlin') AS recovered) r
WHERE kind = 'complaint' AND s.requested_at > timestamptz :'now' - interval '1 year'
GROUP BY 1
ORDER BY min(coalesce(extract(epoch FROM answered_at - s.requested_at), 1e9));

SELECT format('Net promoter score of the last year: %s (standard error %s, %s answers).',
    round((n).score::numeric, 1), round((n).standard_error::numeric, 1), (n).responses) AS line
FROM (SELECT nps(score) AS n FROM relation, interactions(met) i WHERE occurred_at > timestamptz :'now' - interval '1 year') s \gset
\echo :line
\echo
