-- export and erase: all that a tracking holds of one customer, for the rights of access and erasure

-- A table of snapshots is known by its name, see crm.snapshot; one that was renamed or moved since by what crm.snapshot wrote on it.
CREATE FUNCTION crm_internal.snapshots_of(purchases regclass, customers regclass) RETURNS SETOF regclass
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT s.oid::regclass FROM pg_class v JOIN pg_class s ON s.relkind IN ('r', 'p') AND s.relowner = v.relowner
    AND (s.relnamespace = v.relnamespace AND s.relname = regexp_replace(v.relname, '(_customers(\d*))?$', '_snapshots\2')
      OR obj_description(s.oid, 'pg_class') = format('the customers of %s as they stood on some days', purchases))
  WHERE v.oid = customers
$$;
COMMENT ON FUNCTION crm_internal.snapshots_of(regclass, regclass) IS 'the tables of snapshots of the customers of a tracking';

CREATE FUNCTION crm_internal.tables_of_customer(tracked crm.tracked) RETURNS TABLE (relation regclass, kept boolean)
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  keys constant text[] := crm_internal.history_keys(tracked.histories);
BEGIN
  RETURN QUERY
    SELECT DISTINCT ON (r.n, c.oid) c.oid::regclass, r.kept
    FROM crm.tracked o,
      LATERAL (VALUES (o.purchases, false, 1), (o.decisions, true, 2), (o.detached_histories, true, 3), (o.histories, true, 4), (o.segment_since, true, 5),
        -- the last: what goes from the others may be logged
        (o.changes, true, 7)
        UNION ALL SELECT s, true, 6 FROM crm_internal.snapshots_of(o.purchases, o.customers) AS s) AS r(oid, kept, n)
      JOIN pg_class c ON c.oid = r.oid
    WHERE o.histories = tracked.histories
      AND NOT EXISTS (SELECT FROM unnest(keys) AS k WHERE NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = k AND NOT a.attisdropped))
    ORDER BY r.n, c.oid;
END $$;
COMMENT ON FUNCTION crm_internal.tables_of_customer(crm.tracked) IS
  'the purchases views of a tracking, and the tables that it keeps rows of customers in, in the order in which they can be emptied';

CREATE FUNCTION crm_internal.check_customer(histories regclass, customer jsonb) RETURNS void
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  keys constant text[] := crm_internal.history_keys(histories);
BEGIN
  IF jsonb_typeof(customer) IS DISTINCT FROM 'object' OR ARRAY(SELECT jsonb_object_keys(customer) ORDER BY 1) <> ARRAY(SELECT unnest(keys) ORDER BY 1)
     OR EXISTS (SELECT FROM jsonb_each(customer) AS m WHERE m.value = 'null') THEN
    PERFORM crm_internal.raise_error('invalid_parameter_value', format('%s names no customer of %s', coalesce(customer::text, 'null'), histories),
      hint => format('Give an object such as {%s}, as crm.verify does.', array_to_string(ARRAY(SELECT to_json(k) || ': ...' FROM unnest(keys) AS k), ', ')));
  END IF;
END $$;
COMMENT ON FUNCTION crm_internal.check_customer(regclass, jsonb) IS 'an error unless the object has exactly the key columns of a table of histories, none null';

CREATE FUNCTION crm_internal.rows_of_customer(histories regclass, relation regclass, customer jsonb) RETURNS text
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  -- on shards the key is to be a constant, by which their one is known before the query is planned
  SELECT CASE WHEN crm_internal.is_of_citus(relation) OR crm_internal.is_of_citus(histories)
    THEN (SELECT format('%s AS h WHERE %s', relation, string_agg(format('h.%I %s %L::%s', k, crm_internal.equality(a.atttypid::regtype), customer ->> k, format_type(a.atttypid, a.atttypmod)), ' AND '))
          FROM unnest(crm_internal.history_keys(histories)) AS k JOIN pg_attribute a ON a.attrelid = histories AND a.attname = k)
    ELSE format('%s AS h WHERE EXISTS (SELECT FROM jsonb_populate_record(NULL::%s, $1) AS k WHERE %s)', relation, histories,
      crm_internal.same_keys(histories, crm_internal.history_keys(histories), 'h', 'k')) END
$$;
COMMENT ON FUNCTION crm_internal.rows_of_customer(regclass, regclass, jsonb) IS 'the rows of a customer, who is $1 as well, in a relation with the keys of a table of histories, as SQL';

