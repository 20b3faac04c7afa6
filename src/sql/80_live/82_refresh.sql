-- refresh, rebuild, verify, snapshot

CREATE FUNCTION crm_internal.tracking_of(relation regclass) RETURNS crm.tracked
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  found_histories regclass[] := ARRAY(
    SELECT DISTINCT t.histories::oid FROM crm.tracked t
    WHERE relation IN (t.purchases, t.histories, t.customers, t.source, t.decisions, t.standing) OR relation = ANY (t.joined) ORDER BY 1);
  tracking crm.tracked;
  stray record;
BEGIN
  IF NOT crm_internal.is_coordinator() THEN
    PERFORM crm_internal.raise_error('feature_not_supported', format('the tracking of %s is known to the coordinator alone', relation),
      detail => 'Citus gives a statement that reads one shard to the node of that shard, with every function that it calls.',
      hint => format('Call the function in a statement of its own, or for its row of crm.tracked: FROM crm.tracked AS t, crm.verify(t.purchases) WHERE t.purchases = %L::regclass', relation));
  ELSIF cardinality(found_histories) = 0 THEN
    PERFORM crm_internal.raise_error('undefined_object', format('%s is not tracked', relation),
      hint => format('SELECT crm.track(%L) tracks it; SELECT * FROM crm.tracked lists what is.', relation));
  ELSIF cardinality(found_histories) > 1 THEN
    PERFORM crm_internal.raise_error('ambiguous_parameter', format('%s feeds more than one tracking', relation),
      hint => 'Name the purchases view or the histories instead.');
  END IF;
  SELECT * INTO tracking FROM crm.tracked t WHERE t.histories = found_histories[1] ORDER BY t.tracked_at, t.purchases LIMIT 1;
  -- what hangs on any of these would run as the owner of the histories
  SELECT c.oid::regclass AS relation, c.relowner::regrole AS owner, h.relowner::regrole AS keeper INTO stray
  FROM crm.tracked t JOIN pg_class h ON h.oid = t.histories JOIN pg_class c ON c.oid IN (t.purchases, t.scoring, t.changes, t.models, t.rules)
  WHERE t.histories = tracking.histories AND NOT pg_has_role(c.relowner, h.relowner, 'USAGE') ORDER BY c.oid LIMIT 1;
  IF FOUND THEN
    PERFORM crm_internal.raise_error('insufficient_privilege', format('%s belongs to %s, but the histories that it serves belong to %s', stray.relation, stray.owner, stray.keeper),
      hint => 'Give the relations of a tracking to one owner.');
  END IF;
  RETURN tracking;
END $$;
COMMENT ON FUNCTION crm_internal.tracking_of(regclass) IS
  'the tracking that a purchases view, a source, a table of histories, a customers view or decisions on tiers belong to';

