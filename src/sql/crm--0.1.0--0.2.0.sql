\echo Use "ALTER EXTENSION crm UPDATE TO '0.2.0'" to load this file. \quit

-- rebuild tells the log of changes what it did

CREATE FUNCTION crm.rescore(histories regclass, after text[], customers int, why text,
    OUT last text[], OUT customers_read bigint, OUT customers_written bigint)
  LANGUAGE C VOLATILE COST 1000 AS 'MODULE_PATHNAME', 'crm_rescore';
COMMENT ON FUNCTION crm.rescore(regclass, text[], int, text) IS
  'the same, with the reason that the log of changes gives';
DROP FUNCTION crm.fill_histories(regclass);
CREATE FUNCTION crm.fill_histories(histories regclass, why text) RETURNS bigint
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t constant crm.tracked := crm.tracking_of(histories);
  keys constant text[] := crm.history_keys(histories);
  changed bigint;
BEGIN
  EXECUTE format($sql$
    WITH fresh AS MATERIALIZED (%1$s),
    gone AS (DELETE FROM %2$s AS h WHERE NOT EXISTS (SELECT FROM fresh AS f WHERE %3$s) RETURNING %4$s, segment, tier),
    logged AS (%5$s),
    come AS (
      INSERT INTO %2$s AS h (%4$s, history) SELECT %4$s, history FROM fresh ORDER BY %4$s
      ON CONFLICT (%4$s) DO UPDATE SET history = excluded.history WHERE h.history OPERATOR(crm.<>) excluded.history
      RETURNING 1)
    SELECT (SELECT count(*) FROM gone) + (SELECT count(*) FROM come)$sql$,
    crm.all_histories_query(histories), histories, crm.same_keys(histories, keys, 'f', 'h'), crm.column_list(keys),
    CASE WHEN t.changes IS NULL THEN 'SELECT' ELSE format($sql$
      INSERT INTO %1$s (%2$s, at, what, old_value, why)
      SELECT %2$s, now(), c.what, c.old_value, %3$L
      FROM gone CROSS JOIN LATERAL (VALUES ('segment', gone.segment), ('tier', gone.tier)) AS c(what, old_value)
      WHERE c.old_value IS NOT NULL$sql$, t.changes, crm.column_list(keys), why) END)
  INTO changed;
  RETURN changed;
END $$;
COMMENT ON FUNCTION crm.fill_histories(regclass, text) IS
  'makes histories what the purchases views say; returns how many changed; why is what the log of changes gives as the reason';