CREATE FUNCTION crm.export(tracking regclass, customer jsonb) RETURNS TABLE (relation text, row_data jsonb)
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t crm.tracked := crm_internal.tracking_of(tracking);
  part record;
BEGIN
  -- the view's functions run as their owner; what they say is handed over as data
  IF NOT crm_internal.is_owner(t.histories) THEN
    RETURN QUERY SELECT d.row ->> 'relation', d.row -> 'row_data'
      FROM jsonb_array_elements(crm_internal.as_owner(t.histories, format('SELECT coalesce(jsonb_agg(to_jsonb(e)), ''[]'') FROM crm.export(%s::regclass, %L::jsonb) AS e',
        tracking::oid, customer))::jsonb) WITH ORDINALITY AS d(row, n) ORDER BY d.n;
    RETURN;
  END IF;
  PERFORM crm_internal.check_customer(t.histories, customer);
  PERFORM crm_internal.settle(t.histories);
  FOR part IN SELECT * FROM crm_internal.tables_of_customer(t) LOOP
    RETURN QUERY EXECUTE format('SELECT %L, to_jsonb(h) FROM %s', part.relation, crm_internal.rows_of_customer(t.histories, part.relation, customer)) USING customer;
  END LOOP;
END $$;
COMMENT ON FUNCTION crm.export(regclass, jsonb) IS
  'all rows that a tracking reads and keeps of one customer, given by an object of the key columns: purchases, history and scores, log of changes, decisions, snapshots, segments (right of access, Art. 15 and 20 GDPR)';

-- The entry, not the secret: what is handed over to the owner may be logged.
CREATE FUNCTION crm_internal.keep_suppressed(suppressed regclass, entry bytea) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF suppressed IS NULL OR entry IS NULL THEN
    PERFORM crm_internal.raise_error('null_value_not_allowed', 'suppressed and entry go together',
      hint => 'suppressed is a table with a column entry of type bytea, entry what crm.suppression_entry(secret, customer) returns.');
  ELSIF octet_length(entry) <> 32 THEN
    PERFORM crm_internal.raise_error('invalid_parameter_value', format('a suppression entry has 32 bytes, not %s', octet_length(entry)),
      hint => 'Pass what crm.suppression_entry(secret, customer) returns.');
  -- what others hang onto a table of theirs would run as this user
  ELSIF EXISTS (SELECT FROM pg_class c WHERE c.oid = suppressed AND (c.relkind NOT IN ('r', 'p') OR NOT pg_has_role(c.relowner, current_user, 'USAGE'))) THEN
    PERFORM crm_internal.raise_error('insufficient_privilege', format('%s is no table of %s', suppressed, current_user),
      hint => 'Give it to the owner of the tracking.');
  ELSIF NOT EXISTS (SELECT FROM pg_attribute a JOIN pg_type y ON y.oid = a.atttypid WHERE attrelid = suppressed AND attname = 'entry' AND 'bytea'::regtype IN (y.oid, y.typbasetype)) THEN
    PERFORM crm_internal.raise_error('undefined_column', format('%s has no column entry of type bytea', suppressed),
      hint => 'CREATE TABLE suppressed (entry bytea PRIMARY KEY) makes such a table.');
  END IF;
  EXECUTE format('INSERT INTO %s (entry) SELECT $1 WHERE NOT EXISTS (SELECT FROM %1$s AS s WHERE s.entry = $1)', suppressed) USING entry;
END $$;
COMMENT ON FUNCTION crm_internal.keep_suppressed(regclass, bytea) IS
  'writes the keyed hash of a customer who is erased to a table of those who want no contact, unless it is there';

CREATE FUNCTION crm.erase(tracking regclass, customer jsonb, suppressed regclass DEFAULT NULL, entry bytea DEFAULT NULL) RETURNS TABLE (relation text, row_count bigint)
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t crm.tracked := crm_internal.tracking_of(tracking);
  part record;
  n bigint;
  held text[] := '{}';
  detached text;
