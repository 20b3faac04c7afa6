\echo Use "ALTER EXTENSION crm UPDATE TO '0.2.0'" to load this file. \quit

-- a table of the models that are and were in force, see the end
ALTER TABLE crm.tracked ADD COLUMN models regclass;
COMMENT ON COLUMN crm.tracked.models IS 'the models that are and were in force; NULL before the first refit';

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
CREATE OR REPLACE FUNCTION crm.rebuild(tracking regclass) RETURNS bigint
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t crm.tracked := crm.tracking_of(tracking);
  changed bigint;
BEGIN
  -- the view's functions are its owner's and run as the owner
  IF NOT crm.is_owner(t.histories) THEN
    RETURN crm.as_owner(t.histories, format('SELECT crm.rebuild(%s::regclass)', tracking::oid))::bigint;
  END IF;
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
  'WHERE NOT EXISTS (SELECT FROM pg_catalog.unnest(ARRAY[purchases, source, histories, scoring, changes, customers, models]::pg_catalog.oid[]) AS r(oid)'
  ' WHERE r.oid IS NOT NULL AND NOT EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid OPERATOR(pg_catalog.=) r.oid))');

CREATE FUNCTION crm.relations_of(tracked crm.tracked) RETURNS oid[]
  LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT array_remove(ARRAY[tracked.purchases, tracked.source, tracked.histories, tracked.scoring, tracked.changes, tracked.customers, tracked.models]::oid[], NULL)
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

-- refit: models fitted anew by crm.refresh, and a table of those that were in force