CREATE OR REPLACE FUNCTION crm.rescore_all(histories regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  batch record;
BEGIN
  SELECT * INTO batch FROM crm.rescore(histories, NULL, 2147483647, 'rebuild');
  UPDATE crm.tracked t SET refresh_started_at = now(), customers_read = batch.customers_read, customers_written = batch.customers_written
  WHERE t.histories = rescore_all.histories;
  PERFORM crm.finish_scoring(histories);
END $$;
CREATE OR REPLACE FUNCTION crm.comment_columns(relation regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  c record;
BEGIN
  FOR c IN
    SELECT a.attname, coalesce(d.comment, 'key of the customer') AS comment
    FROM pg_attribute a LEFT JOIN (VALUES
      ('history', 'what the customer bought, day by day'),
      ('first_purchased_on', 'day of the first purchase'),
      ('last_purchased_on', 'day of the last purchase'),
      ('days_since_last_purchase', 'whole days from the last purchase until today'),
      ('days_since_first_purchase', 'whole days from the first purchase until today'),
      ('orders', 'number of orders'),
      ('purchase_days', 'number of days with at least one order'),
      ('spend', 'net amount of all orders and refunds, in the currency unit'),
      ('average_order_value', 'spend per order, in the currency unit'),
      ('average_days_between_purchases', 'mean gap between purchase days, in days; NULL with fewer than two'),
      ('rfm', 'recency, frequency and monetary score, a digit each, the highest best'),
      ('recency_score', 'score of the days since the last purchase, the highest for the fewest'),
      ('frequency_score', 'score of the number of orders'),
      ('monetary_score', 'score of the spend'),
      ('segment', 'name of the customer''s segment'),
      ('segment_rank', 'position of the segment in its map, 1 for the first: sorts reports'),
      ('scored_on', 'day as of which the scores hold'),
      ('updated_at', 'when a score last changed'),
      ('scale', 'cut points of the scores; a refresh makes new ones unless keep_scale'),
      ('keep_scale', 'whether a refresh leaves the scale as it is'),
      ('bins', 'number of scores of each measure, 2 to 9, for the next scale'),
      ('segments', 'rules that name the segment of each score'),
      ('look_back_days', 'how many days of purchases count for the score; all if NULL'),
      ('tier', 'tier held in the programme; NULL if none'),
      ('p_alive', 'probability that the customer will buy again at all'),
      ('churn_risk', 'probability that the customer will not buy again'),
      ('expected_purchases', 'expected number of purchase days within the horizon'),
      ('clv', 'expected discounted margin of purchases within the horizon, in the currency unit'),
      ('expected_next_order_on', 'median day of the next purchase of a customer who still buys; NULL if none is expected'),
      ('tier_program', 'the tier programme; none if NULL'),
      ('purchase_model', 'model of when customers buy, from crm.fit_...; none if NULL'),
      ('spend_model', 'model of what they spend, from crm.fit_gamma_gamma; none if NULL'),
      ('margin', 'part of an amount that is margin, for clv'),
      ('horizon_days', 'how many days ahead expected purchases and clv look; stands in the names of the view''s columns'),
      ('discount_rate', 'annual discount rate for clv'),
      ('time_zone', 'where a day begins and ends for today'),
      ('scaled_on', 'day as of which the scale was made'),
      ('refreshing_as_of', 'day that the running refresh scores as of'),
      ('refreshed_on', 'day that the last refresh scored as of'),
      ('at', 'when it changed'),
      ('what', 'what changed: segment or tier'),
      ('old_value', 'what it was; NULL if nothing'),
      ('new_value', 'what it is now; NULL if nothing'),
      ('why', 'what changed it: insert, update, delete, truncate, refresh, rebuild')
    ) AS d(name, comment) ON d.name = regexp_replace(a.attname, '_\d+d$', '')
    WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped
  LOOP
    EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', relation, c.attname, c.comment);
  END LOOP;
END $$;
CREATE OR REPLACE FUNCTION crm.track(relation regclass, customer name DEFAULT NULL, purchased_on name DEFAULT NULL, amount name DEFAULT NULL,
    orders name DEFAULT NULL, time_zone text DEFAULT NULL, scale_by text[] DEFAULT NULL, bins int DEFAULT 5,
    segments crm.segment_map DEFAULT NULL, look_back_days int DEFAULT NULL, horizon_days int DEFAULT 365, changes boolean DEFAULT false,
    notify boolean DEFAULT false, by_row boolean DEFAULT false, histories regclass DEFAULT NULL) RETURNS regclass
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  zone constant text := coalesce(time_zone, current_setting('TimeZone'));
  view_made boolean := false;
  purchases regclass := relation;
  source regclass;
  not_live text;
  keys text[];
  schema oid;
  base text;
  unlogged boolean;
  made crm.tracked;
BEGIN
  PERFORM crm.check_trackable(relation, histories);
  PERFORM now() AT TIME ZONE zone;
  IF horizon_days NOT BETWEEN 1 AND 36525 THEN
    RAISE invalid_parameter_value USING MESSAGE = format('horizon of %s days is out of range', horizon_days), DETAIL = 'It is 1 to 36525 days.';
  END IF;
  IF (SELECT relkind FROM pg_class WHERE oid = relation) <> 'v' THEN
    purchases := crm.make_purchases_view(relation, customer, purchased_on, amount, orders, zone);
    view_made := true;
  ELSIF num_nonnulls(customer, purchased_on, amount, orders) > 0 THEN
    RAISE invalid_parameter_value USING MESSAGE = format('%s is a view, which has its own columns', relation),
      HINT = 'Columns are named only where a table is tracked.';
  END IF;

  keys := crm.purchases_keys(purchases);
  PERFORM crm.check_keys(purchases, keys, scale_by, histories);
  SELECT s.source, s.reason INTO source, not_live FROM crm.live_source(purchases) s;
  IF source IS NULL THEN
    IF by_row THEN
      RAISE wrong_object_type USING MESSAGE = format('%s cannot be kept by triggers', purchases), DETAIL = not_live;
    END IF;
    RAISE NOTICE '% is kept by crm.refresh alone: %', purchases, not_live;
  ELSE
    PERFORM crm.check_source(source, by_row);
    EXECUTE format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', source);
  END IF;

  SELECT relnamespace, regexp_replace(relname, '(.)_purchases\d*$', '\1') INTO schema, base FROM pg_class WHERE oid = purchases;
  unlogged := coalesce((SELECT relpersistence = 'u' FROM pg_class WHERE oid = source), false);
  made.purchases := purchases;
  made.histories := histories;
  IF histories IS NULL THEN
    made := crm.make_tracking(purchases, schema, base, keys, unlogged, scale_by, zone, bins,
      coalesce(segments, crm.default_segments(bins)), look_back_days, horizon_days, changes);
  ELSE
    SELECT * INTO made FROM crm.tracked t WHERE t.histories = track.histories LIMIT 1;
  END IF;

  INSERT INTO crm.tracked (purchases, source, histories, scoring, notify, customers, not_live, by_row, source_name, view_made)
  VALUES (purchases, source, made.histories, made.scoring, notify, made.customers, not_live, by_row, source::text, view_made);
  IF histories IS NULL THEN
    PERFORM crm.fill_new_histories(made.histories, made.scoring);
  ELSE
    PERFORM crm.fill_histories(made.histories, 'rebuild');
    PERFORM crm.make_scales(made.histories, made.scoring, NULL, made.histories);
    PERFORM crm.rescore_all(made.histories);
  END IF;
  -- the first scores are no changes
  UPDATE crm.tracked t SET changes = made.changes WHERE t.histories = made.histories;
  IF source IS NOT NULL THEN
    PERFORM crm.track_triggers(source, by_row);
  END IF;
  RETURN made.customers;
END $$;
CREATE OR REPLACE FUNCTION crm.refresh_start(tracking regclass, as_of date) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t crm.tracked := crm.tracking_of(tracking);
BEGIN
  IF EXISTS (SELECT FROM crm.tracked o WHERE o.histories = t.histories AND o.source IS NULL) THEN
    PERFORM crm.lock_sources(t.histories);
    PERFORM crm.fill_histories(t.histories, 'refresh');
  END IF;
  PERFORM crm.make_scales(t.histories, t.scoring, as_of, t.histories);
  UPDATE crm.tracked o
  SET refresh_started_at = clock_timestamp(), refresh_finished_at = NULL, refresh_position = NULL, customers_read = 0, customers_written = 0
  WHERE o.histories = t.histories;
END $$;
CREATE OR REPLACE FUNCTION crm.rebuild(tracking regclass) RETURNS bigint
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t crm.tracked := crm.tracking_of(tracking);
  changed bigint;
BEGIN
  PERFORM crm.lock_sources(t.histories);
  changed := crm.fill_histories(t.histories, 'rebuild');
  PERFORM crm.make_scales(t.histories, t.scoring, NULL, t.histories);
  PERFORM crm.rescore_all(t.histories);
  RETURN changed;
END $$;

-- long histories are compressed by lz4 where the server can

CREATE OR REPLACE FUNCTION crm.make_histories(purchases regclass, histories_name text, keys text[], unlogged boolean) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  EXECUTE format('CREATE %sTABLE %s WITH (fillfactor = 80) AS SELECT %s, NULL::crm.purchase_history AS history, %s,
                  NULL::date AS scored_on, NULL::timestamptz AS updated_at FROM %s WITH NO DATA',
    CASE WHEN unlogged THEN 'UNLOGGED ' ELSE '' END, histories_name, crm.column_list(keys),
    (SELECT string_agg(format('NULL::%s AS %I', format_type(atttypid, atttypmod), attname), ', ' ORDER BY attnum)
     FROM pg_attribute WHERE attrelid = 'crm.customer_score'::regclass AND attnum > 0 AND NOT attisdropped),
    purchases);
  EXECUTE format('ALTER TABLE %s ALTER history SET NOT NULL, ADD PRIMARY KEY (%s)', histories_name, crm.column_list(keys));
  -- a long history is written anew with every order, and pglz takes ten times as long
  IF (SELECT 'lz4' = ANY (enumvals) FROM pg_settings WHERE name = 'default_toast_compression') THEN
    EXECUTE format('ALTER TABLE %s ALTER history SET COMPRESSION lz4', histories_name);
  END IF;
  EXECUTE format('COMMENT ON TABLE %s IS %L', histories_name, format('history and score of each customer of %s', purchases));
  PERFORM crm.comment_columns(histories_name::regclass);
END $$;

-- a row of crm.tracked names only relations that are there

SELECT pg_catalog.pg_extension_config_dump('crm.tracked',
  'WHERE NOT EXISTS (SELECT FROM pg_catalog.unnest(ARRAY[purchases, source, histories, scoring, changes, customers]::pg_catalog.oid[]) AS r(oid)'
  ' WHERE r.oid IS NOT NULL AND NOT EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid OPERATOR(pg_catalog.=) r.oid))');

CREATE FUNCTION crm.relations_of(tracked crm.tracked) RETURNS oid[]
  LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT array_remove(ARRAY[tracked.purchases, tracked.source, tracked.histories, tracked.scoring, tracked.changes, tracked.customers]::oid[], NULL)
$$;
COMMENT ON FUNCTION crm.relations_of(crm.tracked) IS 'the relations that a tracking consists of';

-- A relation that is not there yet may become anybody's, so a row must not name it.
CREATE OR REPLACE FUNCTION crm.tracked_guard() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  known constant oid[] := CASE TG_OP WHEN 'INSERT' THEN '{}' ELSE crm.relations_of(old) END;
  relation record;
BEGIN
  FOR relation IN
    SELECT r.oid, c.oid IS NULL AS missing
    FROM unnest(CASE TG_OP WHEN 'DELETE' THEN known ELSE crm.relations_of(new) || known END) AS r(oid) LEFT JOIN pg_class c ON c.oid = r.oid
    WHERE c.oid IS NULL AND r.oid <> ALL (known) OR NOT pg_has_role(current_user, c.relowner, 'USAGE')
  LOOP
    IF relation.missing THEN
      RAISE undefined_table USING MESSAGE = format('relation with OID %s does not exist', relation.oid);
    END IF;
    RAISE insufficient_privilege USING MESSAGE = format('must be owner of relation %s', relation.oid::regclass);
  END LOOP;
  IF TG_OP = 'UPDATE' AND (old.purchases, old.source, old.histories) IS DISTINCT FROM (new.purchases, new.source, new.histories) THEN
    RAISE insufficient_privilege USING MESSAGE = 'a tracking cannot be moved to other relations';
  END IF;
  RETURN CASE TG_OP WHEN 'DELETE' THEN old ELSE new END;
END $$;
COMMENT ON FUNCTION crm.tracked_guard() IS 'lets only the owner of its relations change a row of crm.tracked';
