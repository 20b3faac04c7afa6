-- shards: trackings of tables that Citus has distributed, whose histories stand on the shards beside the rows that they are made of

CREATE FUNCTION crm_internal.is_of_citus(relation regclass) RETURNS boolean
  LANGUAGE C STABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_is_of_citus';
COMMENT ON FUNCTION crm_internal.is_of_citus(regclass) IS 'whether Citus keeps the rows of a table: a distributed, reference or local table of Citus';
CREATE FUNCTION crm_internal.distribution(purchases regclass, OUT source regclass, OUT distributed_by name, OUT key name)
  LANGUAGE C STABLE STRICT PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME', 'crm_distribution';
COMMENT ON FUNCTION crm_internal.distribution(regclass) IS
  'a table of Citus that a view reads, a distributed one if there is any, the column by which it is distributed, and the column of the view that shows it; NULL where there is none';

CREATE FUNCTION crm_internal.is_on_shards(tracking regclass) RETURNS boolean
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN crm_internal.is_of_citus((crm_internal.tracking_of(tracking)).histories);
END $$;
COMMENT ON FUNCTION crm_internal.is_on_shards(regclass) IS 'whether the histories of a tracking stand on the shards of Citus';

CREATE FUNCTION crm_internal.check_distribution(purchases regclass, keys text[], histories regclass) RETURNS void
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  d record;
BEGIN
  SELECT * INTO d FROM crm_internal.distribution(purchases);
  IF d.distributed_by IS NOT NULL AND (d.key IS NULL OR d.key::text <> ALL (keys)) THEN
    PERFORM crm_internal.raise_error('wrong_object_type', format('%s is distributed by %I, which is no key column of %s', d.source, d.distributed_by, purchases),
      detail => 'Histories stand on the shards, beside the rows that they are made of.',
      hint => format('Distribute it by the customer: SELECT alter_distributed_table(%L, distribution_column => %L)', d.source, keys[1]));
  ELSIF histories IS NOT NULL AND (d.distributed_by IS NOT NULL) <> crm_internal.is_of_citus(histories) THEN
    PERFORM crm_internal.raise_error('wrong_object_type', format('%s and the rows of %s are not in one place', histories, purchases),
      detail => 'Histories stand on the shards of Citus where all that feeds them is distributed.',
      hint => 'If they were left by an earlier tracking, drop or rename its tables.');
  END IF;
END $$;
COMMENT ON FUNCTION crm_internal.check_distribution(regclass, text[], regclass) IS
  'an error if a purchases view reads a distributed table whose rows of a customer are on several shards, or other histories than where those are';

-- Histories that somebody has distributed: nothing that keeps them would know.
CREATE FUNCTION crm_internal.check_in_place(tracking crm.tracked) RETURNS void
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF crm_internal.is_of_citus(tracking.histories) <> crm_internal.is_of_citus(tracking.scoring) THEN
    PERFORM crm_internal.raise_error('object_not_in_prerequisite_state', format('%s and %s are not in one place', tracking.histories, tracking.scoring),
      detail => 'One of them was distributed by Citus; crm.track does that where the orders are.',
      hint => format('SELECT crm.untrack(%L), drop both, and call crm.track again: they are made of the orders.', tracking.histories));
  END IF;
END $$;
COMMENT ON FUNCTION crm_internal.check_in_place(crm.tracked) IS 'an error if either the histories or the rules of a tracking were given to Citus';

-- Citus plans no statement that writes here what it reads there.
CREATE FUNCTION crm_internal.reads_citus(histories regclass) RETURNS boolean
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN EXISTS (SELECT FROM crm.tracked t, LATERAL crm_internal.distribution(t.purchases) AS d
                 WHERE t.histories = reads_citus.histories AND d.source IS NOT NULL AND NOT crm_internal.is_of_citus(t.histories));
END $$;
COMMENT ON FUNCTION crm_internal.reads_citus(regclass) IS 'whether histories that stand in one place are made of rows of tables of Citus';

