-- Random statements on tracked tables: a shop of every kind of tracking, the statements of a seed, and what must hold after each transaction.
CREATE SCHEMA live;
SET search_path = live;
CREATE TABLE customers (id int PRIMARY KEY, email text);
INSERT INTO customers SELECT i, 'e' || i FROM generate_series(1, 40) AS i;
CREATE TABLE o (id int PRIMARY KEY, c int REFERENCES customers ON DELETE CASCADE ON UPDATE CASCADE, d date NOT NULL, a numeric, s text DEFAULT 'paid', net numeric GENERATED ALWAYS AS (a * 2) STORED);
CREATE TABLE late (id int PRIMARY KEY, c int, d date, a numeric);
CREATE TABLE p (id int, c int, d date, a numeric) PARTITION BY RANGE (d);
CREATE TABLE p_2025 (a numeric, x int, d date NOT NULL, c int, id int);
ALTER TABLE p_2025 DROP COLUMN x;
ALTER TABLE p ATTACH PARTITION p_2025 FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE p_2026 PARTITION OF p FOR VALUES FROM ('2026-01-01') TO ('2027-01-01') PARTITION BY RANGE (id);
CREATE TABLE p_2026_low PARTITION OF p_2026 FOR VALUES FROM (MINVALUE) TO (200);
CREATE TABLE p_2026_high PARTITION OF p_2026 FOR VALUES FROM (200) TO (MAXVALUE);
CREATE TABLE line (id int PRIMARY KEY, o int REFERENCES o ON DELETE CASCADE ON UPDATE CASCADE, kind text, a numeric);
CREATE INDEX ON line (o);
CREATE TABLE till (id int, c int, d date, a numeric, kind text);
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_WHEN = 'BEFORE' THEN
    IF new.a = 7 THEN RETURN NULL; END IF;
    IF new.a = 8 THEN new.a := 9; new.d := new.d + 1; END IF;
    RETURN new;
  ELSIF new.a = 11 THEN
    UPDATE live.o SET a = 12, d = d + 3 WHERE id = new.id;
  ELSIF new.a = 13 THEN
    DELETE FROM live.o WHERE id = new.id;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER before_row BEFORE INSERT OR UPDATE ON o FOR EACH ROW EXECUTE FUNCTION touch();
CREATE TRIGGER after_row AFTER INSERT OR UPDATE ON o FOR EACH ROW EXECUTE FUNCTION touch();
CREATE VIEW paid_purchases AS SELECT c, d AS purchased_on, a AS amount, CASE WHEN a < 3 THEN 0 ELSE 1 END AS orders FROM o WHERE s = 'paid';
CREATE VIEW net_purchases AS SELECT c, d AS purchased_on, net AS amount FROM o;
CREATE VIEW late_purchases AS SELECT c, d AS purchased_on, a AS amount FROM late;
CREATE VIEW parts_purchases AS SELECT c, d AS purchased_on, a AS amount FROM p;
CREATE VIEW few_purchases AS SELECT c, d AS purchased_on, a AS amount FROM p WHERE id % 2 = 0;
CREATE VIEW line_purchases AS SELECT o.c, o.d AS purchased_on, l.a AS amount, l.kind AS category FROM line AS l JOIN o ON o.id = l.o WHERE o.s = 'paid';
CREATE VIEW kept_purchases AS SELECT c, d AS purchased_on, a AS amount, kind AS category FROM till WHERE id % 3 > 0;
SELECT crm.track('paid_purchases', changes => true, notify => true), crm.track('net_purchases', scale_by => '{c}'), crm.track('late_purchases', upkeep => 'commit'),
  crm.track('parts_purchases'), crm.track('few_purchases', detached => 'forget', upkeep => 'commit'), crm.track('line_purchases', count_days => true),
  crm.track('till', 'c', 'd', 'a', category => 'kind', count_days => true, by_row => true), crm.track('kept_purchases', by_row => true, upkeep => 'commit');
