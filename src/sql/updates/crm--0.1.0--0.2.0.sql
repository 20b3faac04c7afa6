\echo Use "ALTER EXTENSION crm UPDATE TO '0.2.0'" to load this file. \quit

-- models that are and were in force, and decisions on tiers, see the end
ALTER TABLE crm.tracked ADD COLUMN models regclass, ADD COLUMN decisions regclass, ADD COLUMN standing regclass,
  ADD COLUMN by_invitation boolean;
COMMENT ON COLUMN crm.tracked.models IS 'the models that are and were in force; NULL before the first refit';
COMMENT ON COLUMN crm.tracked.decisions IS 'what was decided on the tiers of customers; NULL before crm.track_tiers';
COMMENT ON COLUMN crm.tracked.standing IS 'the view of standings; NULL before crm.track_tiers';
COMMENT ON COLUMN crm.tracked.by_invitation IS 'whether customers without a membership hold no tier; NULL before crm.track_tiers';

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
      ('why', 'what changed it: insert, update, delete, truncate, refresh, rebuild, decision')
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

  INSERT INTO crm.tracked (purchases, source, histories, scoring, notify, customers, not_live, by_row, source_name, view_made,
    decisions, standing, by_invitation)
  VALUES (purchases, source, made.histories, made.scoring, notify, made.customers, not_live, by_row, source::text, view_made,
    made.decisions, made.standing, made.by_invitation);
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
  'WHERE NOT EXISTS (SELECT FROM pg_catalog.unnest(ARRAY[purchases, source, histories, scoring, changes, customers, models, decisions, standing]::pg_catalog.oid[]) AS r(oid)'
  ' WHERE r.oid IS NOT NULL AND NOT EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid OPERATOR(pg_catalog.=) r.oid))');

CREATE FUNCTION crm.relations_of(tracked crm.tracked) RETURNS oid[]
  LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT array_remove(ARRAY[tracked.purchases, tracked.source, tracked.histories, tracked.scoring, tracked.changes, tracked.customers,
    tracked.models, tracked.decisions, tracked.standing]::oid[], NULL)
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

-- What a session keeps of a tracking is forgotten as soon as it changes.
CREATE FUNCTION crm.tracked_changed() RETURNS trigger
  LANGUAGE C COST 10 AS 'MODULE_PATHNAME', 'crm_tracked_changed';
COMMENT ON FUNCTION crm.tracked_changed() IS 'tells all sessions that a tracking has changed';
CREATE TRIGGER changed AFTER INSERT OR DELETE OR UPDATE OF purchases, source, histories, scoring, changes, notify, decisions, by_invitation
  ON crm.tracked FOR EACH ROW EXECUTE FUNCTION crm.tracked_changed();
ALTER TABLE crm.tracked ENABLE ALWAYS TRIGGER changed;

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
  PERFORM crm.warn_of_unknown_tiers(t.histories);
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

CREATE FUNCTION crm.check_batch_customers(batch_customers int) RETURNS void
  LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF batch_customers IS NULL OR batch_customers < 1 THEN
    RAISE invalid_parameter_value USING MESSAGE = format('a batch of %s customers is out of range', coalesce(batch_customers::text, 'NULL')),
      DETAIL = 'It is at least 1.';
  END IF;
END $$;
COMMENT ON FUNCTION crm.check_batch_customers(int) IS 'an error if a refresh cannot score so many customers at a time';

DROP PROCEDURE crm.refresh(regclass, date, int);
CREATE PROCEDURE crm.refresh(tracking regclass, as_of date DEFAULT NULL, refit boolean DEFAULT false, batch_customers int DEFAULT 10000)
  LANGUAGE plpgsql AS $$
DECLARE
  finished pg_catalog.bool;
BEGIN
  PERFORM crm.check_commit_allowed('crm.refresh');
  PERFORM crm.check_batch_customers(batch_customers);
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
      ('changes', o.changes), ('customers view', o.customers), ('models', o.models),
      ('table of decisions', o.decisions), ('view of standings', o.standing))
      AS r(part, relation)
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
    SELECT t.decisions::text,
      CASE WHEN count(g.oid) < 4 THEN 'lacks triggers, see crm.track_partitions' ELSE 'has triggers that are disabled' END
    FROM pg_class c LEFT JOIN pg_trigger g ON g.tgrelid = c.oid AND g.tgname LIKE 'crm\_%'
    WHERE c.oid = t.decisions
    HAVING count(c.oid) > 0 AND count(g.oid) FILTER (WHERE g.tgenabled IN ('A', 'O')) < 4;
  RETURN QUERY
    SELECT o.source::text, format('was called %s when it was tracked: if another table took its place, track that one', o.source_name)
    FROM crm.tracked o
    -- a look at another's schema would be an error, so none but the tracking's own name is looked up
    WHERE CASE WHEN o.histories = t.histories AND o.source::text IS DISTINCT FROM o.source_name
            THEN to_regclass(o.source_name) IS NOT NULL ELSE false END;
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
CREATE OR REPLACE FUNCTION crm.customers_on(customers regclass) RETURNS text
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT format('%I.%I', n.nspname, p.proname)
  FROM pg_class c JOIN pg_proc p ON p.prorettype = c.reltype AND p.proretset AND p.proargtypes = '1082'::oidvector
    JOIN pg_namespace n ON n.oid = p.pronamespace
  WHERE c.oid = customers AND p.pronamespace = c.relnamespace AND p.proname LIKE '%customers\_on%'
    AND pg_has_role(p.proowner, c.relowner, 'USAGE')
