\echo Use "ALTER EXTENSION crm UPDATE TO '0.2.1'" to load this file. \quit

-- the schema: what stands in it can be called in the place of what the extension has

DO $check$
DECLARE
  schema_owner pg_catalog.name;
  trusted pg_catalog.bool;
BEGIN
  SELECT r.rolname, r.rolsuper OR r.oid OPERATOR(pg_catalog.=) pg_catalog.to_regrole($role$@extowner@$role$::pg_catalog.text)::pg_catalog.oid INTO schema_owner, trusted
  FROM pg_catalog.pg_namespace n JOIN pg_catalog.pg_roles r ON r.oid OPERATOR(pg_catalog.=) n.nspowner
  WHERE n.nspname OPERATOR(pg_catalog.=) 'crm'::pg_catalog.name;
  IF NOT trusted THEN
    RAISE insufficient_privilege USING MESSAGE = pg_catalog.format('schema crm belongs to %I'::pg_catalog.text, schema_owner),
      DETAIL = 'Its owner could put functions there that others then call.',
      HINT = 'Drop the schema, or give it to the role that creates the extension: ALTER SCHEMA crm OWNER TO ...';
  END IF;
END $check$;

-- crm.tracked: what its old rights allowed others to hang onto it would run with the rights of whoever refreshes

DO $planted$
DECLARE
  planted pg_catalog.text;
BEGIN
  SELECT pg_catalog.string_agg(t.tgname::pg_catalog.text, ', '::pg_catalog.text) INTO planted FROM pg_catalog.pg_trigger t
  WHERE t.tgrelid OPERATOR(pg_catalog.=) 'crm.tracked'::pg_catalog.regclass::pg_catalog.oid
    AND t.tgfoid OPERATOR(pg_catalog.<>) ALL (ARRAY['crm.tracked_guard()'::pg_catalog.regprocedure::pg_catalog.oid, 'crm.tracked_changed()'::pg_catalog.regprocedure::pg_catalog.oid]);
  IF planted IS NOT NULL THEN
    RAISE object_not_in_prerequisite_state USING MESSAGE = pg_catalog.format('crm.tracked has triggers that are not of the extension: %s'::pg_catalog.text, planted),
      HINT = 'Look at what their functions do, and drop them.';
  END IF;
END $planted$;

REVOKE ALL ON crm.tracked FROM PUBLIC;
DO $rights$
BEGIN
  -- the rights of a superuser who made the extension are those of the table's owner
  IF (SELECT c.relowner OPERATOR(pg_catalog.<>) pg_catalog.to_regrole($role$@extowner@$role$::pg_catalog.text)::pg_catalog.oid FROM pg_catalog.pg_class c
      WHERE c.oid OPERATOR(pg_catalog.=) 'crm.tracked'::pg_catalog.regclass::pg_catalog.oid) THEN
    REVOKE ALL ON crm.tracked FROM @extowner@;
  END IF;
END $rights$;
GRANT SELECT ON crm.tracked TO PUBLIC;
GRANT INSERT ON crm.tracked TO @extowner@;

CREATE TABLE crm.refresh_position (
  histories regclass PRIMARY KEY,
  last_key text[] NOT NULL
);
COMMENT ON TABLE crm.refresh_position IS 'the key up to which each running refresh has come';
COMMENT ON COLUMN crm.refresh_position.histories IS 'the table of histories that is refreshed';
COMMENT ON COLUMN crm.refresh_position.last_key IS 'the key of its last customer that is scored';
CREATE OR REPLACE VIEW crm.tracking_status AS
  SELECT t.purchases, t.source, t.histories,
    CASE WHEN t.source IS NULL THEN 'refresh only'::pg_catalog.text WHEN t.by_row THEN 'row by row'::pg_catalog.text ELSE 'live'::pg_catalog.text END AS kept,
    t.not_live,
    (SELECT pg_catalog.count(*)::pg_catalog.int4 FROM pg_catalog.pg_class c
     WHERE c.relkind OPERATOR(pg_catalog.=) ANY ('{r,p}'::pg_catalog."char"[])
       AND (c.oid OPERATOR(pg_catalog.=) t.source::pg_catalog.oid
         OR c.oid OPERATOR(pg_catalog.=) ANY (SELECT p.relid::pg_catalog.oid FROM pg_catalog.pg_partition_tree(t.source) p))
       AND (SELECT pg_catalog.count(*) FROM pg_catalog.pg_trigger g
            WHERE g.tgrelid OPERATOR(pg_catalog.=) c.oid
              AND g.tgfoid OPERATOR(pg_catalog.=) ANY (ARRAY['crm.track_statement()'::pg_catalog.regprocedure::pg_catalog.oid,
                'crm.track_row()'::pg_catalog.regprocedure::pg_catalog.oid, 'crm.track_truncate()'::pg_catalog.regprocedure::pg_catalog.oid])
              AND g.tgenabled OPERATOR(pg_catalog.=) ANY (CASE WHEN t.by_row THEN '{A}' ELSE '{A,O}' END::pg_catalog."char"[]))
           OPERATOR(pg_catalog.<) CASE WHEN t.by_row THEN 2::pg_catalog.int8 ELSE 4::pg_catalog.int8 END) AS tables_without_triggers,
    NOT COALESCE((SELECT pg_catalog.format('%I.%I'::pg_catalog.text, n.nspname, c.relname)
                  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
                  WHERE c.oid OPERATOR(pg_catalog.=) t.source::pg_catalog.oid) OPERATOR(pg_catalog.=) t.source_name,
                 t.source IS NULL AND t.source_name IS NULL) AS source_renamed,
    (SELECT c.reltuples::pg_catalog.int8 FROM pg_catalog.pg_class c WHERE c.oid OPERATOR(pg_catalog.=) t.histories::pg_catalog.oid) AS customers_estimated,
    t.scaled_on, t.refresh_started_at, t.refresh_finished_at, t.customers_read, t.customers_written,
    (SELECT p.last_key FROM crm.refresh_position p JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) p.histories::pg_catalog.oid
     WHERE p.histories::pg_catalog.oid OPERATOR(pg_catalog.=) t.histories::pg_catalog.oid
       AND pg_catalog.pg_has_role(c.relowner, 'USAGE'::pg_catalog.text)) AS refresh_position
  FROM crm.tracked t;
