-- crm.rebuild: every history that differs is made right, each row written at most
-- once and in place; what users keep beside the histories stays. Tables with
-- triggers of users are filled by statements, which fire them, and get the same.
SET client_min_messages = warning;
SELECT plan(31);
SELECT setseed(0.31) IS NOT NULL AS seeded;

CREATE TABLE rebuilt_line (id serial PRIMARY KEY, shop text, customer_id int, sold_on date, amount numeric, category text);
INSERT INTO rebuilt_line (shop, customer_id, sold_on, amount, category)
  SELECT (ARRAY['a', 'b'])[1 + i % 2], (random() * 60)::int, date '2026-01-01' + (random() * 80)::int, 3 + i % 7, (ARRAY['tea', 'oil', NULL])[1 + i % 3] FROM generate_series(1, 900) i;
CREATE TABLE days_line (LIKE rebuilt_line INCLUDING ALL);
INSERT INTO days_line TABLE rebuilt_line;
CREATE TABLE fired_line (LIKE rebuilt_line INCLUDING ALL);
INSERT INTO fired_line TABLE rebuilt_line;
CREATE FUNCTION keys_of(lines text) RETURNS text LANGUAGE sql AS $$ SELECT CASE lines WHEN 'days_line' THEN 'customer_id' ELSE 'shop, customer_id' END $$;
CREATE VIEW rebuilt_line_purchases AS SELECT shop, customer_id, sold_on AS purchased_on, amount, category FROM rebuilt_line;
CREATE VIEW fired_line_purchases AS SELECT shop, customer_id, sold_on AS purchased_on, amount, category FROM fired_line;
SELECT crm.track('rebuilt_line_purchases', scale_by => '{shop}', changes => true, time_zone => 'UTC', as_of => '2026-04-30'),
  crm.track('fired_line_purchases', scale_by => '{shop}', changes => true, time_zone => 'UTC', as_of => '2026-04-30'),
  crm.track('days_line', customer => 'customer_id', purchased_on => 'sold_on', amount => 'amount', count_days => true, changes => true, time_zone => 'UTC', as_of => '2026-04-30');
SELECT is(count(*), 3::bigint, 'all are live') FROM crm.tracking_status WHERE kept = 'live';

CREATE FUNCTION pg_temp.problems(lines text) RETURNS text LANGUAGE sql AS $$
  SELECT coalesce(string_agg(DISTINCT problem, ', ' ORDER BY problem), 'nothing') FROM crm.verify(lines::regclass) $$;
-- what users keep, and a customer without purchases whose row stays
DO $$ DECLARE t text; BEGIN
  FOREACH t IN ARRAY '{rebuilt_line,fired_line,days_line}'::text[] LOOP
    EXECUTE format('ALTER TABLE %s_histories ADD COLUMN note text DEFAULT ''new''', t);
    EXECUTE format('UPDATE %s_histories SET note = ''of '' || customer_id', t);
    EXECUTE format('DELETE FROM %s WHERE customer_id = 7', t);
  END LOOP;
END $$;
CREATE TABLE fired (operation text);
CREATE FUNCTION fire() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.fired VALUES (TG_OP); RETURN NULL; END $$;
CREATE TRIGGER of_user AFTER UPDATE ON fired_line_histories FOR EACH STATEMENT EXECUTE FUNCTION fire();
SELECT is(crm_internal.may_refill(t), t <> 'fired_line_histories'::regclass, t || ': rows are written one by one unless a user has a trigger')
FROM unnest('{rebuilt_line_histories,fired_line_histories,days_line_histories}'::regclass[]) t;