CREATE FUNCTION crm.add_rules(scoring regclass, scale_by text[], customers regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  keys constant text := crm.column_list(scale_by);
BEGIN
  IF keys IS NULL THEN
    EXECUTE format('INSERT INTO %1$s SELECT WHERE NOT EXISTS (SELECT FROM %1$s)', scoring);
  ELSE
    EXECUTE format('INSERT INTO %1$s (%2$s) SELECT DISTINCT %2$s FROM %3$s ON CONFLICT DO NOTHING', scoring, keys, customers);
  END IF;
END $$;
COMMENT ON FUNCTION crm.add_rules(regclass, text[], regclass) IS 'adds the scoring rules that some customers lack, by default those of a new tracking';

CREATE OR REPLACE FUNCTION crm.check_keys(purchases regclass, keys text[], scale_by text[], histories regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  reserved constant text[] := crm.score_columns() || '{history,scored_on,updated_at,scale,keep_scale,bins,segments,look_back_days,
    tier_program,purchase_model,spend_model,margin,horizon_days,discount_rate,time_zone,scaled_on,refreshing_as_of,refreshed_on,at,what,old_value,new_value,why,first_purchased_on,last_purchased_on,
    days_since_last_purchase,days_since_first_purchase,purchase_days,spend,average_order_value,average_days_between_purchases}'::text[];
  k text;
BEGIN
  FOREACH k IN ARRAY keys LOOP
    IF k = ANY (reserved) THEN
      RAISE duplicate_column USING MESSAGE = format('key column %I of %s has the name of a column that crm.track makes', k, purchases),
        HINT = 'Give it another name in the view.';
    END IF;
  END LOOP;
  FOREACH k IN ARRAY coalesce(scale_by, '{}') LOOP
    IF k <> ALL (keys) THEN
      RAISE undefined_column USING MESSAGE = format('scale_by names %I, which is no key column of %s', k, purchases);
    ELSIF k = ANY ('{fitted_on,spend_fitted_on,recorded_on,customers,replaced_on,replaced_by,forecast_from,forecast_until,out_of_sample,n,total_expected,
        total_actual,mean_error,mean_absolute_error,root_mean_squared_error,correlation,top_decile_share}') THEN
      RAISE duplicate_column USING MESSAGE = format('key column %I of %s has the name of a column of the table of models', k, purchases),
        HINT = 'Give it another name in the view.';
    END IF;
  END LOOP;
  IF histories IS NOT NULL AND
     ARRAY(SELECT atttypid FROM pg_attribute JOIN unnest(keys) WITH ORDINALITY AS u(k, n) ON attname = u.k WHERE attrelid = purchases ORDER BY n)
     IS DISTINCT FROM
     ARRAY(SELECT atttypid FROM pg_attribute JOIN unnest(crm.history_keys(histories)) WITH ORDINALITY AS u(k, n) ON attname = u.k
           WHERE attrelid = histories AND u.k = keys[n] ORDER BY n) THEN
    RAISE datatype_mismatch USING MESSAGE = format('the key columns of %s are not those of %s', purchases, histories),
      DETAIL = format('They must have the same names and types in the same order: %s.', crm.column_list(crm.history_keys(histories)));
  END IF;
END $$;
COMMENT ON FUNCTION crm.check_keys(regclass, text[], text[], regclass) IS 'an error if key columns cannot be those of a table of histories';

CREATE OR REPLACE FUNCTION crm.make_scales(histories regclass, scoring regclass, as_of date, customers regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  scale_by constant text[] := crm.scale_by(histories, scoring);
  mismatch text;
BEGIN
  PERFORM crm.add_rules(scoring, scale_by, customers);
  EXECUTE format($sql$UPDATE %1$s AS r SET refreshing_as_of = coalesce($1, (statement_timestamp() AT TIME ZONE r.time_zone)::date)$sql$, scoring)
  USING as_of;
  EXECUTE format($sql$
    UPDATE %1$s AS r SET scale = n.scale, scaled_on = r.refreshing_as_of
    FROM (SELECT %2$s crm.rfm_scale(crm.look_back(h.history, r.refreshing_as_of, r.look_back_days), r.refreshing_as_of, r.bins) AS scale
          FROM %3$s AS h JOIN %1$s AS r ON %4$s %5$s) AS n
    WHERE NOT r.keep_scale AND %6$s$sql$,
    scoring, coalesce(crm.column_list(scale_by, 'r.') || ',', ''), customers,
    crm.same_keys(histories, scale_by, 'r', 'h'),
    coalesce('GROUP BY ' || crm.column_list(scale_by, 'r.'), ''),
    crm.same_keys(histories, scale_by, 'r', 'n'));
  EXECUTE format('SELECT format(''the segments of %%s are for %%s bins, the scale has %%s'', %1$L, crm.bins(segments), crm.bins(scale))
                  FROM %1$s WHERE crm.bins(segments) <> crm.bins(scale) LIMIT 1', scoring) INTO mismatch;
  IF mismatch IS NOT NULL THEN
    RAISE invalid_parameter_value USING MESSAGE = mismatch, HINT = 'Set bins and segments to the same number of bins.';
  END IF;
END $$;
COMMENT ON FUNCTION crm.make_scales(regclass, regclass, date, regclass) IS
  'makes the scales of all rules anew from the histories of some customers, as of a day or of today where each rule''s customers are';

CREATE FUNCTION crm.refresh_fill(tracking regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t crm.tracked := crm.tracking_of(tracking);
BEGIN
  -- the view's functions are its owner's and run as the owner
  IF NOT crm.is_owner(t.histories) THEN
    PERFORM crm.as_owner(t.histories, format('SELECT crm.refresh_fill(%s::regclass)', tracking::oid));
    RETURN;
  END IF;
  IF EXISTS (SELECT FROM crm.tracked o WHERE o.histories = t.histories AND o.source IS NULL) THEN
    PERFORM crm.lock_sources(t.histories);
    PERFORM crm.fill_histories(t.histories, 'refresh');
  END IF;
END $$;
COMMENT ON FUNCTION crm.refresh_fill(regclass) IS 'brings histories up to date that triggers do not keep, the first step of crm.refresh';

CREATE FUNCTION crm.refresh_started(tracking regclass) RETURNS void
  LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
  UPDATE crm.tracked o
  SET refresh_started_at = clock_timestamp(), refresh_finished_at = NULL, refresh_position = NULL, customers_read = 0, customers_written = 0
  WHERE o.histories = (crm.tracking_of(tracking)).histories
$$;
COMMENT ON FUNCTION crm.refresh_started(regclass) IS 'records that a refresh begins with the first customer';

CREATE OR REPLACE FUNCTION crm.refresh_start(tracking regclass, as_of date) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t crm.tracked := crm.tracking_of(tracking);
BEGIN
  -- the view's functions are its owner's and run as the owner
  IF NOT crm.is_owner(t.histories) THEN
    PERFORM crm.as_owner(t.histories, format('SELECT crm.refresh_start(%s::regclass, %L)', tracking::oid, as_of));
    RETURN;
  END IF;
  PERFORM crm.make_scales(t.histories, t.scoring, as_of, t.histories);
  PERFORM crm.refresh_started(tracking);
END $$;
COMMENT ON FUNCTION crm.refresh_start(regclass, date) IS 'puts new scales in force, a step of crm.refresh';

COMMENT ON FUNCTION crm.refresh_wait(regclass) IS
  'waits for the statements that still score by the rules from before, a step of crm.refresh';

CREATE OR REPLACE FUNCTION crm.refresh_batch(tracking regclass, batch_customers int) RETURNS boolean
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t crm.tracked := crm.tracking_of(tracking);
  batch record;
BEGIN
  SELECT * INTO batch FROM crm.rescore(t.histories, t.refresh_position, batch_customers);
  -- first the rules, then crm.tracked: in the order of the other steps, so that two refreshes wait and do not deadlock
  IF batch.last IS NULL THEN
    PERFORM crm.finish_scoring(t.histories);
  END IF;
  UPDATE crm.tracked o
  SET refresh_position = batch.last, customers_read = o.customers_read + batch.customers_read,
      customers_written = o.customers_written + batch.customers_written
  WHERE o.histories = t.histories;
  RETURN batch.last IS NULL;
END $$;
COMMENT ON FUNCTION crm.refresh_batch(regclass, int) IS
  'scores the next customers, a step of crm.refresh; returns whether these were the last';

DROP PROCEDURE crm.refresh(regclass, date, int);
CREATE PROCEDURE crm.refresh(tracking regclass, as_of date DEFAULT NULL, refit boolean DEFAULT false, batch_customers int DEFAULT 10000)
  LANGUAGE plpgsql AS $$
DECLARE
  finished pg_catalog.bool;
BEGIN
  PERFORM crm.check_commit_allowed('crm.refresh');
  PERFORM crm.refresh_fill(tracking);
  IF refit THEN
    -- nobody who writes waits for the fits
    PERFORM crm.refresh_started(tracking);
    COMMIT;
    PERFORM crm.refit_models(tracking, as_of);
  END IF;
  PERFORM crm.refresh_start(tracking, as_of);
  COMMIT;
  PERFORM crm.refresh_wait(tracking);
  COMMIT;
  LOOP
    finished := crm.refresh_batch(tracking, batch_customers);
    COMMIT;
    EXIT WHEN finished;
  END LOOP;
END $$;
COMMENT ON PROCEDURE crm.refresh(regclass, date, boolean, int) IS
  'makes new scales, with refit new models too, and scores every customer as of a day, by default today, committing after every batch';

CREATE OR REPLACE FUNCTION crm.unfollowed(tracking regclass) RETURNS TABLE (relation text, problem text)
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t crm.tracked := crm.tracking_of(tracking);
BEGIN
  RETURN QUERY
    SELECT format('the %s of %s', r.part, coalesce(o.source_name, o.purchases::text)), 'has been dropped, see crm.untrack'
    FROM crm.tracked o, LATERAL (VALUES
      ('purchases view', o.purchases), ('source', o.source), ('histories', o.histories), ('scoring', o.scoring),
      ('changes', o.changes), ('customers view', o.customers), ('models', o.models)) AS r(part, relation)
    WHERE o.histories = t.histories AND r.relation IS NOT NULL AND NOT EXISTS (SELECT FROM pg_class WHERE oid = r.relation);
  RETURN QUERY
    SELECT c.oid::regclass::text,
      CASE WHEN count(g.oid) = 0 THEN 'has no triggers, see crm.track_partitions' ELSE 'has triggers that are disabled' END
    FROM crm.tracked o
      JOIN pg_class c ON c.relkind IN ('r', 'p') AND (c.oid = o.source OR c.oid IN (SELECT relid FROM pg_partition_tree(o.source)))
      LEFT JOIN pg_trigger g ON g.tgrelid = c.oid AND g.tgname LIKE 'crm\_%'
    WHERE o.histories = t.histories
    GROUP BY c.oid, o.by_row
    HAVING count(g.oid) FILTER (WHERE g.tgenabled IN ('A', CASE WHEN o.by_row THEN 'A' ELSE 'O' END)) < CASE WHEN o.by_row THEN 2 ELSE 4 END;
  RETURN QUERY
    SELECT o.source::text, format('was called %s when it was tracked: if another table took its place, track that one', o.source_name)
    FROM crm.tracked o WHERE o.histories = t.histories AND o.source::text IS DISTINCT FROM o.source_name
      AND to_regclass(o.source_name) IS NOT NULL;
END $$;
COMMENT ON FUNCTION crm.unfollowed(regclass) IS
  'what a tracking lacks: dropped relations, tables whose triggers are missing or disabled, tables that were swapped for another';

CREATE OR REPLACE FUNCTION crm.detach(tracking regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t crm.tracked := crm.tracking_of(tracking);
BEGIN
  PERFORM crm.untrack(tracking);
  PERFORM crm.make_plain(t.histories);
  PERFORM crm.make_plain(t.scoring);
  IF EXISTS (SELECT FROM pg_class WHERE oid = t.models) THEN
    PERFORM crm.make_plain(t.models);
  END IF;
END $$;
COMMENT ON FUNCTION crm.detach(regclass) IS
  'stops keeping the histories and makes their tables plain, with histories as jsonb, so that the extension can be dropped';

-- A fit in two steps, so that one pass over the histories makes the data of all
-- rules, and a fit that fails is an error of its own rule only.
CREATE FUNCTION crm.purchase_model_like(crm.purchase_model_state, crm.purchase_model, crm.purchase_history, date) RETURNS crm.purchase_model_state
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'crm_purchase_model_like';
COMMENT ON FUNCTION crm.purchase_model_like(crm.purchase_model_state, crm.purchase_model, crm.purchase_history, date) IS
  'transition function of purchase_fit_data';
CREATE AGGREGATE crm.purchase_fit_data(crm.purchase_model, crm.purchase_history, date) (
  SFUNC = crm.purchase_model_like,
  STYPE = crm.purchase_model_state,
  SSPACE = 65536,
  COMBINEFUNC = crm.purchase_model_state_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.purchase_fit_data(crm.purchase_model, crm.purchase_history, date) IS
  'what crm.refit needs of histories up to as_of to fit a model of the same family, in the same unit';
CREATE AGGREGATE crm.spend_fit_data(crm.purchase_history, date) (
  SFUNC = crm.spend_model_history,
  STYPE = crm.spend_model_state,
  SSPACE = 65536,
  COMBINEFUNC = crm.spend_model_state_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.spend_fit_data(crm.purchase_history, date) IS
  'what crm.fit_gamma_gamma_final needs of histories up to as_of';
CREATE FUNCTION crm.refit(crm.purchase_model, crm.purchase_model_state) RETURNS crm.purchase_model
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000000 AS 'MODULE_PATHNAME', 'crm_refit_purchase_model';
COMMENT ON FUNCTION crm.refit(crm.purchase_model, crm.purchase_model_state) IS
  'the model of the same family, unit and k that fits the customers of a state best';

CREATE FUNCTION crm.same_models(a crm.purchase_model, a_spend crm.spend_model, b crm.purchase_model, b_spend crm.spend_model) RETURNS boolean
  LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT record_eq(ROW(a, a_spend), ROW(b, b_spend))
$$;
COMMENT ON FUNCTION crm.same_models(crm.purchase_model, crm.spend_model, crm.purchase_model, crm.spend_model) IS
  'whether two pairs of models are equal, NULLs too';

-- the table of models that are and were in force

CREATE FUNCTION crm.comment_models(models regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  c record;
BEGIN
  PERFORM crm.comment_columns(models);
  FOR c IN
    SELECT d.name, d.comment FROM (VALUES
      ('fitted_on', 'day as of which a refit fitted the purchase model; NULL if it was set by hand'),
      ('spend_fitted_on', 'day as of which a refit fitted the spend model; NULL if it was set by hand'),
      ('recorded_on', 'day of the refit that put the models in force, or that found them set by hand'),
      ('customers', 'number of customers that the purchase model was fitted to; NULL if its parameters were given'),
      ('replaced_on', 'day of the refit that replaced the models, or that found them replaced by hand; NULL while in force'),
      ('replaced_by', 'refit or hand; NULL while in force'),
      ('forecast_from', 'day after which forecasts of the purchase model are compared with what was bought: that of its fit'),
      ('forecast_until', 'last day that is compared: that of the refit'),
      ('out_of_sample', 'whether the model knew nothing of the days compared; false for the last horizon_days of one set by hand'),
      ('n', 'number of customers compared: those there on forecast_from'),
      ('total_expected', 'purchase days expected of all of them'),
      ('total_actual', 'purchase days that they had'),
      ('mean_error', 'mean of expected minus actual, in purchase days per customer'),
      ('mean_absolute_error', 'mean of the absolute errors, in purchase days per customer'),
      ('root_mean_squared_error', 'root of the mean of the squared errors, in purchase days per customer'),
      ('correlation', 'correlation of expected and actual; NULL if one of them is constant'),
      ('top_decile_share', 'share of all purchase days in the tenth of the customers from whom most was expected; NULL if there were none')
    ) AS d(name, comment)
  LOOP
    EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', models, c.name, c.comment);
  END LOOP;
END $$;
COMMENT ON FUNCTION crm.comment_models(regclass) IS 'comments the columns of a table of models';

CREATE FUNCTION crm.make_models(tracking crm.tracked, scale_by text[]) RETURNS regclass
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  owner constant oid := (SELECT relowner FROM pg_class WHERE oid = tracking.scoring);
  name text;
  made regclass;
BEGIN
  SELECT format('%I.%I', n.nspname, crm.free_name(n.oid, regexp_replace(c.relname, '(.)_histories\d*$', '\1'), '_models')) INTO name
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = tracking.histories;
  EXECUTE format($sql$CREATE TABLE %s AS
    SELECT %s NULL::date AS fitted_on, NULL::date AS spend_fitted_on, NULL::date AS recorded_on, NULL::crm.purchase_model AS purchase_model,
      NULL::crm.spend_model AS spend_model, NULL::bigint AS customers, NULL::date AS replaced_on, NULL::text AS replaced_by,
      NULL::date AS forecast_from, NULL::date AS forecast_until, NULL::boolean AS out_of_sample, (NULL::crm.forecast_accuracy_result).*
    FROM %s WITH NO DATA$sql$, name, coalesce(crm.column_list(scale_by) || ',', ''), tracking.scoring);
  made := name::regclass;
  EXECUTE format($sql$ALTER TABLE %s ALTER recorded_on SET NOT NULL,
    ADD CONSTRAINT replaced_by_refit_or_hand CHECK (replaced_by IN ('refit', 'hand') AND replaced_on IS NOT NULL OR num_nonnulls(replaced_by, replaced_on) = 0)$sql$, made);
  EXECUTE format('CREATE UNIQUE INDEX ON %s (%s) WHERE replaced_on IS NULL', made, coalesce(crm.column_list(scale_by), '(true)'));
  EXECUTE format('COMMENT ON TABLE %s IS %L', made,
    format('the models that the customers of %s are and were scored by, and how right their forecasts were', tracking.purchases));
  PERFORM crm.comment_models(made);
  IF owner <> (SELECT oid FROM pg_roles WHERE rolname = current_user) THEN
    EXECUTE format('ALTER TABLE %s OWNER TO %s', made, owner::regrole);
  END IF;
  RETURN made;
END $$;
COMMENT ON FUNCTION crm.make_models(crm.tracked, text[]) IS 'makes the table of models of a tracking, owned by the owner of its rules';

-- A rule is handed on as the text of its row, whose type is another one for every tracking.
CREATE FUNCTION crm.record_models(tracking crm.tracked, scale_by text[], rule text, recorded_on date, fitted_on date, spend_fitted_on date,
    purchase_model crm.purchase_model, spend_model crm.spend_model) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  EXECUTE format($sql$
    INSERT INTO %1$s (%2$s recorded_on, fitted_on, spend_fitted_on, purchase_model, spend_model, customers)
    SELECT %3$s $2, $3, $4, $5, $6, ($5::jsonb ->> 'customers')::bigint FROM (SELECT ($1::%4$s).*) AS o$sql$,
    tracking.models, coalesce(crm.column_list(scale_by) || ',', ''), coalesce(crm.column_list(scale_by, 'o.') || ',', ''), tracking.scoring)
  USING rule, recorded_on, fitted_on, spend_fitted_on, purchase_model, spend_model;
END $$;
COMMENT ON FUNCTION crm.record_models(crm.tracked, text[], text, date, date, date, crm.purchase_model, crm.spend_model) IS
  'records models that are in force for a rule';

CREATE FUNCTION crm.record_replacement(tracking crm.tracked, scale_by text[], rule text, replaced_on date, replaced_by text, forecast_from date,
    out_of_sample boolean, accuracy crm.forecast_accuracy_result) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  EXECUTE format($sql$
    UPDATE %1$s AS m SET replaced_on = $2, replaced_by = $3, forecast_from = $4, forecast_until = CASE WHEN $4 IS NOT NULL THEN $2 END,
      out_of_sample = CASE WHEN $4 IS NOT NULL THEN $5 END,
      (n, total_expected, total_actual, mean_error, mean_absolute_error, root_mean_squared_error, correlation, top_decile_share) =
        (SELECT a.n, a.total_expected, a.total_actual, a.mean_error, a.mean_absolute_error, a.root_mean_squared_error, a.correlation,
           a.top_decile_share FROM (SELECT ($6).*) AS a WHERE $4 IS NOT NULL)
    FROM (SELECT ($1::%3$s).*) AS o
    WHERE m.replaced_on IS NULL AND %2$s$sql$, tracking.models, crm.same_keys(tracking.models, scale_by, 'm', 'o'), tracking.scoring)
  USING rule, replaced_on, replaced_by, forecast_from, out_of_sample, accuracy;
END $$;
COMMENT ON FUNCTION crm.record_replacement(crm.tracked, text[], text, date, text, date, boolean, crm.forecast_accuracy_result) IS
  'records that the models of a rule were replaced, and how right their forecasts were since forecast_from; without that day, no accuracy';

-- the fits

CREATE FUNCTION crm.warn_not_refitted(what text, rule text, in_force boolean, reason text) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RAISE WARNING USING MESSAGE = format('%s of %s was not fitted: %s', what, rule, regexp_replace(reason, '^no fit: ', '')),
    DETAIL = CASE WHEN in_force THEN 'The model in force stays.' ELSE 'None is in force.' END;
END $$;
COMMENT ON FUNCTION crm.warn_not_refitted(text, text, boolean, text) IS 'warns that a refit has left a model as it is';

CREATE FUNCTION crm.refit_purchase_model(rule text, in_force crm.purchase_model, data_check crm.data_check_result, data crm.purchase_model_state)
  RETURNS crm.purchase_model
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  model crm.purchase_model;
  reason text;
BEGIN
  -- "no fit" and "doubtful"
  IF data_check.verdict LIKE 'good%' OR data_check.verdict LIKE 'weak%' THEN
    model := crm.refit(crm.model_to_fit(in_force), data);
    reason := CASE WHEN NOT crm.is_converged(model) THEN crm.fit_verdict(model) END;
  ELSE
    reason := coalesce(data_check.verdict, 'there are no customers');
  END IF;
  IF reason IS NULL THEN
    RETURN model;
  END IF;
  PERFORM crm.warn_not_refitted('purchase model', rule, in_force IS NOT NULL, reason);
  RETURN NULL;
EXCEPTION WHEN OTHERS THEN
  PERFORM crm.warn_not_refitted('purchase model', rule, in_force IS NOT NULL, SQLERRM);
  RETURN NULL;
END $$;
COMMENT ON FUNCTION crm.refit_purchase_model(text, crm.purchase_model, crm.data_check_result, crm.purchase_model_state) IS
  'a model of the family in force that can be put in its place; NULL with a warning if there is none';

CREATE FUNCTION crm.refit_spend_model(rule text, in_force crm.spend_model, data crm.spend_model_state) RETURNS crm.spend_model
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  model crm.spend_model;
BEGIN
  model := crm.fit_gamma_gamma_final(data);
  IF model IS NULL THEN
    PERFORM crm.warn_not_refitted('spend model', rule, in_force IS NOT NULL, 'there are no customers');
  ELSIF NOT crm.is_converged(model) THEN
    PERFORM crm.warn_not_refitted('spend model', rule, in_force IS NOT NULL, crm.fit_verdict(model));
    RETURN NULL;
  ELSE
    -- an error if the mean of all customers is infinite
    PERFORM crm.expected_spend(model, 0, 0);
  END IF;
  RETURN model;
EXCEPTION WHEN OTHERS THEN
  PERFORM crm.warn_not_refitted('spend model', rule, in_force IS NOT NULL, SQLERRM);
  RETURN NULL;
END $$;
COMMENT ON FUNCTION crm.refit_spend_model(text, crm.spend_model, crm.spend_model_state) IS
  'a gamma-gamma model that can be put in place of the one in force; NULL with a warning if there is none';

CREATE FUNCTION crm.model_to_fit(in_force crm.purchase_model) RETURNS crm.purchase_model
  LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce(in_force, crm.bg_nbd(1, 1, 1, 1))
$$;
COMMENT ON FUNCTION crm.model_to_fit(crm.purchase_model) IS 'a model of the family that a refit fits: that of the model in force, BG/NBD in days if there is none';

CREATE FUNCTION crm.replace_models(scoring regclass, scale_by text[], rule text, purchase_model crm.purchase_model, spend_model crm.spend_model)
  RETURNS boolean
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  changed bigint;
BEGIN
  EXECUTE format($sql$
    UPDATE %1$s AS r SET purchase_model = $2, spend_model = $3 FROM (SELECT ($1::%1$s).*) AS o
    WHERE %2$s AND crm.same_models(r.purchase_model, r.spend_model, o.purchase_model, o.spend_model)$sql$,
    scoring, crm.same_keys(scoring, scale_by, 'r', 'o'))
  USING rule, purchase_model, spend_model;
  GET DIAGNOSTICS changed = ROW_COUNT;
  RETURN changed > 0;
END $$;
COMMENT ON FUNCTION crm.replace_models(regclass, text[], text, crm.purchase_model, crm.spend_model) IS
  'puts models in force for a rule; false if it has been given others meanwhile';

-- One row a rule: what the fits need, what is recorded of the models in force,
-- and how right the forecasts were that may have to be recorded.
CREATE FUNCTION crm.refit_query(tracking crm.tracked, scale_by text[]) RETURNS text
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN format($query$
    WITH rule AS MATERIALIZED (
      SELECT row_number() OVER (%7$s) AS number, CAST(r.* AS %1$s) AS scoring, %2$s AS name, d.day, r.purchase_model, r.spend_model, crm.model_to_fit(r.purchase_model) AS model_to_fit,
        m.recorded_on IS NOT NULL AS is_recorded, s.still_in_force, m.purchase_model AS recorded_model,
        CASE WHEN s.same_purchase_model THEN m.fitted_on END AS fitted_on,
        CASE WHEN s.same_spend_model THEN m.spend_fitted_on END AS spend_fitted_on,
        f.forecast_from, coalesce(m.fitted_on, m.recorded_on) <= f.forecast_from AS out_of_sample,
        CASE WHEN NOT s.still_in_force THEN r.purchase_model END AS model_by_hand,
        CASE WHEN s.same_purchase_model THEN f.forecast_from ELSE d.day - r.horizon_days END AS by_hand_from,
        coalesce(m.fitted_on, m.recorded_on) <= f.forecast_from AND s.same_purchase_model AS by_hand_out_of_sample
      FROM %1$s AS r
        CROSS JOIN LATERAL (SELECT coalesce($1, (statement_timestamp() AT TIME ZONE r.time_zone)::date) AS day) AS d
        LEFT JOIN %3$s AS m ON m.replaced_on IS NULL AND %4$s
        CROSS JOIN LATERAL (
          SELECT m.recorded_on IS NOT NULL AND crm.same_models(m.purchase_model, m.spend_model, r.purchase_model, r.spend_model) AS still_in_force,
            crm.same_models(m.purchase_model, NULL, r.purchase_model, NULL) AS same_purchase_model,
            crm.same_models(NULL, m.spend_model, NULL, r.spend_model) AS same_spend_model) AS s
        CROSS JOIN LATERAL (
          SELECT CASE
            WHEN m.fitted_on < d.day THEN m.fitted_on
            WHEN m.fitted_on IS NOT NULL OR m.purchase_model IS NULL THEN NULL
            WHEN m.recorded_on < d.day THEN m.recorded_on
            ELSE d.day - r.horizon_days END AS forecast_from) AS f),
    data AS (
      SELECT g.number, crm.data_check(h.history, g.day) AS data_check,
        crm.purchase_fit_data(g.model_to_fit, h.history, g.day) AS purchases, crm.spend_fit_data(h.history, g.day) AS spend,
        crm.forecast_accuracy(crm.expected_purchases(g.recorded_model, h.history, g.forecast_from, g.day),
          crm.purchase_days(crm.within(h.history, daterange(g.forecast_from, g.day, '(]')))) AS accuracy,
        crm.forecast_accuracy(crm.expected_purchases(g.model_by_hand, h.history, g.by_hand_from, g.day),
          crm.purchase_days(crm.within(h.history, daterange(g.by_hand_from, g.day, '(]')))) AS accuracy_by_hand
      FROM rule AS g JOIN %5$s AS h ON %6$s
      GROUP BY g.number)
    SELECT g.scoring::text AS scoring, g.name, g.day, g.purchase_model, g.spend_model, g.is_recorded, g.still_in_force, g.fitted_on, g.spend_fitted_on,
      g.forecast_from, g.out_of_sample, g.by_hand_from, g.by_hand_out_of_sample, data.data_check, data.purchases, data.spend, data.accuracy,
      data.accuracy_by_hand
    FROM rule AS g LEFT JOIN data ON data.number = g.number ORDER BY g.number$query$,
    tracking.scoring,
    coalesce((SELECT format('concat_ws('', '', %s)', string_agg(format('concat(%L, '' '', r.%I)', k, k), ', ' ORDER BY n))
              FROM unnest(scale_by) WITH ORDINALITY AS u(k, n) HAVING count(*) > 0), 'NULL::text'),
    tracking.models, crm.same_keys(tracking.scoring, scale_by, 'm', 'r'), tracking.histories, crm.same_keys(tracking.scoring, scale_by, '(g.scoring)', 'h'),
    coalesce('ORDER BY ' || crm.column_list(scale_by, 'r.'), ''));
END $$;
COMMENT ON FUNCTION crm.refit_query(crm.tracked, text[]) IS
  'the query that reads all histories once for a refit, as of $1 or of today where each rule''s customers are';

-- the settings under which every rule's text is read again as it was
CREATE FUNCTION crm.refit_rules(tracking crm.tracked, as_of date) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET extra_float_digits = 3 SET datestyle = iso SET intervalstyle = postgres AS $$
DECLARE
  scale_by constant text[] := crm.scale_by(tracking.histories, tracking.scoring);
  rule record;
  name text;
  purchase crm.purchase_model;
  spend crm.spend_model;
  replaced boolean;
BEGIN
  IF NOT EXISTS (SELECT FROM pg_class WHERE oid = tracking.models) THEN
    tracking.models := crm.make_models(tracking, scale_by);
  END IF;
  PERFORM crm.add_rules(tracking.scoring, scale_by, tracking.histories);
  FOR rule IN EXECUTE crm.refit_query(tracking, scale_by) USING as_of LOOP
    name := tracking.scoring || coalesce(' (' || rule.name || ')', '');
    purchase := crm.refit_purchase_model(name, rule.purchase_model, rule.data_check, rule.purchases);
    spend := crm.refit_spend_model(name, rule.spend_model, rule.spend);
    replaced := NOT crm.same_models(coalesce(purchase, rule.purchase_model), coalesce(spend, rule.spend_model), rule.purchase_model, rule.spend_model);
    IF replaced AND NOT crm.replace_models(tracking.scoring, scale_by, rule.scoring, coalesce(purchase, rule.purchase_model), coalesce(spend, rule.spend_model)) THEN
      RAISE WARNING '% was changed while models for it were fitted: it keeps the models that it was given', name;
      CONTINUE;
    END IF;

    -- models that came by hand since the last refit
    IF NOT rule.still_in_force THEN
      IF rule.is_recorded THEN
        PERFORM crm.record_replacement(tracking, scale_by, rule.scoring, rule.day, 'hand', rule.forecast_from, rule.out_of_sample, rule.accuracy);
      END IF;
      IF num_nonnulls(rule.purchase_model, rule.spend_model) > 0 THEN
        PERFORM crm.record_models(tracking, scale_by, rule.scoring, rule.day, rule.fitted_on, rule.spend_fitted_on, rule.purchase_model, rule.spend_model);
      END IF;
    END IF;

    IF replaced THEN
      IF rule.still_in_force THEN
        PERFORM crm.record_replacement(tracking, scale_by, rule.scoring, rule.day, 'refit', rule.forecast_from, rule.out_of_sample, rule.accuracy);
      ELSE
        PERFORM crm.record_replacement(tracking, scale_by, rule.scoring, rule.day, 'refit',
          CASE WHEN rule.purchase_model IS NOT NULL THEN rule.by_hand_from END, coalesce(rule.by_hand_out_of_sample, false), rule.accuracy_by_hand);
      END IF;
      PERFORM crm.record_models(tracking, scale_by, rule.scoring, rule.day,
        CASE WHEN purchase IS NULL THEN rule.fitted_on ELSE rule.day END, CASE WHEN spend IS NULL THEN rule.spend_fitted_on ELSE rule.day END,
        coalesce(purchase, rule.purchase_model), coalesce(spend, rule.spend_model));
    END IF;
  END LOOP;
  -- after the rules, as every step of a refresh does
  UPDATE crm.tracked t SET models = tracking.models
  WHERE t.histories = tracking.histories AND t.models IS DISTINCT FROM tracking.models;
END $$;
COMMENT ON FUNCTION crm.refit_rules(crm.tracked, date) IS
  'fits the models of all rules anew as of a day, and records which were in force before';

CREATE FUNCTION crm.refit_models(tracking regclass, as_of date) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t crm.tracked := crm.tracking_of(tracking);
BEGIN
  -- the view's functions are its owner's and run as the owner
  IF NOT crm.is_owner(t.histories) THEN
    PERFORM crm.as_owner(t.histories, format('SELECT crm.refit_models(%s::regclass, %L)', tracking::oid, as_of));
    RETURN;
  END IF;
  -- one refit of a tracking at a time; holds off no other statement
  PERFORM pg_advisory_xact_lock('crm.tracked'::regclass::oid::int, t.histories::oid::int);
  PERFORM crm.refit_rules(crm.tracking_of(tracking), as_of);
EXCEPTION WHEN OTHERS THEN
  RAISE WARNING USING MESSAGE = format('models of %s were not fitted: %s', coalesce(t.scoring::text, tracking::text), SQLERRM),
    DETAIL = 'The models in force stay.';
END $$;
COMMENT ON FUNCTION crm.refit_models(regclass, date) IS
  'fits all models of a tracking anew, a step of crm.refresh before the new scales; whatever goes wrong is a warning';

-- end of refit

-- what evaluates a purchases view runs as its owner, also when a superuser calls

CREATE FUNCTION crm.as_owner(relation regclass, command text) RETURNS text
  LANGUAGE C VOLATILE STRICT COST 1000 AS 'MODULE_PATHNAME', 'crm_as_owner';
COMMENT ON FUNCTION crm.as_owner(regclass, text) IS
  'runs a query as the owner of a relation, with a pinned search_path and without lasting effects on the session; returns the first column of its row';
CREATE FUNCTION crm.is_owner(relation regclass) RETURNS boolean
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT c.relowner = r.oid FROM pg_class c, pg_roles r WHERE c.oid = relation AND r.rolname = current_user
$$;
COMMENT ON FUNCTION crm.is_owner(regclass) IS 'whether the current user is the owner of a relation, and not only a member of that role or a superuser';
CREATE OR REPLACE FUNCTION crm.snapshot(tracking regclass, as_of date) RETURNS bigint
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t crm.tracked := crm.tracking_of(tracking);
  schema text;
  name text;
  customers_name text;
  customers bigint;
BEGIN
  -- the view's functions are its owner's and run as the owner
  IF NOT crm.is_owner(t.histories) THEN
    RETURN crm.as_owner(t.histories, format('SELECT crm.snapshot(%s::regclass, %L)', tracking::oid, as_of))::bigint;
  END IF;
  IF as_of IS NULL OR NOT isfinite(as_of) THEN
    RAISE null_value_not_allowed USING MESSAGE = 'day of a snapshot must be a date';
  END IF;
  SELECT nspname, regexp_replace(relname, '_customers\d*$', '_snapshots'), relname INTO schema, name, customers_name
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = t.customers;
  IF to_regclass(format('%I.%I', schema, name)) IS NULL THEN
    EXECUTE format('CREATE TABLE %I.%I AS SELECT NULL::date AS snapshot_on, c.* FROM %s AS c WITH NO DATA', schema, name, t.customers);
    EXECUTE format('ALTER TABLE %I.%I ADD PRIMARY KEY (snapshot_on, %s)', schema, name, crm.column_list(crm.history_keys(t.histories)));
    EXECUTE format('COMMENT ON TABLE %I.%I IS %L', schema, name, format('the customers of %s as they stood on some days', t.purchases));
    PERFORM crm.comment_columns(format('%I.%I', schema, name)::regclass);
  END IF;
  EXECUTE format('DELETE FROM %I.%I WHERE snapshot_on = $1', schema, name) USING as_of;
  EXECUTE format('INSERT INTO %I.%I SELECT $1, c.* FROM %s($1) AS c', schema, name, crm.customers_on(t.customers)) USING as_of;
  GET DIAGNOSTICS customers = ROW_COUNT;
  RETURN customers;
END $$;