$$;
CREATE OR REPLACE VIEW crm.tracking_status AS
  SELECT t.purchases, t.source, t.histories,
    CASE WHEN t.source IS NULL THEN 'refresh only' WHEN t.by_row THEN 'row by row' ELSE 'live' END AS kept,
    t.not_live,
    (SELECT pg_catalog.count(*)::int FROM pg_catalog.pg_class c
     WHERE c.relkind IN ('r', 'p') AND (c.oid = t.source OR c.oid IN (SELECT p.relid FROM pg_catalog.pg_partition_tree(t.source) p))
       AND (SELECT pg_catalog.count(*) FROM pg_catalog.pg_trigger g
            WHERE g.tgrelid = c.oid AND g.tgname LIKE 'crm\_%' AND g.tgenabled IN ('A', CASE WHEN t.by_row THEN 'A' ELSE 'O' END))
           < CASE WHEN t.by_row THEN 2 ELSE 4 END) AS tables_without_triggers,
    (SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE c.oid = t.source) IS DISTINCT FROM t.source_name AS source_renamed,
    (SELECT c.reltuples::bigint FROM pg_catalog.pg_class c WHERE c.oid = t.histories) AS customers_estimated,
    t.scaled_on, t.refresh_started_at, t.refresh_finished_at, t.customers_read, t.customers_written, t.refresh_position
  FROM crm.tracked t;
CREATE OR REPLACE FUNCTION crm.snapshot(tracking regclass, as_of date) RETURNS bigint
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t crm.tracked := crm.tracking_of(tracking);
  schema text;
  name text;
  snapshots regclass;
  customers_on text;
  customers bigint;
BEGIN
  -- the view's functions are its owner's and run as the owner
  IF NOT crm.is_owner(t.histories) THEN
    RETURN crm.as_owner(t.histories, format('SELECT crm.snapshot(%s::regclass, %L)', tracking::oid, as_of))::bigint;
  END IF;
  IF as_of IS NULL OR NOT isfinite(as_of) THEN
    RAISE null_value_not_allowed USING MESSAGE = 'day of a snapshot must be a date';
  END IF;
  customers_on := crm.customers_on(t.customers);
  IF customers_on IS NULL THEN
    RAISE undefined_function USING MESSAGE = format('there is no function of the customers of %s on a day', t.purchases),
      DETAIL = format('It stands beside %s and belongs to the same owner.', t.customers);
  END IF;
  SELECT nspname, regexp_replace(relname, '(_customers(\d*))?$', '_snapshots\2') INTO schema, name
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = t.customers;
  snapshots := to_regclass(format('%I.%I', schema, name));
  -- what others hang onto a table of theirs would run as this user
  IF EXISTS (SELECT FROM pg_class c WHERE c.oid = snapshots AND (c.relkind NOT IN ('r', 'p') OR NOT pg_has_role(c.relowner, current_user, 'USAGE'))) THEN
    RAISE insufficient_privilege USING MESSAGE = format('%s is no table of snapshots of %s', snapshots, current_user),
      HINT = 'Rename it, or give it to the owner of the tracking.';
  ELSIF snapshots IS NULL THEN
    EXECUTE format('CREATE TABLE %I.%I AS SELECT NULL::date AS snapshot_on, c.* FROM %s AS c WITH NO DATA', schema, name, t.customers);
    EXECUTE format('ALTER TABLE %I.%I ADD PRIMARY KEY (snapshot_on, %s)', schema, name, crm.column_list(crm.history_keys(t.histories)));
    EXECUTE format('COMMENT ON TABLE %I.%I IS %L', schema, name, format('the customers of %s as they stood on some days', t.purchases));
    PERFORM crm.comment_columns(format('%I.%I', schema, name)::regclass);
  END IF;
  EXECUTE format('DELETE FROM %I.%I WHERE snapshot_on = $1', schema, name) USING as_of;
  EXECUTE format('INSERT INTO %I.%I SELECT $1, c.* FROM %s($1) AS c', schema, name, customers_on) USING as_of;
  GET DIAGNOSTICS customers = ROW_COUNT;
  RETURN customers;
END $$;

-- what follows decisions on tiers, then src/sql/85_track_tiers.sql

CREATE OR REPLACE FUNCTION crm.customers_query(histories regclass, scoring regclass, horizon_days int, on_day boolean) RETURNS text
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  today constant text := CASE WHEN on_day THEN '$1' ELSE '(now() AT TIME ZONE r.time_zone)::date' END;
  score constant text := CASE WHEN on_day THEN 'c' ELSE 'h' END;
BEGIN
  RETURN format($query$
    SELECT %1$s,
      crm.first_purchase(u.history) AS first_purchased_on,
      crm.last_purchase(u.history) AS last_purchased_on,
      crm.recency(u.history, %2$s) AS days_since_last_purchase,
      crm.tenure(u.history, %2$s) AS days_since_first_purchase,
      crm.orders(u.history) AS orders,
      crm.purchase_days(u.history) AS purchase_days,
      crm.spend(u.history) AS spend,
      crm.average_order_value(u.history) AS average_order_value,
      crm.interpurchase_days(u.history) AS average_days_between_purchases,
      %3$s,
      %4$s AS scored_on
    FROM %5$s AS h LEFT JOIN %6$s AS r ON %7$s
      %10$s CROSS JOIN LATERAL %8$s AS u%9$s$query$,
    crm.column_list(crm.history_keys(histories), 'h.'), today,
    crm.report_columns(score, horizon_days),
    CASE WHEN on_day THEN '$1' ELSE 'greatest(h.scored_on, r.refreshed_on)' END,
    histories, scoring, crm.same_keys(histories, crm.scale_by(histories, scoring), 'r', 'h'),
    CASE WHEN on_day THEN '(SELECT crm.until(h.history, $1) AS history OFFSET 0)' ELSE '(SELECT h.history)' END,
    CASE WHEN on_day THEN format(' CROSS JOIN LATERAL %s AS c WHERE crm.first_purchase(u.history) IS NOT NULL',
                                 crm.score_call(histories, 'u.history', '$1')) ELSE '' END,
    CASE WHEN on_day THEN crm.decisions_join(histories) ELSE '' END);