-- every history is another by hand: emptied, taken away, changed, made up
DO $$ DECLARE t text; kept text; BEGIN
  FOREACH t IN ARRAY '{rebuilt_line,fired_line,days_line}'::text[] LOOP
    kept := crm_internal.kept_history((t || '_histories')::regclass);
    EXECUTE format('UPDATE %s_histories SET %I = ''{2026-01-01 1 5}'' WHERE customer_id %% 3 = 0 AND customer_id <> 7', t, kept);
    EXECUTE format('UPDATE %s_histories SET %I = ''{}'' WHERE customer_id %% 3 = 1 AND customer_id <> 7', t, kept);
    EXECUTE format('DELETE FROM %s_histories WHERE customer_id %% 3 = 2', t);
    EXECUTE format('INSERT INTO %s_histories (%s, %I, segment) VALUES (%s, ''{2026-01-01 1 5}'', ''Made up'')', t, keys_of(t), kept,
      CASE t WHEN 'days_line' THEN '99' ELSE $s$'a', 99$s$ END);
    EXECUTE format('TRUNCATE %s_changes', t);
  END LOOP;
END $$;
TRUNCATE fired;
SELECT relfilenode AS file FROM pg_class WHERE oid = 'rebuilt_line_histories'::regclass \gset
CREATE TABLE expected_changes AS SELECT 'rebuilt_line' AS t, count(DISTINCT (shop, customer_id)) + 1 AS n FROM rebuilt_line
  UNION ALL SELECT 'fired_line', count(DISTINCT (shop, customer_id)) + 1 FROM fired_line UNION ALL SELECT 'days_line', count(DISTINCT customer_id) + 1 FROM days_line;
SELECT is(crm.rebuild(t::regclass), n, t || ': it returns how many differed') FROM expected_changes ORDER BY t;
SELECT is(pg_temp.problems(t), 'nothing', t || ': verify finds nothing') FROM expected_changes ORDER BY t;
SELECT is(relfilenode, :file::oid, 'the table is the file that it was') FROM pg_class WHERE oid = 'rebuilt_line_histories'::regclass;
SELECT results_eq('SELECT shop, customer_id, history, mix, segment, note FROM rebuilt_line_histories ORDER BY 1, 2',
  'SELECT shop, customer_id, history, mix, segment, note FROM fired_line_histories ORDER BY 1, 2', 'with a trigger of users or without, the rows are the same');
SELECT results_eq('SELECT shop, customer_id, what, old_value, new_value, why FROM rebuilt_line_changes ORDER BY 1, 2, 3',
  'SELECT shop, customer_id, what, old_value, new_value, why FROM fired_line_changes ORDER BY 1, 2, 3', 'and so is what is logged');
SELECT is(array_agg(DISTINCT why), '{rebuild}', 'as the changes of a rebuild') FROM rebuilt_line_changes;
SELECT ok(count(*) > 0, 'the trigger has fired') FROM fired WHERE operation = 'UPDATE';
SELECT is(count(*), 0::bigint, 'what users keep stays') FROM rebuilt_line_histories WHERE note <> CASE WHEN customer_id % 3 = 2 OR customer_id = 99 THEN 'new' ELSE 'of ' || customer_id END;
SELECT results_eq('SELECT history::text, segment FROM rebuilt_line_histories WHERE customer_id IN (7, 99) ORDER BY customer_id',
  $$SELECT '{}', NULL::text FROM rebuilt_line_histories WHERE customer_id IN (7, 99)$$, 'customers without purchases keep their rows, without a score');

-- nothing differs: nothing is written
CREATE TABLE places AS SELECT shop, customer_id, ctid AS place FROM rebuilt_line_histories;
SELECT is(crm.rebuild('rebuilt_line'), 0::bigint, 'nothing differs any more');
SELECT is(count(*), 0::bigint, 'no row is written') FROM rebuilt_line_histories h JOIN places p USING (shop, customer_id) WHERE h.ctid <> p.place;
SELECT is(customers_written, 0::bigint, 'and none counted') FROM crm.tracking_status WHERE histories = 'rebuilt_line_histories'::regclass;