UPDATE paid_scoring SET tier_program = '{B: spend 0, S: spend 100, G: spend 400} rolling 12 months', purchase_model = crm.bg_nbd(0.8, 30, 0.9, 3, 1), spend_model = crm.gamma_gamma(6, 4, 15);
CALL crm.refresh('paid_purchases');
SELECT crm.track_tiers('paid_purchases');
-- by hand, for the view whose histories are the sum of the view and of nothing else
CREATE FUNCTION differences() RETURNS bigint LANGUAGE sql AS $$
  SELECT count(*) FROM (
    SELECT c, purchased_on, sum(n) AS n, sum(a) AS a FROM (
      SELECT c, purchased_on, CASE WHEN round(amount, 4) < 0 THEN 0 ELSE orders END AS n, round(amount, 4) AS a FROM live.paid_purchases WHERE c IS NOT NULL AND amount IS NOT NULL
      UNION ALL SELECT h.c, j.purchased_on, -j.purchase_count, -j.amount FROM live.paid_histories AS h, crm.purchases(h.history) AS j) AS both_sides
    GROUP BY 1, 2 HAVING sum(n) <> 0 OR sum(a) <> 0) AS differing
$$;
-- rows, days and mixes of the trackings of lines: what their rows say, less what is kept
CREATE FUNCTION line_differences() RETURNS bigint LANGUAGE sql AS $$
  WITH counted AS MATERIALIZED (
    SELECT tracking, c, d, kind, CASE WHEN round(a, 4) < 0 THEN 0 ELSE 1 END AS n, round(a, 4) AS a FROM (
      SELECT 'line' AS tracking, o.c, o.d, l.kind, l.a FROM live.line AS l, live.o WHERE o.id = l.o AND o.s = 'paid'
      UNION ALL SELECT 'till', c, d, kind, a FROM live.till
      UNION ALL SELECT 'kept', c, d, kind, a FROM live.till WHERE id % 3 > 0) AS r
    WHERE c IS NOT NULL AND d IS NOT NULL AND a IS NOT NULL),
  kept AS MATERIALIZED (
    SELECT 'line' AS tracking, c, row_history AS by_rows, history AS by_days, mix FROM live.line_histories
    UNION ALL SELECT 'till', c, row_history, history, mix FROM live.till_histories
    UNION ALL SELECT 'kept', c, history, NULL, mix FROM live.kept_histories)
  SELECT count(*) FROM (
    SELECT 'row', tracking, c, d, kind FROM (
      SELECT tracking, c, d, '' AS kind, n, a FROM counted
      UNION ALL SELECT tracking, c, j.purchased_on, '', -j.purchase_count, -j.amount FROM kept, crm.purchases(by_rows) AS j) AS both_sides
    GROUP BY 1, 2, 3, 4, 5 HAVING sum(n) <> 0 OR sum(a) <> 0
    UNION ALL
    SELECT 'day', tracking, c, d, kind FROM (
      SELECT tracking, c, d, '' AS kind, max(n) AS n, sum(a) AS a FROM counted WHERE tracking <> 'kept' GROUP BY 1, 2, 3
      UNION ALL SELECT tracking, c, j.purchased_on, '', -j.purchase_count, -j.amount FROM kept, crm.purchases(by_days) AS j) AS both_sides
    GROUP BY 1, 2, 3, 4, 5 HAVING sum(n) <> 0 OR sum(a) <> 0
    UNION ALL
    SELECT 'mix', tracking, c, d, kind FROM (
      SELECT tracking, c, d, kind, n, a FROM counted WHERE kind <> ''
      UNION ALL SELECT tracking, c, e[1]::date, k[1], -e[2]::bigint, -e[3]::numeric
      FROM kept, regexp_matches(mix::text, '(\w+) \(([^)]*)\)', 'g') AS k, regexp_matches(k[2], '(\S{10}) (-?\d+) (-?[\d.]+)', 'g') AS e) AS both_sides
    GROUP BY 1, 2, 3, 4, 5 HAVING sum(n) <> 0 OR sum(a) <> 0) AS differing
