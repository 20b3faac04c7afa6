-- live: the catalogue of trackings, the score of a customer, the triggers

CREATE TABLE crm.tracked (
  purchases regclass PRIMARY KEY,
  source regclass,
  histories regclass NOT NULL,
  scoring regclass NOT NULL,
  changes regclass,
  notify boolean NOT NULL DEFAULT false,
  customers regclass NOT NULL,
  not_live text,
  by_row boolean NOT NULL DEFAULT false,
  source_name text,
  view_made boolean NOT NULL DEFAULT false,
  tracked_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
  scaled_on date,
  refresh_started_at timestamptz,
  refresh_finished_at timestamptz,
  customers_read bigint,
  customers_written bigint,
  models regclass,
  decisions regclass,
  standing regclass,
  by_invitation boolean,
  joined regclass[],
  detached text NOT NULL DEFAULT 'keep' CHECK (detached IN ('keep', 'forget')),
  detached_histories regclass,
  problem text,
  calendar regclass,
  cohorts regclass,
  segments regclass,
  segment_days regclass,
  segment_since regclass,
  upkeep text NOT NULL DEFAULT 'statement' CHECK (upkeep IN ('statement', 'commit')),
  rules regclass,
  on_shards regclass
);
COMMENT ON TABLE crm.tracked IS 'the purchases views that are tracked, and the tables and views of each';
COMMENT ON COLUMN crm.tracked.purchases IS 'the purchases view: which rows of the orders count, and as what';
COMMENT ON COLUMN crm.tracked.source IS 'the table whose triggers keep the histories; NULL if only crm.refresh does';
COMMENT ON COLUMN crm.tracked.histories IS 'one row a customer: history and score';
COMMENT ON COLUMN crm.tracked.scoring IS 'the rules that customers are scored by';
COMMENT ON COLUMN crm.tracked.changes IS 'the log of changes; NULL if none is kept';
COMMENT ON COLUMN crm.tracked.notify IS 'whether a statement that changes a segment notifies channel crm';
COMMENT ON COLUMN crm.tracked.customers IS 'the view for reports';
COMMENT ON COLUMN crm.tracked.not_live IS 'why triggers cannot keep this view; NULL if they do';
COMMENT ON COLUMN crm.tracked.by_row IS 'whether row triggers do, as on a logical replication subscriber';
COMMENT ON COLUMN crm.tracked.source_name IS 'what the source was called when it was tracked: tells when it was swapped for another';
COMMENT ON COLUMN crm.tracked.view_made IS 'whether crm.track made the purchases view';
COMMENT ON COLUMN crm.tracked.tracked_at IS 'when crm.track was called';
COMMENT ON COLUMN crm.tracked.scaled_on IS 'day of the oldest scale in force, after the last refresh';
COMMENT ON COLUMN crm.tracked.refresh_started_at IS 'when the last refresh started';
COMMENT ON COLUMN crm.tracked.refresh_finished_at IS 'when the last refresh finished; NULL while it runs or if it stopped early';
COMMENT ON COLUMN crm.tracked.customers_read IS 'customers that the last refresh looked at';
COMMENT ON COLUMN crm.tracked.customers_written IS 'customers whose row it wrote';
COMMENT ON COLUMN crm.tracked.models IS 'the models that are and were in force; NULL before the first refit';
COMMENT ON COLUMN crm.tracked.decisions IS 'what was decided on the tiers of customers; NULL before crm.track_tiers';
COMMENT ON COLUMN crm.tracked.standing IS 'the view of standings; NULL before crm.track_tiers';
COMMENT ON COLUMN crm.tracked.by_invitation IS 'whether customers without a membership hold no tier; NULL before crm.track_tiers';
COMMENT ON COLUMN crm.tracked.joined IS 'the tables that the view joins to the source, whose triggers keep the histories as well; NULL if it reads one table';
COMMENT ON COLUMN crm.tracked.detached IS 'whether purchases of a partition that is detached or dropped count on: keep or forget';
COMMENT ON COLUMN crm.tracked.detached_histories IS 'what detached partitions held; NULL before the first is detached';
COMMENT ON COLUMN crm.tracked.problem IS 'what could not be followed, until crm.rebuild; NULL if nothing';
COMMENT ON COLUMN crm.tracked.calendar IS 'the view of figures by month; NULL before the first refresh after an update';
COMMENT ON COLUMN crm.tracked.cohorts IS 'the view of cohorts by month and age';
COMMENT ON COLUMN crm.tracked.segments IS 'the view of segments as they are now';
COMMENT ON COLUMN crm.tracked.segment_days IS 'the segments on the days of refreshes';
COMMENT ON COLUMN crm.tracked.segment_since IS 'since when each customer is in the segment of the last refresh';
COMMENT ON COLUMN crm.tracked.upkeep IS 'when histories are written: after each statement, or once at the commit of a transaction';
COMMENT ON COLUMN crm.tracked.rules IS 'what the rules were, one row a change; NULL before the first refresh after an update';
COMMENT ON COLUMN crm.tracked.on_shards IS 'the view by which the nodes of Citus know the tracking, whose triggers are on the shards; NULL if they are not';

