-- on_shards: trackings that triggers on the shards of a distributed table of Citus keep

-- what cannot be kept there

CREATE FUNCTION crm_internal.check_on_shards(on_shards boolean, by_row boolean, notify boolean, upkeep text) RETURNS void
  LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF on_shards IS NULL THEN
    PERFORM crm_internal.raise_error('null_value_not_allowed', 'on_shards cannot be NULL', detail => 'It says whether triggers on the shards of a distributed table keep the histories.');
  ELSIF on_shards AND by_row THEN
    PERFORM crm_internal.raise_error('feature_not_supported', 'histories on shards cannot be kept row by row',
      detail => 'Row triggers are for subscribers of logical replication. A shard that moves is copied by it, and each of its rows would count twice.',
      hint => 'Leave by_row away: the triggers on shards see all rows of a statement at once.');
  ELSIF on_shards AND notify THEN
    PERFORM crm_internal.raise_error('feature_not_supported', 'histories on shards cannot notify',
      detail => 'Who listens hears what happens on the node that it is connected to, and segments change on the nodes of the shards.',
      hint => 'Record the changes with changes => true, and read that table.');
  ELSIF on_shards AND upkeep = 'commit' THEN
    PERFORM crm_internal.raise_error('feature_not_supported', 'histories on shards cannot be written at the commit',
      detail => 'Citus commits in two phases, and each node prepares its part before the commit.',
      hint => 'Leave upkeep away: histories are written after each statement.');
  END IF;
END $$;
COMMENT ON FUNCTION crm_internal.check_on_shards(boolean, boolean, boolean, text) IS 'an error, with the reason, if other arguments of crm.track do not go with triggers on shards';

CREATE FUNCTION crm_internal.check_shards_trackable(purchases regclass, tables regclass[], reason text, hint text) RETURNS void
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF cardinality(tables) > 1 THEN
    PERFORM crm_internal.raise_error('feature_not_supported', format('%s joins tables, and cannot be kept on shards', purchases),
      detail => 'A trigger on a shard sees the rows of that shard. A row of another table may be joined to rows on several nodes, where it cannot look.',
      hint => 'Leave on_shards away: crm.refresh keeps it.');
  ELSIF tables IS NULL THEN
    PERFORM crm_internal.raise_error('wrong_object_type', format('%s cannot be kept by triggers', purchases), detail => reason, hint => coalesce(hint, ''));
  ELSIF (SELECT d.distributed_by FROM crm_internal.distribution(purchases) AS d) IS NULL THEN
    PERFORM crm_internal.raise_error('wrong_object_type', format('%s is no distributed table of Citus', tables[1]),
      detail => 'on_shards puts triggers on the shards of one.',
      hint => 'Leave on_shards away, or distribute the table by the customer first: SELECT create_distributed_table(...).');
  ELSIF (SELECT relkind FROM pg_class WHERE oid = tables[1]) = 'p' THEN
    PERFORM crm_internal.raise_error('feature_not_supported', format('%s is partitioned, and cannot be kept on shards', tables[1]),
      detail => 'A partition that comes or goes is a table on each node, and the triggers would not follow it.',
      hint => 'Leave on_shards away: crm.refresh keeps it.');
  END IF;
END $$;
COMMENT ON FUNCTION crm_internal.check_shards_trackable(regclass, regclass[], text, text) IS 'an error, with the reason, if triggers on shards cannot keep a purchases view, whose tables or what is against them crm_internal.live_tables gives';

