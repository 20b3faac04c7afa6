-- partitions that come and go; crm.track has one argument more, 90_words.sql makes it anew

DROP FUNCTION crm.track(regclass, name, name, name, name, text, text[], int, crm.segment_map, int, int, boolean, boolean, boolean, regclass);
@create crm_internal.settle
@create crm_internal.count_partition
@create crm_internal.keep_partition
@create crm_internal.leaves
@create crm_internal.detached_histories
@create crm_internal.make_detached
@create crm_internal.partition_attached
@create crm_internal.partition_detached
@create crm_internal.partition_changed
@create crm_internal.follow_partitions
CREATE EVENT TRIGGER crm_partitions ON ddl_command_end WHEN TAG IN ('CREATE TABLE', 'CREATE FOREIGN TABLE', 'ALTER TABLE', 'CREATE SCHEMA')
  EXECUTE FUNCTION crm_internal.follow_partitions();
COMMENT ON EVENT TRIGGER crm_partitions IS 'follows partitions of tracked tables that are attached or detached';
CREATE EVENT TRIGGER crm_partitions_dropped ON ddl_command_start WHEN TAG IN ('DROP TABLE', 'DROP SCHEMA')
  EXECUTE FUNCTION crm_internal.follow_partitions();
COMMENT ON EVENT TRIGGER crm_partitions_dropped IS 'follows partitions of tracked tables that are dropped';