-- A dump takes the trackings of which everything is still there; whoever owns the extension may restore it.
SELECT pg_catalog.pg_extension_config_dump('crm.tracked',
  'WHERE NOT EXISTS (SELECT FROM pg_catalog.unnest(ARRAY[purchases, source, histories, scoring, changes, customers, models, decisions, standing, detached_histories,'
  ' calendar, cohorts, segments, segment_days, segment_since, rules, on_shards]::pg_catalog.oid[]'
  ' OPERATOR(pg_catalog.||) coalesce(joined, ''{}'')::pg_catalog.oid[]) AS r(oid)'
  ' WHERE r.oid IS NOT NULL AND NOT EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid OPERATOR(pg_catalog.=) r.oid))');
GRANT USAGE ON SCHEMA crm TO PUBLIC;
-- Everybody may look. More would be the right to lock rows or all of the table, and so to stop the orders of others: rows come and go by
-- crm_internal.write_tracked. Only a dump is restored by statements.
GRANT SELECT ON crm.tracked TO PUBLIC;
GRANT INSERT ON crm.tracked TO @extowner@;

-- The keys of customers are for the owner's eyes, see crm.tracking_status.
CREATE TABLE crm.refresh_position (
  histories regclass PRIMARY KEY,
  last_key text[] NOT NULL
);
COMMENT ON TABLE crm.refresh_position IS 'the key up to which each running refresh has come';
COMMENT ON COLUMN crm.refresh_position.histories IS 'the table of histories that is refreshed';
COMMENT ON COLUMN crm.refresh_position.last_key IS 'the key of its last customer that is scored';

CREATE FUNCTION crm_internal.relations_of(tracked crm.tracked) RETURNS oid[]
  LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT array_remove(ARRAY[tracked.purchases, tracked.source, tracked.histories, tracked.scoring, tracked.changes, tracked.customers,
    tracked.models, tracked.decisions, tracked.standing, tracked.detached_histories, tracked.calendar, tracked.cohorts, tracked.segments, tracked.segment_days,
    tracked.segment_since, tracked.rules, tracked.on_shards]::oid[] || coalesce(tracked.joined, '{}')::oid[], NULL)
$$;
COMMENT ON FUNCTION crm_internal.relations_of(crm.tracked) IS 'the relations that a tracking consists of';

-- A relation that is not there yet may become anybody's, so a row must not name it.
CREATE FUNCTION crm_internal.check_tracked(before crm.tracked, after crm.tracked) RETURNS void
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  known constant oid[] := CASE WHEN before.purchases IS NULL THEN '{}' ELSE crm_internal.relations_of(before) END;
  relation record;