-- A step that writes on shards and reads what it wrote does so over one connection to each node.
CREATE FUNCTION crm_internal.one_by_one(relation regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF crm_internal.is_of_citus(relation) THEN
    PERFORM set_config('citus.multi_shard_modify_mode', 'sequential', true);
  END IF;
END $$;
COMMENT ON FUNCTION crm_internal.one_by_one(regclass) IS 'lets the rest of the transaction use one connection to each node, if a table is of Citus';

CREATE FUNCTION crm_internal.distribute(relation regclass, purchases regclass, by_customer boolean) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  d record;
BEGIN
  SELECT * INTO d FROM crm_internal.distribution(purchases);
  IF d.distributed_by IS NULL OR crm_internal.is_of_citus(relation)
     -- what an earlier release keeps on the coordinator stays together
     OR EXISTS (SELECT FROM crm.tracked t WHERE t.purchases = distribute.purchases AND NOT crm_internal.is_of_citus(t.histories)) THEN
    RETURN;
  END IF;
  PERFORM crm_internal.one_by_one(d.source);
  IF by_customer THEN
    EXECUTE 'SELECT create_distributed_table($1, $2, colocate_with => $3)' USING relation, d.key::text, d.source::text;
  ELSE
    EXECUTE 'SELECT create_reference_table($1)' USING relation;
  END IF;
  -- a shard that moves, or a copy for a node that comes, is followed row by row
  IF NOT EXISTS (SELECT FROM pg_index WHERE indrelid = relation AND indisprimary) THEN
    EXECUTE format('ALTER TABLE %s REPLICA IDENTITY FULL', relation);
  END IF;
END $$;
COMMENT ON FUNCTION crm_internal.distribute(regclass, regclass, boolean) IS
  'gives a table of a tracking to Citus if its purchases view reads a distributed table: beside the rows of the customers, or as a reference table';

-- filling, in two statements that run on the shards

CREATE FUNCTION crm_internal.fill_on_shards(histories regclass) RETURNS bigint
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  step record;
  gone bigint;
  come bigint;
BEGIN
  SELECT * INTO step FROM crm_internal.fill_statements(histories, format('(%s)', crm_internal.all_histories_query(histories)));
  EXECUTE step.gone;
  GET DIAGNOSTICS gone = ROW_COUNT;
  EXECUTE step.come;
  GET DIAGNOSTICS come = ROW_COUNT;
  RETURN gone + come;
END $$;
COMMENT ON FUNCTION crm_internal.fill_on_shards(regclass) IS 'makes histories on shards what the purchases views say; returns how many changed';

-- scoring, the next customers in the order of their keys

-- The condition that a customer h comes behind one key and up to another; keys whose type brings its own operators are not cut.
CREATE FUNCTION crm_internal.between_keys(histories regclass, after text[], up_to text[]) RETURNS text
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT concat('true', CASE WHEN after IS NOT NULL THEN format(' AND ROW(%s) > ROW(%s)', columns, lower) END,
    CASE WHEN up_to IS NOT NULL THEN format(' AND ROW(%s) <= ROW(%s)', columns, upper) END)
  FROM (SELECT string_agg(format('h.%I', a.attname), ', ' ORDER BY k.n) AS columns,
      string_agg(format('%L::%s', after[k.n], format_type(a.atttypid, a.atttypmod)), ', ' ORDER BY k.n) AS lower,
      string_agg(format('%L::%s', up_to[k.n], format_type(a.atttypid, a.atttypmod)), ', ' ORDER BY k.n) AS upper
    FROM unnest(crm_internal.history_keys(histories)) WITH ORDINALITY AS k(name, n) JOIN pg_attribute a ON a.attrelid = histories AND a.attname = k.name) AS b
$$;
COMMENT ON FUNCTION crm_internal.between_keys(regclass, text[], text[]) IS 'the condition that a row h of a table of histories stands behind one key and up to another, as SQL; NULL is no bound';

CREATE FUNCTION crm_internal.last_of_batch(histories regclass, after text[], customers int) RETURNS text[]
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  keys constant text[] := crm_internal.history_keys(histories);
  last record;
  found_one bigint;
BEGIN
  IF EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = histories AND a.attname = ANY (keys) AND crm_internal.equality(a.atttypid) NOT LIKE 'OPERATOR(pg_catalog.%') THEN
    RETURN NULL;
  END IF;
  EXECUTE format('SELECT %1$s FROM %2$s AS h WHERE %3$s ORDER BY %1$s LIMIT 1 OFFSET %4$s', crm_internal.column_list(keys, 'h.'::text), histories,
    crm_internal.between_keys(histories, after, NULL::text[]), customers - 1) INTO last;
  GET DIAGNOSTICS found_one = ROW_COUNT;
  IF found_one = 0 THEN
    RETURN NULL;
  END IF;
  RETURN (SELECT array_agg(to_jsonb(last) ->> k ORDER BY n) FROM unnest(keys) WITH ORDINALITY AS u(k, n));
