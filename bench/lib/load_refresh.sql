-- Refreshes of all customers: on the same day once more, on the next, and by models.
CREATE TABLE load_refresh (step int, name text, seconds numeric, customers bigint, written bigint, table_mb numeric, grew_mb numeric, wal_mb numeric);
CREATE TABLE load_mark (at timestamptz, lsn pg_lsn, size bigint);

CREATE PROCEDURE load_mark() LANGUAGE sql AS $$
  DELETE FROM load_mark;
  INSERT INTO load_mark SELECT clock_timestamp(), pg_current_wal_insert_lsn(), pg_table_size('load_crm_histories') $$;
CREATE PROCEDURE load_note(step int, name text) LANGUAGE sql AS $$
  INSERT INTO load_refresh
  SELECT load_note.step, load_note.name, round(extract(epoch FROM clock_timestamp() - m.at)::numeric, 1), t.customers_read, t.customers_written,
    round(pg_table_size('load_crm_histories') / 1048576.0), round((pg_table_size('load_crm_histories') - m.size) / 1048576.0),
    round((pg_current_wal_insert_lsn() - m.lsn) / 1048576.0)
  FROM load_mark m, crm.tracked t WHERE t.histories = 'load_crm_histories'::regclass $$;

CALL crm.refresh('load_crm');
VACUUM load_crm_histories;
CHECKPOINT;
CALL load_mark();
CALL crm.refresh('load_crm');
CALL load_note(1, 'the same day once more');
CALL load_mark();
CALL crm.refresh('load_crm', current_date + 1);
CALL load_note(2, 'the next day');
VACUUM load_crm_histories;
UPDATE load_crm_scoring SET (purchase_model, spend_model) =
  (SELECT crm.fit_bg_nbd(history, current_date + 1), crm.fit_gamma_gamma(history, current_date + 1) FROM load_crm_histories);
CALL load_mark();
CALL crm.refresh('load_crm', current_date + 1);
CALL load_note(3, 'with models for the first time');
VACUUM load_crm_histories;
CALL load_mark();
CALL crm.refresh('load_crm', current_date + 2);
CALL load_note(4, 'the next day, with models');
