-- The figures of a tracking as one JSON object, for the page. Everything is made
-- in temporary tables of a transaction that is rolled back: nothing is left, and
-- SELECT on the tables of the tracking and TEMPORARY on the database are enough.
-- Customers are read through temporary views, since workers do not read temporary tables.
-- :tracking is a relation of the tracking; :currency, :margin, :cost_of_an_order
-- and :acquisition_cost are what the purchases do not say; :shop is what the page
-- is called by. :names is a relation with the names of customers, or empty.
\set QUIET on
\pset format unaligned
\pset tuples_only on
\if :{?names} \else
\set names ''
\endif
\if :{?shop} \else
\set shop ''
\endif
BEGIN ISOLATION LEVEL REPEATABLE READ;
-- A dozen statements read the customers once each: compiling costs more than it saves.
SET LOCAL jit = off;
SET LOCAL work_mem = '64MB';

CREATE FUNCTION pg_temp.tracking(relation text) RETURNS crm.tracked LANGUAGE plpgsql AS $$
DECLARE
  t crm.tracked;
BEGIN
  SELECT * INTO t FROM crm.tracked WHERE relation::regclass IN (purchases, source, histories, customers) ORDER BY tracked_at, purchases LIMIT 1;
  IF NOT FOUND THEN
    RAISE undefined_object USING MESSAGE = format('%s is not tracked', relation), HINT = 'SELECT * FROM crm.tracked lists what is.';
  END IF;
  RETURN t;
END $$;

-- A relation as SQL writes it whatever the search path is, if there is one that may be read.
CREATE FUNCTION pg_temp.readable(relation regclass) RETURNS text LANGUAGE sql AS $$
  SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.oid = relation AND has_table_privilege(c.oid, 'SELECT')
$$;

-- The key columns, as expressions of a row, and the condition that a row of the rules is that of a history.
CREATE FUNCTION pg_temp.keys(histories regclass) RETURNS name[] LANGUAGE sql AS $$
  SELECT array_agg(a.attname ORDER BY k.n) FROM pg_index i, unnest(i.indkey) WITH ORDINALITY AS k(attnum, n), pg_attribute a
  WHERE i.indrelid = histories AND i.indisprimary AND a.attrelid = histories AND a.attnum = k.attnum
$$;
CREATE FUNCTION pg_temp.has(relation regclass, columns name[]) RETURNS boolean LANGUAGE sql AS $$
  SELECT count(*) = cardinality(columns) FROM pg_attribute WHERE attrelid = relation AND attname = ANY (columns) AND NOT attisdropped
$$;
CREATE FUNCTION pg_temp.rule_is(histories regclass, scoring regclass) RETURNS text LANGUAGE sql AS $$
  SELECT coalesce(string_agg(format('r.%1$I = h.%1$I', k), ' AND '), 'true') FROM unnest(pg_temp.keys(histories)) AS k WHERE pg_temp.has(scoring, ARRAY[k])
$$;

SELECT format('%I.%I', hn.nspname, h.relname) AS histories, format('%I.%I', sn.nspname, s.relname) AS scoring,
  pg_temp.rule_is(h.oid, s.oid) AS rule_is, coalesce(pg_temp.readable(t.segment_days), '') AS segment_days,
  pg_temp.readable(t.segment_days) IS NOT NULL AS has_segment_days, :'names' <> '' AS has_names,
  pg_temp.has(s.oid, '{rhythm}') AS has_rhythm,
  (SELECT string_agg(format('h.%I', k), ', ') FROM unnest(pg_temp.keys(h.oid)) AS k) AS keys_of_history,
  (SELECT string_agg(format('h.%I::text', k), ' || '' '' || ') FROM unnest(pg_temp.keys(h.oid)) AS k) AS customer_id,
  (SELECT string_agg(format('p.%I', k), ', ') FROM unnest(pg_temp.keys(h.oid)) AS k) AS keys_of_names,
  (SELECT min(attname) FROM pg_attribute WHERE attrelid = t.segment_days AND attname ~ '^clv_\d+d$') AS clv_of_day
FROM pg_temp.tracking(:'tracking') t
  JOIN pg_class h ON h.oid = t.histories JOIN pg_namespace hn ON hn.oid = h.relnamespace
  JOIN pg_class s ON s.oid = t.scoring JOIN pg_namespace sn ON sn.oid = s.relnamespace \gset
SELECT format('jsonb_build_array(%s)', :'keys_of_history') AS key \gset
\if :has_names
SELECT CASE WHEN :'has_rhythm' THEN ', r.rhythm' ELSE '' END AS rhythm,
  format('%I.%I', n.nspname, c.relname) AS names, pg_temp.has(c.oid, '{consents}') AS has_consents, pg_temp.has(c.oid, '{interactions}') AS has_interactions
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = :'names'::regclass \gset
\endif
SET LOCAL search_path = crm, pg_temp;