END $$;
COMMENT ON FUNCTION crm_internal.last_of_batch(regclass, text[], int) IS 'the key of the last of the next customers behind a key; NULL if there are not so many';

CREATE FUNCTION crm_internal.rescore_on_shards(histories regclass, after text[], customers int, why text,
    OUT last text[], OUT customers_read bigint, OUT customers_written bigint)
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t constant crm.tracked := crm_internal.tracking_of(histories);
  keys constant text[] := crm_internal.history_keys(histories);
  these text;
  scored text;
  lock_rows boolean;
BEGIN
  PERFORM crm_internal.one_by_one(histories);
  lock_rows := EXISTS (SELECT FROM crm.tracked o WHERE o.histories = rescore_on_shards.histories AND o.on_shards IS NOT NULL);
  last := crm_internal.last_of_batch(histories, after, customers);
  these := crm_internal.between_keys(histories, after, last);
  EXECUTE format('SELECT count(*) FROM %s AS h WHERE %s', histories, these) INTO customers_read;
  scored := format($sql$SELECT %1$s, h.segment AS old_segment, h.tier AS old_tier, %2$s, r.refreshing_as_of
      FROM %3$s AS h JOIN %4$s AS r ON %5$s %6$s CROSS JOIN LATERAL %7$s AS c WHERE %8$s$sql$,
    crm_internal.column_list(keys, 'h.'::text), crm_internal.column_list(crm_internal.score_columns(), 'c.'::text), histories, t.scoring,
    crm_internal.same_keys(histories, crm_internal.scale_by(histories, t.scoring), 'r', 'h'), crm_internal.decisions_join(histories),
    crm_internal.score_call(histories, 'h.history', 'r.refreshing_as_of'), these);
  -- who writes an order meanwhile has scored it by itself: what is scored here must not change before it is written
  IF lock_rows THEN
    EXECUTE format($sql$UPDATE %1$s AS h SET updated_at = h.updated_at FROM (%4$s) AS c WHERE %5$s AND (record_ne(ROW(%2$s), ROW(%3$s)) OR h.scored_on IS NULL OR h.scored_on > c.refreshing_as_of)$sql$,
      histories, crm_internal.column_list(crm_internal.score_columns(), 'h.'::text), crm_internal.column_list(crm_internal.score_columns(), 'c.'::text),
      scored, crm_internal.same_keys(histories, keys, 'c', 'h'));
  END IF;
  IF crm_internal.is_there(t.changes) THEN
    EXECUTE format($sql$INSERT INTO %1$s (%2$s, changed_at, what, old_value, new_value, why)
        SELECT %3$s, $1, w.what, w.old_value, w.new_value, $2
        FROM (%4$s) AS c CROSS JOIN LATERAL unnest('{segment,tier}'::text[], ARRAY[c.old_segment, c.old_tier], ARRAY[c.segment, c.tier]) AS w(what, old_value, new_value)
        WHERE w.old_value IS DISTINCT FROM w.new_value$sql$,
      t.changes, crm_internal.column_list(keys, ''::text), crm_internal.column_list(keys, 'c.'::text), scored)
    USING now(), why;
  END IF;
  EXECUTE format($sql$UPDATE %1$s AS h SET %2$s, scored_on = c.refreshing_as_of, updated_at = CASE WHEN record_ne(ROW(%3$s), ROW(%4$s)) THEN $1 ELSE h.updated_at END
      FROM (%5$s) AS c WHERE %6$s AND (record_ne(ROW(%3$s), ROW(%4$s)) OR h.scored_on IS NULL OR h.scored_on > c.refreshing_as_of)$sql$,
    histories, (SELECT string_agg(format('%1$I = c.%1$I', s), ', ' ORDER BY n) FROM unnest(crm_internal.score_columns()) WITH ORDINALITY AS u(s, n)),
    crm_internal.column_list(crm_internal.score_columns(), 'h.'::text), crm_internal.column_list(crm_internal.score_columns(), 'c.'::text),
    scored, crm_internal.same_keys(histories, keys, 'c', 'h'))
  USING now();
  GET DIAGNOSTICS customers_written = ROW_COUNT;