BEGIN
  FOR relation IN
    SELECT r.oid, c.oid IS NULL AS missing
    FROM unnest(CASE WHEN after.purchases IS NULL THEN known ELSE crm_internal.relations_of(after) || known END) WITH ORDINALITY AS r(oid, n)
      LEFT JOIN pg_class c ON c.oid = r.oid
    WHERE c.oid IS NULL AND r.oid <> ALL (known) OR NOT pg_has_role(current_user, c.relowner, 'USAGE')
    ORDER BY r.n
  LOOP
    IF relation.missing THEN
      PERFORM crm_internal.raise_error('undefined_table', format('relation with OID %s does not exist', relation.oid));
    END IF;
    PERFORM crm_internal.raise_error('insufficient_privilege', format('must be owner of relation %s', relation.oid::regclass));
  END LOOP;
  -- but for a view that triggers cannot keep any more
  IF before.purchases IS NOT NULL AND after.purchases IS NOT NULL
     AND ((before.purchases, before.histories) IS DISTINCT FROM (after.purchases, after.histories)
       OR (before.source, before.joined) IS DISTINCT FROM (after.source, after.joined) AND num_nonnulls(after.source, after.joined) > 0) THEN
    PERFORM crm_internal.raise_error('insufficient_privilege', 'a tracking cannot be moved to other relations');
  END IF;
END $$;
COMMENT ON FUNCTION crm_internal.check_tracked(crm.tracked, crm.tracked) IS
  'an error unless the current user owns all relations of a tracking as it was and as it will be; either is NULL where there is none';

CREATE FUNCTION crm_internal.tracked_guard() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    PERFORM crm_internal.check_tracked(NULL::crm.tracked, new);
  ELSIF TG_OP = 'UPDATE' THEN
    PERFORM crm_internal.check_tracked(old, new);
  ELSE
    PERFORM crm_internal.check_tracked(old, NULL::crm.tracked);
    RETURN old;
  END IF;
  RETURN new;
END $$;
COMMENT ON FUNCTION crm_internal.tracked_guard() IS 'lets only the owner of its relations change a row of crm.tracked';
CREATE TRIGGER guard BEFORE INSERT OR UPDATE OR DELETE ON crm.tracked
  FOR EACH ROW EXECUTE FUNCTION crm_internal.tracked_guard();

CREATE FUNCTION crm_internal.write_tracked(purchases regclass, tracking crm.tracked, columns text[]) RETURNS void
  LANGUAGE C VOLATILE COST 1000 AS 'MODULE_PATHNAME', 'crm_write_tracked';
COMMENT ON FUNCTION crm_internal.write_tracked(regclass, crm.tracked, text[]) IS
  'changes the named columns of a row of crm.tracked, adds it if there are no columns, deletes it if there is no tracking; for the owner of its relations';
CREATE FUNCTION crm_internal.write_refresh_position(histories regclass, last_key text[]) RETURNS void
  LANGUAGE C VOLATILE COST 1000 AS 'MODULE_PATHNAME', 'crm_write_refresh_position';
COMMENT ON FUNCTION crm_internal.write_refresh_position(regclass, text[]) IS
  'keeps the key up to which a refresh has come, for the owner of the histories; NULL when it is at the end';

-- What a session keeps of a tracking is forgotten as soon as it changes.
CREATE FUNCTION crm_internal.tracked_changed() RETURNS trigger
  LANGUAGE C COST 10 AS 'MODULE_PATHNAME', 'crm_tracked_changed';
COMMENT ON FUNCTION crm_internal.tracked_changed() IS 'tells all sessions that a tracking has changed';
CREATE TRIGGER changed AFTER INSERT OR DELETE OR UPDATE OF purchases, source, histories, scoring, changes, notify, decisions, by_invitation, joined, upkeep, on_shards
  ON crm.tracked FOR EACH ROW EXECUTE FUNCTION crm_internal.tracked_changed();
ALTER TABLE crm.tracked ENABLE ALWAYS TRIGGER changed;

-- the score of a customer

CREATE TYPE crm.customer_score AS (
  rfm text,
  recency_score smallint,
  frequency_score smallint,
  monetary_score smallint,
  segment text,
  segment_rank smallint,
  tier text,
  p_alive float8,
  expected_purchases float8,
  clv float8,
  expected_next_purchase_on date
);
COMMENT ON TYPE crm.customer_score IS 'what a tracking keeps beside a customer''s history, in built-in types';