COMMENT ON COLUMN crm.tracking_status.refresh_position IS 'the key up to which a running refresh has come; for the owner of the histories alone';
ALTER TABLE crm.tracked DROP COLUMN refresh_position;
CREATE FUNCTION crm.check_tracked(before crm.tracked, after crm.tracked) RETURNS void
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  known constant oid[] := CASE WHEN before.purchases IS NULL THEN '{}' ELSE crm.relations_of(before) END;
  relation record;
BEGIN
  FOR relation IN
    SELECT r.oid, c.oid IS NULL AS missing
    FROM unnest(CASE WHEN after.purchases IS NULL THEN known ELSE crm.relations_of(after) || known END) WITH ORDINALITY AS r(oid, n)
      LEFT JOIN pg_class c ON c.oid = r.oid
    WHERE c.oid IS NULL AND r.oid <> ALL (known) OR NOT pg_has_role(current_user, c.relowner, 'USAGE')
    ORDER BY r.n
  LOOP
    IF relation.missing THEN
      RAISE undefined_table USING MESSAGE = format('relation with OID %s does not exist', relation.oid);
    END IF;
    RAISE insufficient_privilege USING MESSAGE = format('must be owner of relation %s', relation.oid::regclass);
  END LOOP;
  IF before.purchases IS NOT NULL AND after.purchases IS NOT NULL
     AND (before.purchases, before.source, before.histories) IS DISTINCT FROM (after.purchases, after.source, after.histories) THEN
    RAISE insufficient_privilege USING MESSAGE = 'a tracking cannot be moved to other relations';
  END IF;
END $$;
COMMENT ON FUNCTION crm.check_tracked(crm.tracked, crm.tracked) IS
  'an error unless the current user owns all relations of a tracking as it was and as it will be; either is NULL where there is none';
CREATE OR REPLACE FUNCTION crm.tracked_guard() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    PERFORM crm.check_tracked(NULL::crm.tracked, new);
  ELSIF TG_OP = 'UPDATE' THEN
    PERFORM crm.check_tracked(old, new);
  ELSE
    PERFORM crm.check_tracked(old, NULL::crm.tracked);
    RETURN old;
  END IF;
  RETURN new;
END $$;
CREATE FUNCTION crm.write_tracked(purchases regclass, tracking crm.tracked, columns text[]) RETURNS void
  LANGUAGE C VOLATILE COST 1000 AS 'MODULE_PATHNAME', 'crm_write_tracked';
COMMENT ON FUNCTION crm.write_tracked(regclass, crm.tracked, text[]) IS
  'changes the named columns of a row of crm.tracked, adds it if there are no columns, deletes it if there is no tracking; for the owner of its relations';
CREATE FUNCTION crm.write_refresh_position(histories regclass, last_key text[]) RETURNS void
  LANGUAGE C VOLATILE COST 1000 AS 'MODULE_PATHNAME', 'crm_write_refresh_position';
COMMENT ON FUNCTION crm.write_refresh_position(regclass, text[]) IS
  'keeps the key up to which a refresh has come, for the owner of the histories; NULL when it is at the end';
CREATE FUNCTION crm.relation_left(tracking crm.tracked) RETURNS regclass
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT r.oid FROM unnest(ARRAY[tracking.histories]::oid[] || crm.relations_of(tracking)) WITH ORDINALITY AS r(oid, n) JOIN pg_class c ON c.oid = r.oid
  ORDER BY n LIMIT 1
$$;
COMMENT ON FUNCTION crm.relation_left(crm.tracked) IS 'a relation of a tracking that has not been dropped, by which its owner is known; NULL if none is left';
CREATE FUNCTION crm.own_triggers(relation regclass) RETURNS SETOF pg_trigger
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT g.* FROM pg_trigger g
  WHERE g.tgrelid = relation AND g.tgfoid IN ('crm.track_statement()'::regprocedure, 'crm.track_row()'::regprocedure,
    'crm.track_truncate()'::regprocedure, 'crm.decide_statement()'::regprocedure, 'crm.decide_truncate()'::regprocedure)
$$;
COMMENT ON FUNCTION crm.own_triggers(regclass) IS 'the triggers of a table that are the extension''s, known by their functions';
CREATE FUNCTION crm.trigger_name(relation regclass, wanted text) RETURNS text
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT wanted || coalesce(nullif(n, 0)::text, '') FROM generate_series(0, 1000) AS n
  WHERE NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = relation AND tgname = (wanted || coalesce(nullif(n, 0)::text, ''))::name)
  ORDER BY n LIMIT 1
$$;
COMMENT ON FUNCTION crm.trigger_name(regclass, text) IS 'the name of a new trigger, numbered if another has it';
CREATE OR REPLACE FUNCTION crm.same_keys(relation regclass, columns text[], a text, b text) RETURNS text
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce(string_agg(format('%s.%I %s %s.%I', a, c, crm.equality(t.atttypid::regtype), b, c), ' AND ' ORDER BY n), 'true')
  FROM unnest(columns) WITH ORDINALITY AS u(c, n)
    JOIN pg_attribute t ON t.attrelid = relation AND t.attname = c
$$;
CREATE OR REPLACE FUNCTION crm.histories_query(purchases regclass) RETURNS text
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT format('SELECT %1$s, crm.purchase_history(%2$s) AS history FROM %3$s WHERE %4$s GROUP BY %1$s HAVING crm.purchase_history(%2$s) OPERATOR(crm.<>) ''{}''',
    crm.column_list(keys, ''::text),
    'purchased_on, amount' || CASE amount WHEN 'float8'::regtype THEN '' ELSE '::numeric' END
      || CASE WHEN orders THEN ', orders::int' ELSE '' END,
    purchases,
    (SELECT string_agg(format('%I IS NOT NULL', k), ' AND ' ORDER BY n) FROM unnest(keys) WITH ORDINALITY AS u(k, n)))
  FROM (SELECT crm.purchases_keys(purchases) AS keys,
          (SELECT atttypid FROM pg_attribute WHERE attrelid = purchases AND attname = 'amount') AS amount,
          EXISTS (SELECT FROM pg_attribute WHERE attrelid = purchases AND attname = 'orders') AS orders) AS v
$$;
CREATE OR REPLACE FUNCTION crm.all_histories_query(histories regclass) RETURNS text
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  keys text := crm.column_list(crm.history_keys(histories), ''::text);
  queries text[] := ARRAY(SELECT crm.histories_query(t.purchases) FROM crm.tracked t
                          WHERE t.histories = all_histories_query.histories ORDER BY t.tracked_at, t.purchases);