-- As of the last refresh, or of the last purchase that was scored after it.
SELECT greatest((SELECT max(refreshed_on) FROM :scoring), (SELECT max(scored_on) FROM :histories)) AS as_of \gset

-- Histories are cut on that day only if one reaches beyond it: every statement below would cut it anew.
SELECT coalesce(bool_and(purchase_count(history) > 0 AND until(history, :'as_of') = history), true) AS is_past FROM :histories \gset
\if :is_past
CREATE TEMP VIEW scored AS
SELECT :customer_id AS customer_id, :key AS key, h.history, h.recency_score, h.frequency_score, h.segment, h.tier, h.clv
FROM :histories AS h;
\else
CREATE TEMP VIEW scored AS
SELECT * FROM (
  SELECT :customer_id AS customer_id, :key AS key, until(h.history, :'as_of') AS history, h.recency_score, h.frequency_score, h.segment, h.tier, h.clv
  FROM :histories AS h OFFSET 0) h
WHERE purchase_count(history) > 0;
\endif
CREATE TEMP VIEW customer AS SELECT customer_id, history FROM scored;
CREATE TEMP VIEW score AS SELECT customer_id, history, recency_score, frequency_score, segment, tier FROM scored WHERE segment IS NOT NULL;
CREATE TEMP TABLE segment_of AS
SELECT s.segment, min(s.segment_rank) AS segment_rank FROM :scoring AS r, segments(r.segments) s GROUP BY s.segment;
CREATE TEMP TABLE tier_of AS
SELECT t.tier, min(t.rank) AS rank, min(t.threshold) AS threshold FROM :scoring AS r, tiers(r.tier_program) t GROUP BY t.tier ORDER BY rank;

\set schema pg_temp
\ir ../figures.sql

-- The segments on the last day kept of each of the last 24 months, and the value a year ago, within two months.
CREATE TEMP TABLE segment_day (scored_on date, segment text, segment_rank smallint, customers bigint);
CREATE TEMP TABLE value_before (scored_on date, clv float8);
\if :has_segment_days
INSERT INTO segment_day
SELECT scored_on, segment, min(segment_rank), sum(customer_count) FROM :segment_days
WHERE scored_on IN (SELECT max(scored_on) FROM :segment_days WHERE scored_on <= :'as_of' GROUP BY date_trunc('month', scored_on::timestamp) ORDER BY 1 DESC LIMIT 24)
GROUP BY 1, 2 ORDER BY 1, 3;
INSERT INTO value_before
SELECT scored_on, sum(:"clv_of_day") FROM :segment_days WHERE scored_on BETWEEN date :'as_of' - 396 AND date :'as_of' - 334
GROUP BY scored_on HAVING sum(:"clv_of_day") IS NOT NULL ORDER BY abs(scored_on - (date :'as_of' - 365)) LIMIT 1;
\endif

-- No value without models.
INSERT INTO pg_temp.headline
SELECT format('value of the next %s days', max(horizon_days)), round(s.clv::numeric, 2), round(b.clv::numeric, 2),
  round((100 * (s.clv - b.clv) / nullif(abs(b.clv), 0))::numeric, 1), '%'
FROM :scoring, (SELECT sum(clv) AS clv FROM scored) s LEFT JOIN value_before b ON true WHERE s.clv IS NOT NULL GROUP BY s.clv, b.clv;

-- What they will buy within the horizon, with the doubt about it, where one rule scores all; none where the spend model has no variance.
-- The models stand in it as constants, so that workers read the histories.
SELECT coalesce(count(*) = 1 AND bool_and(purchase_model IS NOT NULL AND spend_model IS NOT NULL), false) AS has_next_year,
  max(purchase_model::text) AS purchase_model, max(spend_model::text) AS spend_model, max(horizon_days) AS horizon_days FROM :scoring \gset
\if :has_next_year
CREATE TEMP TABLE next_year AS
WITH expected AS MATERIALIZED (
  SELECT expected_revenue(purchase_model :'purchase_model', spend_model :'spend_model', until(history, :'as_of'), date :'as_of', date :'as_of' + :horizon_days) AS e
  FROM :histories WHERE first_purchased_on(history) <= :'as_of')
SELECT :horizon_days AS horizon_days, round((e).revenue::numeric, 2) AS revenue, round(low::numeric, 2) AS low, round(high::numeric, 2) AS high
FROM expected LEFT JOIN LATERAL crm.interval(e, 0.95) ON (e).standard_error < 'Infinity';
\else
CREATE TEMP TABLE next_year (horizon_days int, revenue numeric, low numeric, high numeric);
\endif