CREATE FUNCTION crm.score_customer(history crm.purchase_history, as_of date, scale crm.rfm_scale, segments crm.segment_map,
    look_back_days int, tier_program crm.tier_program, purchase_model crm.purchase_model, spend_model crm.spend_model,
    margin float8, horizon_days int, discount_rate float8) RETURNS crm.customer_score
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'crm_score_customer';
COMMENT ON FUNCTION crm.score_customer(crm.purchase_history, date, crm.rfm_scale, crm.segment_map, int, crm.tier_program,
    crm.purchase_model, crm.spend_model, float8, int, float8) IS
  'the score of a customer on a day by the rules of a tracking; a NULL rule leaves its columns NULL';

-- the triggers

CREATE FUNCTION crm.track_statement() RETURNS trigger
  LANGUAGE C COST 100 AS 'MODULE_PATHNAME', 'crm_track_statement';
COMMENT ON FUNCTION crm.track_statement() IS 'keeps histories after a statement on a tracked table';
CREATE FUNCTION crm.track_row() RETURNS trigger
  LANGUAGE C COST 100 AS 'MODULE_PATHNAME', 'crm_track_row';
COMMENT ON FUNCTION crm.track_row() IS 'keeps histories after a row of a tracked table changed, where statement triggers do not fire';
CREATE FUNCTION crm.track_truncate() RETURNS trigger
  LANGUAGE C COST 100 AS 'MODULE_PATHNAME', 'crm_track_truncate';
COMMENT ON FUNCTION crm.track_truncate() IS 'takes the rows of a tracked table out of the histories before it is truncated';

CREATE FUNCTION crm.track_statement_begins() RETURNS trigger
  LANGUAGE C COST 10 AS 'MODULE_PATHNAME', 'crm_track_statement_begins';
COMMENT ON FUNCTION crm.track_statement_begins() IS 'tells that a statement on a tracked table begins, so that those within each other are followed as one';
CREATE FUNCTION crm.track_statement_ended() RETURNS trigger
  LANGUAGE C COST 10 AS 'MODULE_PATHNAME', 'crm_track_statement_ended';
COMMENT ON FUNCTION crm.track_statement_ended() IS 'keeps histories when a statement ends whose rows were followed one by one';
CREATE FUNCTION crm.track_truncate_ended() RETURNS trigger
  LANGUAGE C COST 10 AS 'MODULE_PATHNAME', 'crm_track_truncate_ended';
COMMENT ON FUNCTION crm.track_truncate_ended() IS 'tells that a joined table has been truncated';

-- what the calls below stand on

CREATE FUNCTION crm_internal.statement_runs(relation regclass) RETURNS boolean
  LANGUAGE C VOLATILE STRICT COST 10 AS 'MODULE_PATHNAME', 'crm_statement_runs';
COMMENT ON FUNCTION crm_internal.statement_runs(regclass) IS 'whether a statement runs in this session on a tracked table, or a partition of it, whose rows the histories are still to be told of';
CREATE FUNCTION crm.live_source(purchases regclass, OUT source regclass, OUT reason text)
  LANGUAGE C STABLE STRICT PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME', 'crm_live_source';
COMMENT ON FUNCTION crm.live_source(regclass) IS
  'the table whose rows are the purchases of a view that triggers can keep, or the reason why they cannot and the change that would help';
CREATE FUNCTION crm_internal.live_tables(purchases regclass, on_shards boolean DEFAULT false, OUT tables regclass[], OUT reason text, OUT hint text)
  LANGUAGE C STABLE STRICT PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME', 'crm_live_tables';
COMMENT ON FUNCTION crm_internal.live_tables(regclass, boolean) IS
  'the tables whose triggers can keep a purchases view, or those on the shards of distributed tables of Citus, first the one whose rows are the purchases; or the reason why they cannot and the change that would help';
CREATE FUNCTION crm_internal.join_indexes(purchases regclass) RETURNS text[]
  LANGUAGE C STABLE STRICT PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME', 'crm_join_indexes';
COMMENT ON FUNCTION crm_internal.join_indexes(regclass) IS
  'commands that make the indexes by which the rows are found that look up a changed row, where they are missing';
CREATE FUNCTION crm_internal.purchases_keys(purchases regclass) RETURNS text[]
  LANGUAGE C STABLE STRICT PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME', 'crm_purchases_keys';
COMMENT ON FUNCTION crm_internal.purchases_keys(regclass) IS
  'the key columns of a purchases view; an error if its columns are not those of one';
