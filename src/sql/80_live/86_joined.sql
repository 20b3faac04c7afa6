-- joined: purchases views over several tables

-- The triggers by which statements within statements are known.
CREATE FUNCTION crm_internal.statement_triggers(tracked_table regclass, by_row boolean) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  part regclass;
BEGIN
  FOR part IN
    SELECT c.oid FROM pg_class c
    WHERE (c.oid = tracked_table OR c.oid IN (SELECT relid FROM pg_partition_tree(tracked_table))) AND c.relkind IN ('r', 'p')
      AND NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = c.oid AND tgfoid = 'crm.track_statement_begins()'::regprocedure)
    ORDER BY c.oid
  LOOP
    EXECUTE format('CREATE TRIGGER %I BEFORE INSERT OR UPDATE OR DELETE ON %s
                    FOR EACH STATEMENT EXECUTE FUNCTION crm.track_statement_begins()', crm_internal.trigger_name(part, 'crm_begins'::text), part);
    IF by_row THEN
      EXECUTE format('CREATE TRIGGER %I AFTER INSERT OR UPDATE OR DELETE ON %s
                      FOR EACH STATEMENT EXECUTE FUNCTION crm.track_statement_ended()', crm_internal.trigger_name(part, 'crm_ended'::text), part);
    END IF;
  END LOOP;
END $$;
COMMENT ON FUNCTION crm_internal.statement_triggers(regclass, boolean) IS
  'installs the triggers that tell when a statement begins, and where rows are followed when it ends, on a table and its partitions where they are missing';

-- The triggers that a table needs beside those if a view joins it.
CREATE FUNCTION crm_internal.join_triggers(joined_table regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = joined_table AND tgfoid = 'crm.track_truncate_ended()'::regprocedure) THEN
    EXECUTE format('CREATE TRIGGER %I AFTER TRUNCATE ON %s
                    FOR EACH STATEMENT EXECUTE FUNCTION crm.track_truncate_ended()', crm_internal.trigger_name(joined_table, 'crm_truncated'::text), joined_table);
  END IF;
END $$;
COMMENT ON FUNCTION crm_internal.join_triggers(regclass) IS 'installs the trigger on a table that views join, where it is missing';

CREATE FUNCTION crm_internal.follow_tables(tables regclass[], by_row boolean) RETURNS int
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  followed regclass;
  made int := 0;
BEGIN
  FOR followed IN SELECT t FROM unnest(tables) AS t ORDER BY t::oid LOOP
    made := made + crm_internal.track_triggers(followed, by_row);
    PERFORM crm_internal.statement_triggers(followed, by_row);
    IF cardinality(tables) > 1 THEN
      PERFORM crm_internal.join_triggers(followed);
    END IF;
  END LOOP;
  RETURN made;
END $$;
COMMENT ON FUNCTION crm_internal.follow_tables(regclass[], boolean) IS
  'installs the triggers on the tables of a purchases view and their partitions where they are missing; returns on how many';

CREATE FUNCTION crm_internal.release_tables(tables regclass[]) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  released regclass;
  g record;
BEGIN
  FOR released IN SELECT c.oid FROM pg_class c WHERE c.oid = ANY (tables) ORDER BY 1 LOOP
    IF NOT EXISTS (SELECT FROM crm.tracked t WHERE released = ANY (t.source || t.joined)) THEN
      PERFORM crm_internal.drop_triggers(released);
    ELSIF NOT EXISTS (SELECT FROM crm.tracked t WHERE t.joined IS NOT NULL AND released = ANY (t.source || t.joined)) THEN
      FOR g IN SELECT tgname FROM pg_trigger WHERE tgrelid = released
                AND tgfoid = 'crm.track_truncate_ended()'::regprocedure LOOP
        EXECUTE format('DROP TRIGGER %I ON %s', g.tgname, released);
      END LOOP;
    END IF;
  END LOOP;
END $$;
COMMENT ON FUNCTION crm_internal.release_tables(regclass[]) IS 'drops the triggers from tables as far as no tracking needs them';

CREATE FUNCTION crm_internal.notice_join_indexes(purchases regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  command text;
BEGIN
  FOREACH command IN ARRAY crm_internal.join_indexes(purchases) LOOP
    RAISE NOTICE USING MESSAGE = format('a change of a looked-up row reads all rows that %s joins to it', purchases),
      HINT = command || ' lets it read those that look it up.';
  END LOOP;
END $$;
COMMENT ON FUNCTION crm_internal.notice_join_indexes(regclass) IS 'names the indexes that a change of a joined table needs and that are missing';

-- A view whose unique key was dropped, or whose table's rows went to another server, goes on without triggers.
CREATE FUNCTION crm_internal.leave_triggers(histories regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t crm.tracked;
  live record;
  tables regclass[];
  released regclass;
BEGIN
  FOR t IN SELECT * FROM crm.tracked o WHERE o.histories = leave_triggers.histories AND o.source IS NOT NULL LOOP
    SELECT * INTO live FROM crm_internal.live_tables(t.purchases, t.on_shards IS NOT NULL);
    CONTINUE WHEN live.tables IS NOT NULL;
    tables := t.source || t.joined;
    FOR released IN SELECT c.oid FROM pg_class c WHERE c.oid = ANY (tables) ORDER BY 1 LOOP
      EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', released);
    END LOOP;
    t.source := NULL;
    t.joined := NULL;
    t.source_name := NULL;
    t.not_live := live.reason || coalesce('. ' || live.hint, '');
    PERFORM crm_internal.write_tracked(t.purchases, t, '{source,joined,source_name,not_live}'::text[]);
    PERFORM crm_internal.release_tables(tables);
    RAISE WARNING USING MESSAGE = format('%s is kept by crm.refresh alone from now on: %s', t.purchases, live.reason),
      HINT = coalesce(live.hint, 'crm.verify shows what differs until the next refresh.');
  END LOOP;
END $$;
COMMENT ON FUNCTION crm_internal.leave_triggers(regclass) IS
  'lets crm.refresh alone keep the views that triggers cannot keep any more, as their tables have changed';

-- Lines of orders count a purchase each, silently, unless the view says otherwise.
CREATE FUNCTION crm_internal.shared_column(relation regclass, keys text[], purchased_on text, amount text) RETURNS text
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  candidate text;
  coarsest text;
  fewest bigint;
  seen record;
BEGIN
  -- a look at the first rows is enough: those of an order stand beside each other; a row without a named type cannot come from other nodes
  FOR candidate IN
    SELECT a.attname FROM pg_attribute a
    WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped AND a.attname <> ALL (keys || ARRAY[purchased_on, amount])
      AND a.atttypid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype, 'text'::regtype, 'varchar'::regtype, 'bpchar'::regtype, 'uuid'::regtype)
    ORDER BY a.attnum
  LOOP
    EXECUTE format('SELECT count(*) AS rows, count(DISTINCT value) AS values, count(DISTINCT (value, customer, day)) AS days, count(DISTINCT customer) AS customers
                    FROM (SELECT %I AS value, jsonb_build_array(%s) AS customer, %I AS day FROM %s WHERE num_nulls(%1$I, %2$s, %3$I) = 0 LIMIT 20000) s',
      candidate, crm_internal.column_list(keys, ''::text), purchased_on, relation) INTO seen;
    -- each value is of one customer and day, some have several rows, and it is no name of the customer
    IF seen.values = seen.days AND seen.values * 1.05 < seen.rows AND seen.values > seen.customers AND (fewest IS NULL OR seen.values < fewest) THEN
      coarsest := candidate;
      fewest := seen.values;
    END IF;
  END LOOP;
  RETURN coarsest;
END $$;
COMMENT ON FUNCTION crm_internal.shared_column(regclass, text[], text, text) IS
  'a column of a table or view by which rows of a customer''s day belong together, as lines of an order do by its number; NULL if there is none';

CREATE FUNCTION crm_internal.notice_lines(purchases regclass, histories regclass, relation regclass, keys text[], purchased_on text, amount text) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  counted record;
  shared text;
BEGIN
  -- whoever says what a row counts knows
  IF EXISTS (SELECT FROM pg_attribute WHERE attrelid = purchases AND attname = 'orders' AND NOT attisdropped) THEN
    RETURN;
  END IF;
  EXECUTE format('SELECT coalesce(sum(crm.purchase_count(history)), 0) AS purchase_count, coalesce(sum(crm.purchase_day_count(history)), 0) AS day_count FROM %s', histories) INTO counted;
  IF counted.purchase_count <= 1.05 * counted.day_count THEN
    RETURN;
  END IF;
  shared := crm_internal.shared_column(relation, keys, purchased_on, amount);
  IF shared IS NULL AND counted.purchase_count < 1.5 * counted.day_count THEN
    RETURN;
  END IF;
  PERFORM crm_internal.notice(format('%s counts each row as a purchase: %s on %s days of customers', purchases, counted.purchase_count, counted.day_count),
    CASE WHEN shared IS NOT NULL THEN format('Rows of a customer''s day have one %I, as lines of an order do.', shared) END,
    CASE WHEN (SELECT joined FROM crm.tracked t WHERE t.purchases = notice_lines.purchases) IS NOT NULL
      THEN 'If they are lines of orders, track a view that groups them by the key of their order, or one with 0 AS orders, and the orders beside it into the same histories; both are live.'
      ELSE format('If they are lines of orders, let one of them count: a column orders in a view, as (line_number = 1)::int, or 0 with the orders tracked beside it into the same histories, is live; a view that groups by %s is kept by crm.refresh. crm.track(..., count_days => true) counts each day of a customer as one purchase, live.',
        coalesce(quote_ident(shared), 'the order')) END);
END $$;
COMMENT ON FUNCTION crm_internal.notice_lines(regclass, regclass, regclass, text[], text, text) IS 'says where a tracking seems to count lines of orders as purchases, and how to count orders';
