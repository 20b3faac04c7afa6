-- purchases views over several tables, kept by triggers

ALTER TABLE crm.tracked ADD COLUMN joined regclass[];
COMMENT ON COLUMN crm.tracked.joined IS 'the tables that the view joins to the source, whose triggers keep the histories as well; NULL if it reads one table';
ALTER TABLE crm.tracked ADD COLUMN detached text NOT NULL DEFAULT 'keep' CHECK (detached IN ('keep', 'forget')), ADD COLUMN detached_histories regclass, ADD COLUMN problem text;
COMMENT ON COLUMN crm.tracked.detached IS 'whether purchases of a partition that is detached or dropped count on: keep or forget';
COMMENT ON COLUMN crm.tracked.detached_histories IS 'what detached partitions held; NULL before the first is detached';
COMMENT ON COLUMN crm.tracked.problem IS 'what could not be followed, until crm.rebuild; NULL if nothing';
-- what a tracking shows of time, see 86_pictures.sql
ALTER TABLE crm.tracked ADD COLUMN calendar regclass, ADD COLUMN cohorts regclass, ADD COLUMN segments regclass,
  ADD COLUMN segment_days regclass, ADD COLUMN segment_since regclass;
COMMENT ON COLUMN crm.tracked.calendar IS 'the view of figures by month; NULL before the first refresh after an update';
COMMENT ON COLUMN crm.tracked.cohorts IS 'the view of cohorts by month and age';
COMMENT ON COLUMN crm.tracked.segments IS 'the view of segments as they are now';
COMMENT ON COLUMN crm.tracked.segment_days IS 'the segments on the days of refreshes';
COMMENT ON COLUMN crm.tracked.segment_since IS 'since when each customer is in the segment of the last refresh';
ALTER TABLE crm.tracked ADD COLUMN upkeep text NOT NULL DEFAULT 'statement' CHECK (upkeep IN ('statement', 'commit'));
COMMENT ON COLUMN crm.tracked.upkeep IS 'when histories are written: after each statement, or once at the commit of a transaction';
ALTER TABLE crm.tracked ADD COLUMN rules regclass;
COMMENT ON COLUMN crm.tracked.rules IS 'what the rules were, one row a change; NULL before the first refresh after an update';
ALTER TABLE crm.tracked ADD COLUMN on_shards regclass;
COMMENT ON COLUMN crm.tracked.on_shards IS 'the view by which the nodes of Citus know the tracking, whose triggers are on the shards; NULL if they are not';
SELECT pg_catalog.pg_extension_config_dump('crm.tracked',
  'WHERE NOT EXISTS (SELECT FROM pg_catalog.unnest(ARRAY[purchases, source, histories, scoring, changes, customers, models, decisions, standing, detached_histories,'
  ' calendar, cohorts, segments, segment_days, segment_since, rules, on_shards]::pg_catalog.oid[]'
  ' OPERATOR(pg_catalog.||) coalesce(joined, ''{}'')::pg_catalog.oid[]) AS r(oid)'
  ' WHERE r.oid IS NOT NULL AND NOT EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid OPERATOR(pg_catalog.=) r.oid))');
DROP TRIGGER changed ON crm.tracked;
CREATE TRIGGER changed AFTER INSERT OR DELETE OR UPDATE OF purchases, source, histories, scoring, changes, notify, decisions, by_invitation, joined, upkeep, on_shards
  ON crm.tracked FOR EACH ROW EXECUTE FUNCTION crm_internal.tracked_changed();
ALTER TABLE crm.tracked ENABLE ALWAYS TRIGGER changed;

@create crm.track_statement_begins
@create crm.track_statement_ended
@create crm.track_truncate_ended
@create crm_internal.live_tables
@create crm_internal.join_indexes
@create crm_internal.statement_triggers
@create crm_internal.join_triggers
@create crm_internal.follow_tables
@create crm_internal.release_tables
@create crm_internal.notice_join_indexes
@create crm_internal.leave_triggers
@create crm_internal.complete_triggers
@create crm_internal.references_condition
@create crm.drop_empty
@replace crm.live_source
@replace crm_internal.relations_of
@replace crm_internal.check_source
@create crm_internal.check_sources_left
@create crm_internal.statement_runs
@create crm_internal.check_no_statement
@replace crm_internal.lock_sources
@replace crm_internal.own_triggers
@replace crm_internal.drop_triggers

@create crm_internal.given_away
@create crm_internal.nodes_without
@part 90_on_shards.sql

CREATE OR REPLACE VIEW crm.tracking_status AS
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
COMMENT ON COLUMN crm.tracking_status.tables_without_triggers IS 'of the source, its partitions and the joined tables, how many lack a trigger or have it disabled';
COMMENT ON COLUMN crm.tracking_status.kept IS 'live, live on shards, row by row, or refresh only; gone if the view or its source has been dropped';
COMMENT ON COLUMN crm.tracking_status.nodes_without_tracking IS 'the nodes of Citus that do not know a tracking which is kept on shards, as host:port; NULL of other trackings';
COMMENT ON COLUMN crm.tracking_status.problem IS 'what could not be followed, until crm.rebuild: a partition, or a relation that was given to another owner';