CREATE FUNCTION crm_internal.lock_sources(histories regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  source regclass;
  stray record;
BEGIN
  PERFORM crm_internal.check_sources_left(histories);
  SELECT c.oid::regclass AS relation, c.relowner::regrole AS owner, h.relowner::regrole AS keeper INTO stray
  FROM crm.tracked t JOIN pg_class h ON h.oid = t.histories JOIN pg_class c ON c.oid = ANY (t.source || t.joined)
  WHERE t.histories = lock_sources.histories AND NOT pg_has_role(h.relowner, c.relowner, 'USAGE') ORDER BY c.oid LIMIT 1;
  IF FOUND THEN
    PERFORM crm_internal.raise_error('insufficient_privilege', format('%s belongs to %s, but the histories that it feeds belong to %s', stray.relation, stray.owner, stray.keeper),
      hint => 'Give both to one owner.');
  END IF;
  FOR source IN SELECT DISTINCT s.oid FROM crm.tracked t, unnest((t.source || t.joined)::oid[]) AS s(oid)
                WHERE t.histories = lock_sources.histories AND s.oid IS NOT NULL ORDER BY 1 LOOP
    EXECUTE format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', source);
    PERFORM crm_internal.check_no_statement(source);
  END LOOP;
  FOR source IN SELECT DISTINCT t.decisions::oid FROM crm.tracked t
                WHERE t.histories = lock_sources.histories AND t.decisions IS NOT NULL LOOP
    EXECUTE format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', source);
  END LOOP;
END $$;
COMMENT ON FUNCTION crm_internal.lock_sources(regclass) IS
  'holds off writers of all tables that feed a table of histories, and of decisions on its tiers';

-- A tracking of an earlier release gets the triggers that came since.
CREATE FUNCTION crm_internal.complete_triggers(histories regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t crm.tracked;
BEGIN
  FOR t IN SELECT * FROM crm.tracked o WHERE o.histories = complete_triggers.histories AND o.source IS NOT NULL
             AND EXISTS (SELECT FROM pg_class c WHERE c.oid = o.source)
             AND NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = o.source AND tgfoid = 'crm.track_statement_begins()'::regprocedure) LOOP
    PERFORM crm_internal.statement_triggers(t.source, t.by_row);
  END LOOP;
END $$;
COMMENT ON FUNCTION crm_internal.complete_triggers(regclass) IS 'installs on the tables of a tracking what triggers came with later releases';

-- refresh: what it does before its first batch, in one transaction, but for a refit in two
CREATE FUNCTION crm_internal.refresh_fill(tracking regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t crm.tracked := crm_internal.tracking_of(tracking);
BEGIN
  IF NOT crm_internal.is_there(t.histories) OR NOT crm_internal.is_there(t.customers) OR NOT crm_internal.is_there(t.scoring) THEN
    PERFORM crm_internal.raise_error('undefined_table', format('the %s of %s has been dropped', CASE WHEN NOT crm_internal.is_there(t.histories) THEN 'table of histories' WHEN crm_internal.is_there(t.customers) THEN 'table of scoring rules' ELSE 'customers view' END,
      coalesce(t.source_name, t.purchases::text)), hint => 'End the tracking with crm.untrack and begin it anew with crm.track.');
  END IF;
  -- what hangs on the tables is their owner's and runs as the owner
  IF NOT crm_internal.is_owner(t.histories) THEN
    PERFORM crm_internal.as_owner(t.histories, format('SELECT crm_internal.refresh_fill(%s::regclass)', tracking::oid));
    RETURN;
  END IF;
  PERFORM crm_internal.check_in_place(t);
  PERFORM crm_internal.complete_rules(t.scoring); -- what is made below reads columns that came with later releases
  PERFORM crm_internal.complete_pictures(t.histories);
  PERFORM crm_internal.remake_customers_on(crm_internal.tracking_of(tracking));
  PERFORM crm_internal.keep_rules(t.histories);
  PERFORM crm_internal.record_rules(t.histories);
  PERFORM crm_internal.complete_triggers(t.histories);
  PERFORM crm_internal.leave_triggers(t.histories);
  IF EXISTS (SELECT FROM crm.tracked o WHERE o.histories = t.histories AND o.source IS NULL) THEN
    PERFORM crm_internal.lock_sources(t.histories);
    PERFORM crm_internal.fill_histories(t.histories, 'refresh');
  END IF;
END $$;
COMMENT ON FUNCTION crm_internal.refresh_fill(regclass) IS 'makes anew what an update has left as it was and brings histories up to date that triggers do not keep, the first step of crm.refresh';

CREATE FUNCTION crm_internal.refresh_started(tracking regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t crm.tracked := crm_internal.tracking_of(tracking);
BEGIN
  PERFORM crm_internal.write_refresh_position(t.histories, NULL::text[]);
  FOR t IN SELECT * FROM crm.tracked o WHERE o.histories = t.histories LOOP
    t.refresh_started_at := clock_timestamp();
    t.refresh_finished_at := NULL;
    t.customers_read := 0;
    t.customers_written := 0;
    PERFORM crm_internal.write_tracked(t.purchases, t, '{refresh_started_at,refresh_finished_at,customers_read,customers_written}'::text[]);
  END LOOP;
END $$;
COMMENT ON FUNCTION crm_internal.refresh_started(regclass) IS 'records that a refresh begins with the first customer';

CREATE FUNCTION crm_internal.refresh_start(tracking regclass, as_of date) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t crm.tracked := crm_internal.tracking_of(tracking);
BEGIN
  -- what hangs on the tables is their owner's and runs as the owner
  IF NOT crm_internal.is_owner(t.histories) THEN
    PERFORM crm_internal.as_owner(t.histories, format('SELECT crm_internal.refresh_start(%s::regclass, %L::date)', tracking::oid, as_of));
    RETURN;
  END IF;
  PERFORM crm_internal.make_scales(t.histories, t.scoring, as_of, t.histories);
  PERFORM crm_internal.warn_of_unknown_tiers(t.histories);
  PERFORM crm_internal.refresh_started(tracking);
END $$;
COMMENT ON FUNCTION crm_internal.refresh_start(regclass, date) IS 'puts new scales in force, a step of crm.refresh';

CREATE FUNCTION crm_internal.refresh_wait(tracking regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t constant crm.tracked := crm_internal.tracking_of(tracking);
BEGIN
  PERFORM crm_internal.wait_for_writers(t.scoring);
  IF EXISTS (SELECT FROM crm.tracked o WHERE o.histories = t.histories AND o.on_shards IS NOT NULL) THEN
    PERFORM crm_internal.wait_on_nodes(t.scoring);
  END IF;
END $$;
COMMENT ON FUNCTION crm_internal.refresh_wait(regclass) IS
  'waits for the statements that still score by the rules from before, a step of crm.refresh';

CREATE FUNCTION crm_internal.refresh_batch(tracking regclass, batch_customers int) RETURNS boolean
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t crm.tracked := crm_internal.tracking_of(tracking);
  after text[];
  batch record;
BEGIN
  IF NOT crm_internal.is_owner(t.histories) THEN
    RETURN crm_internal.as_owner(t.histories, format('SELECT crm_internal.refresh_batch(%s::regclass, %L::int)', tracking::oid, batch_customers))::boolean;
  END IF;
  after := (SELECT s.refresh_position FROM crm.tracking_status s WHERE s.purchases = t.purchases);
  IF crm_internal.is_of_citus(t.histories) THEN
    SELECT * INTO batch FROM crm_internal.rescore_on_shards(t.histories, after, batch_customers, 'refresh'::text);
  ELSE
    SELECT * INTO batch FROM crm_internal.rescore(t.histories, after, batch_customers);
  END IF;
  -- first the rules, then crm.tracked: in the order of the other steps, so that two refreshes wait and do not deadlock
  IF batch.last IS NULL THEN
    PERFORM crm_internal.finish_scoring(t.histories);
    PERFORM crm_internal.keep_segments(t.histories);
  END IF;
  FOR t IN SELECT * FROM crm.tracked o WHERE o.histories = t.histories LOOP
    t.customers_read := t.customers_read + batch.customers_read;
    t.customers_written := t.customers_written + batch.customers_written;
    PERFORM crm_internal.write_tracked(t.purchases, t, '{customers_read,customers_written}'::text[]);
  END LOOP;
  PERFORM crm_internal.write_refresh_position(t.histories, batch.last);
  RETURN batch.last IS NULL;
END $$;
COMMENT ON FUNCTION crm_internal.refresh_batch(regclass, int) IS
  'scores the next customers, a step of crm.refresh; returns whether these were the last';

CREATE FUNCTION crm_internal.check_batch_customers(batch_customers int) RETURNS void
  LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF batch_customers IS NULL OR batch_customers < 1 THEN
    PERFORM crm_internal.raise_error('invalid_parameter_value', format('a batch of %s customers is out of range', coalesce(batch_customers::text, 'NULL')),
      detail => 'It is at least 1.');
  END IF;
END $$;
COMMENT ON FUNCTION crm_internal.check_batch_customers(int) IS 'an error if a refresh cannot score so many customers at a time';

-- A procedure that commits cannot pin its search_path: every name is qualified and it uses no operator.
CREATE PROCEDURE crm.refresh(tracking regclass, as_of date DEFAULT NULL, refit boolean DEFAULT false, batch_customers int DEFAULT 10000)
  LANGUAGE plpgsql AS $$
DECLARE
  finished pg_catalog.bool;
BEGIN
  PERFORM crm_internal.check_commit_allowed('crm.refresh');
  PERFORM crm_internal.check_batch_customers(batch_customers);
  PERFORM crm_internal.refresh_fill(tracking);
  IF refit THEN
    -- nobody who writes waits for the fits
    PERFORM crm_internal.refresh_started(tracking);
    COMMIT;
    PERFORM crm_internal.refit_models(tracking, as_of);
  ELSIF crm_internal.is_on_shards(tracking) THEN
    -- what was written over several connections to a node is read over one
    PERFORM crm_internal.refresh_started(tracking);
    COMMIT;
  END IF;
  PERFORM crm_internal.refresh_start(tracking, as_of);
  COMMIT;
  PERFORM crm_internal.refresh_wait(tracking);
  COMMIT;
  LOOP
    finished := crm_internal.refresh_batch(tracking, batch_customers);
    COMMIT;
    EXIT WHEN finished;
  END LOOP;
END $$;
COMMENT ON PROCEDURE crm.refresh(regclass, date, boolean, int) IS
  'makes new scales, with refit new models too, and scores every customer as of a day, by default today, committing after every batch';

-- A purchases view that has got a column category since it was tracked.
CREATE FUNCTION crm_internal.complete_mix(histories regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t crm.tracked;
  lacked constant boolean := NOT crm_internal.keeps_mix(histories);
BEGIN
  FOR t IN SELECT * FROM crm.tracked o WHERE o.histories = complete_mix.histories LOOP
    PERFORM crm_internal.keep_mix(histories, t.purchases);
  END LOOP;
  IF lacked AND crm_internal.keeps_mix(histories) THEN
    PERFORM crm_internal.remake_customers_on(crm_internal.tracking_of(histories));
  END IF;
END $$;
COMMENT ON FUNCTION crm_internal.complete_mix(regclass) IS
  'begins to keep mixes in a table of histories if one of the views that feed it has categories; the histories are filled anew then';

CREATE FUNCTION crm.rebuild(tracking regclass) RETURNS bigint
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t crm.tracked := crm_internal.tracking_of(tracking);
  changed bigint;
BEGIN
  -- what hangs on the tables is their owner's and runs as the owner
  IF NOT crm_internal.is_owner(t.histories) THEN
    RETURN crm_internal.as_owner(t.histories, format('SELECT crm.rebuild(%s::regclass)', tracking::oid))::bigint;
  END IF;
  PERFORM crm_internal.settle(t.histories);
  PERFORM crm_internal.one_by_one(t.histories);
  PERFORM crm_internal.lock_sources(t.histories);
  PERFORM crm_internal.complete_mix(t.histories);
  changed := crm_internal.fill_anew(t.histories, t.scoring, 'rebuild'::text);
  FOR t IN SELECT * FROM crm.tracked o WHERE o.histories = t.histories AND o.problem IS NOT NULL LOOP
    t.problem := NULL;
    PERFORM crm_internal.write_tracked(t.purchases, t, '{problem}'::text[]);
  END LOOP;
  RETURN changed;
END $$;
COMMENT ON FUNCTION crm.rebuild(regclass) IS
  'makes histories and scores anew from the purchases views, in one transaction; returns how many histories differed';

-- Rows that nothing references: what a foreign key would delete with them counts as well.
CREATE FUNCTION crm_internal.references_condition(histories regclass) RETURNS text
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce(string_agg(format('AND NOT EXISTS (SELECT FROM %s AS r WHERE %s)', f.conrelid::regclass, f.condition), ' ' ORDER BY f.oid), '')
  FROM (
    SELECT c.oid, c.conrelid, string_agg(format('r.%I OPERATOR(%s.%s) h.%I', r.attname, n.nspname, o.oprname, h.attname), ' AND ' ORDER BY k.n) AS condition
    FROM pg_constraint c, unnest(c.conkey, c.confkey, c.conpfeqop) WITH ORDINALITY AS k(referencing, referenced, equal, n),
      pg_attribute r, pg_attribute h, pg_operator o, pg_namespace n
    WHERE c.confrelid = histories AND c.contype = 'f' AND c.conparentid = 0
      AND r.attrelid = c.conrelid AND r.attnum = k.referencing AND h.attrelid = c.confrelid AND h.attnum = k.referenced
      -- referenced = referencing
      AND o.oid = (SELECT coalesce(nullif(e.oprcom, 0), e.oid) FROM pg_operator e WHERE e.oid = k.equal) AND n.oid = o.oprnamespace
    GROUP BY c.oid, c.conrelid) AS f
$$;
COMMENT ON FUNCTION crm_internal.references_condition(regclass) IS 'the condition that no foreign key refers to a row h of a table of histories, as SQL';

CREATE FUNCTION crm.drop_empty(tracking regclass, before timestamptz DEFAULT NULL) RETURNS bigint
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t crm.tracked := crm_internal.tracking_of(tracking);
  dropped bigint;
BEGIN
  -- what hangs on the tables is their owner's and runs as the owner
  IF NOT crm_internal.is_owner(t.histories) THEN
    RETURN crm_internal.as_owner(t.histories, format('SELECT crm.drop_empty(%s::regclass, %L::timestamptz)', tracking::oid, before))::bigint;
  END IF;
  PERFORM crm_internal.settle(t.histories);
  EXECUTE format('DELETE FROM %s AS h WHERE h.%I OPERATOR(crm.=) ''{}''::crm.purchase_history AND coalesce(h.updated_at < $1, true) %s%s',
    t.histories, crm_internal.kept_history(t.histories), CASE WHEN crm_internal.keeps_mix(t.histories) THEN 'AND coalesce(h.mix OPERATOR(crm.=) ''{}'', true) ' ELSE '' END,
    crm_internal.references_condition(t.histories)) USING coalesce(before, 'infinity');
  GET DIAGNOSTICS dropped = ROW_COUNT;
  RETURN dropped;
END $$;
COMMENT ON FUNCTION crm.drop_empty(regclass, timestamptz) IS
  'deletes the rows of customers who have no purchases any more, of those whose score changed last before an instant if one is given, unless something references them; returns how many';

-- verify

CREATE FUNCTION crm_internal.given_away(histories regclass, purchases regclass, tables regclass[]) RETURNS text
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT format('%s belongs to %s, the histories to %s: what is written is not followed until one owner has both and crm.rebuild was called',
    c.oid::regclass, c.relowner::regrole, h.relowner::regrole)
  FROM pg_class h, pg_class c
  WHERE h.oid = histories
    AND (c.oid = purchases AND c.relowner <> h.relowner OR c.oid = ANY (tables) AND NOT pg_has_role(h.relowner, c.relowner, 'USAGE'))
  ORDER BY c.oid = purchases DESC, c.oid LIMIT 1
$$;
COMMENT ON FUNCTION crm_internal.given_away(regclass, regclass, regclass[]) IS
  'what of a tracking was given to a role that the owner of its histories does not act for; NULL if nothing';

CREATE FUNCTION crm_internal.nodes_without(view regclass) RETURNS TABLE (node text, problem text)
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF view IS NULL OR to_regclass('pg_catalog.pg_dist_node') IS NULL OR NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = view) THEN
    RETURN;
  END IF;
  RETURN QUERY EXECUTE $sql$
    SELECT format('%s:%s', n.nodename, n.nodeport), CASE WHEN r.success THEN r.result ELSE 'does not answer: ' || r.result END
    FROM run_command_on_all_nodes($1) AS r JOIN pg_dist_node AS n ON n.nodeid = r.nodeid
    WHERE NOT (r.success AND coalesce(r.result, '') = '') ORDER BY 1$sql$
  USING format('SELECT crm_internal.lacks_tracking(%L)', view);
END $$;
COMMENT ON FUNCTION crm_internal.nodes_without(regclass) IS 'the nodes of Citus that lack a tracking that is kept on shards, and what they lack, by the view that tells of it';

CREATE FUNCTION crm_internal.unfollowed(tracking regclass) RETURNS TABLE (relation text, problem text)
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t crm.tracked := crm_internal.tracking_of(tracking);
BEGIN
  RETURN QUERY
    SELECT format('the %s of %s', r.part, coalesce(o.source_name, o.purchases::text)), 'has been dropped, see crm.untrack'
    FROM crm.tracked o, LATERAL (
      VALUES ('purchases view', o.purchases), ('source', o.source), ('histories', o.histories), ('scoring', o.scoring),
        ('changes', o.changes), ('customers view', o.customers), ('models', o.models), ('rules of the past', o.rules),
        ('table of decisions', o.decisions), ('view of standings', o.standing), ('calendar', o.calendar), ('view of cohorts', o.cohorts),
        ('view of segments', o.segments), ('table of segments by day', o.segment_days), ('table of segments by customer', o.segment_since)
      UNION ALL SELECT 'joined table', j FROM unnest(o.joined) AS j)
      AS r(part, relation)
    WHERE o.histories = t.histories AND r.relation IS NOT NULL AND NOT EXISTS (SELECT FROM pg_class WHERE oid = r.relation);
  RETURN QUERY
    SELECT c.oid::regclass::text,
      CASE WHEN count(g.oid) = 0 THEN 'has no triggers, see crm.track_partitions' ELSE 'has triggers that are disabled' END
    FROM crm.tracked o
      JOIN pg_class c ON c.relkind IN ('r', 'p') AND (c.oid = ANY (o.source || o.joined) OR c.oid IN (SELECT relid FROM pg_partition_tree(o.source)))
      LEFT JOIN LATERAL crm_internal.own_triggers(c.oid::regclass) AS g ON true
    WHERE o.histories = t.histories
    GROUP BY c.oid, o.by_row, o.joined
    -- trackings of earlier releases do not tell when a statement begins before their next refresh
    HAVING count(g.oid) FILTER (WHERE g.tgenabled IN ('A', CASE WHEN o.by_row THEN 'A' ELSE 'O' END)
        AND (o.joined IS NOT NULL OR g.tgfoid NOT IN ('crm.track_statement_begins()'::regprocedure, 'crm.track_statement_ended()'::regprocedure)))
      < max(CASE WHEN o.by_row THEN 2 WHEN o.joined IS NULL THEN 4 ELSE 6 END);
  RETURN QUERY
    SELECT o.purchases::text, format('has a problem until crm.rebuild: %s', o.problem) FROM crm.tracked o WHERE o.histories = t.histories AND o.problem IS NOT NULL;
  RETURN QUERY
    SELECT o.purchases::text, format('follows nothing: %s', g.away)
    FROM crm.tracked o, LATERAL (SELECT crm_internal.given_away(o.histories, o.purchases, o.source || o.joined) AS away) AS g
    WHERE o.histories = t.histories AND o.source IS NOT NULL AND g.away IS NOT NULL;
  -- a partition that was detached while nobody was told of it
  RETURN QUERY
    SELECT DISTINCT g.tgrelid::regclass::text, 'has triggers of crm but belongs to no tracking: if it was a partition, drop the triggers crm_* and call crm.rebuild'
    FROM crm.tracked o JOIN pg_class s ON s.oid = o.source AND s.relkind = 'p', pg_trigger g
    WHERE o.histories = t.histories AND g.tgfoid = 'crm.track_truncate()'::regprocedure AND NOT g.tgisinternal
      AND EXISTS (SELECT FROM pg_class c WHERE c.oid = g.tgrelid AND NOT c.relispartition AND c.relowner = s.relowner)
      AND NOT EXISTS (SELECT FROM crm.tracked a WHERE g.tgrelid = ANY (a.source || a.joined)) AND NOT crm_internal.is_shard(g.tgrelid::regclass);
  RETURN QUERY
    SELECT format('node %s', n.node), format('%s: SELECT crm.track_nodes(%L), then crm.rebuild', n.problem, o.histories)
    FROM crm.tracked o, LATERAL crm_internal.nodes_without(o.on_shards) AS n WHERE o.histories = t.histories;
  RETURN QUERY
    SELECT o.purchases::text, format('is kept by crm.refresh alone from the next refresh on: %s', l.reason)
    FROM crm.tracked o, LATERAL crm_internal.live_tables(o.purchases, false) AS l
    WHERE o.histories = t.histories AND o.joined IS NOT NULL AND l.tables IS NULL AND EXISTS (SELECT FROM pg_class WHERE oid = o.purchases);
  RETURN QUERY
    SELECT t.decisions::text,
      CASE WHEN count(g.oid) < 4 THEN 'lacks triggers, see crm.track_partitions' ELSE 'has triggers that are disabled' END
    FROM pg_class c LEFT JOIN LATERAL crm_internal.own_triggers(c.oid::regclass) AS g ON true
    WHERE c.oid = t.decisions AND NOT crm_internal.is_of_citus(t.decisions)
    HAVING count(c.oid) > 0 AND count(g.oid) FILTER (WHERE g.tgenabled IN ('A', 'O')) < 4;
  RETURN QUERY
    SELECT o.source::text, format('was called %s when it was tracked: if another table took its place, track that one', o.source_name)
    FROM crm.tracked o
    -- a look at another's schema would be an error, so none but the tracking's own name is looked up
    WHERE CASE WHEN o.histories = t.histories AND o.source::text IS DISTINCT FROM o.source_name
            THEN to_regclass(o.source_name) IS NOT NULL ELSE false END;
END $$;
COMMENT ON FUNCTION crm_internal.unfollowed(regclass) IS
  'what a tracking lacks: dropped relations, tables whose triggers are missing or disabled, tables that were swapped for another';

CREATE FUNCTION crm.verify(tracking regclass, since date DEFAULT NULL)
  RETURNS TABLE (customer jsonb, problem text, stored text, recomputed text)
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t crm.tracked := crm_internal.tracking_of(tracking);
  keeper constant regclass := crm_internal.relation_left(t);
  keys constant text[] := crm_internal.history_keys(t.histories);
  kept constant text := crm_internal.kept_history(t.histories);
  with_mix constant boolean := crm_internal.keeps_mix(t.histories);
  recent text := 'true';
BEGIN
  -- the view's functions run as their owner; what they say is handed over as data
  IF NOT crm_internal.is_owner(keeper) THEN
    RETURN QUERY SELECT CASE WHEN d.row ->> 'customer' IS NOT NULL THEN d.row -> 'customer' END, d.row ->> 'problem', d.row ->> 'stored', d.row ->> 'recomputed'
      FROM jsonb_array_elements(crm_internal.as_owner(keeper, format('SELECT coalesce(jsonb_agg(to_jsonb(v)), ''[]'') FROM crm.verify(%s::regclass, %L::date) AS v',
        tracking::oid, since))::jsonb) WITH ORDINALITY AS d(row, n) ORDER BY d.n;
    RETURN;
  END IF;
  PERFORM crm_internal.settle(t.histories);
  RETURN QUERY SELECT NULL::jsonb, format('%s %s', u.relation, u.problem), NULL::text, NULL::text FROM crm_internal.unfollowed(tracking) u;
  IF EXISTS (SELECT FROM crm_internal.unfollowed(tracking) u WHERE u.problem LIKE 'has been dropped%' OR u.problem LIKE 'follows nothing:%') THEN
    RETURN;
  END IF;
  IF since IS NOT NULL THEN
    recent := format('coalesce(crm.last_purchased_on(f.history), crm.last_purchased_on(h.history)) >= %L OR crm.last_purchased_on(h.history) >= %1$L', since);
  END IF;
  RETURN QUERY EXECUTE format($sql$
    SELECT jsonb_build_object(%1$s), b.problem, CASE b.problem WHEN 'history' THEN h.%7$s::text %8$s END, CASE b.problem WHEN 'history' THEN f.history::text %9$s END
    FROM (%2$s) AS f FULL JOIN %3$s AS h ON %4$s
      CROSS JOIN LATERAL unnest(array_remove(ARRAY[CASE WHEN coalesce(h.%7$s, '{}') OPERATOR(crm.<>) coalesce(f.history, '{}') THEN 'history' END%6$s], NULL)) AS b(problem)
    WHERE (%5$s)$sql$,
    (SELECT string_agg(format('%L, coalesce(f.%I, h.%2$I)', k, k), ', ' ORDER BY n) FROM unnest(keys) WITH ORDINALITY AS u(k, n)),
    crm_internal.all_histories_query(t.histories), t.histories, crm_internal.same_keys(t.histories, keys, 'f', 'h'), recent,
    CASE WHEN with_mix THEN ', CASE WHEN coalesce(h.mix, ''{}'') OPERATOR(crm.<>) coalesce(f.mix, ''{}'') THEN ''mix'' END' ELSE '' END, kept,
    CASE WHEN with_mix THEN 'ELSE h.mix::text' ELSE '' END, CASE WHEN with_mix THEN 'ELSE f.mix::text' ELSE '' END);
  RETURN QUERY EXECUTE format($sql$
    SELECT jsonb_build_object(%1$s), 'refunded too much', e.excess, NULL::text
    FROM %2$s AS h CROSS JOIN LATERAL crm_internal.excess(h.%4$s) AS e(excess)
    WHERE e.excess IS NOT NULL AND (%3$s)$sql$,
    (SELECT string_agg(format('%L, h.%I', k, k), ', ' ORDER BY n) FROM unnest(keys) WITH ORDINALITY AS u(k, n)), t.histories,
    CASE WHEN since IS NULL THEN 'true' ELSE format('crm.last_purchased_on(h.history) >= %L', since) END, kept);
  RETURN QUERY EXECUTE format($sql$
    SELECT jsonb_build_object(%1$s), 'score', ROW(%2$s)::text, ROW(%7$s)::text
    FROM %3$s AS h LEFT JOIN %4$s AS r ON %5$s %9$s,
      LATERAL %6$s AS c
    WHERE ROW(%2$s) IS DISTINCT FROM ROW(%7$s) AND (%8$s)$sql$,
    (SELECT string_agg(format('%L, h.%I', k, k), ', ' ORDER BY n) FROM unnest(keys) WITH ORDINALITY AS u(k, n)),
    crm_internal.column_list(crm_internal.score_columns(), 'h.'), t.histories, t.scoring,
    crm_internal.same_keys(t.histories, crm_internal.scale_by(t.histories, t.scoring), 'r', 'h'),
    crm_internal.score_call(t.histories, 'h.history', 'greatest(h.scored_on, r.refreshed_on)'),
    crm_internal.column_list(crm_internal.score_columns(), 'c.'),
    CASE WHEN since IS NULL THEN 'true' ELSE format('crm.last_purchased_on(h.history) >= %L', since) END,
    crm_internal.decisions_join(t.histories));
END $$;
COMMENT ON FUNCTION crm.verify(regclass, date) IS
  'the customers whose stored history, mix or score differs from what the purchases views give, those refunded more than they bought, and tables that are not followed: must be none; since looks only at customers with a purchase from that day on';

CREATE FUNCTION crm.track_partitions(tracking regclass) RETURNS int
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t crm.tracked := crm_internal.tracking_of(tracking);
BEGIN
  IF NOT crm_internal.is_owner(t.histories) THEN
    RETURN crm_internal.as_owner(t.histories, format('SELECT crm.track_partitions(%s::regclass)', tracking::oid))::int;
  END IF;
  IF t.decisions IS NOT NULL AND NOT crm_internal.is_of_citus(t.decisions) THEN
    PERFORM crm_internal.decision_triggers(t.decisions);
  END IF;
  RETURN (SELECT sum(crm_internal.follow_tables(o.source || o.joined, o.by_row))::int
          FROM crm.tracked o WHERE o.histories = t.histories AND o.source IS NOT NULL);
END $$;
COMMENT ON FUNCTION crm.track_partitions(regclass) IS
  'installs the triggers on partitions that came after crm.track, and those on decisions that are missing; returns on how many tables of orders';

-- snapshot: a table of how customers stood on a day, for trends

CREATE FUNCTION crm_internal.comment_snapshots(snapshots regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  c record;
BEGIN
  FOR c IN
    SELECT a.attname, replace(col_description(a.attrelid, a.attnum), 'scored_on', 'snapshot_on') AS comment
    FROM pg_attribute a WHERE a.attrelid = snapshots AND a.attnum > 0 AND a.attname <> 'scored_on' AND col_description(a.attrelid, a.attnum) LIKE '%scored_on%'
    UNION ALL
    VALUES ('scored_on', 'the same day as snapshot_on'), ('snapshot_on', 'day as of which the row holds, by the rules in force when the snapshot was taken')
  LOOP
    EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', snapshots, c.attname, c.comment);
  END LOOP;
END $$;
COMMENT ON FUNCTION crm_internal.comment_snapshots(regclass) IS 'comments the columns of a table of snapshots where they say another thing than those of the view';

CREATE FUNCTION crm.snapshot(tracking regclass, as_of date) RETURNS bigint
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t crm.tracked := crm_internal.tracking_of(tracking);
  schema text;
  name text;
  snapshots regclass;
  customers_on text;
  customers bigint;
BEGIN
  -- what hangs on the tables is their owner's and runs as the owner
  IF NOT crm_internal.is_owner(t.histories) THEN
    RETURN crm_internal.as_owner(t.histories, format('SELECT crm.snapshot(%s::regclass, %L::date)', tracking::oid, as_of))::bigint;
  END IF;
  IF as_of IS NULL OR NOT isfinite(as_of) THEN
    PERFORM crm_internal.raise_error('null_value_not_allowed', 'day of a snapshot must be a date');
  END IF;
  customers_on := crm_internal.customers_on(t.customers);
  IF customers_on IS NULL THEN
    PERFORM crm_internal.raise_error('undefined_function', format('there is no function of the customers of %s on a day', t.purchases),
      detail => format('It stands beside %s and belongs to the same owner.', t.customers));
  END IF;
  SELECT nspname, regexp_replace(relname, '(_customers(\d*))?$', '_snapshots\2') INTO schema, name
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = t.customers;
  snapshots := to_regclass(format('%I.%I', schema, name));
  -- what others hang onto a table of theirs would run as this user
  IF EXISTS (SELECT FROM pg_class c WHERE c.oid = snapshots AND (c.relkind NOT IN ('r', 'p') OR NOT pg_has_role(c.relowner, current_user, 'USAGE'))) THEN
    PERFORM crm_internal.raise_error('insufficient_privilege', format('%s is no table of snapshots of %s', snapshots, current_user),
      hint => 'Rename it, or give it to the owner of the tracking.');
  ELSIF snapshots IS NULL THEN
    EXECUTE format('CREATE TABLE %I.%I AS SELECT NULL::date AS snapshot_on, c.* FROM %s AS c WITH NO DATA', schema, name, t.customers);
    EXECUTE format('ALTER TABLE %I.%I ADD PRIMARY KEY (snapshot_on, %s)', schema, name, crm_internal.column_list(crm_internal.history_keys(t.histories), ''::text));
    EXECUTE format('COMMENT ON TABLE %I.%I IS %L', schema, name, format('the customers of %s as they stood on some days', t.purchases));
    PERFORM crm_internal.comment_columns(format('%I.%I', schema, name)::regclass);
    PERFORM crm_internal.comment_snapshots(format('%I.%I', schema, name)::regclass);
    PERFORM crm_internal.distribute(format('%I.%I', schema, name)::regclass, t.purchases, true);
  END IF;
  PERFORM crm_internal.settle(t.histories);
  EXECUTE format('DELETE FROM %I.%I WHERE snapshot_on = $1', schema, name) USING as_of;
  -- a table of snapshots of an earlier release has fewer columns than the view
  EXECUTE (SELECT format('INSERT INTO %I.%I (snapshot_on, %s) SELECT $1, %s FROM %s($1) AS c', schema, name,
      string_agg(format('%I', s.attname), ', ' ORDER BY s.attnum), string_agg(format('c.%I', s.attname), ', ' ORDER BY s.attnum), customers_on)
    FROM pg_attribute s JOIN pg_attribute v ON v.attrelid = t.customers AND v.attname = s.attname AND v.attnum > 0 AND NOT v.attisdropped
    WHERE s.attrelid = to_regclass(format('%I.%I', schema, name)) AND s.attnum > 0 AND NOT s.attisdropped) USING as_of;
  GET DIAGNOSTICS customers = ROW_COUNT;
  RETURN customers;
END $$;
COMMENT ON FUNCTION crm.snapshot(regclass, date) IS
  'adds the customers as they stood on a day to the table <name>_snapshots, in place of an earlier snapshot of that day; returns how many';

CREATE FUNCTION crm_internal.customers_on(customers regclass) RETURNS text
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT format('%I.%I', n.nspname, p.proname)
  FROM pg_class c JOIN pg_proc p ON p.prorettype = c.reltype AND p.proretset AND p.proargtypes = '1082'::oidvector
    JOIN pg_namespace n ON n.oid = p.pronamespace
  WHERE c.oid = customers AND p.pronamespace = c.relnamespace AND p.proname LIKE '%customers\_on%'
    AND pg_has_role(p.proowner, c.relowner, 'USAGE')
$$;
COMMENT ON FUNCTION crm_internal.customers_on(regclass) IS 'the function that gives the rows of a customers view on another day';

-- for the administrator

-- Whoever looks runs what is named here, so every operator is named by its schema.
CREATE VIEW crm.tracking_status AS
  SELECT t.purchases, t.source, t.histories,
    CASE WHEN NOT EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid OPERATOR(pg_catalog.=) t.purchases::pg_catalog.oid)
        OR t.source IS NOT NULL AND NOT EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid OPERATOR(pg_catalog.=) t.source::pg_catalog.oid)
      THEN 'gone'::pg_catalog.text
      WHEN t.source IS NULL THEN 'refresh only'::pg_catalog.text WHEN t.by_row THEN 'row by row'::pg_catalog.text
      WHEN t.on_shards IS NOT NULL THEN 'live on shards'::pg_catalog.text ELSE 'live'::pg_catalog.text END AS kept,
    t.not_live,
    (SELECT pg_catalog.count(*)::pg_catalog.int4 FROM pg_catalog.pg_class c
     WHERE c.relkind OPERATOR(pg_catalog.=) ANY ('{r,p}'::pg_catalog."char"[])
       AND (c.oid OPERATOR(pg_catalog.=) t.source::pg_catalog.oid
         OR c.oid OPERATOR(pg_catalog.=) ANY (SELECT p.relid::pg_catalog.oid FROM pg_catalog.pg_partition_tree(t.source) p)
         OR c.oid OPERATOR(pg_catalog.=) ANY (t.joined::pg_catalog.oid[]))
       AND (SELECT pg_catalog.count(*) FROM pg_catalog.pg_trigger g
            WHERE g.tgrelid OPERATOR(pg_catalog.=) c.oid
              AND g.tgfoid OPERATOR(pg_catalog.=) ANY (ARRAY['crm.track_statement()'::pg_catalog.regprocedure::pg_catalog.oid,
                'crm.track_row()'::pg_catalog.regprocedure::pg_catalog.oid, 'crm.track_truncate()'::pg_catalog.regprocedure::pg_catalog.oid,
                CASE WHEN t.joined IS NOT NULL THEN 'crm.track_statement_begins()'::pg_catalog.regprocedure::pg_catalog.oid END,
                'crm.track_truncate_ended()'::pg_catalog.regprocedure::pg_catalog.oid])
              AND g.tgenabled OPERATOR(pg_catalog.=) ANY (CASE WHEN t.by_row THEN '{A}' ELSE '{A,O}' END::pg_catalog."char"[]))
           OPERATOR(pg_catalog.<) CASE WHEN t.by_row THEN 2::pg_catalog.int8 WHEN t.joined IS NULL THEN 4::pg_catalog.int8 ELSE 6::pg_catalog.int8 END) AS tables_without_triggers,
    NOT COALESCE((SELECT pg_catalog.format('%I.%I'::pg_catalog.text, n.nspname, c.relname)
                  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
                  WHERE c.oid OPERATOR(pg_catalog.=) t.source::pg_catalog.oid) OPERATOR(pg_catalog.=) t.source_name,
                 t.source IS NULL AND t.source_name IS NULL) AS source_renamed,
    (SELECT c.reltuples::pg_catalog.int8 FROM pg_catalog.pg_class c WHERE c.oid OPERATOR(pg_catalog.=) t.histories::pg_catalog.oid) AS customers_estimated,
    t.scaled_on, t.refresh_started_at, t.refresh_finished_at, t.customers_read, t.customers_written,
    (SELECT p.last_key FROM crm.refresh_position p JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) p.histories::pg_catalog.oid
     WHERE p.histories::pg_catalog.oid OPERATOR(pg_catalog.=) t.histories::pg_catalog.oid
       AND pg_catalog.pg_has_role(c.relowner, 'USAGE'::pg_catalog.text)) AS refresh_position,
    COALESCE(t.problem, crm_internal.given_away(t.histories, t.purchases, pg_catalog.array_prepend(t.source, t.joined))) AS problem,
    CASE WHEN t.on_shards IS NOT NULL THEN ARRAY(SELECT n.node FROM crm_internal.nodes_without(t.on_shards) AS n) END AS nodes_without_tracking
  FROM crm.tracked t;
COMMENT ON VIEW crm.tracking_status IS 'for each purchases view: how it is kept, whether its triggers are in place, and its last refresh';
COMMENT ON COLUMN crm.tracking_status.purchases IS 'the purchases view';
COMMENT ON COLUMN crm.tracking_status.source IS 'the table whose triggers keep the histories';
COMMENT ON COLUMN crm.tracking_status.histories IS 'the table of histories';
COMMENT ON COLUMN crm.tracking_status.kept IS 'live, live on shards, row by row, or refresh only; gone if the view or its source has been dropped';
COMMENT ON COLUMN crm.tracking_status.not_live IS 'why triggers cannot keep this view';
COMMENT ON COLUMN crm.tracking_status.tables_without_triggers IS 'of the source, its partitions and the joined tables, how many lack a trigger or have it disabled';
COMMENT ON COLUMN crm.tracking_status.source_renamed IS 'whether the source is called otherwise than when it was tracked';
COMMENT ON COLUMN crm.tracking_status.customers_estimated IS 'number of customers as the planner knows it, -1 before the first ANALYZE';
COMMENT ON COLUMN crm.tracking_status.scaled_on IS 'day of the oldest scale in force';
COMMENT ON COLUMN crm.tracking_status.refresh_started_at IS 'when the last refresh started';
COMMENT ON COLUMN crm.tracking_status.refresh_finished_at IS 'when it finished; NULL while it runs or if it stopped early';
COMMENT ON COLUMN crm.tracking_status.customers_read IS 'customers that it looked at';
COMMENT ON COLUMN crm.tracking_status.customers_written IS 'customers whose row it wrote';
COMMENT ON COLUMN crm.tracking_status.refresh_position IS 'the key up to which a running refresh has come; for the owner of the histories alone';
COMMENT ON COLUMN crm.tracking_status.problem IS 'what could not be followed, until crm.rebuild: a partition, or a relation that was given to another owner';
COMMENT ON COLUMN crm.tracking_status.nodes_without_tracking IS 'the nodes of Citus that do not know a tracking which is kept on shards, as host:port; NULL of other trackings';
GRANT SELECT ON crm.tracking_status TO PUBLIC;
