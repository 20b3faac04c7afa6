-- The figures of a tracking as one JSON object, for the page. Everything is made
-- in temporary tables of a transaction that is rolled back: nothing is left, and
-- SELECT on the tables of the tracking and TEMPORARY on the database are enough.
-- :tracking is a relation of the tracking; :currency, :margin, :cost_of_an_order
-- and :acquisition_cost are what the purchases do not say.
\set QUIET on
\pset format unaligned
\pset tuples_only on
BEGIN ISOLATION LEVEL REPEATABLE READ;

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
SELECT format('%I.%I', hn.nspname, h.relname) AS histories, format('%I.%I', sn.nspname, s.relname) AS scoring
FROM pg_temp.tracking(:'tracking') t
  JOIN pg_class h ON h.oid = t.histories JOIN pg_namespace hn ON hn.oid = h.relnamespace
  JOIN pg_class s ON s.oid = t.scoring JOIN pg_namespace sn ON sn.oid = s.relnamespace \gset
SET LOCAL search_path = crm, pg_temp;

-- As of the last refresh, or of the last purchase that was scored after it.
SELECT greatest((SELECT max(refreshed_on) FROM :scoring), (SELECT max(scored_on) FROM :histories)) AS as_of \gset

CREATE TEMP TABLE scored AS
SELECT row_number() OVER () AS customer_id, until(h.history, :'as_of') AS history, h.recency_score, h.frequency_score, h.segment, h.tier, h.clv
FROM :histories AS h;
DELETE FROM scored WHERE purchase_count(history) = 0;
CREATE TEMP TABLE customer AS SELECT customer_id, history FROM scored;
CREATE TEMP TABLE score AS SELECT customer_id, history, recency_score, frequency_score, segment, tier FROM scored WHERE segment IS NOT NULL;
ANALYZE customer;
CREATE TEMP TABLE segment_of AS
SELECT s.segment, min(s.segment_rank) AS segment_rank FROM :scoring AS r, segments(r.segments) s GROUP BY s.segment;
CREATE TEMP TABLE tier_of AS
SELECT t.tier, min(t.rank) AS rank, min(t.threshold) AS threshold FROM :scoring AS r, tiers(r.tier_program) t GROUP BY t.tier ORDER BY rank;

\set schema pg_temp
\ir ../figures.sql

-- No value without models.
INSERT INTO pg_temp.headline
SELECT format('value of the next %s days', max(horizon_days)), round(clv::numeric, 2), NULL, NULL, NULL
FROM :scoring, (SELECT sum(clv) AS clv FROM scored) s WHERE clv IS NOT NULL GROUP BY clv;

-- What they will buy within the horizon, with the doubt about it, where one rule scores all.
CREATE TEMP TABLE next_year AS
SELECT r.horizon_days, round((x.e).revenue::numeric, 2) AS revenue, round(greatest(0, (x.e).revenue - 1.96 * (x.e).standard_error)::numeric, 2) AS low,
  round(((x.e).revenue + 1.96 * (x.e).standard_error)::numeric, 2) AS high
FROM :scoring AS r, LATERAL (SELECT expected_revenue(r.purchase_model, r.spend_model, s.history, date :'as_of', date :'as_of' + r.horizon_days) AS e FROM scored s) x
WHERE (SELECT count(*) FROM :scoring) = 1 AND r.purchase_model IS NOT NULL AND r.spend_model IS NOT NULL;

CREATE TEMP TABLE source AS
SELECT :'tracking' AS tracking, :'currency' AS currency, current_database() AS database,
  (SELECT extversion FROM pg_extension WHERE extname = 'crm') AS crm_version,
  (SELECT string_agg(DISTINCT model_name(purchase_model), ', ') FROM :scoring) AS purchase_model;

CREATE FUNCTION pg_temp.figures() RETURNS json LANGUAGE plpgsql AS $$
DECLARE
  name text; rows json; figures json[] := '{}';
  names constant text[] := '{source,assumption,headline,next_year,revenue,rfm_grid,segment,whale,whale_peak,cohort,projection,migration,tracking,tier,tier_of}';
BEGIN
  FOREACH name IN ARRAY names LOOP
    EXECUTE format('SELECT coalesce(json_agg(t), ''[]'') FROM pg_temp.%I t', name) INTO rows;
    figures := figures || rows;
  END LOOP;
  RETURN (SELECT json_object_agg(n, f) FROM unnest(names, figures) x(n, f));
END $$;
SELECT pg_temp.figures();
ROLLBACK;