-- an owner who may make no tables there
CREATE ROLE rebuilding_owner;
CREATE SCHEMA rebuilding AUTHORIZATION rebuilding_owner;
SET ROLE rebuilding_owner;
CREATE TABLE rebuilding.sale (customer_id int, sold_on date, amount numeric);
INSERT INTO rebuilding.sale SELECT i % 10, date '2026-01-01' + i, 4 FROM generate_series(1, 90) i;
SELECT crm.track('rebuilding.sale', 'customer_id', 'sold_on', 'amount');
UPDATE rebuilding.sale_histories SET history = '{}';
RESET ROLE;
ALTER SCHEMA rebuilding OWNER TO CURRENT_USER;
GRANT USAGE ON SCHEMA rebuilding TO rebuilding_owner;
SET ROLE rebuilding_owner;
SELECT is(crm_internal.may_refill('rebuilding.sale_histories'), false, 'no table can be made beside the histories');
SELECT is(crm.rebuild('rebuilding.sale'), 10::bigint, 'they are rebuilt all the same');
SELECT is(pg_temp.problems('rebuilding.sale'), 'nothing', 'and are right');
RESET ROLE;
DROP OWNED BY rebuilding_owner CASCADE;
DROP ROLE rebuilding_owner;

-- two views into the same histories, and the table of one is dropped
CREATE TABLE kept_line (customer_id int, sold_on date, amount numeric);
INSERT INTO kept_line VALUES (1, '2026-01-01', 5);
CREATE TABLE dropped_line (customer_id int, purchased_on date, amount numeric);
INSERT INTO dropped_line VALUES (1, '2026-01-02', 7);
CREATE VIEW dropped_line_purchases AS TABLE dropped_line;
SELECT crm.track('kept_line', 'customer_id', 'sold_on', 'amount');
SELECT crm.track('dropped_line_purchases', histories => 'kept_line_histories');
SELECT is(history::text, '{2026-01-01 1 5.00, 2026-01-02 1 7.00}', 'both views fill the histories') FROM kept_line_histories;
DROP TABLE dropped_line CASCADE;
SELECT throws_ok('SELECT crm.rebuild(''kept_line'')', '42P01', 'the source of public.dropped_line has been dropped', 'a rebuild cannot tell what is missing');
SELECT lives_ok('SELECT crm.untrack(''kept_line_histories'')', 'as the hint says');
SELECT crm.track('kept_line', 'customer_id', 'sold_on', 'amount');
SELECT is(history::text, '{2026-01-01 1 5.00}', 'the histories are taken up with what is left') FROM kept_line_histories;

-- within a statement whose rows are still to be told
CREATE TABLE within_line (customer_id int, sold_on date, amount numeric) PARTITION BY RANGE (sold_on);
CREATE TABLE within_line_2026 PARTITION OF within_line FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
SELECT crm.track('within_line', 'customer_id', 'sold_on', 'amount');
CREATE FUNCTION rebuild_within() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM crm.rebuild('public.within_line'); RETURN NULL; END $$;
CREATE TRIGGER a_rebuilds AFTER INSERT ON within_line FOR EACH STATEMENT EXECUTE FUNCTION rebuild_within();
CREATE TRIGGER a_rebuilds AFTER INSERT ON within_line_2026 FOR EACH STATEMENT EXECUTE FUNCTION rebuild_within();
SELECT throws_ok($$INSERT INTO within_line VALUES (1, '2026-02-02', 3)$$, '55000', 'a statement on public.within_line is still running, from which this is called', 'its rows would count twice');
SELECT throws_ok($$INSERT INTO within_line_2026 VALUES (1, '2026-02-02', 3)$$, '55000', NULL, 'so would those of a partition');
DROP TRIGGER a_rebuilds ON within_line;
CREATE CONSTRAINT TRIGGER rebuilds AFTER INSERT ON within_line_2026 DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION rebuild_within();
SELECT lives_ok($$INSERT INTO within_line VALUES (1, '2026-02-02', 3)$$, 'at the commit it can be called');
SELECT is(pg_temp.problems('within_line'), 'nothing', 'and nothing counts twice');
SELECT * FROM finish();