-- Whom to turn to, by name; without those who are not to be written to, where their consents are known.
CREATE TEMP TABLE names (list text, name text, segment text, last_purchased_on date, amount numeric, next_tier text, missing numeric);
CREATE TEMP TABLE names_left_out (customers bigint);
\if :has_names
\if :has_consents
\set consents p.consents
\else
\set consents NULL::consents
\endif
\if :has_interactions
\set interactions p.interactions
\else
\set interactions NULL::interaction_history
\endif
CREATE TEMP TABLE act AS
WITH rules AS (
  SELECT :key AS key, r.time_zone, r.tier_program :rhythm FROM :histories AS h JOIN :scoring AS r ON :rule_is),
known AS (
  SELECT s.*, r.time_zone, st.next_tier, st.missing_for_next, last_purchased_on(s.history) AS last_on,
    p_silence(s.history, :'as_of' :rhythm) AS p_silence, spend(within(s.history, daterange(date :'as_of' - 365, :'as_of', '(]'))) AS spend_of_year
  FROM scored s JOIN rules r USING (key) LEFT JOIN LATERAL standing(r.tier_program, s.history, :'as_of') st ON true)
SELECT l.*, k.key, k.segment, k.last_on, k.time_zone
FROM known k, LATERAL (VALUES
  ('at risk', p_silence < 0.05 AND last_on > date :'as_of' - 365, spend_of_year, NULL::text, NULL::numeric, -spend_of_year),
  ('newly lapsed', last_on > date :'as_of' - 395 AND last_on <= date :'as_of' - 365, spend(history), NULL, NULL, -spend(history)),
  ('about to reach a tier', missing_for_next > 0 AND last_on > date :'as_of' - 91, spend_of_year, next_tier, missing_for_next, missing_for_next))
  AS l(list, is_on, amount, next_tier, missing, place)
WHERE l.is_on;
CREATE TEMP TABLE act_by_name AS
SELECT a.*, p.name::text AS name,
  CASE WHEN :'has_consents' THEN contact_allowed(:'policy'::contact_policy, coalesce(:consents, '{}'), coalesce(:interactions, '{}'),
    (date :'as_of' + time '12:00') AT TIME ZONE a.time_zone, :'channel', :'purpose', a.time_zone) ELSE true END AS is_allowed
FROM act a JOIN (SELECT DISTINCT ON (jsonb_build_array(:keys_of_names)) jsonb_build_array(:keys_of_names) AS key, p.* FROM :names AS p) p USING (key);
INSERT INTO names
SELECT list, name, segment, last_on, round(amount, 2), next_tier, round(missing, 2)
FROM (SELECT *, row_number() OVER (PARTITION BY list ORDER BY place, name) AS n FROM act_by_name WHERE is_allowed AND name IS NOT NULL) a
WHERE n <= 10 ORDER BY list, n;
INSERT INTO names_left_out SELECT count(DISTINCT key) FROM act_by_name WHERE NOT is_allowed;
\endif

CREATE TEMP TABLE source AS
SELECT :'tracking' AS tracking, coalesce(nullif(:'currency', ''), (SELECT string_agg(DISTINCT to_jsonb(r) ->> 'currency', ', ') FROM :scoring AS r), '') AS currency,
  :'shop' AS shop, current_database() AS database, :'names' <> '' AS has_names,
  (SELECT extversion FROM pg_extension WHERE extname = 'crm') AS crm_version,
  (SELECT string_agg(DISTINCT model_name(purchase_model), ', ') FROM :scoring) AS purchase_model,
  (SELECT max(margin) FROM :scoring HAVING min(margin) = max(margin)) AS value_margin,
  (SELECT max(annual_discount_rate) FROM :scoring HAVING min(annual_discount_rate) = max(annual_discount_rate)) AS discount_rate;

CREATE FUNCTION pg_temp.figures() RETURNS json LANGUAGE plpgsql AS $$
DECLARE
  name text; rows json; figures json[] := '{}';
  names constant text[] := '{source,assumption,headline,next_year,revenue,rfm_grid,segment,segment_day,whale,whale_peak,cohort,projection,migration,tracking,tier,tier_of,names,names_left_out}';
BEGIN
  FOREACH name IN ARRAY names LOOP
    EXECUTE format('SELECT coalesce(json_agg(t), ''[]'') FROM pg_temp.%I t', name) INTO rows;
    figures := figures || rows;
  END LOOP;
  RETURN (SELECT json_object_agg(n, f) FROM unnest(names, figures) x(n, f));
END $$;
SELECT pg_temp.figures();
ROLLBACK;