BEGIN
  IF cardinality(queries) = 1 THEN
    RETURN queries[1];
  END IF;
  RETURN format('SELECT %1$s, crm.merge(history) AS history FROM (%2$s) AS sources GROUP BY %1$s HAVING crm.merge(history) OPERATOR(crm.<>) ''{}''',
    keys, array_to_string(queries, ' UNION ALL '));
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
  view_name := crm.free_name(schema, (SELECT relname::text FROM pg_class WHERE oid = orders), '_purchases');
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
CREATE OR REPLACE FUNCTION crm.track_triggers(tracked_table regclass, by_row boolean) RETURNS int
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  part regclass;
  own record;
  made int := 0;
BEGIN
  FOR part IN
    SELECT c.oid FROM pg_class c
    WHERE (c.oid = tracked_table OR c.oid IN (SELECT relid FROM pg_partition_tree(tracked_table))) AND c.relkind IN ('r', 'p')
      AND NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = c.oid AND tgfoid = 'crm.track_truncate()'::regprocedure)
    ORDER BY c.oid
  LOOP
    IF NOT by_row THEN
      EXECUTE format('CREATE TRIGGER %I AFTER INSERT ON %s REFERENCING NEW TABLE AS new_rows
                      FOR EACH STATEMENT EXECUTE FUNCTION crm.track_statement()', crm.trigger_name(part, 'crm_insert'::text), part);
      EXECUTE format('CREATE TRIGGER %I AFTER UPDATE ON %s REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
                      FOR EACH STATEMENT EXECUTE FUNCTION crm.track_statement()', crm.trigger_name(part, 'crm_update'::text), part);
      EXECUTE format('CREATE TRIGGER %I AFTER DELETE ON %s REFERENCING OLD TABLE AS old_rows
                      FOR EACH STATEMENT EXECUTE FUNCTION crm.track_statement()', crm.trigger_name(part, 'crm_delete'::text), part);
    ELSIF part = tracked_table THEN
      EXECUTE format('CREATE TRIGGER %I AFTER INSERT OR UPDATE OR DELETE ON %s
                      FOR EACH ROW EXECUTE FUNCTION crm.track_row()', crm.trigger_name(part, 'crm_row'::text), part);
    END IF;
    EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON %s
                    FOR EACH STATEMENT EXECUTE FUNCTION crm.track_truncate()', crm.trigger_name(part, 'crm_truncate'::text), part);
    made := made + 1;
  END LOOP;
  IF by_row THEN
    FOR own IN SELECT g.tgname, g.tgrelid::regclass AS relation FROM pg_trigger g
               WHERE g.tgfoid IN ('crm.track_row()'::regprocedure, 'crm.track_truncate()'::regprocedure) AND g.tgenabled <> 'A'
                 AND (g.tgrelid = tracked_table OR g.tgrelid IN (SELECT relid FROM pg_partition_tree(tracked_table))) LOOP
      EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', own.relation, own.tgname);
    END LOOP;
  END IF;
  RETURN made;
END $$;
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
  ELSIF histories IS NULL AND NOT has_schema_privilege(current_user, c.relnamespace, 'CREATE') THEN
    RAISE insufficient_privilege USING MESSAGE = format('%s may not create tables in schema %s', current_user, c.relnamespace::regnamespace),
      DETAIL = format('A tracking belongs to the owner of %s and stands beside it.', relation),
      HINT = format('GRANT CREATE ON SCHEMA %s TO %I', c.relnamespace::regnamespace, current_user);
  ELSIF EXISTS (SELECT FROM crm.tracked t WHERE t.purchases = relation) THEN
    RAISE duplicate_object USING MESSAGE = format('%s is tracked already', relation);
  ELSIF histories IS NOT NULL AND NOT EXISTS (SELECT FROM crm.tracked t WHERE t.histories = check_trackable.histories) THEN
    RAISE undefined_object USING MESSAGE = format('table %s holds no tracked histories', histories);
  END IF;
END $$;
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
      DETAIL = format('They must have the same names and types in the same order: %s.', crm.column_list(crm.history_keys(histories), ''::text));
  END IF;
END $$;
CREATE OR REPLACE FUNCTION crm.make_scoring(purchases regclass, scoring_name text, scale_by text[], time_zone text, bins int,
    segments crm.segment_map, look_back_days int, horizon_days int) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  EXECUTE format($sql$CREATE TABLE %1$s AS
    SELECT %2$s NULL::crm.rfm_scale AS scale, false AS keep_scale, NULL::smallint AS bins, NULL::crm.segment_map AS segments,
      NULL::int AS look_back_days, NULL::crm.tier_program AS tier_program, NULL::crm.purchase_model AS purchase_model,
      NULL::crm.spend_model AS spend_model, NULL::float8 AS margin, NULL::int AS horizon_days, NULL::float8 AS discount_rate,
      NULL::text AS time_zone, NULL::date AS scaled_on, NULL::date AS refreshing_as_of,
      NULL::date AS refreshed_on
    FROM %3$s WITH NO DATA$sql$, scoring_name, coalesce(crm.column_list(scale_by, ''::text) || ',', ''), purchases);
  EXECUTE format($sql$ALTER TABLE %1$s
    ALTER keep_scale SET NOT NULL, ALTER keep_scale SET DEFAULT false,
    ALTER bins SET NOT NULL, ALTER bins SET DEFAULT %2$L, ADD CHECK (bins BETWEEN 2 AND 9),
    ALTER segments SET NOT NULL, ALTER segments SET DEFAULT %3$L::crm.segment_map,
    ALTER look_back_days SET DEFAULT %4$L, ADD CHECK (look_back_days > 0),
    ALTER margin SET NOT NULL, ALTER margin SET DEFAULT 1,
    ALTER horizon_days SET NOT NULL, ALTER horizon_days SET DEFAULT %6$s,
    ADD CONSTRAINT horizon_is_in_column_names CHECK (horizon_days = %6$s),
    ALTER discount_rate SET NOT NULL, ALTER discount_rate SET DEFAULT 0.1,
    ALTER time_zone SET NOT NULL, ALTER time_zone SET DEFAULT %5$L$sql$,
    scoring_name, bins, segments, look_back_days, time_zone, horizon_days);
  -- a rule that cannot score is refused when it is written, not when an order comes
  EXECUTE format('ALTER TABLE %s ADD CONSTRAINT rule_can_score CHECK ((crm.score_customer(crm.purchase(date ''2000-01-01'', 1::numeric), date ''2001-01-01'', %s) IS NULL) IS NOT NULL),
    ADD CONSTRAINT time_zone_is_known CHECK (timestamptz ''2000-01-01 00:00+00'' AT TIME ZONE time_zone IS NOT NULL)',
    scoring_name, crm.column_list(crm.rule_columns(), ''::text));
  EXECUTE CASE WHEN scale_by IS NULL THEN format('CREATE UNIQUE INDEX ON %s ((true))', scoring_name)
    ELSE format('ALTER TABLE %s ADD PRIMARY KEY (%s)', scoring_name, crm.column_list(scale_by, ''::text)) END;
  EXECUTE format('COMMENT ON TABLE %s IS %L', scoring_name,
    format('the rules that the customers of %s are scored by; change them, then CALL crm.refresh', purchases));
  PERFORM crm.comment_columns(scoring_name::regclass);
END $$;
CREATE OR REPLACE FUNCTION crm.make_histories(purchases regclass, histories_name text, keys text[], unlogged boolean) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  EXECUTE format('CREATE %sTABLE %s WITH (fillfactor = 80) AS SELECT %s, NULL::crm.purchase_history AS history, %s,
                  NULL::date AS scored_on, NULL::timestamptz AS updated_at FROM %s WITH NO DATA',
    CASE WHEN unlogged THEN 'UNLOGGED ' ELSE '' END, histories_name, crm.column_list(keys, ''::text),
    (SELECT string_agg(format('NULL::%s AS %I', format_type(atttypid, atttypmod), attname), ', ' ORDER BY attnum)
     FROM pg_attribute WHERE attrelid = 'crm.customer_score'::regclass AND attnum > 0 AND NOT attisdropped),
    purchases);
  EXECUTE format('ALTER TABLE %s ALTER history SET NOT NULL, ADD PRIMARY KEY (%s)', histories_name, crm.column_list(keys, ''::text));
  -- a long history is written anew with every order, and pglz takes ten times as long
  IF (SELECT 'lz4' = ANY (enumvals) FROM pg_settings WHERE name = 'default_toast_compression') THEN
    EXECUTE format('ALTER TABLE %s ALTER history SET COMPRESSION lz4', histories_name);
  END IF;
  EXECUTE format('COMMENT ON TABLE %s IS %L', histories_name, format('history and score of each customer of %s', purchases));
  PERFORM crm.comment_columns(histories_name::regclass);
END $$;
CREATE OR REPLACE FUNCTION crm.make_changes(purchases regclass, changes_name text, keys text[], unlogged boolean) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  EXECUTE format('CREATE %sTABLE %s AS SELECT %s, NULL::timestamptz AS at, NULL::text AS what, NULL::text AS old_value,
                  NULL::text AS new_value, NULL::text AS why FROM %s WITH NO DATA',
    CASE WHEN unlogged THEN 'UNLOGGED ' ELSE '' END, changes_name, crm.column_list(keys, ''::text), purchases);
  EXECUTE format('ALTER TABLE %s ALTER at SET NOT NULL, ALTER what SET NOT NULL, ALTER why SET NOT NULL', changes_name);
  EXECUTE format('COMMENT ON TABLE %s IS %L', changes_name, format('segments that customers of %s entered and left', purchases));
  PERFORM crm.comment_columns(changes_name::regclass);
END $$;
CREATE OR REPLACE FUNCTION crm.fill_histories(histories regclass, why text) RETURNS bigint
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
    crm.all_histories_query(histories), histories, crm.same_keys(histories, keys, 'f', 'h'), crm.column_list(keys, ''::text),
    CASE WHEN t.changes IS NULL THEN 'SELECT' ELSE format($sql$
      INSERT INTO %1$s (%2$s, at, what, old_value, why)
      SELECT %2$s, now(), c.what, c.old_value, %3$L
      FROM gone CROSS JOIN LATERAL (VALUES ('segment', gone.segment), ('tier', gone.tier)) AS c(what, old_value)
      WHERE c.old_value IS NOT NULL$sql$, t.changes, crm.column_list(keys, ''::text), why) END)
  INTO changed;
  RETURN changed;
END $$;
CREATE OR REPLACE FUNCTION crm.add_rules(scoring regclass, scale_by text[], customers regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  keys constant text := crm.column_list(scale_by, ''::text);
BEGIN
  IF keys IS NULL THEN
    EXECUTE format('INSERT INTO %1$s SELECT WHERE NOT EXISTS (SELECT FROM %1$s)', scoring);
  ELSE
    EXECUTE format('INSERT INTO %1$s (%2$s) SELECT DISTINCT %2$s FROM %3$s ON CONFLICT DO NOTHING', scoring, keys, customers);
  END IF;
END $$;
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
    FROM (SELECT %2$s crm.rfm_scale(crm.look_back(h.history, r.refreshing_as_of, r.look_back_days), r.refreshing_as_of, r.bins::int) AS scale
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
CREATE OR REPLACE FUNCTION crm.finish_scoring(histories regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t crm.tracked;
  scoring constant regclass := (crm.tracking_of(histories)).scoring;
  oldest date;
BEGIN
  EXECUTE format('UPDATE %s SET refreshed_on = refreshing_as_of, refreshing_as_of = NULL WHERE refreshing_as_of IS NOT NULL', scoring);
  EXECUTE format('SELECT min(scaled_on) FROM %s', scoring) INTO oldest;
  FOR t IN SELECT * FROM crm.tracked o WHERE o.histories = finish_scoring.histories LOOP
    t.scaled_on := oldest;
    t.refresh_finished_at := clock_timestamp();
    PERFORM crm.write_tracked(t.purchases, t, '{scaled_on,refresh_finished_at}'::text[]);
  END LOOP;
  PERFORM crm.write_refresh_position(histories, NULL::text[]);
END $$;
CREATE OR REPLACE FUNCTION crm.rescore_all(histories regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t crm.tracked;
  batch record;
BEGIN
  SELECT * INTO batch FROM crm.rescore(histories, NULL::text[], 2147483647, 'rebuild'::text);
  FOR t IN SELECT * FROM crm.tracked o WHERE o.histories = rescore_all.histories LOOP
    t.refresh_started_at := now();
    t.customers_read := batch.customers_read;
    t.customers_written := batch.customers_written;
    PERFORM crm.write_tracked(t.purchases, t, '{refresh_started_at,customers_read,customers_written}'::text[]);
  END LOOP;
  PERFORM crm.finish_scoring(histories);
END $$;
CREATE OR REPLACE FUNCTION crm.fill_new_histories(histories regclass, scoring regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  keys constant text[] := crm.history_keys(histories);
  fresh text;
BEGIN
  -- no temporary table: this may run as an owner who is trusted less than the caller
  SELECT format('%s.%I', c.relnamespace::regnamespace, crm.free_name(c.relnamespace, c.relname::text, '_fresh'::text)) INTO fresh
  FROM pg_class c WHERE c.oid = histories;
  EXECUTE format('CREATE UNLOGGED TABLE %s AS %s', fresh, crm.all_histories_query(histories));
  PERFORM crm.make_scales(histories, scoring, NULL::date, fresh::regclass);
  EXECUTE format($sql$
    INSERT INTO %1$s (%2$s, history, %3$s, scored_on, updated_at)
    SELECT %4$s, h.history, %5$s, r.refreshing_as_of, now()
    FROM %9$s AS h JOIN %6$s AS r ON %7$s CROSS JOIN LATERAL %8$s AS c
    ORDER BY %4$s$sql$,
    histories, crm.column_list(keys, ''::text), crm.column_list(crm.score_columns(), ''::text), crm.column_list(keys, 'h.'),
    crm.column_list(crm.score_columns(), 'c.'), scoring, crm.same_keys(histories, crm.scale_by(histories, scoring), 'r', 'h'),
    crm.score_call('h.history', 'r.refreshing_as_of'), fresh);
  EXECUTE format('DROP TABLE %s', fresh);
  PERFORM crm.finish_scoring(histories);
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
  logged regclass;
  made crm.tracked;
BEGIN
  -- all of it belongs to the owner of the relation, and what hangs on that runs as the owner
  IF NOT crm.is_owner(relation) THEN
    RETURN crm.as_owner(relation, format('SELECT crm.track(%s::regclass, %L::name, %L::name, %L::name, %L::name, %L::text, %L::text[], %L::int,
      %L::crm.segment_map, %L::int, %L::int, %L::boolean, %L::boolean, %L::boolean, %s::regclass)', relation::oid, customer, purchased_on, amount, orders,
      zone, scale_by, bins, segments, look_back_days, horizon_days, changes, notify, by_row, coalesce(histories::oid::text, 'NULL')))::regclass;
  END IF;
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
  IF histories IS NULL THEN
    made := crm.make_tracking(purchases, schema, base, keys, unlogged, scale_by, zone, bins,
      coalesce(segments, crm.default_segments(bins)), look_back_days, horizon_days, changes);
  ELSE
    SELECT * INTO made FROM crm.tracked t WHERE t.histories = track.histories LIMIT 1;
    made.purchases := purchases;
  END IF;

  logged := made.changes;
  -- the first scores are no changes
  made.changes := NULL;
  made.source := source;
  made.notify := notify;
  made.not_live := not_live;
  made.by_row := by_row;
  made.source_name := source::text;
  made.view_made := view_made;
  made.tracked_at := now();
  PERFORM crm.write_tracked(purchases, made, NULL::text[]);
  IF histories IS NULL THEN
    PERFORM crm.fill_new_histories(made.histories, made.scoring);
  ELSE
    PERFORM crm.fill_histories(made.histories, 'rebuild');
    PERFORM crm.make_scales(made.histories, made.scoring, NULL::date, made.histories);
    PERFORM crm.rescore_all(made.histories);
  END IF;
  FOR made IN SELECT * FROM crm.tracked t WHERE t.histories = made.histories LOOP
    made.changes := logged;
    PERFORM crm.write_tracked(made.purchases, made, '{changes}'::text[]);
  END LOOP;
  IF source IS NOT NULL THEN
    PERFORM crm.track_triggers(source, by_row);
  END IF;
  RETURN made.customers;
END $$;
CREATE OR REPLACE FUNCTION crm.make_tracking(purchases regclass, schema oid, base text, keys text[], unlogged boolean, scale_by text[],
    time_zone text, bins int, segments crm.segment_map, look_back_days int, horizon_days int, with_changes boolean) RETURNS crm.tracked
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  made crm.tracked;
  histories_name constant text := format('%s.%I', schema::regnamespace, crm.free_name(schema, base, '_histories'));
  scoring_name constant text := format('%s.%I', schema::regnamespace, crm.free_name(schema, base, '_scoring'));
  changes_name constant text := format('%s.%I', schema::regnamespace, crm.free_name(schema, base, '_changes'));
  customers_name constant text := format('%s.%I', schema::regnamespace, crm.free_name(schema, base, '_customers'));
  function_name constant text := format('%s.%I', schema::regnamespace, crm.free_name(schema, base, '_customers_on'));
BEGIN
  PERFORM crm.make_scoring(purchases, scoring_name, scale_by, time_zone, bins, segments, look_back_days, horizon_days);
  PERFORM crm.make_histories(purchases, histories_name, keys, unlogged);
  made.scoring := scoring_name::regclass;
  made.histories := histories_name::regclass;
  IF with_changes THEN
    PERFORM crm.make_changes(purchases, changes_name, keys, unlogged);
    made.changes := changes_name::regclass;
  END IF;
  PERFORM crm.make_customers(purchases, made.histories, made.scoring, horizon_days, customers_name);
  made.customers := customers_name::regclass;
  PERFORM crm.make_customers_on(purchases, made.histories, made.scoring, made.customers, horizon_days, function_name);
  made.purchases := purchases;
  RETURN made;
END $$;
CREATE OR REPLACE FUNCTION crm.refresh_fill(tracking regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t crm.tracked := crm.tracking_of(tracking);
BEGIN
  -- what hangs on the tables is their owner's and runs as the owner
  IF NOT crm.is_owner(t.histories) THEN
    PERFORM crm.as_owner(t.histories, format('SELECT crm.refresh_fill(%s::regclass)', tracking::oid));
    RETURN;
  END IF;
  IF EXISTS (SELECT FROM crm.tracked o WHERE o.histories = t.histories AND o.source IS NULL) THEN
    PERFORM crm.lock_sources(t.histories);
    PERFORM crm.fill_histories(t.histories, 'refresh');
  END IF;
END $$;
CREATE OR REPLACE FUNCTION crm.refresh_started(tracking regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t crm.tracked := crm.tracking_of(tracking);
BEGIN
  PERFORM crm.write_refresh_position(t.histories, NULL::text[]);
  FOR t IN SELECT * FROM crm.tracked o WHERE o.histories = t.histories LOOP
    t.refresh_started_at := clock_timestamp();
    t.refresh_finished_at := NULL;
    t.customers_read := 0;
    t.customers_written := 0;
    PERFORM crm.write_tracked(t.purchases, t, '{refresh_started_at,refresh_finished_at,customers_read,customers_written}'::text[]);
  END LOOP;
END $$;
CREATE OR REPLACE FUNCTION crm.refresh_start(tracking regclass, as_of date) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t crm.tracked := crm.tracking_of(tracking);
BEGIN
  -- what hangs on the tables is their owner's and runs as the owner
  IF NOT crm.is_owner(t.histories) THEN
    PERFORM crm.as_owner(t.histories, format('SELECT crm.refresh_start(%s::regclass, %L::date)', tracking::oid, as_of));
    RETURN;
  END IF;
  PERFORM crm.make_scales(t.histories, t.scoring, as_of, t.histories);
  PERFORM crm.warn_of_unknown_tiers(t.histories);
  PERFORM crm.refresh_started(tracking);
END $$;
CREATE OR REPLACE FUNCTION crm.refresh_batch(tracking regclass, batch_customers int) RETURNS boolean
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t crm.tracked := crm.tracking_of(tracking);
  batch record;
BEGIN
  IF NOT crm.is_owner(t.histories) THEN
    RETURN crm.as_owner(t.histories, format('SELECT crm.refresh_batch(%s::regclass, %L::int)', tracking::oid, batch_customers))::boolean;
  END IF;
  SELECT * INTO batch FROM crm.rescore(t.histories,
    (SELECT s.refresh_position FROM crm.tracking_status s WHERE s.purchases = t.purchases), batch_customers);
  -- first the rules, then crm.tracked: in the order of the other steps, so that two refreshes wait and do not deadlock
  IF batch.last IS NULL THEN
    PERFORM crm.finish_scoring(t.histories);
  END IF;
  FOR t IN SELECT * FROM crm.tracked o WHERE o.histories = t.histories LOOP
    t.customers_read := t.customers_read + batch.customers_read;
    t.customers_written := t.customers_written + batch.customers_written;
    PERFORM crm.write_tracked(t.purchases, t, '{customers_read,customers_written}'::text[]);
  END LOOP;
  PERFORM crm.write_refresh_position(t.histories, batch.last);
  RETURN batch.last IS NULL;
END $$;
CREATE OR REPLACE FUNCTION crm.rebuild(tracking regclass) RETURNS bigint
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t crm.tracked := crm.tracking_of(tracking);
  changed bigint;
BEGIN
  -- what hangs on the tables is their owner's and runs as the owner
  IF NOT crm.is_owner(t.histories) THEN
    RETURN crm.as_owner(t.histories, format('SELECT crm.rebuild(%s::regclass)', tracking::oid))::bigint;
  END IF;
  PERFORM crm.lock_sources(t.histories);
  changed := crm.fill_histories(t.histories, 'rebuild');
  PERFORM crm.make_scales(t.histories, t.scoring, NULL::date, t.histories);
  PERFORM crm.rescore_all(t.histories);
  RETURN changed;
END $$;
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
      LEFT JOIN LATERAL crm.own_triggers(c.oid::regclass) AS g ON true
    WHERE o.histories = t.histories
    GROUP BY c.oid, o.by_row
    HAVING count(g.oid) FILTER (WHERE g.tgenabled IN ('A', CASE WHEN o.by_row THEN 'A' ELSE 'O' END)) < CASE WHEN o.by_row THEN 2 ELSE 4 END;
  RETURN QUERY
    SELECT t.decisions::text,
      CASE WHEN count(g.oid) < 4 THEN 'lacks triggers, see crm.track_partitions' ELSE 'has triggers that are disabled' END
    FROM pg_class c LEFT JOIN LATERAL crm.own_triggers(c.oid::regclass) AS g ON true
    WHERE c.oid = t.decisions
    HAVING count(c.oid) > 0 AND count(g.oid) FILTER (WHERE g.tgenabled IN ('A', 'O')) < 4;
  RETURN QUERY
    SELECT o.source::text, format('was called %s when it was tracked: if another table took its place, track that one', o.source_name)
    FROM crm.tracked o
    -- a look at another's schema would be an error, so none but the tracking's own name is looked up
    WHERE CASE WHEN o.histories = t.histories AND o.source::text IS DISTINCT FROM o.source_name
            THEN to_regclass(o.source_name) IS NOT NULL ELSE false END;
END $$;
CREATE OR REPLACE FUNCTION crm.verify(tracking regclass, since date DEFAULT NULL)
  RETURNS TABLE (customer jsonb, problem text, stored text, recomputed text)
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t crm.tracked := crm.tracking_of(tracking);
  keys constant text[] := crm.history_keys(t.histories);
  recent text := 'true';
BEGIN
  -- the view's functions run as their owner; what they say is handed over as data
  IF NOT crm.is_owner(t.histories) THEN
    RETURN QUERY SELECT d.row -> 'customer', d.row ->> 'problem', d.row ->> 'stored', d.row ->> 'recomputed'
      FROM jsonb_array_elements(crm.as_owner(t.histories, format('SELECT coalesce(jsonb_agg(to_jsonb(v)), ''[]'') FROM crm.verify(%s::regclass, %L::date) AS v',
        tracking::oid, since))::jsonb) WITH ORDINALITY AS d(row, n) ORDER BY d.n;
    RETURN;
  END IF;
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
  IF NOT crm.is_owner(t.histories) THEN
    RETURN crm.as_owner(t.histories, format('SELECT crm.track_partitions(%s::regclass)', tracking::oid))::int;
  END IF;
  IF t.decisions IS NOT NULL THEN
    PERFORM crm.decision_triggers(t.decisions);
  END IF;
  RETURN (SELECT sum(crm.track_triggers(o.source, o.by_row))::int
          FROM crm.tracked o WHERE o.histories = t.histories AND o.source IS NOT NULL);
END $$;
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
  -- what hangs on the tables is their owner's and runs as the owner
  IF NOT crm.is_owner(t.histories) THEN
    RETURN crm.as_owner(t.histories, format('SELECT crm.snapshot(%s::regclass, %L::date)', tracking::oid, as_of))::bigint;
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
    EXECUTE format('ALTER TABLE %I.%I ADD PRIMARY KEY (snapshot_on, %s)', schema, name, crm.column_list(crm.history_keys(t.histories), ''::text));
    EXECUTE format('COMMENT ON TABLE %I.%I IS %L', schema, name, format('the customers of %s as they stood on some days', t.purchases));
    PERFORM crm.comment_columns(format('%I.%I', schema, name)::regclass);
  END IF;
  EXECUTE format('DELETE FROM %I.%I WHERE snapshot_on = $1', schema, name) USING as_of;
  EXECUTE format('INSERT INTO %I.%I SELECT $1, c.* FROM %s($1) AS c', schema, name, customers_on) USING as_of;
  GET DIAGNOSTICS customers = ROW_COUNT;
  RETURN customers;
END $$;
CREATE OR REPLACE FUNCTION crm.untrack(tracking regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t crm.tracked := crm.tracking_of(tracking);
  o crm.tracked;
  keeper constant regclass := crm.relation_left(t);
  views_made regclass[] := '{}';
  view_made regclass;
BEGIN
  IF NOT crm.is_owner(keeper) THEN
    PERFORM crm.as_owner(keeper, format('SELECT crm.untrack(%s::regclass)', tracking::oid));
    RETURN;
  END IF;
  FOR o IN SELECT * FROM crm.tracked WHERE histories = t.histories LOOP
    views_made := views_made || CASE WHEN o.view_made THEN ARRAY[o.purchases] ELSE '{}' END;
    PERFORM crm.write_tracked(o.purchases, NULL::crm.tracked, NULL::text[]);
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
CREATE OR REPLACE FUNCTION crm.detach(tracking regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t crm.tracked := crm.tracking_of(tracking);
  keeper constant regclass := crm.relation_left(t);
BEGIN
  IF NOT crm.is_owner(keeper) THEN
    PERFORM crm.as_owner(keeper, format('SELECT crm.detach(%s::regclass)', tracking::oid));
    RETURN;
  END IF;
  PERFORM crm.untrack(tracking);
  PERFORM crm.make_plain(t.histories);
  PERFORM crm.make_plain(t.scoring);
  IF EXISTS (SELECT FROM pg_class WHERE oid = t.models) THEN
    PERFORM crm.make_plain(t.models);
  END IF;
END $$;
CREATE OR REPLACE FUNCTION crm.make_models(tracking crm.tracked, scale_by text[]) RETURNS regclass
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  owner constant oid := (SELECT relowner FROM pg_class WHERE oid = tracking.scoring);
  name text;
  made regclass;
BEGIN
  SELECT format('%I.%I', n.nspname, crm.free_name(n.oid, regexp_replace(c.relname::text, '(.)_histories\d*$', '\1'), '_models')) INTO name
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = tracking.histories;
  EXECUTE format($sql$CREATE TABLE %s AS
    SELECT %s NULL::date AS fitted_on, NULL::date AS spend_fitted_on, NULL::date AS recorded_on, NULL::crm.purchase_model AS purchase_model,
      NULL::crm.spend_model AS spend_model, NULL::bigint AS customers, NULL::date AS replaced_on, NULL::text AS replaced_by,
      NULL::date AS forecast_from, NULL::date AS forecast_until, NULL::boolean AS out_of_sample, (NULL::crm.forecast_accuracy_result).*
    FROM %s WITH NO DATA$sql$, name, coalesce(crm.column_list(scale_by, ''::text) || ',', ''), tracking.scoring);
  made := name::regclass;
  EXECUTE format($sql$ALTER TABLE %s ALTER recorded_on SET NOT NULL,
    ADD CONSTRAINT replaced_by_refit_or_hand CHECK (replaced_by IN ('refit', 'hand') AND replaced_on IS NOT NULL OR num_nonnulls(replaced_by, replaced_on) = 0)$sql$, made);
  EXECUTE format('CREATE UNIQUE INDEX ON %s (%s) WHERE replaced_on IS NULL', made, coalesce(crm.column_list(scale_by, ''::text), '(true)'));
  EXECUTE format('COMMENT ON TABLE %s IS %L', made,
    format('the models that the customers of %s are and were scored by, and how right their forecasts were', tracking.purchases));
  PERFORM crm.comment_models(made);
  IF owner <> (SELECT oid FROM pg_roles WHERE rolname = current_user) THEN
    EXECUTE format('ALTER TABLE %s OWNER TO %s', made, owner::regrole);
  END IF;
  RETURN made;
END $$;
CREATE OR REPLACE FUNCTION crm.record_models(tracking crm.tracked, scale_by text[], rule text, recorded_on date, fitted_on date, spend_fitted_on date,
    purchase_model crm.purchase_model, spend_model crm.spend_model) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  EXECUTE format($sql$
    INSERT INTO %1$s (%2$s recorded_on, fitted_on, spend_fitted_on, purchase_model, spend_model, customers)
    SELECT %3$s $2, $3, $4, $5, $6, ($5::jsonb ->> 'customers')::bigint FROM (SELECT ($1::%4$s).*) AS o$sql$,
    tracking.models, coalesce(crm.column_list(scale_by, ''::text) || ',', ''), coalesce(crm.column_list(scale_by, 'o.') || ',', ''), tracking.scoring)
  USING rule, recorded_on, fitted_on, spend_fitted_on, purchase_model, spend_model;
END $$;
CREATE OR REPLACE FUNCTION crm.refit_spend_model(rule text, in_force crm.spend_model, data crm.spend_model_state) RETURNS crm.spend_model
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
    PERFORM crm.expected_spend(model, 0::float8, 0::float8);
  END IF;
  RETURN model;
EXCEPTION WHEN OTHERS THEN
  PERFORM crm.warn_not_refitted('spend model', rule, in_force IS NOT NULL, SQLERRM);
  RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION crm.model_to_fit(in_force crm.purchase_model) RETURNS crm.purchase_model
  LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce(in_force, crm.bg_nbd(1::float8, 1::float8, 1::float8, 1::float8, 1))
$$;
CREATE OR REPLACE FUNCTION crm.refit_query(tracking crm.tracked, scale_by text[]) RETURNS text
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
            crm.same_models(m.purchase_model, NULL::crm.spend_model, r.purchase_model, NULL::crm.spend_model) AS same_purchase_model,
            crm.same_models(NULL::crm.purchase_model, m.spend_model, NULL::crm.purchase_model, r.spend_model) AS same_spend_model) AS s
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
          crm.purchase_days(crm.within(h.history, daterange(g.forecast_from, g.day, '(]')))::float8) AS accuracy,
        crm.forecast_accuracy(crm.expected_purchases(g.model_by_hand, h.history, g.by_hand_from, g.day),
          crm.purchase_days(crm.within(h.history, daterange(g.by_hand_from, g.day, '(]')))::float8) AS accuracy_by_hand
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
CREATE OR REPLACE FUNCTION crm.refit_rules(tracking crm.tracked, as_of date) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET extra_float_digits = 3 SET datestyle = iso SET intervalstyle = postgres AS $$
DECLARE
  scale_by constant text[] := crm.scale_by(tracking.histories, tracking.scoring);
  t crm.tracked;
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
  FOR t IN SELECT * FROM crm.tracked o WHERE o.histories = tracking.histories AND o.models IS DISTINCT FROM tracking.models LOOP
    t.models := tracking.models;
    PERFORM crm.write_tracked(t.purchases, t, '{models}'::text[]);
  END LOOP;
END $$;
CREATE OR REPLACE FUNCTION crm.refit_models(tracking regclass, as_of date) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t crm.tracked := crm.tracking_of(tracking);
BEGIN
  -- what hangs on the tables is their owner's and runs as the owner
  IF NOT crm.is_owner(t.histories) THEN
    PERFORM crm.as_owner(t.histories, format('SELECT crm.refit_models(%s::regclass, %L::date)', tracking::oid, as_of));
    RETURN;
  END IF;
  -- one refit of a tracking at a time; holds off no statement on the orders, and is no lock that just anybody can take
  EXECUTE format('LOCK TABLE %s IN SHARE UPDATE EXCLUSIVE MODE', t.scoring);
  PERFORM crm.refit_rules(crm.tracking_of(tracking), as_of);
EXCEPTION WHEN OTHERS THEN
  RAISE WARNING USING MESSAGE = format('models of %s were not fitted: %s', coalesce(t.scoring::text, tracking::text), SQLERRM),
    DETAIL = 'The models in force stay.';
END $$;
CREATE OR REPLACE FUNCTION crm.decision_triggers(decisions regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  made record;
BEGIN
  FOR made IN
    SELECT v.name, v.event, v.rows, v.function FROM (VALUES
      ('crm_insert', 'AFTER INSERT', 'REFERENCING NEW TABLE AS new_rows', 'crm.decide_statement', 4),
      ('crm_update', 'AFTER UPDATE', 'REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows', 'crm.decide_statement', 16),
      ('crm_delete', 'AFTER DELETE', 'REFERENCING OLD TABLE AS old_rows', 'crm.decide_statement', 8),
      ('crm_truncate', 'BEFORE TRUNCATE', '', 'crm.decide_truncate', 32)) AS v(name, event, rows, function, tgtype)
    WHERE NOT EXISTS (SELECT FROM crm.own_triggers(decisions) AS g WHERE g.tgtype & 60 = v.tgtype)
  LOOP
    EXECUTE format('CREATE TRIGGER %I %s ON %s %s FOR EACH STATEMENT EXECUTE FUNCTION %s()',
      crm.trigger_name(decisions, made.name), made.event, decisions, made.rows, made.function);
  END LOOP;
END $$;
CREATE OR REPLACE FUNCTION crm.decisions_query(decisions regclass, keys text[]) RETURNS text
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT format($query$SELECT %1$s,
      array_agg(ROW(CASE what WHEN 'floor' THEN tier END, CASE what WHEN 'ceiling' THEN tier END, valid)::crm.tier_override)
        FILTER (WHERE tier IS NOT NULL) AS overrides,
      array_agg(valid) FILTER (WHERE tier IS NULL) AS memberships
    FROM %2$s GROUP BY %1$s$query$, crm.column_list(keys, ''::text), decisions)
$$;
CREATE OR REPLACE FUNCTION crm.make_decisions(histories regclass, decisions_name text, by_invitation boolean) RETURNS regclass
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  keys constant text[] := crm.history_keys(histories);
BEGIN
  EXECUTE format('CREATE TABLE %s AS SELECT %s, NULL::text AS what, NULL::text AS tier, NULL::daterange AS valid, NULL::text AS decided_by,
                  NULL::timestamptz AS decided_at, NULL::text AS why FROM %s WITH NO DATA', decisions_name, crm.column_list(keys, ''::text), histories);
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
  EXECUTE format('CREATE INDEX ON %s (%s)', decisions_name, crm.column_list(keys, ''::text));
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
CREATE OR REPLACE FUNCTION crm.track_tiers(tracking regclass, by_invitation boolean DEFAULT false) RETURNS regclass
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t crm.tracked := crm.tracking_of(tracking);
  o crm.tracked;
  schema oid;
  base text;
  names text[];
BEGIN
  IF NOT crm.is_owner(t.histories) THEN
    RETURN crm.as_owner(t.histories, format('SELECT crm.track_tiers(%s::regclass, %L::boolean)', tracking::oid, by_invitation))::regclass;
  END IF;
  IF by_invitation IS NULL THEN
    RAISE null_value_not_allowed USING MESSAGE = 'by_invitation cannot be NULL';
  END IF;
  PERFORM crm.check_tiers_trackable(t);
  -- Nobody who does not know of decisions may still be scoring.
  PERFORM crm.lock_sources(t.histories);
  EXECUTE format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', t.scoring);

  SELECT relnamespace, regexp_replace(relname, '(.)_histories\d*$', '\1') INTO schema, base
  FROM pg_class WHERE oid = t.histories;
  names := ARRAY(SELECT format('%s.%I', schema::regnamespace, crm.free_name(schema, base, s))
                 FROM unnest('{_tier_decisions,_standing,_tier_expiring,_within_reach}'::text[]) WITH ORDINALITY AS u(s, n) ORDER BY n);
  t.by_invitation := track_tiers.by_invitation;
  t.decisions := crm.make_decisions(t.histories, names[1], by_invitation);
  t.standing := crm.make_standing(t, names[2]);
  PERFORM crm.make_tier_functions(t, names[3], names[4]);
  FOR o IN SELECT * FROM crm.tracked s WHERE s.histories = t.histories LOOP
    o.decisions := t.decisions;
    o.standing := t.standing;
    o.by_invitation := t.by_invitation;
    PERFORM crm.write_tracked(o.purchases, o, '{decisions,standing,by_invitation}'::text[]);
  END LOOP;
  IF crm.customers_on(t.customers) IS NOT NULL THEN
    PERFORM crm.make_customers_on(t.purchases, t.histories, t.scoring, t.customers,
      (SELECT substring(attname FROM '^clv_(\d+)d$')::int FROM pg_attribute
       WHERE attrelid = t.customers AND attname ~ '^clv_\d+d$' ORDER BY attnum DESC LIMIT 1),
      crm.customers_on(t.customers));
  END IF;
  IF by_invitation THEN
    PERFORM crm.rescore(t.histories, NULL::text[], 2147483647, 'decision'::text);
  END IF;
  RETURN t.standing;
END $$;