END $$;
CREATE OR REPLACE FUNCTION crm.make_customers_on(purchases regclass, histories regclass, scoring regclass, customers regclass, horizon_days int,
    function_name text)
  RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  EXECUTE format('CREATE OR REPLACE FUNCTION %s(as_of date) RETURNS SETOF %s LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS %L',
    function_name, customers, crm.customers_query(histories, scoring, horizon_days, true));
  EXECUTE format('COMMENT ON FUNCTION %s(date) IS %L', function_name,
    format('the customers of %s as they were on a day, scored by the rules of today', purchases));
END $$;
COMMENT ON FUNCTION crm.make_customers_on(regclass, regclass, regclass, regclass, int, text) IS 'makes the function of customers on a day, or makes it anew';
CREATE OR REPLACE FUNCTION crm.tracking_of(relation regclass) RETURNS crm.tracked
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  found_histories regclass[] := ARRAY(
    SELECT DISTINCT t.histories::oid FROM crm.tracked t
    WHERE relation IN (t.purchases, t.histories, t.customers, t.source, t.decisions, t.standing) ORDER BY 1);
  tracking crm.tracked;
BEGIN
  IF cardinality(found_histories) = 0 THEN
    RAISE undefined_object USING MESSAGE = format('%s is not tracked', relation),
      HINT = format('SELECT crm.track(%L) tracks it; SELECT * FROM crm.tracked lists what is.', relation);
  ELSIF cardinality(found_histories) > 1 THEN
    RAISE ambiguous_parameter USING MESSAGE = format('%s feeds more than one tracking', relation),
      HINT = 'Name the purchases view or the histories instead.';
  END IF;
  SELECT * INTO tracking FROM crm.tracked t WHERE t.histories = found_histories[1] ORDER BY t.tracked_at, t.purchases LIMIT 1;
  RETURN tracking;
END $$;
COMMENT ON FUNCTION crm.tracking_of(regclass) IS
  'the tracking that a purchases view, a source, a table of histories, a customers view or decisions on tiers belong to';