$$;
-- triggers on the shards of a distributed table, as a node of Citus has them, by its catalogue, which is played here: the histories beside each shard are those of its rows
CREATE TABLE spread (id int, c int, d date, a numeric);
CREATE TABLE payers AS SELECT * FROM customers;
ALTER TABLE payers ADD PRIMARY KEY (id);
SELECT crm.track('spread', 'c', 'd', 'a', changes => true);
CREATE TABLE spread_101 (a numeric, d date, c int, id int);
CREATE TABLE spread_102 (LIKE spread, FOREIGN KEY (c) REFERENCES payers ON DELETE CASCADE);
CREATE TABLE spread_histories_103 (LIKE spread_histories INCLUDING ALL);
CREATE TABLE spread_histories_104 (LIKE spread_histories INCLUDING ALL);
CREATE TABLE spread_changes_105 (LIKE spread_changes);
CREATE TABLE spread_changes_106 (LIKE spread_changes);
CREATE TABLE spread_scoring_107 (LIKE spread_scoring INCLUDING ALL);
INSERT INTO spread_scoring_107 SELECT * FROM spread_scoring;
SET allow_system_table_mods = on;
CREATE TABLE pg_catalog.pg_dist_partition (logicalrelid regclass, partmethod "char", partkey text, colocationid int, repmodel "char");
INSERT INTO pg_catalog.pg_dist_partition VALUES ('spread', 'h', '{VAR :varno 1 :varattno 2 :vartype 23}', 1, 's'), ('spread_histories', 'h', '{VAR :varno 1 :varattno 1 :vartype 23}', 1, 's'),
  ('spread_changes', 'h', '{VAR :varno 1 :varattno 1 :vartype 23}', 1, 's'), ('spread_scoring', 'n', NULL, 2, 't');
CREATE TABLE pg_catalog.pg_dist_shard (logicalrelid regclass, shardid bigint, shardstorage "char", shardminvalue text, shardmaxvalue text);
INSERT INTO pg_catalog.pg_dist_shard VALUES ('spread', 101, 't', '-2147483648', '-1'), ('spread', 102, 't', '0', '2147483647'), ('spread_histories', 103, 't', '-2147483648', '-1'),
  ('spread_histories', 104, 't', '0', '2147483647'), ('spread_changes', 105, 't', '-2147483648', '-1'), ('spread_changes', 106, 't', '0', '2147483647'), ('spread_scoring', 107, 't', NULL, NULL);
CREATE FUNCTION pg_catalog.shard_name(object_name regclass, shard_id bigint, skip_qualify_public boolean DEFAULT true) RETURNS text
  LANGUAGE sql STABLE AS $$ SELECT format('live.%I', c.relname || '_' || shard_id) FROM pg_class AS c WHERE c.oid = object_name $$;
RESET allow_system_table_mods;
SELECT crm_internal.drop_triggers('spread');
SELECT crm_internal.track_triggers(t::regclass, false), crm_internal.statement_triggers(t::regclass, false) FROM unnest('{spread_101,spread_102}'::text[]) AS t;
DO $$
DECLARE
  t crm.tracked;
BEGIN
  SELECT * INTO t FROM crm.tracked WHERE source = 'live.spread'::regclass;
  t.on_shards := t.purchases;
  PERFORM crm_internal.write_tracked(t.purchases, t, '{on_shards}'::text[]);
  -- Citus puts no triggers on TRUNCATE there
  EXECUTE (SELECT string_agg(format('DROP TRIGGER %I ON %s', tgname, tgrelid::regclass), '; ') FROM pg_trigger
           WHERE tgrelid IN ('spread_101'::regclass, 'spread_102'::regclass) AND tgtype::int & 32 > 0);