CREATE FUNCTION crm_internal.allow_triggers(source regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF crm_internal.is_of_citus(source) THEN
    PERFORM set_config('citus.enable_unsafe_triggers', 'on', true);
  END IF;
END $$;
COMMENT ON FUNCTION crm_internal.allow_triggers(regclass) IS 'lets the rest of the transaction make and drop triggers on a table of Citus';

-- What a node knows of a tracking is a view of one row of constants: Citus carries it to each node with the transaction that makes it,
-- and to nodes that come later, and it follows renames. A node takes it into its crm.tracked when it comes.

CREATE FUNCTION crm_internal.tell_nodes(histories regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t crm.tracked;
  view_name text;
BEGIN
  FOR t IN SELECT * FROM crm.tracked o WHERE o.histories = tell_nodes.histories AND o.on_shards IS NOT NULL ORDER BY o.purchases LOOP
    IF t.on_shards = t.purchases THEN
      SELECT crm_internal.new_name(c.relnamespace, regexp_replace(c.relname, '(.)_purchases\d*$', '\1'), '_on_shards'::text) INTO view_name FROM pg_class c WHERE c.oid = t.purchases;
    ELSE
      view_name := t.on_shards::text;
    END IF;
    EXECUTE format('CREATE OR REPLACE VIEW %s AS SELECT %L::regclass AS purchases, %L::regclass AS source, %L::regclass AS histories, %L::regclass AS scoring,
        %L::regclass AS changes, %L::regclass AS customers, %L::regclass AS decisions, %L::boolean AS by_invitation',
      view_name, t.purchases, t.source, t.histories, t.scoring, t.changes, t.customers, t.decisions, coalesce(t.by_invitation, false));
    EXECUTE format('COMMENT ON VIEW %s IS %L', view_name, format('by which the nodes know the tracking of %s', t.purchases));
    IF t.on_shards = t.purchases THEN
      t.on_shards := view_name::regclass;
      PERFORM crm_internal.write_tracked(t.purchases, t, '{on_shards}'::text[]);
    END IF;
  END LOOP;
END $$;
COMMENT ON FUNCTION crm_internal.tell_nodes(regclass) IS 'makes the views by which the nodes know trackings that are kept on shards, or makes them anew';

CREATE FUNCTION crm_internal.is_coordinator() RETURNS boolean
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  answer boolean := true;
BEGIN
  IF to_regclass('pg_catalog.pg_dist_local_group') IS NOT NULL THEN
    EXECUTE 'SELECT groupid = 0 FROM pg_catalog.pg_dist_local_group' INTO answer;
  END IF;
  RETURN answer;
END $$;
COMMENT ON FUNCTION crm_internal.is_coordinator() IS 'whether this is no worker of Citus';

-- The constants and nothing else: whoever makes a tracking known here may be trusted less than who reads the view.
CREATE FUNCTION crm_internal.tells_of_tracking(relation regclass) RETURNS boolean
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT EXISTS (SELECT FROM pg_class WHERE oid = relation AND relkind = 'v')
    AND ARRAY(SELECT attname::text FROM pg_attribute WHERE attrelid = relation AND attnum > 0 AND NOT attisdropped ORDER BY attnum)
      = '{purchases,source,histories,scoring,changes,customers,decisions,by_invitation}'::text[]
    AND pg_get_viewdef(relation) ~ $re$^\s*SELECT (('([^']|'')*'|NULL)::regclass AS [a-z]+,\s+){7}(true|false) AS by_invitation;\s*\Z$re$
$$;
COMMENT ON FUNCTION crm_internal.tells_of_tracking(regclass) IS 'whether a relation is a view by which nodes know a tracking that is kept on shards';

-- The same view says that a tracking is no more before it is dropped. A shard that was moved has kept the trigger on TRUNCATE, of which Citus knows nothing.
CREATE FUNCTION crm_internal.leave_nodes(view regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  EXECUTE (SELECT format('CREATE OR REPLACE VIEW %s AS SELECT %s', view,
      string_agg(CASE WHEN attname = 'source' THEN (SELECT format('%L::regclass AS source', t.source) FROM crm.tracked t WHERE t.on_shards = view)
        ELSE format('%s::%s AS %I', CASE WHEN atttypid = 'bool'::regtype THEN 'false' ELSE 'NULL' END, atttypid::regtype, attname) END, ', ' ORDER BY attnum))
    FROM pg_attribute WHERE attrelid = view AND attnum > 0 AND NOT attisdropped);
END $$;
COMMENT ON FUNCTION crm_internal.leave_nodes(regclass) IS 'lets the nodes forget a tracking that was kept on shards, by the view that told of it';

CREATE FUNCTION crm_internal.forget_tracking(view regclass, source regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  stale regclass;
  g record;
BEGIN
  FOR stale IN SELECT t.purchases::oid FROM crm.tracked t WHERE t.on_shards = view LOOP
    PERFORM crm_internal.write_tracked(stale, NULL::crm.tracked, NULL::text[]);
  END LOOP;
  IF EXISTS (SELECT FROM crm.tracked t WHERE t.source = forget_tracking.source) THEN
    RETURN;
  END IF;
  FOR g IN EXECUTE $sql$SELECT g.tgname, g.tgrelid::regclass AS shard FROM pg_dist_shard AS s
      JOIN pg_trigger AS g ON g.tgrelid = to_regclass(shard_name(s.logicalrelid, s.shardid)) AND g.tgfoid = 'crm.track_truncate()'::regprocedure
      WHERE s.logicalrelid = $1$sql$ USING source LOOP
    EXECUTE format('DROP TRIGGER %I ON %s', g.tgname, g.shard);
  END LOOP;
END $$;
COMMENT ON FUNCTION crm_internal.forget_tracking(regclass, regclass) IS 'takes a tracking that was kept on shards out of crm.tracked of a worker, and what is left of its triggers from the shards there';

CREATE FUNCTION crm_internal.know_tracking(view regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  said record;
  stale regclass;
  made crm.tracked;
BEGIN
  IF crm_internal.is_coordinator() OR NOT crm_internal.tells_of_tracking(view) THEN
    RETURN;
  END IF;
  EXECUTE format('SELECT * FROM %s', view) INTO said;
  -- all of it is of one owner, or a tracking of others could be made known
  IF EXISTS (SELECT FROM pg_class v JOIN pg_class c ON c.oid IN (said.purchases, said.source, said.histories, said.scoring, said.changes, said.customers, said.decisions)
             WHERE v.oid = view AND c.relowner <> v.relowner) THEN
    RETURN;
  END IF;
  IF NOT crm_internal.is_owner(view) THEN
    PERFORM crm_internal.as_owner(view, format('SELECT crm_internal.know_tracking(%s::regclass)', view::oid));
    RETURN;
  END IF;
  IF said.histories IS NULL THEN
    PERFORM crm_internal.forget_tracking(view, said.source);
    RETURN;
  END IF;
  -- what it was before, and what became of tables that Citus has made anew
  FOR stale IN SELECT t.purchases::oid FROM crm.tracked t WHERE t.on_shards IS NOT NULL
                 AND (t.purchases = said.purchases OR t.source = said.source AND NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = t.on_shards)) LOOP
    PERFORM crm_internal.write_tracked(stale, NULL::crm.tracked, NULL::text[]);
  END LOOP;
  made.purchases := said.purchases;
  made.source := said.source;
  made.histories := said.histories;
  made.scoring := said.scoring;
  made.changes := said.changes;
  made.customers := said.customers;
  made.decisions := said.decisions;
  made.by_invitation := said.by_invitation;
  made.notify := false;
  made.by_row := false;
  made.view_made := false;
  made.source_name := said.source::text;
  made.tracked_at := now();
  made.detached := 'keep';
  made.upkeep := 'statement';
  made.on_shards := view;
  PERFORM crm_internal.write_tracked(made.purchases, made, NULL::text[]);
END $$;
COMMENT ON FUNCTION crm_internal.know_tracking(regclass) IS 'takes a tracking that is kept on shards into crm.tracked of a worker, by the view that tells of it';

CREATE FUNCTION crm_internal.is_shard(relation regclass) RETURNS boolean
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  answer boolean := false;
BEGIN
  IF to_regclass('pg_catalog.pg_dist_shard') IS NOT NULL THEN
    EXECUTE 'SELECT EXISTS (SELECT FROM pg_dist_shard AS s, pg_class AS c WHERE c.oid = $1 AND s.shardid::text = substring(c.relname from ''_([0-9]+)$'')
        AND to_regclass(shard_name(s.logicalrelid, s.shardid)) = c.oid)' INTO answer USING relation;
  END IF;
  RETURN answer;
END $$;
COMMENT ON FUNCTION crm_internal.is_shard(regclass) IS 'whether a table is a shard of a distributed table of Citus on this node';

CREATE FUNCTION crm_internal.lacks_tracking(view_name text) RETURNS text
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  known crm.tracked;
BEGIN
  SELECT * INTO known FROM crm.tracked t WHERE t.on_shards = to_regclass(view_name);
  IF NOT FOUND THEN
    RETURN 'does not know the tracking';
  ELSIF EXISTS (SELECT FROM unnest(crm_internal.relations_of(known)) AS r(oid) WHERE NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = r.oid)) THEN
    RETURN 'knows the tracking by tables that have been made anew';
  END IF;
  RETURN NULL;
END $$;
COMMENT ON FUNCTION crm_internal.lacks_tracking(text) IS 'what this node lacks of a tracking that is kept on shards, by the view that tells of it; NULL if nothing';

CREATE FUNCTION crm.track_nodes(tracking regclass) RETURNS int
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t crm.tracked := crm_internal.tracking_of(tracking);
  told int := 0;
  failed text;
  lacking record;
BEGIN
  IF NOT crm_internal.is_owner(t.histories) THEN
    RETURN crm_internal.as_owner(t.histories, format('SELECT crm.track_nodes(%s::regclass)', tracking::oid))::int;
  END IF;
  IF NOT EXISTS (SELECT FROM crm.tracked o WHERE o.histories = t.histories AND o.on_shards IS NOT NULL) THEN
    PERFORM crm_internal.raise_error('object_not_in_prerequisite_state', format('%s is not kept on shards', t.purchases), hint => 'crm.track(..., on_shards => true) keeps a distributed table of Citus there.');
  END IF;
  FOR t IN SELECT * FROM crm.tracked o WHERE o.histories = t.histories AND o.on_shards IS NOT NULL ORDER BY o.purchases LOOP
    FOR lacking IN SELECT * FROM crm_internal.nodes_without(t.on_shards) LOOP
      EXECUTE $sql$SELECT r.result FROM pg_dist_node AS n, run_command_on_all_nodes($1) AS r
        WHERE format('%s:%s', n.nodename, n.nodeport) = $2 AND r.nodeid = n.nodeid AND NOT r.success$sql$
      INTO failed USING format('SELECT crm_internal.know_tracking(%L::regclass)', t.on_shards), lacking.node;
      IF failed IS NOT NULL THEN
        PERFORM crm_internal.raise_error('object_not_in_prerequisite_state', format('node %s cannot be told of %s', lacking.node, t.purchases), detail => failed);
      END IF;
      told := told + 1;
    END LOOP;
  END LOOP;
  RETURN told;
END $$;
COMMENT ON FUNCTION crm.track_nodes(regclass) IS
  'lets the nodes of Citus that came after crm.track(..., on_shards => true), and those that have lost it, know the tracking; returns how many did not';

-- Statements on shards read the copy of the rules on their node, and hold its lock.
CREATE FUNCTION crm_internal.wait_on_node(scoring regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  EXECUTE 'SELECT crm_internal.wait_for_writers(to_regclass(shard_name(s.logicalrelid, s.shardid))) FROM pg_dist_shard AS s WHERE s.logicalrelid = $1' USING scoring;
END $$;
COMMENT ON FUNCTION crm_internal.wait_on_node(regclass) IS 'waits for the statements on shards of this node that still score by the rules from before';

CREATE FUNCTION crm_internal.wait_on_nodes(scoring regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  failed text;
BEGIN
  EXECUTE 'SELECT min(r.result) FROM run_command_on_all_nodes($1) AS r WHERE NOT r.success' INTO failed
  USING format('SELECT crm_internal.wait_on_node(%L::regclass)', scoring);
  IF failed IS NOT NULL THEN
    PERFORM crm_internal.raise_error('object_not_in_prerequisite_state', format('a node does not tell whether statements still score by the former rules of %s', scoring), detail => failed);
  END IF;
END $$;
COMMENT ON FUNCTION crm_internal.wait_on_nodes(regclass) IS 'waits for the statements on shards of all nodes that still score by the rules from before';

-- TRUNCATE fires no triggers on shards, and that of the distributed table on the node that it was called on. What is left comes from other tables: the rows
-- that go are not read, or the connections that do would hold up the one that truncates them.

CREATE FUNCTION crm_internal.empty_on_shards(histories regclass, emptied regclass[]) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t crm.tracked;
  step record;
  zone text;
  keys constant text := crm_internal.column_list(crm_internal.history_keys(histories), ''::text);
  others constant text[] := ARRAY(SELECT crm_internal.histories_query(o.purchases) FROM crm.tracked o
                                  WHERE o.histories = empty_on_shards.histories AND o.source <> ALL (emptied) ORDER BY o.purchases);
BEGIN
  SELECT * INTO t FROM crm.tracked o WHERE o.histories = empty_on_shards.histories LIMIT 1;
  PERFORM crm_internal.one_by_one(histories);
  IF others = '{}' THEN
    EXECUTE (SELECT format('UPDATE %s SET %s WHERE %s', histories, string_agg(format('%I = ''{}''', b), ', '), string_agg(format('%I OPERATOR(crm.<>) ''{}''', b), ' OR '))
             FROM unnest(crm_internal.bought_columns(histories)) AS b);
  ELSE
    SELECT * INTO step FROM crm_internal.fill_statements(histories, format('(SELECT %1$s, crm.merge(history) AS history%2$s FROM (%3$s) AS sources GROUP BY %1$s)', keys,
      CASE WHEN crm_internal.keeps_mix(histories) THEN ', coalesce(crm.merge(mix), ''{}'') AS mix' ELSE '' END, array_to_string(others, ' UNION ALL ')));
    EXECUTE step.gone;
    EXECUTE step.come;
  END IF;
  -- scored as orders are: as of today, but for a tracking of the past
  FOR zone IN EXECUTE format('SELECT DISTINCT time_zone FROM %s WHERE refreshing_as_of IS NULL', t.scoring) LOOP
    EXECUTE format('UPDATE %s SET refreshing_as_of = CASE WHEN as_of IS NOT NULL THEN coalesce(refreshed_on, as_of) ELSE greatest($1, refreshed_on) END
                    WHERE refreshing_as_of IS NULL AND time_zone = $2', t.scoring) USING (statement_timestamp() AT TIME ZONE zone)::date, zone;
  END LOOP;
  PERFORM crm_internal.rescore_on_shards(histories, NULL::text[], 2147483647, 'truncate'::text);
  EXECUTE format('UPDATE %s SET refreshing_as_of = NULL WHERE refreshing_as_of IS NOT NULL', t.scoring);
END $$;
COMMENT ON FUNCTION crm_internal.empty_on_shards(regclass, regclass[]) IS
  'takes all rows of distributed tables, which are about to be truncated, out of the histories that stand on its shards; the caller has become their owner';