CREATE OR REPLACE FUNCTION crm.lock_sources(histories regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  source regclass;
BEGIN
  FOR source IN SELECT DISTINCT t.source::oid FROM crm.tracked t
                WHERE t.histories = lock_sources.histories AND t.source IS NOT NULL ORDER BY 1 LOOP
    EXECUTE format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', source);
  END LOOP;
  FOR source IN SELECT DISTINCT t.decisions::oid FROM crm.tracked t
                WHERE t.histories = lock_sources.histories AND t.decisions IS NOT NULL LOOP
    EXECUTE format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', source);
  END LOOP;
END $$;
COMMENT ON FUNCTION crm.lock_sources(regclass) IS
  'holds off writers of all tables that feed a table of histories, and of decisions on its tiers';
CREATE OR REPLACE FUNCTION crm.verify(tracking regclass, since date DEFAULT NULL)
  RETURNS TABLE (customer jsonb, problem text, stored text, recomputed text)
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t crm.tracked := crm.tracking_of(tracking);
  keys constant text[] := crm.history_keys(t.histories);
  recent text := 'true';
BEGIN
  RETURN QUERY SELECT NULL::jsonb, format('%s %s', u.relation, u.problem), NULL::text, NULL::text FROM crm.unfollowed(tracking) u;
  IF EXISTS (SELECT FROM crm.unfollowed(tracking) u WHERE u.problem LIKE 'has been dropped%') THEN
    RETURN;
  END IF;
  IF since IS NOT NULL THEN
    recent := format('coalesce(crm.last_purchase(f.history), crm.last_purchase(h.history)) >= %L OR crm.last_purchase(h.history) >= %1$L', since);
  END IF;
  RETURN QUERY EXECUTE format($sql$
    SELECT jsonb_build_object(%1$s), 'history', h.history::text, f.history::text
    FROM (%2$s) AS f FULL JOIN %3$s AS h ON %4$s
    WHERE NOT coalesce(h.history OPERATOR(crm.=) f.history, false) AND (%5$s)$sql$,
    (SELECT string_agg(format('%L, coalesce(f.%I, h.%2$I)', k, k), ', ' ORDER BY n) FROM unnest(keys) WITH ORDINALITY AS u(k, n)),
    crm.all_histories_query(t.histories), t.histories, crm.same_keys(t.histories, keys, 'f', 'h'), recent);
  RETURN QUERY EXECUTE format($sql$
    SELECT jsonb_build_object(%1$s), 'score', ROW(%2$s)::text, ROW(%7$s)::text
    FROM %3$s AS h LEFT JOIN %4$s AS r ON %5$s %9$s,
      LATERAL %6$s AS c
    WHERE ROW(%2$s) IS DISTINCT FROM ROW(%7$s) AND (%8$s)$sql$,
    (SELECT string_agg(format('%L, h.%I', k, k), ', ' ORDER BY n) FROM unnest(keys) WITH ORDINALITY AS u(k, n)),
    crm.column_list(crm.score_columns(), 'h.'), t.histories, t.scoring,
    crm.same_keys(t.histories, crm.scale_by(t.histories, t.scoring), 'r', 'h'),
    crm.score_call(t.histories, 'h.history', 'greatest(h.scored_on, r.refreshed_on)'),
    crm.column_list(crm.score_columns(), 'c.'),
    CASE WHEN since IS NULL THEN 'true' ELSE format('crm.last_purchase(h.history) >= %L', since) END,
    crm.decisions_join(t.histories));
END $$;
CREATE OR REPLACE FUNCTION crm.track_partitions(tracking regclass) RETURNS int
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t crm.tracked := crm.tracking_of(tracking);
BEGIN
  IF t.decisions IS NOT NULL THEN
    PERFORM crm.decision_triggers(t.decisions);
  END IF;
  RETURN (SELECT sum(crm.track_triggers(o.source, o.by_row))::int
          FROM crm.tracked o WHERE o.histories = t.histories AND o.source IS NOT NULL);
END $$;
COMMENT ON FUNCTION crm.track_partitions(regclass) IS
  'installs the triggers on partitions that came after crm.track, and those on decisions that are missing; returns on how many tables of orders';
CREATE OR REPLACE FUNCTION crm.drop_triggers(source regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  g record;
BEGIN
  FOR g IN
    SELECT t.tgname, t.tgrelid::regclass AS relation
    FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
    WHERE (t.tgrelid = source OR t.tgrelid IN (SELECT relid FROM pg_partition_tree(source)))
      AND p.pronamespace = 'crm'::regnamespace AND p.proname IN ('track_statement', 'track_row', 'track_truncate', 'decide_statement', 'decide_truncate')
    ORDER BY t.tgrelid = source DESC
  LOOP
    EXECUTE format('DROP TRIGGER IF EXISTS %I ON %s', g.tgname, g.relation);
  END LOOP;
END $$;
CREATE OR REPLACE FUNCTION crm.untrack(tracking regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t crm.tracked := crm.tracking_of(tracking);
  o crm.tracked;
  views_made regclass[] := '{}';
  view_made regclass;
BEGIN
  FOR o IN SELECT * FROM crm.tracked WHERE histories = t.histories LOOP
    views_made := views_made || CASE WHEN o.view_made THEN ARRAY[o.purchases] ELSE '{}' END;
    DELETE FROM crm.tracked WHERE purchases = o.purchases;
    IF NOT EXISTS (SELECT FROM crm.tracked WHERE source = o.source)
       AND EXISTS (SELECT FROM pg_class WHERE oid = o.source) THEN
      PERFORM crm.drop_triggers(o.source);
    END IF;
  END LOOP;
  PERFORM crm.drop_tiers(t.decisions, t.standing);
  IF EXISTS (SELECT FROM pg_class WHERE oid = t.customers) THEN
    IF crm.customers_on(t.customers) IS NOT NULL THEN
      EXECUTE format('DROP FUNCTION %s(date)', crm.customers_on(t.customers));
    END IF;
    EXECUTE format('DROP VIEW %s', t.customers);
  END IF;
  FOREACH view_made IN ARRAY views_made LOOP
    IF EXISTS (SELECT FROM pg_class WHERE oid = view_made) THEN
      EXECUTE format('DROP VIEW %s', view_made);
    END IF;
  END LOOP;
END $$;

-- track_tiers: decisions on the tiers of tracked customers, and their standing

-- the score of a customer on whom something was decided

CREATE FUNCTION crm.score_customer(history crm.purchase_history, as_of date, scale crm.rfm_scale, segments crm.segment_map,
    look_back_days int, tier_program crm.tier_program, purchase_model crm.purchase_model, spend_model crm.spend_model,
    margin float8, horizon_days int, discount_rate float8, overrides crm.tier_override[], memberships daterange[]) RETURNS crm.customer_score
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'crm_score_customer';
COMMENT ON FUNCTION crm.score_customer(crm.purchase_history, date, crm.rfm_scale, crm.segment_map, int, crm.tier_program,
    crm.purchase_model, crm.spend_model, float8, int, float8, crm.tier_override[], daterange[]) IS
  'the score of a customer on a day by the rules of a tracking and by what was decided on the tier';

CREATE FUNCTION crm.known_overrides(program crm.tier_program, overrides crm.tier_override[]) RETURNS crm.tier_override[]
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'crm_known_overrides';
COMMENT ON FUNCTION crm.known_overrides(crm.tier_program, crm.tier_override[]) IS
  'those overrides whose tiers the programme has: others were decided under an earlier one and do not count';

-- the triggers

CREATE FUNCTION crm.decide_statement() RETURNS trigger
  LANGUAGE C COST 100 AS 'MODULE_PATHNAME', 'crm_decide_statement';
COMMENT ON FUNCTION crm.decide_statement() IS 'scores customers anew after a statement on decisions on their tiers';
CREATE FUNCTION crm.decide_truncate() RETURNS trigger
  LANGUAGE C COST 100 AS 'MODULE_PATHNAME', 'crm_decide_truncate';
COMMENT ON FUNCTION crm.decide_truncate() IS 'scores customers anew before decisions on their tiers are truncated';

CREATE FUNCTION crm.decision_triggers(decisions regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  made record;
BEGIN
  FOR made IN
    SELECT * FROM (VALUES
      ('crm_insert', 'AFTER INSERT', 'REFERENCING NEW TABLE AS new_rows', 'crm.decide_statement'),
      ('crm_update', 'AFTER UPDATE', 'REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows', 'crm.decide_statement'),
      ('crm_delete', 'AFTER DELETE', 'REFERENCING OLD TABLE AS old_rows', 'crm.decide_statement'),
      ('crm_truncate', 'BEFORE TRUNCATE', '', 'crm.decide_truncate')) AS v(name, event, rows, function)
    WHERE NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = decisions AND tgname = v.name)
  LOOP
    EXECUTE format('CREATE TRIGGER %I %s ON %s %s FOR EACH STATEMENT EXECUTE FUNCTION %s()',
      made.name, made.event, decisions, made.rows, made.function);
  END LOOP;
END $$;
COMMENT ON FUNCTION crm.decision_triggers(regclass) IS 'installs the triggers on a table of decisions where they are missing';

-- The statements that take decisions into account. d is always what was decided on a customer.

-- What was decided, one row a customer.
CREATE FUNCTION crm.decisions_query(decisions regclass, keys text[]) RETURNS text
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT format($query$SELECT %1$s,
      array_agg(ROW(CASE what WHEN 'floor' THEN tier END, CASE what WHEN 'ceiling' THEN tier END, valid)::crm.tier_override)
        FILTER (WHERE tier IS NOT NULL) AS overrides,
      array_agg(valid) FILTER (WHERE tier IS NULL) AS memberships
    FROM %2$s GROUP BY %1$s$query$, crm.column_list(keys), decisions)
$$;
COMMENT ON FUNCTION crm.decisions_query(regclass, text[]) IS
  'the query of what was decided on customers, as overrides and memberships';

CREATE FUNCTION crm.decisions_join(histories regclass) RETURNS text
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce((
    SELECT format('LEFT JOIN (%s) AS d ON %s', crm.decisions_query(t.decisions, keys), crm.same_keys(t.histories, keys, 'd', 'h'))
    FROM crm.tracked t, crm.history_keys(t.histories) AS keys
    WHERE t.histories = decisions_join.histories AND t.decisions IS NOT NULL LIMIT 1), '')
$$;
COMMENT ON FUNCTION crm.decisions_join(regclass) IS
  'what joins decisions to the histories h; empty if the tracking keeps none';

CREATE FUNCTION crm.memberships(by_invitation boolean, prefix text) RETURNS text
  LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE WHEN by_invitation THEN format('coalesce(%smemberships, ''{}'')', prefix) ELSE 'NULL::daterange[]' END
$$;
COMMENT ON FUNCTION crm.memberships(boolean, text) IS 'the memberships of a customer, as crm.standing takes them';

CREATE FUNCTION crm.score_call(histories regclass, history text, as_of text) RETURNS text
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce((
    SELECT format('crm.score_customer(%s, %s, %s, d.overrides, %s)', history, as_of, crm.column_list(crm.rule_columns(), 'r.'),
      crm.memberships(t.by_invitation, 'd.'))
    FROM crm.tracked t WHERE t.histories = score_call.histories AND t.decisions IS NOT NULL LIMIT 1), crm.score_call(history, as_of))
$$;
COMMENT ON FUNCTION crm.score_call(regclass, text, text) IS
  'the call that scores a history by the rule r and by what was decided, if the tracking keeps that';

-- Customers without purchases stand as they were decided on.
CREATE FUNCTION crm.standing_query(histories regclass, scoring regclass, decisions regclass, by_invitation boolean) RETURNS text
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  keys constant text[] := crm.history_keys(histories);
BEGIN
  RETURN format($query$
    SELECT %1$s, s.tier, s.rank AS tier_rank, s.since AS tier_since, s.expires_on AS tier_expires_on,
      s.expires_on - t.today AS days_until_expiry,
      CASE WHEN s.expires_on IS NOT NULL
        THEN crm.tier(r.tier_program, crm.until(c.history, t.today), s.expires_on, o.overrides, %7$s) END AS tier_then,
      s.next_tier, s.metric_value, s.missing_for_next, s.missing_to_keep, s.reason
    FROM (SELECT %2$s, h.history, d.overrides, d.memberships FROM %3$s AS h LEFT JOIN (%4$s) AS d ON %5$s
          UNION ALL
          SELECT %6$s, '{}'::crm.purchase_history, d.overrides, d.memberships FROM (%4$s) AS d
          WHERE NOT EXISTS (SELECT FROM %3$s AS h WHERE %5$s)) AS c
      LEFT JOIN %8$s AS r ON %9$s
      CROSS JOIN LATERAL (SELECT (now() AT TIME ZONE r.time_zone)::date AS today) AS t
      CROSS JOIN LATERAL (SELECT crm.known_overrides(r.tier_program, c.overrides) AS overrides) AS o
      CROSS JOIN LATERAL crm.standing(r.tier_program, c.history, t.today, o.overrides, %7$s) AS s$query$,
    crm.column_list(keys, 'c.'), crm.column_list(keys, 'h.'), histories, crm.decisions_query(decisions, keys),
    crm.same_keys(histories, keys, 'd', 'h'), crm.column_list(keys, 'd.'), crm.memberships(by_invitation, 'c.'),
    scoring, crm.same_keys(histories, crm.scale_by(histories, scoring), 'r', 'c'));
END $$;
COMMENT ON FUNCTION crm.standing_query(regclass, regclass, regclass, boolean) IS 'the query of a view of standings';

-- the objects

CREATE FUNCTION crm.comment_columns(relation regclass, comments jsonb) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  c record;
BEGIN
  PERFORM crm.comment_columns(relation);
  FOR c IN SELECT key, value FROM jsonb_each_text(comments) LOOP
    EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', relation, c.key, c.value);
  END LOOP;
END $$;
COMMENT ON FUNCTION crm.comment_columns(regclass, jsonb) IS 'comments the columns of a table or view, those named as it is said there';

CREATE FUNCTION crm.make_decisions(histories regclass, decisions_name text, by_invitation boolean) RETURNS regclass
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  keys constant text[] := crm.history_keys(histories);
BEGIN
  EXECUTE format('CREATE TABLE %s AS SELECT %s, NULL::text AS what, NULL::text AS tier, NULL::daterange AS valid, NULL::text AS decided_by,
                  NULL::timestamptz AS decided_at, NULL::text AS why FROM %s WITH NO DATA', decisions_name, crm.column_list(keys), histories);
  EXECUTE format($sql$ALTER TABLE %1$s %2$s,
    ALTER what SET NOT NULL, ALTER valid SET NOT NULL,
    ALTER decided_by SET NOT NULL, ALTER decided_by SET DEFAULT session_user,
    ALTER decided_at SET NOT NULL, ALTER decided_at SET DEFAULT now(),
    ALTER why SET NOT NULL,
    ADD CONSTRAINT what_is_a_kind_of_decision CHECK (what IN ('floor', 'ceiling', 'membership')),
    ADD CONSTRAINT tier_goes_with_floor_or_ceiling CHECK ((what = 'membership') = (tier IS NULL)),
    ADD CONSTRAINT valid_has_days CHECK (NOT isempty(valid)),
    ADD CONSTRAINT decided_by_is_given CHECK (decided_by ~ '\S'),
    ADD CONSTRAINT why_is_given CHECK (why ~ '\S')$sql$, decisions_name,
    (SELECT string_agg(format('ALTER %I SET NOT NULL', k), ', ' ORDER BY n) FROM unnest(keys) WITH ORDINALITY AS u(k, n)));
  IF NOT by_invitation THEN
    EXECUTE format('ALTER TABLE %s ADD CONSTRAINT membership_is_by_invitation CHECK (what <> ''membership'')', decisions_name);
  END IF;
  EXECUTE format('CREATE INDEX ON %s (%s)', decisions_name, crm.column_list(keys));
  EXECUTE format('COMMENT ON TABLE %s IS %L', decisions_name,
    format('who decided what on the tiers of the customers of %s, and why; a row changes the tier at once', histories));
  PERFORM crm.comment_columns(decisions_name::regclass, jsonb_build_object(
    'what', 'floor: not below the tier; ceiling: not above it; membership: of a programme by invitation',
    'tier', 'the tier of a floor or a ceiling; NULL for a membership',
    'valid', 'the days on which it holds',
    'decided_by', 'who decided it',
    'decided_at', 'when',
    'why', 'the reason, for the auditor'));
  PERFORM crm.decision_triggers(decisions_name::regclass);
  RETURN decisions_name::regclass;
END $$;
COMMENT ON FUNCTION crm.make_decisions(regclass, text, boolean) IS 'makes the table of decisions on the tiers of customers';

CREATE FUNCTION crm.make_standing(tracking crm.tracked, standing_name text) RETURNS regclass
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  EXECUTE format('CREATE VIEW %s %s AS %s', standing_name,
    CASE WHEN current_setting('server_version_num')::int >= 150000 THEN 'WITH (security_invoker = true)' ELSE '' END,
    crm.standing_query(tracking.histories, tracking.scoring, tracking.decisions, tracking.by_invitation));
  EXECUTE format('COMMENT ON VIEW %s IS %L', standing_name,
    format('how the customers of %s stand in the tier programme today, decisions included', tracking.purchases));
  PERFORM crm.comment_columns(standing_name::regclass, jsonb_build_object(
    'tier', 'tier held today; NULL if none',
    'tier_rank', 'rank of the tier, 1 for the lowest, 0 without a tier; NULL without a programme',
    'tier_since', 'first day of the unbroken time at this tier',
    'tier_expires_on', 'first day of a lower tier or none, if nothing more is bought; NULL if there is no such day',
    'days_until_expiry', 'days from today until then',
    'tier_then', 'tier held from that day on; NULL if none',
    'next_tier', 'the tier above; NULL for the highest',
    'metric_value', 'the programme''s main metric today',
    'missing_for_next', 'what is missing in that metric for the next tier',
    'missing_to_keep', 'what is missing in that metric to keep the tier beyond tier_expires_on; NULL if nothing bought would',
    'reason', 'why the customer holds this tier'));
  RETURN standing_name::regclass;
END $$;
COMMENT ON FUNCTION crm.make_standing(crm.tracked, text) IS 'makes the view of standings';

CREATE FUNCTION crm.make_tier_functions(tracking crm.tracked, expiring_name text, within_reach_name text) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  keys constant text[] := crm.history_keys(tracking.histories);
BEGIN
  EXECUTE format($sql$CREATE FUNCTION %1$s(within_days int DEFAULT 30)
      RETURNS TABLE (%2$s, tier text, downgraded_on date, days_until_downgrade int, tier_then text, missing_to_keep numeric)
      LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS %3$L$sql$,
    expiring_name,
    (SELECT string_agg(format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod)), ', ' ORDER BY n)
     FROM unnest(keys) WITH ORDINALITY AS u(k, n) JOIN pg_attribute a ON a.attrelid = tracking.histories AND a.attname = u.k),
    format('SELECT %s, s.tier, s.tier_expires_on, s.days_until_expiry, s.tier_then, s.missing_to_keep FROM %s AS s WHERE s.days_until_expiry <= $1',
      crm.column_list(keys, 's.'), tracking.standing));
  EXECUTE format('COMMENT ON FUNCTION %s(int) IS %L', expiring_name,
    format('the customers of %s who will hold a lower tier on a day within so many days if they buy nothing more', tracking.purchases));
  EXECUTE format('CREATE FUNCTION %s(missing numeric) RETURNS SETOF %s LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS %L',
    within_reach_name, tracking.standing, format('SELECT s.* FROM %s AS s WHERE s.missing_for_next <= $1', tracking.standing));
  EXECUTE format('COMMENT ON FUNCTION %s(numeric) IS %L', within_reach_name,
    format('the customers of %s who miss at most so much for the next tier', tracking.purchases));
END $$;
COMMENT ON FUNCTION crm.make_tier_functions(crm.tracked, text, text) IS
  'makes the functions of customers who will be downgraded and of those within reach of the next tier';

CREATE FUNCTION crm.tier_functions(standing regclass) RETURNS SETOF regprocedure
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT p.oid::regprocedure
  FROM pg_class c JOIN pg_proc p ON p.pronamespace = c.relnamespace
  WHERE c.oid = standing AND p.proretset AND pg_has_role(p.proowner, c.relowner, 'USAGE')
    AND (p.prorettype = c.reltype AND p.proargtypes = '1700'::oidvector
      OR p.proargtypes = '23'::oidvector AND p.proargnames @> '{within_days,downgraded_on,tier_then}'
        AND strpos(p.prosrc, format('FROM %s AS s', standing)) > 0)
$$;
COMMENT ON FUNCTION crm.tier_functions(regclass) IS 'the functions beside a view of standings';

CREATE FUNCTION crm.drop_tiers(decisions regclass, standing regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  function regprocedure;
BEGIN
  IF EXISTS (SELECT FROM pg_class WHERE oid = decisions) THEN
    PERFORM crm.drop_triggers(decisions);
  END IF;
  IF EXISTS (SELECT FROM pg_class WHERE oid = standing) THEN
    FOR function IN SELECT f FROM crm.tier_functions(standing) AS f LOOP
      EXECUTE format('DROP FUNCTION %s', function);
    END LOOP;
    EXECUTE format('DROP VIEW %s', standing);
  END IF;
END $$;
COMMENT ON FUNCTION crm.drop_tiers(regclass, regclass) IS
  'drops what crm.track_tiers made, but the table of decisions';

-- checks, one a rule

CREATE FUNCTION crm.check_tiers_trackable(tracking crm.tracked) RETURNS void
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  reserved constant text[] := '{what,tier,valid,decided_by,decided_at,why,tier_rank,tier_since,tier_expires_on,days_until_expiry,tier_then,next_tier,
    metric_value,missing_for_next,missing_to_keep,reason,overrides,memberships,within_days,downgraded_on,days_until_downgrade}';
  k text;
BEGIN
  IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
    RAISE active_sql_transaction USING MESSAGE = format('crm.track_tiers cannot run in a %s transaction', upper(current_setting('transaction_isolation'))),
      DETAIL = 'It has to see what others commit before it gets its lock.';
  ELSIF NOT (SELECT pg_has_role(current_user, c.relowner, 'USAGE') FROM pg_class c WHERE c.oid = tracking.histories) THEN
    RAISE insufficient_privilege USING MESSAGE = format('must be owner of table %s', tracking.histories);
  ELSIF tracking.decisions IS NOT NULL THEN
    RAISE duplicate_object USING MESSAGE = format('decisions on the tiers of %s are tracked already', tracking.purchases),
      DETAIL = format('They stand in %s.', tracking.decisions);
  END IF;
  FOREACH k IN ARRAY crm.history_keys(tracking.histories) LOOP
    IF k = ANY (reserved) THEN
      RAISE duplicate_column USING MESSAGE = format('key column %I of %s has the name of a column that crm.track_tiers makes', k, tracking.histories),
        HINT = 'Give it another name in the purchases view, and track that.';
    END IF;
  END LOOP;
END $$;
COMMENT ON FUNCTION crm.check_tiers_trackable(crm.tracked) IS 'an error if a tracking cannot get decisions on tiers';

CREATE FUNCTION crm.warn_of_unknown_tiers(histories regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t crm.tracked := crm.tracking_of(histories);
  unknown bigint;
BEGIN
  IF t.decisions IS NULL THEN
    RETURN;
  END IF;
  EXECUTE format('SELECT count(*) FROM %s AS d JOIN %s AS r ON %s WHERE d.tier IS NOT NULL AND r.tier_program IS NOT NULL
                    AND NOT EXISTS (SELECT FROM crm.tiers(r.tier_program) AS p WHERE p.tier = d.tier)',
    t.decisions, t.scoring, crm.same_keys(t.histories, crm.scale_by(t.histories, t.scoring), 'r', 'd')) INTO unknown;
  IF unknown > 0 THEN
    RAISE WARNING 'decisions that name a tier which the programme does not have: %', unknown
      USING DETAIL = format('They stand in %s and do not count.', t.decisions);
  END IF;
END $$;
COMMENT ON FUNCTION crm.warn_of_unknown_tiers(regclass) IS
  'a warning if decisions name tiers that the programme in force does not have';

-- the call

CREATE FUNCTION crm.track_tiers(tracking regclass, by_invitation boolean DEFAULT false) RETURNS regclass
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t crm.tracked := crm.tracking_of(tracking);
  owner regrole;
  schema oid;
  base text;
  names text[];
  made regprocedure;
BEGIN
  IF by_invitation IS NULL THEN
    RAISE null_value_not_allowed USING MESSAGE = 'by_invitation cannot be NULL';
  END IF;
  PERFORM crm.check_tiers_trackable(t);
  -- Nobody who does not know of decisions may still be scoring.
  PERFORM crm.lock_sources(t.histories);
  EXECUTE format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', t.scoring);

  SELECT relnamespace, regexp_replace(relname, '(.)_histories\d*$', '\1'), relowner INTO schema, base, owner
  FROM pg_class WHERE oid = t.histories;
  names := ARRAY(SELECT format('%s.%I', schema::regnamespace, crm.free_name(schema, base, s))
                 FROM unnest('{_tier_decisions,_standing,_tier_expiring,_within_reach}'::text[]) WITH ORDINALITY AS u(s, n) ORDER BY n);
  t.by_invitation := track_tiers.by_invitation;
  t.decisions := crm.make_decisions(t.histories, names[1], by_invitation);
  t.standing := crm.make_standing(t, names[2]);
  PERFORM crm.make_tier_functions(t, names[3], names[4]);
  IF NOT crm.is_owner(t.histories) THEN
    EXECUTE format('ALTER TABLE %s OWNER TO %s', t.decisions, owner);
    FOR made IN SELECT f FROM crm.tier_functions(t.standing) AS f LOOP
      EXECUTE format('ALTER FUNCTION %s OWNER TO %s', made, owner);
    END LOOP;
    EXECUTE format('ALTER VIEW %s OWNER TO %s', t.standing, owner);
  END IF;

  UPDATE crm.tracked o SET (decisions, standing, by_invitation) = (t.decisions, t.standing, t.by_invitation)
  WHERE o.histories = t.histories;
  IF crm.customers_on(t.customers) IS NOT NULL THEN
    PERFORM crm.make_customers_on(t.purchases, t.histories, t.scoring, t.customers,
      (SELECT substring(attname FROM '^clv_(\d+)d$')::int FROM pg_attribute
       WHERE attrelid = t.customers AND attname ~ '^clv_\d+d$' ORDER BY attnum DESC LIMIT 1),
      crm.customers_on(t.customers));
  END IF;
  IF by_invitation THEN
    PERFORM crm.rescore(t.histories, NULL, 2147483647, 'decision');
  END IF;
  RETURN t.standing;
END $$;
COMMENT ON FUNCTION crm.track_tiers(regclass, boolean) IS
  'keeps decisions on the tiers of a tracking''s customers (floors, ceilings, memberships) and shows how everybody stands; returns the view of standings';

-- without a name it looked for one for ever

ALTER FUNCTION crm.free_name(oid, text, text) STRICT;

-- tables whose rows the triggers would not see

CREATE OR REPLACE FUNCTION crm.check_trackable(relation regclass, histories regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  c pg_class;
BEGIN
  SELECT * INTO c FROM pg_class WHERE oid = relation;
  IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
    RAISE active_sql_transaction USING MESSAGE = format('crm.track cannot run in a %s transaction', upper(current_setting('transaction_isolation'))),
      DETAIL = 'It has to see what others commit before it gets its lock.';
  ELSIF relation IS NULL THEN
    RAISE null_value_not_allowed USING MESSAGE = 'relation to track cannot be NULL';
  ELSIF c.relkind NOT IN ('r', 'p', 'v') THEN
    RAISE wrong_object_type USING MESSAGE = format('%s is neither a table nor a view', relation);
  ELSIF c.relpersistence = 't' THEN
    RAISE wrong_object_type USING MESSAGE = format('%s is temporary and cannot be tracked', relation);
  ELSIF c.relkind = 'r' AND NOT c.relispartition AND EXISTS (SELECT FROM pg_inherits WHERE inhrelid = relation) THEN
    RAISE wrong_object_type USING MESSAGE = format('%s inherits from another table and cannot be tracked', relation),
      DETAIL = 'What is written through the parent would not be seen.', HINT = 'Track the parent, or a view, which crm.refresh keeps.';
  ELSIF NOT pg_has_role(current_user, c.relowner, 'USAGE') THEN
    RAISE insufficient_privilege USING MESSAGE = format('must be owner of relation %s', relation);
  ELSIF EXISTS (SELECT FROM crm.tracked t WHERE t.purchases = relation) THEN
    RAISE duplicate_object USING MESSAGE = format('%s is tracked already', relation);
  ELSIF histories IS NOT NULL AND NOT EXISTS (SELECT FROM crm.tracked t WHERE t.histories = check_trackable.histories) THEN
    RAISE undefined_object USING MESSAGE = format('table %s holds no tracked histories', histories);
  END IF;
END $$;
CREATE OR REPLACE FUNCTION crm.make_purchases_view(orders regclass, customer name, purchased_on name, amount name, weight name, time_zone text)
  RETURNS regclass
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  name text;
  names text[] := ARRAY[customer, purchased_on, amount, weight];
  parameters constant text[] := '{customer,purchased_on,amount,orders}';
  view_name text;
  day_type regtype;
  schema oid := (SELECT relnamespace FROM pg_class WHERE oid = orders);
BEGIN
  FOR i IN 1..4 LOOP
    IF names[i] IS NULL AND i < 4 THEN
      RAISE invalid_parameter_value USING MESSAGE = format('%s is a table, so %s must name a column of it', orders, parameters[i]),
        HINT = 'Pass customer, purchased_on and amount, or a purchases view instead of the table.';
    ELSIF names[i] IS NOT NULL AND NOT EXISTS (
        SELECT FROM pg_attribute WHERE attrelid = orders AND attname = names[i] AND attnum > 0 AND NOT attisdropped) THEN
      RAISE undefined_column USING MESSAGE = format('column %I of %s does not exist', names[i], orders),
        DETAIL = format('It was given as %s.', parameters[i]);
    ELSIF EXISTS (SELECT FROM pg_attribute WHERE attrelid = orders AND attname = names[i] AND attgenerated = 'v') THEN
      RAISE wrong_object_type USING MESSAGE = format('column %I of %s is a virtual generated column', names[i], orders),
        DETAIL = 'Triggers do not see its values.', HINT = 'Use a stored one, or track a view that has its expression.';
    END IF;
  END LOOP;

  SELECT atttypid INTO day_type FROM pg_attribute WHERE attrelid = orders AND attname = purchased_on;
  view_name := crm.free_name(schema, (SELECT relname FROM pg_class WHERE oid = orders), '_purchases');
  EXECUTE format('CREATE VIEW %s.%I AS SELECT %I AS %I, %s AS purchased_on, %I AS amount%s FROM %s',
    schema::regnamespace, view_name, customer,
    CASE WHEN customer IN ('purchased_on', 'amount', 'orders') THEN 'customer' ELSE customer END,
    CASE day_type
      WHEN 'timestamptz'::regtype THEN format('(%I AT TIME ZONE %L)::date', purchased_on, time_zone)
      WHEN 'date'::regtype THEN quote_ident(purchased_on)
      ELSE format('%I::date', purchased_on) END,
    amount,
    CASE WHEN weight IS NULL THEN '' ELSE format(', %I AS orders', weight) END,
    orders);
  RETURN format('%s.%I', schema::regnamespace, view_name)::regclass;
END $$;