END $$;
CREATE FUNCTION shard_differences() RETURNS bigint LANGUAGE sql AS $$
  SELECT count(*) FROM (
    SELECT shard, c, d FROM (
      SELECT shard, c, d, CASE WHEN round(a, 4) < 0 THEN 0 ELSE 1 END AS n, round(a, 4) AS a
      FROM (SELECT 1 AS shard, c, d, a FROM live.spread_101 UNION ALL SELECT 2, c, d, a FROM live.spread_102) AS r WHERE c IS NOT NULL AND d IS NOT NULL AND a IS NOT NULL
      UNION ALL SELECT shard, c, j.purchased_on, -j.purchase_count, -j.amount
      FROM (SELECT 1 AS shard, c, history FROM live.spread_histories_103 UNION ALL SELECT 2, c, history FROM live.spread_histories_104) AS h, crm.purchases(h.history) AS j) AS both_sides
    GROUP BY 1, 2, 3 HAVING sum(n) <> 0 OR sum(a) <> 0) AS differing
$$;
CREATE TABLE checked (transactions bigint NOT NULL DEFAULT 0);
INSERT INTO checked DEFAULT VALUES;
CREATE TABLE run (seed int, n int, statement text);
CREATE FUNCTION check_all(seed int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  t record;
  v record;
BEGIN
  UPDATE live.checked SET transactions = transactions + 1;
  IF live.differences() <> 0 OR live.line_differences() <> 0 OR live.shard_differences() <> 0 THEN
    INSERT INTO hostile.finding (problem, call) VALUES (format('statements of seed %s: not what plain SQL says', seed), (SELECT string_agg(statement, E';\n' ORDER BY n) FROM (SELECT * FROM live.run ORDER BY n DESC LIMIT 12) AS last));
  END IF;
  FOR t IN SELECT DISTINCT histories::oid::regclass AS histories FROM crm.tracked WHERE on_shards IS NULL LOOP
    FOR v IN SELECT * FROM crm.verify(t.histories) LIMIT 1 LOOP
      INSERT INTO hostile.finding (problem, call) VALUES (format('statements of seed %s: %s: %s', seed, t.histories, v), (SELECT string_agg(statement, E';\n' ORDER BY n) FROM (SELECT * FROM live.run ORDER BY n DESC LIMIT 12) AS last));
      PERFORM crm.track_partitions(t.histories), crm.rebuild(t.histories);
    END LOOP;
  END LOOP;
END $$;
CREATE FUNCTION ri(low int, high int) RETURNS int LANGUAGE sql VOLATILE AS $$ SELECT low + floor(random() * (high - low + 1))::int $$;
CREATE FUNCTION pick(VARIADIC choices text[]) RETURNS text LANGUAGE sql VOLATILE AS $$ SELECT choices[1 + floor(random() * cardinality(choices))::int] $$;
CREATE FUNCTION statement() RETURNS text LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  amount text := live.pick('NULL', '7', '8', '11', '13', '0', '-20', '2', live.ri(1, 90)::text, live.ri(1, 60) || '.25', '0.00005');
  c text := live.pick(live.ri(1, 40)::text, live.ri(1, 40)::text, live.ri(1, 9)::text, 'NULL');
  d text := format('date ''2025-01-01'' + %s', live.ri(0, 700));
  i int := live.ri(1, 400);
  n int := live.ri(1, 49);
  kind text := live.pick('''tea''', '''bread''', '''wine''', '''cheese''', '''''', 'NULL');
BEGIN
  -- what fills the tables of lines more often than what empties them
  RETURN CASE CASE WHEN n > 45 THEN live.ri(40, 42) WHEN n > 42 THEN 33 WHEN n > 39 THEN 36 ELSE n END
    WHEN 1 THEN format('INSERT INTO o (id, c, d, a) SELECT %s + g, 1 + g %% 40, %s + g, %s FROM generate_series(1, %s) g ON CONFLICT DO NOTHING', i, d, amount, live.ri(1, 20))
    WHEN 2 THEN format('INSERT INTO o (id, c, d, a) SELECT %s + g, 1 + g %% 40, %s, g %% 15 FROM generate_series(1, %s) g ON CONFLICT (id) DO UPDATE SET a = excluded.a + 1, c = excluded.c', i, d, live.ri(1, 20))
    WHEN 3 THEN format('UPDATE o SET a = a + %s WHERE id %% %s = 0', live.ri(-5, 5), live.ri(1, 9))
    WHEN 4 THEN format('UPDATE o SET c = %s WHERE c = %s', c, live.ri(1, 40))
    WHEN 5 THEN format('UPDATE o SET s = CASE s WHEN ''paid'' THEN ''open'' ELSE ''paid'' END WHERE id %% %s = 0', live.ri(2, 9))
    WHEN 6 THEN format('UPDATE o SET d = d + %s WHERE c = %s', live.ri(-30, 30), c)
    WHEN 7 THEN format('DELETE FROM o WHERE id %% %s = 1', live.ri(2, 20))
    WHEN 8 THEN format('DELETE FROM customers WHERE id = %s', live.ri(1, 40))
    WHEN 9 THEN format('UPDATE customers SET id = id + 100 WHERE id = %s AND NOT EXISTS (SELECT FROM customers x WHERE x.id = customers.id + 100)', live.ri(1, 40))
    WHEN 10 THEN 'INSERT INTO customers SELECT i, ''n'' FROM generate_series(1, 40) i ON CONFLICT DO NOTHING'
    WHEN 11 THEN format('WITH gone AS (DELETE FROM o WHERE id %% 7 = %s RETURNING *), up AS (UPDATE o SET a = a + 1 WHERE id %% 7 = %s RETURNING id) INSERT INTO o (id, c, d, a, s) SELECT id + 5000, c, d + 3, a, s FROM gone ON CONFLICT DO NOTHING', live.ri(0, 6), live.ri(0, 6))
    WHEN 12 THEN live.pick('TRUNCATE o CASCADE', 'TRUNCATE customers CASCADE', 'TRUNCATE late', 'TRUNCATE line', 'TRUNCATE till', 'SELECT 1', 'SELECT 1', 'SELECT 1', 'SELECT 1', 'SELECT 1', 'SELECT 1', 'SELECT 1', 'SELECT 1')
    WHEN 13 THEN format('INSERT INTO late SELECT %s + g, 1 + g * 7 %% 40, %s + g, %s FROM generate_series(1, %s) g ON CONFLICT (id) DO UPDATE SET c = excluded.c, a = late.a + 1', i, d, amount, live.ri(1, 30))
    WHEN 14 THEN format('UPDATE late SET c = %s, d = d + %s WHERE id %% %s = 0', c, live.ri(-9, 9), live.ri(2, 9))
    WHEN 15 THEN format('DELETE FROM late WHERE id %% %s = 1', live.ri(2, 9))
    WHEN 16 THEN format('INSERT INTO p SELECT %s + g, 1 + g %% 45, %s, %s FROM generate_series(1, %s) g', i, d, amount, live.ri(1, 30))
    WHEN 17 THEN format('UPDATE p SET d = date ''2025-01-01'' + (id * 7 + %s) %% 700 WHERE id %% %s = 0', live.ri(0, 99), live.ri(2, 9))
    WHEN 18 THEN format('UPDATE p SET id = id + %s, c = %s WHERE id %% %s = 0', live.ri(-150, 150), c, live.ri(2, 9))
    WHEN 19 THEN format('DELETE FROM p WHERE id %% %s = 1', live.ri(2, 9))
    WHEN 20 THEN format('%s p_2026_low', live.pick('TRUNCATE', 'DELETE FROM', 'DELETE FROM'))
    WHEN 21 THEN 'INSERT INTO p_2025 (id, c, d, a) VALUES (1, 1, ''2025-05-05'', 4)'
    WHEN 22 THEN 'ALTER TABLE p DETACH PARTITION p_2025'
    WHEN 23 THEN 'ALTER TABLE p ATTACH PARTITION p_2025 FOR VALUES FROM (''2025-01-01'') TO (''2026-01-01'')'
    WHEN 24 THEN 'ALTER TABLE p_2026 DETACH PARTITION p_2026_high'
    WHEN 25 THEN 'ALTER TABLE p_2026 ATTACH PARTITION p_2026_high FOR VALUES FROM (200) TO (MAXVALUE)'
    WHEN 26 THEN format('%s PARTITION p_2026%s', live.pick('ALTER TABLE p DETACH', 'ALTER TABLE p ATTACH'), live.pick('', ' FOR VALUES FROM (''2026-01-01'') TO (''2027-01-01'')'))
    WHEN 27 THEN live.pick('CREATE TABLE p_2024 PARTITION OF p FOR VALUES FROM (''2024-01-01'') TO (''2025-01-01'')', 'INSERT INTO p VALUES (1, 2, ''2024-02-02'', 5)', 'DROP TABLE p_2024')
    WHEN 28 THEN format('INSERT INTO paid_tier_decisions (c, what, tier, valid, why) VALUES (%s, ''floor'', %L, ''(,)'', ''x'')', live.ri(1, 140), live.pick('B', 'S', 'G'))
    WHEN 29 THEN 'DELETE FROM paid_tier_decisions WHERE c % 3 = 0'
    WHEN 30 THEN format('DO $b$ BEGIN FOR i IN 1 .. 3 LOOP BEGIN INSERT INTO late VALUES (%s + i, %s, %s, i); INSERT INTO o (id, c, d, a) VALUES (%1$s + i, %2$s, %3$s, i); IF i = 2 THEN RAISE ''x''; END IF; EXCEPTION WHEN OTHERS THEN NULL; END; END LOOP; END $b$', live.ri(10000, 20000), live.ri(1, 40), d)
    WHEN 31 THEN live.pick('SELECT crm.rebuild(''live.late_purchases'')', 'SELECT count(*) FROM crm.verify(''live.few_purchases'')', 'SELECT crm.drop_empty(''live.paid_purchases'')', 'SELECT crm.rebuild(''live.parts_purchases'')',
      'SELECT crm.rebuild(''live.line_purchases'')', 'SELECT crm.drop_empty(''live.till'')')
    WHEN 32 THEN live.pick('ALTER TABLE o ADD COLUMN IF NOT EXISTS extra int DEFAULT 5', 'ALTER TABLE o DROP COLUMN IF EXISTS extra', 'ANALYZE paid_histories')
    WHEN 33 THEN format('INSERT INTO line SELECT %s + g, (%s + g * 3) %% 400, %s, %s FROM generate_series(1, %s) g WHERE EXISTS (SELECT FROM o WHERE o.id = (%2$s + g * 3) %% 400)
      ON CONFLICT (id) DO UPDATE SET a = excluded.a + 1, kind = excluded.kind', i, live.ri(1, 399), kind, amount, live.ri(1, 30))
    WHEN 34 THEN format('UPDATE line SET %s WHERE id %% %s = 0', live.pick('a = a + 1', 'kind = ' || kind, 'o = (SELECT min(id) FROM o)', 'a = -a', 'id = id'), live.ri(1, 9))
    WHEN 35 THEN format('DELETE FROM line WHERE id %% %s = 1', live.ri(2, 9))
    WHEN 36 THEN format('INSERT INTO till SELECT %s + g, 1 + (g * %s) %% 40, %s, %s, %s FROM generate_series(1, %s) g', i, live.ri(1, 9), live.pick(d, d, d || ' + g % 3', 'NULL'), amount, kind, live.ri(1, 30))
    WHEN 37 THEN format('UPDATE till SET %s WHERE id %% %s = 0', live.pick('a = a + 1', 'kind = ' || kind, 'c = ' || c, 'd = d + ' || live.ri(-9, 9), 'a = -a', 'id = id + 1'), live.ri(1, 9))
    WHEN 38 THEN format('DELETE FROM till WHERE id %% %s = 1', live.ri(2, 9))
    WHEN 40 THEN format('INSERT INTO spread_%s (id, c, d, a) SELECT %s + g, 1 + (g * %s) %% 40, %s + g %% 3, %s FROM generate_series(1, %s) g WHERE EXISTS (SELECT FROM payers x WHERE x.id = 1 + (g * %3$s) %% 40)',
      live.ri(101, 102), i, live.ri(1, 9), d, amount, live.ri(1, 30))
    WHEN 41 THEN format('UPDATE spread_%s SET %s WHERE id %% %s = 0', live.ri(101, 102), live.pick('a = a + 1', 'c = ' || c, 'd = d + ' || live.ri(-9, 9), 'a = -a', 'id = id + 1'), live.ri(1, 9))
    WHEN 42 THEN live.pick(format('DELETE FROM spread_%s WHERE id %% %s = 1', live.ri(101, 102), live.ri(2, 9)),
      format('WITH gone AS (DELETE FROM spread_102 WHERE id %% 5 = %s RETURNING *) INSERT INTO spread_101 (id, c, d, a) SELECT id, c, d + 3, a FROM gone', live.ri(0, 4)),
      format('DELETE FROM payers WHERE id %% 9 = %s', live.ri(0, 8)), 'INSERT INTO payers SELECT i, ''n'' FROM generate_series(1, 40) i ON CONFLICT DO NOTHING')
    ELSE format('MERGE INTO o USING (SELECT g AS id, 1 + g %% 40 AS c, g %% 60 AS a FROM generate_series(%s, %s) g) s ON s.id = o.id WHEN MATCHED AND s.a %% 3 = 0 THEN DELETE WHEN MATCHED THEN UPDATE SET a = s.a, d = o.d + 1 WHEN NOT MATCHED THEN INSERT (id, c, d, a) VALUES (s.id, s.c, %s, s.a)', i, i + live.ri(1, 60), d)
  END;
END $$;
-- So many transactions of a seed, statement by statement, each followed by the check.
CREATE FUNCTION statements(seed int, transactions int) RETURNS SETOF text LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  k int := 0;
  text text;
BEGIN
  PERFORM setseed((seed::bigint * 7919 % 1000003) / 1000003.0);
  FOR t IN 1 .. transactions LOOP
    IF random() < 0.5 THEN
      text := live.statement();
      RETURN NEXT format('INSERT INTO live.run VALUES (%s, %s, %L)', seed, k, text);
      RETURN NEXT text;
      k := k + 1;
    ELSE
      RETURN NEXT 'BEGIN ISOLATION LEVEL ' || live.pick('READ COMMITTED', 'READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE');
      FOR i IN 1 .. live.ri(1, 6) LOOP
        text := live.pick('SAVEPOINT a', 'ROLLBACK TO a', 'RELEASE a', 'SELECT 1', 'SELECT 1', 'SELECT 1', 'SELECT 1');
        RETURN NEXT text;
        text := live.statement();
        RETURN NEXT format('INSERT INTO live.run VALUES (%s, %s, %L)', seed, k, text);
        RETURN NEXT text;
        k := k + 1;
      END LOOP;
      RETURN NEXT live.pick('COMMIT', 'COMMIT', 'COMMIT', 'ROLLBACK', 'PREPARE TRANSACTION ''hostile''');
      RETURN NEXT format('%s PREPARED ''hostile''', live.pick('COMMIT', 'ROLLBACK'));
    END IF;
    IF random() < 0.05 THEN
      RETURN NEXT live.pick('CALL crm.refresh(''live.paid_purchases'', batch_customers => 7)', 'CALL crm.refresh(''live.late_purchases'')', 'VACUUM FULL live.paid_histories', 'CALL crm.refresh(''live.parts_purchases'')',
        'CALL crm.refresh(''live.line_purchases'')');
    END IF;
    RETURN NEXT format('SELECT live.check_all(%s)', seed);
  END LOOP;
END $$;
-- what clients write beside each other
CREATE TABLE busy (id int PRIMARY KEY, c int, d date, a numeric);
CREATE TABLE quiet (c int, d date, a numeric);
CREATE TABLE sold (id int, c int, d date, a numeric, kind text);
SELECT crm.track('busy', 'c', 'd', 'a', changes => true, notify => true), crm.track('quiet', 'c', 'd', 'a', upkeep => 'commit'),
  crm.track('sold', 'c', 'd', 'a', category => 'kind', count_days => true);
UPDATE busy_scoring SET tier_program = '{B: spend 0, S: spend 50} rolling 12 months';
CALL crm.refresh('busy');
SELECT crm.track_tiers('busy');