BEGIN
  -- what hangs on the tables is their owner's and runs as the owner
  IF NOT crm_internal.is_owner(t.histories) THEN
    RETURN QUERY SELECT d.row ->> 'relation', (d.row ->> 'row_count')::bigint
      FROM jsonb_array_elements(crm_internal.as_owner(t.histories, format('SELECT coalesce(jsonb_agg(to_jsonb(e)), ''[]'') FROM crm.erase(%s::regclass, %L::jsonb, %s::regclass, %L::bytea) AS e',
        tracking::oid, customer, coalesce(suppressed::oid::text, 'NULL'), entry))::jsonb) WITH ORDINALITY AS d(row, n) ORDER BY d.n;
    RETURN;
  END IF;
  PERFORM crm_internal.check_customer(t.histories, customer);
  -- a refresh would write again what it has read, and remembers the key up to which it came
  IF EXISTS (SELECT FROM crm.tracked o WHERE o.histories = t.histories AND o.refresh_started_at IS NOT NULL AND o.refresh_finished_at IS NULL) THEN
    PERFORM crm_internal.raise_error('object_not_in_prerequisite_state', format('a refresh of %s runs, or was stopped', t.purchases),
      hint => format('CALL crm.refresh(%L) finishes it.', t.purchases));
  END IF;
  PERFORM crm_internal.settle(t.histories);
  -- whoever writes purchases of the customer now is waited for, and then seen
  EXECUTE format('SELECT FROM %s FOR UPDATE', crm_internal.rows_of_customer(t.histories, t.histories, customer)) USING customer;
  FOR part IN SELECT * FROM crm_internal.tables_of_customer(t) p WHERE NOT p.kept LOOP
    EXECUTE format('SELECT count(*) FROM %s', crm_internal.rows_of_customer(t.histories, part.relation, customer)) INTO n USING customer;
    IF n > 0 THEN
      held := held || format('%s (%s rows)', part.relation, n);
    END IF;
  END LOOP;
  IF held <> '{}' THEN
    PERFORM crm_internal.raise_error('object_not_in_prerequisite_state', format('customer %s still has purchases', customer), detail => format('They are in %s.', array_to_string(held, ', ')),
      hint => 'Delete them, or give them a key that is nobody''s, where the law lets you: they would bring the customer back.');
  END IF;
  IF crm_internal.detached_histories(t) IS NOT NULL THEN
    EXECUTE format('SELECT string_agg(c.oid::regclass::text, '', '' ORDER BY c.oid) FROM pg_class c WHERE c.oid IN (SELECT h.partition FROM %s)',
      crm_internal.rows_of_customer(t.histories, crm_internal.detached_histories(t), customer)) INTO detached USING customer;
    IF detached IS NOT NULL THEN
      PERFORM crm_internal.notice(format('%s, detached with purchases of customer %s, is not erased', detached, customer), NULL::text,
        'Erase the customer there, too: attached again, it brings them back.');
    END IF;
  END IF;
  FOR part IN SELECT * FROM crm_internal.tables_of_customer(t) p WHERE p.kept LOOP
    EXECUTE format('DELETE FROM %s', crm_internal.rows_of_customer(t.histories, part.relation, customer)) USING customer;
    GET DIAGNOSTICS n = ROW_COUNT;
    relation := part.relation::text;
    row_count := n;
    RETURN NEXT;
  END LOOP;
  PERFORM crm_internal.settle(t.histories);
  -- triggers of the owner's own may have written something
  FOR part IN SELECT * FROM crm_internal.tables_of_customer(t) p WHERE p.kept LOOP
    EXECUTE format('SELECT count(*) FROM %s', crm_internal.rows_of_customer(t.histories, part.relation, customer)) INTO n USING customer;
    IF n > 0 THEN
      PERFORM crm_internal.raise_error('object_not_in_prerequisite_state', format('%s rows of customer %s came back into %s', n, customer, part.relation),
        hint => 'A trigger of that table, or of one that was emptied before it, writes them.');
    END IF;
  END LOOP;
  IF num_nonnulls(suppressed, entry) > 0 THEN
    PERFORM crm_internal.keep_suppressed(suppressed, entry);
    relation := suppressed::text;
    row_count := 0;
    RETURN NEXT;
  END IF;
END $$;
COMMENT ON FUNCTION crm.erase(regclass, jsonb, regclass, bytea) IS
  'deletes all that a tracking keeps of one customer, given by an object of the key columns, and looks again; returns the rows by table; an error that lists them while purchases views still hold the customer (right to erasure, Art. 17 GDPR). Of who objected to contact the entry, from crm.suppression_entry, is kept in the column entry of a table of yours, of which nothing is deleted';