END $$;
COMMENT ON FUNCTION crm_internal.rescore_on_shards(regclass, text[], int, text) IS
  'what crm_internal.rescore does, for histories on shards, which score their customers themselves';

-- what the rules keep of all customers; an aggregate that is not split takes its values alone to the coordinator

CREATE FUNCTION crm_internal.measure_on_shards(histories regclass, scoring regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  scale_by constant text[] := nullif(crm_internal.scale_by(histories, scoring), '{}');
  keys constant text := coalesce(crm_internal.column_list(scale_by, 'r.'::text) || ',', '');
BEGIN
  EXECUTE format($sql$UPDATE %1$s AS r SET rhythm = crm_internal.rhythm_or_null(n.rhythm)%7$s
      FROM (SELECT %2$s crm_internal.rhythm_data(h.history, r.refreshing_as_of) AS rhythm%8$s FROM %3$s AS h JOIN %1$s AS r ON %4$s
            WHERE crm.first_purchased_on(h.history) <= r.refreshing_as_of %5$s) AS n WHERE %6$s$sql$,
    scoring, keys, histories, crm_internal.same_keys(histories, scale_by, 'r', 'h'), coalesce('GROUP BY ' || crm_internal.column_list(scale_by, 'r.'::text), ''),
    crm_internal.same_keys(histories, scale_by, 'r', 'n'), CASE WHEN crm_internal.keeps_mix(histories) THEN ', mix_base = n.mix_base' ELSE '' END,
    CASE WHEN crm_internal.keeps_mix(histories) THEN ', crm.fit_mix_base(h.mix, r.refreshing_as_of) AS mix_base' ELSE '' END);
  EXECUTE format($sql$WITH n AS MATERIALIZED (
        SELECT %2$s r.measure, percentile_disc('{0.9,0.8,0.7,0.6,0.5,0.4,0.3,0.2,0.1}'::float8[]) WITHIN GROUP (ORDER BY r.value DESC) AS cuts
        FROM (SELECT %2$s CASE WHEN r.purchase_model IS NULL OR r.spend_model IS NULL THEN 'spend' ELSE 'clv' END AS measure,
            CASE WHEN r.purchase_model IS NULL OR r.spend_model IS NULL THEN crm.spend(crm.until(h.history, r.refreshing_as_of))::float8 ELSE h.clv END AS value
          FROM %3$s AS h JOIN %1$s AS r ON %4$s WHERE crm.first_purchased_on(h.history) <= r.refreshing_as_of) AS r GROUP BY %2$s r.measure)
      UPDATE %1$s AS r SET value_measure = n.measure, value_cuts = n.cuts FROM n WHERE %5$s$sql$,
    scoring, keys, histories, crm_internal.same_keys(histories, scale_by, 'r', 'h'), crm_internal.same_keys(histories, scale_by, 'r', 'n'));
END $$;
COMMENT ON FUNCTION crm_internal.measure_on_shards(regclass, regclass) IS 'what crm_internal.measure_customers does, for histories on shards';

-- The history of rules: no trigger sees a change of a reference table, so a refresh does.
CREATE FUNCTION crm_internal.record_rules(histories regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t constant crm.tracked := crm_internal.tracking_of(histories);
  scale_by constant text[] := crm_internal.scale_by(histories, t.scoring);
  rule record;
BEGIN
  IF NOT (crm_internal.is_of_citus(t.scoring) AND crm_internal.is_there(t.rules)) THEN
    RETURN;
  END IF;
  -- a function that writes is called here, and not where the rows of the rules are
  FOR rule IN EXECUTE format($sql$
      WITH present AS MATERIALIZED (SELECT jsonb_build_array(%2$s) AS keys, to_jsonb(r) AS rule FROM %1$s AS r),
      past AS MATERIALIZED (SELECT DISTINCT ON (keys) keys, rule FROM (SELECT jsonb_build_array(%2$s) AS keys, to_jsonb(r) AS rule, r.change_number FROM %3$s AS r) AS r
                            ORDER BY keys, change_number DESC)
      SELECT n.rule AS now_is, o.rule AS was
      FROM present AS n FULL JOIN (SELECT p.* FROM past AS p WHERE p.rule ->> 'changed_columns' IS NOT NULL) AS o ON n.keys = o.keys$sql$,
    t.scoring, crm_internal.column_list(scale_by, 'r.'::text), t.rules)
  LOOP
    EXECUTE format('SELECT crm_internal.record_rule(%1$s::regclass, jsonb_populate_record(NULL::%2$s, $1), jsonb_populate_record(NULL::%2$s, $2))', t.scoring::oid, t.scoring)
    USING rule.was, rule.now_is;
  END LOOP;
END $$;
COMMENT ON FUNCTION crm_internal.record_rules(regclass) IS 'writes down what has changed in the rules of a tracking on shards since they were written down last';

-- segments by day: what crm_internal.keep_segments does in one statement, in the order in which each finds what it needs

CREATE FUNCTION crm_internal.count_segments_query(tracking crm.tracked, scale_by text[], keys text[]) RETURNS text
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT format($query$
    WITH rule AS MATERIALIZED (%4$s),
    moved AS MATERIALIZED (
      SELECT %1$s r.refreshed_on AS scored_on, h.segment, b.segment AS crm_before, s.key_found IS NULL OR b.crm_come AS crm_come, false AS crm_gone, count(*) AS customers,
        sum(crm.spend(crm.until(h.history, r.refreshed_on))) AS spend, sum(h.clv) AS clv, sum(a.crm_buy_again) AS crm_buy_again, count(a.crm_buy_again) AS crm_scored
      FROM %5$s AS h JOIN %2$s AS r ON %6$s LEFT JOIN (SELECT *, true AS key_found FROM %7$s) AS s ON %8$s
        CROSS JOIN LATERAL (SELECT coalesce(s.segment_since = r.refreshed_on AND s.previous_segment IS NULL, false) AS crm_come,
          CASE WHEN s.segment_since = r.refreshed_on THEN s.previous_segment ELSE s.segment END AS segment) AS b
        CROSS JOIN LATERAL (SELECT %9$s AS crm_buy_again OFFSET 0) AS a
      WHERE crm.until(h.history, r.refreshed_on) OPERATOR(crm.<>) '{}'::crm.purchase_history
      GROUP BY %1$s r.refreshed_on, h.segment, b.segment, s.key_found IS NULL OR b.crm_come
      UNION ALL
      SELECT %1$s r.refreshed_on, NULL, b.segment, false, true, count(*), NULL, NULL, NULL, 0
      FROM %7$s AS s JOIN %2$s AS r ON %10$s
        CROSS JOIN LATERAL (SELECT CASE WHEN s.segment_since = r.refreshed_on THEN s.previous_segment ELSE s.segment END AS segment) AS b
      WHERE r.refreshed_on IS NOT NULL AND NOT coalesce(s.segment_since = r.refreshed_on AND s.previous_segment IS NULL, false)
        AND NOT EXISTS (SELECT FROM %5$s AS h WHERE %8$s AND crm.until(h.history, r.refreshed_on) OPERATOR(crm.<>) '{}'::crm.purchase_history)
      GROUP BY %1$s r.refreshed_on, b.segment)
    INSERT INTO %3$s %11$s$query$,
    coalesce(crm_internal.column_list(scale_by, 'r.'::text) || ',', ''), tracking.scoring, tracking.segment_days, crm_internal.segment_rules_query(tracking, scale_by),
    tracking.histories, crm_internal.same_keys(tracking.histories, scale_by, 'r', 'h'), tracking.segment_since, crm_internal.same_keys(tracking.histories, keys, 's', 'h'),
    crm_internal.buy_again(crm_internal.horizon_days(tracking.customers)), crm_internal.same_keys(tracking.scoring, scale_by, 'r', 's'),
    crm_internal.segment_rows_query(tracking.scoring, scale_by))
$$;
COMMENT ON FUNCTION crm_internal.count_segments_query(crm.tracked, text[], text[]) IS
  'the statement that keeps how many customers are in which segment on the day of a refresh, and how many came and went';

CREATE FUNCTION crm_internal.keep_segments_on_shards(histories regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
  t constant crm.tracked := crm_internal.tracking_of(histories);
  keys constant text[] := crm_internal.history_keys(histories);
  scale_by constant text[] := nullif(crm_internal.scale_by(histories, t.scoring), '{}');
  rule text;
  h_keys text;
BEGIN
  PERFORM crm_internal.one_by_one(histories);
  EXECUTE format('DELETE FROM %1$s AS d USING %2$s AS r WHERE d.scored_on = r.refreshed_on AND %3$s',
    t.segment_days, t.scoring, crm_internal.same_keys(t.scoring, scale_by, 'd', 'r'));
  EXECUTE crm_internal.count_segments_query(t, scale_by, keys);
  -- the rows that this transaction has written are not of an earlier refresh
  rule := format($sql$(SELECT %1$s r.refreshed_on AS scored_on,
        NOT EXISTS (SELECT 1 FROM %2$s AS d WHERE d.rules = 'refresh' AND d.kept_at < %3$L::timestamptz AND %4$s) AS crm_first
      FROM %5$s AS r WHERE r.refreshed_on IS NOT NULL)$sql$,
    coalesce(crm_internal.column_list(scale_by, 'r.'::text) || ',', ''), t.segment_days, now(), crm_internal.same_keys(t.scoring, scale_by, 'd', 'r'), t.scoring);
  h_keys := crm_internal.same_keys(histories, keys, 's', 'h');
  EXECUTE format($sql$DELETE FROM %1$s AS s USING %2$s AS r WHERE r.refreshed_on IS NOT NULL AND %3$s
      AND NOT EXISTS (SELECT FROM %4$s AS h WHERE %5$s AND crm.until(h.history, r.refreshed_on) OPERATOR(crm.<>) '{}'::crm.purchase_history)$sql$,
    t.segment_since, t.scoring, crm_internal.same_keys(t.scoring, scale_by, 'r', 's'), histories, h_keys);
  EXECUTE format($sql$UPDATE %1$s AS s SET segment = h.segment,
        segment_since = CASE WHEN h.back THEN s.previous_since ELSE h.scored_on END,
        previous_segment = CASE WHEN h.back THEN NULL WHEN h.again THEN s.previous_segment ELSE s.segment END,
        previous_since = CASE WHEN h.back THEN NULL WHEN h.again THEN s.previous_since ELSE s.segment_since END
      FROM (SELECT %2$s, h.segment, r.scored_on, coalesce(o.segment_since = r.scored_on, false) AS again,
              coalesce(o.segment_since = r.scored_on AND o.previous_segment = h.segment, false) AS back
            FROM %3$s AS h JOIN %4$s AS r ON %5$s JOIN %1$s AS o ON %6$s
            WHERE crm.until(h.history, r.scored_on) OPERATOR(crm.<>) '{}'::crm.purchase_history) AS h
      WHERE %7$s AND s.segment IS DISTINCT FROM h.segment$sql$,
    t.segment_since, crm_internal.column_list(keys, 'h.'::text), histories, rule, crm_internal.same_keys(histories, scale_by, 'r', 'h'),
    crm_internal.same_keys(histories, keys, 'o', 'h'), h_keys);
  EXECUTE format($sql$INSERT INTO %1$s (%2$s, segment, segment_since)
      SELECT %3$s, h.segment, CASE WHEN NOT r.crm_first THEN r.scored_on END FROM %4$s AS h JOIN %5$s AS r ON %6$s
      WHERE crm.until(h.history, r.scored_on) OPERATOR(crm.<>) '{}'::crm.purchase_history ON CONFLICT (%2$s) DO NOTHING$sql$,
    t.segment_since, crm_internal.column_list(keys, ''::text), crm_internal.column_list(keys, 'h.'::text), histories, rule,
    crm_internal.same_keys(histories, scale_by, 'r', 'h'));
END $$;
COMMENT ON FUNCTION crm_internal.keep_segments_on_shards(regclass) IS 'what crm_internal.keep_segments does, for histories on shards';

-- Citus makes a table of its own of one that a foreign key ties to a reference table, or that is named in one of its functions: what
-- had the name is a shard then, with the triggers, and the views are new ones. What can be done is to go on by refresh.
CREATE FUNCTION crm_internal.go_on_by_refresh(histories regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t crm.tracked;
  o crm.tracked;
  purchases regclass;
  released regclass;
BEGIN
  IF NOT crm_internal.is_owner(histories) THEN
    PERFORM crm_internal.as_owner(histories, format('SELECT crm_internal.go_on_by_refresh(%s::regclass)', histories::oid));
    RETURN;
  END IF;
  FOR t IN SELECT * FROM crm.tracked r WHERE r.histories = go_on_by_refresh.histories AND NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = r.purchases) LOOP
    purchases := crm_internal.remade_view(t);
    CONTINUE WHEN purchases IS NULL;
    o := t;
    o.purchases := purchases;
    o.source := NULL;
    o.joined := NULL;
    o.source_name := NULL;
    o.not_live := coalesce((SELECT l.reason || coalesce('. ' || l.hint, '') FROM crm_internal.live_tables(purchases, false) AS l), 'Citus has moved the tables that it reads');
    PERFORM crm_internal.write_tracked(t.purchases, NULL::crm.tracked, NULL::text[]);
    PERFORM crm_internal.write_tracked(purchases, o, NULL::text[]);
    -- the shard has copies of the triggers but for that on TRUNCATE
    FOR released IN SELECT DISTINCT g.tgrelid::regclass FROM pg_trigger g
                    WHERE g.tgfoid = 'crm.track_statement()'::regprocedure AND g.tgrelid IN (to_regclass(t.source_name), t.source)
                      AND NOT EXISTS (SELECT FROM crm.tracked r WHERE t.source = ANY (r.source || r.joined)) LOOP
      PERFORM crm_internal.drop_triggers(released);
    END LOOP;
    RAISE WARNING USING MESSAGE = format('%s is kept by crm.refresh alone from now on: %s', purchases, o.not_live), HINT = 'crm.verify shows what differs until the next refresh.';
  END LOOP;
END $$;
COMMENT ON FUNCTION crm_internal.go_on_by_refresh(regclass) IS 'lets crm.refresh keep the histories of purchases views that Citus has made anew';

-- What a view was called stands on the histories.
CREATE FUNCTION crm_internal.remade_view(tracking crm.tracked) RETURNS regclass
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT c.oid::regclass FROM pg_class c JOIN pg_class h ON h.oid = tracking.histories
  WHERE c.oid = to_regclass(substring(obj_description(tracking.histories, 'pg_class') FROM '^history and score of each customer of (.*)$'))
    AND c.relkind = 'v' AND c.relowner = h.relowner
    AND NOT EXISTS (SELECT FROM unnest(crm_internal.history_keys(tracking.histories) || '{purchased_on,amount}'::text[]) AS k
                    WHERE NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = k))
$$;
COMMENT ON FUNCTION crm_internal.remade_view(crm.tracked) IS 'the view that has the name and the columns of the purchases view of a tracking, which is gone; NULL if there is none';

-- Views of a tracking whose tables Citus has made anew, and with them all views that read these: nothing but their names tells of them.
CREATE FUNCTION crm_internal.views_left(tracking crm.tracked) RETURNS text
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT string_agg(format('DROP VIEW %s;', v.oid::regclass), ' ' ORDER BY v.oid DESC)
  FROM pg_class p CROSS JOIN LATERAL (SELECT regexp_replace(p.relname, '(.)_purchases\d*$', '\1') AS base) AS b
    JOIN pg_class v ON v.relnamespace = p.relnamespace AND v.relowner = p.relowner AND v.relkind = 'v'
      AND left(v.relname, length(b.base)) = b.base AND substr(v.relname, length(b.base) + 1) ~ '^_(customers|calendar|cohorts|segments|standing)\d*$'
  WHERE p.oid = tracking.purchases AND NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = tracking.histories)
    AND NOT EXISTS (SELECT FROM crm.tracked o WHERE v.oid = ANY (crm_internal.relations_of(o)))
$$;
COMMENT ON FUNCTION crm_internal.views_left(crm.tracked) IS 'the statements that drop the views of a tracking which Citus has made anew with its tables, NULL if there are none';

CREATE FUNCTION crm_internal.follow_citus() RETURNS event_trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  moved regclass;
BEGIN
  -- who may not use the schemas has no tracking, and is not told of those of others
  IF to_regclass('pg_catalog.pg_dist_partition') IS NULL OR NOT has_schema_privilege('crm', 'USAGE') OR NOT has_schema_privilege('crm_internal', 'USAGE') THEN
    RETURN;
  END IF;
  IF tg_tag = 'CREATE VIEW' THEN
    FOR moved IN SELECT c.objid FROM pg_event_trigger_ddl_commands() AS c WHERE c.classid = 'pg_class'::regclass LOOP
      PERFORM crm_internal.know_tracking(moved);
    END LOOP;
  END IF;
  FOR moved IN SELECT DISTINCT t.histories::oid FROM crm.tracked t WHERE NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = t.purchases)
                 AND EXISTS (SELECT FROM pg_class c WHERE c.oid = t.histories) AND crm_internal.remade_view(t) IS NOT NULL LOOP
    PERFORM crm_internal.go_on_by_refresh(moved);
  END LOOP;
EXCEPTION WHEN OTHERS THEN
  RAISE WARNING 'a tracking could not follow what Citus did: %', SQLERRM;
END $$;
COMMENT ON FUNCTION crm_internal.follow_citus() IS 'finds the trackings whose purchases views Citus has made anew';
CREATE EVENT TRIGGER crm_citus ON ddl_command_end WHEN TAG IN ('ALTER TABLE', 'CREATE VIEW') EXECUTE FUNCTION crm_internal.follow_citus();
COMMENT ON EVENT TRIGGER crm_citus IS 'follows tables that Citus makes its own';