CREATE FUNCTION crm_internal.equality(type regtype) RETURNS text
  LANGUAGE C STABLE STRICT PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME', 'crm_equality';
COMMENT ON FUNCTION crm_internal.equality(regtype) IS 'the equality operator of a type''s default btree class, as OPERATOR(schema.name)';
CREATE FUNCTION crm_internal.rescore(histories regclass, after text[], customers int,
    OUT last text[], OUT customers_read bigint, OUT customers_written bigint)
  LANGUAGE C VOLATILE COST 1000 AS 'MODULE_PATHNAME', 'crm_rescore';
COMMENT ON FUNCTION crm_internal.rescore(regclass, text[], int) IS
  'scores the next customers behind a key by the rules in force; last is NULL at the end';
CREATE FUNCTION crm_internal.rescore(histories regclass, after text[], customers int, why text,
    OUT last text[], OUT customers_read bigint, OUT customers_written bigint)
  LANGUAGE C VOLATILE COST 1000 AS 'MODULE_PATHNAME', 'crm_rescore';
COMMENT ON FUNCTION crm_internal.rescore(regclass, text[], int, text) IS
  'the same, with the reason that the log of changes gives';
CREATE FUNCTION crm_internal.refill(histories regclass, fresh regclass, why text,
    OUT changed bigint, OUT customers_read bigint, OUT customers_written bigint)
  LANGUAGE C VOLATILE STRICT COST 1000 AS 'MODULE_PATHNAME', 'crm_refill';
COMMENT ON FUNCTION crm_internal.refill(regclass, regclass, text) IS
  'makes histories what a table of all customers says, scored by the rules in force; changed are those whose history was another';
CREATE FUNCTION crm_internal.as_owner(relation regclass, command text) RETURNS text
  LANGUAGE C VOLATILE STRICT COST 1000 AS 'MODULE_PATHNAME', 'crm_as_owner';
COMMENT ON FUNCTION crm_internal.as_owner(regclass, text) IS
  'runs a query as the owner of a relation, with a pinned search_path and without lasting effects on the session; returns the first column of its row';
CREATE FUNCTION crm_internal.is_owner(relation regclass) RETURNS boolean
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE WHEN relation IS NOT NULL THEN EXISTS (SELECT FROM pg_class c, pg_roles r WHERE c.oid = relation AND r.oid = c.relowner AND r.rolname = current_user) END
$$;
COMMENT ON FUNCTION crm_internal.is_owner(regclass) IS
  'whether the current user is the owner of a relation, and not only a member of that role or a superuser; of one that was dropped nobody is';
CREATE FUNCTION crm_internal.settle(histories regclass) RETURNS void
  LANGUAGE C VOLATILE STRICT COST 100 AS 'MODULE_PATHNAME', 'crm_settle';
COMMENT ON FUNCTION crm_internal.settle(regclass) IS
  'writes what the transaction has brought and taken until now, where histories are written at its commit';
CREATE FUNCTION crm_internal.wait_for_writers(scoring regclass) RETURNS void
  LANGUAGE C VOLATILE STRICT COST 100 AS 'MODULE_PATHNAME', 'crm_wait_for_writers';
COMMENT ON FUNCTION crm_internal.wait_for_writers(regclass) IS
  'waits for the transactions that may still score by the rules that were in force before';
CREATE FUNCTION crm_internal.check_commit_allowed(caller text) RETURNS void
  LANGUAGE C VOLATILE STRICT COST 100 AS 'MODULE_PATHNAME', 'crm_check_commit_allowed';
COMMENT ON FUNCTION crm_internal.check_commit_allowed(text) IS 'an error if a transaction block is open';
CREATE FUNCTION crm_internal.relation_left(tracking crm.tracked) RETURNS regclass
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT r.oid FROM unnest(ARRAY[tracking.histories]::oid[] || crm_internal.relations_of(tracking)) WITH ORDINALITY AS r(oid, n) JOIN pg_class c ON c.oid = r.oid
  ORDER BY n LIMIT 1
$$;
COMMENT ON FUNCTION crm_internal.relation_left(crm.tracked) IS 'a relation of a tracking that has not been dropped, by which its owner is known; NULL if none is left';
