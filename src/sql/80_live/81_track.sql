-- track: from a purchases view to histories that keep themselves

-- The statements that the calls below are made of. k is always a key column,
-- h the histories, r the rules, c the score.

CREATE FUNCTION crm_internal.column_list(columns text[], prefix text DEFAULT '') RETURNS text
  LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT string_agg(prefix || quote_ident(c), ', ' ORDER BY n) FROM unnest(columns) WITH ORDINALITY AS u(c, n)
$$;
COMMENT ON FUNCTION crm_internal.column_list(text[], text) IS 'columns as SQL writes them, each with a prefix';

CREATE FUNCTION crm_internal.same_keys(relation regclass, columns text[], a text, b text) RETURNS text
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce(string_agg(format('%s.%I %s %s.%I', a, c, crm_internal.equality(t.atttypid::regtype), b, c), ' AND ' ORDER BY n), 'true')
  FROM unnest(columns) WITH ORDINALITY AS u(c, n)
    JOIN pg_attribute t ON t.attrelid = relation AND t.attname = c
$$;
COMMENT ON FUNCTION crm_internal.same_keys(regclass, text[], text, text) IS
  'the condition that two rows have equal keys, as the default btree classes of their types see it';

CREATE FUNCTION crm_internal.history_keys(histories regclass) RETURNS text[]
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT array_agg(a.attname::text ORDER BY k.n)
  FROM pg_index i, unnest(i.indkey) WITH ORDINALITY AS k(attnum, n), pg_attribute a
  WHERE i.indrelid = histories AND i.indisprimary AND a.attrelid = histories AND a.attnum = k.attnum
$$;
COMMENT ON FUNCTION crm_internal.history_keys(regclass) IS 'the key columns of a table of histories';

CREATE FUNCTION crm_internal.scale_by(histories regclass, scoring regclass) RETURNS text[]
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce(array_agg(k ORDER BY n), '{}')
  FROM unnest(crm_internal.history_keys(histories)) WITH ORDINALITY AS u(k, n)
  WHERE EXISTS (SELECT FROM pg_attribute WHERE attrelid = scoring AND attname = k AND NOT attisdropped)
$$;
COMMENT ON FUNCTION crm_internal.scale_by(regclass, regclass) IS 'the key columns that have scoring rules of their own';

-- Beside a booked day there is no category: mixes keep no corrections.
CREATE FUNCTION crm_internal.has_category(purchases regclass) RETURNS boolean
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT bool_or(attname = 'category') AND NOT bool_or(attname = 'booked_on') AND 'category' <> ALL (crm_internal.purchases_keys(purchases))
  FROM pg_attribute WHERE attrelid = purchases AND attnum > 0 AND NOT attisdropped
$$;
COMMENT ON FUNCTION crm_internal.has_category(regclass) IS 'whether a purchases view has a column of categories that mixes are made of';

CREATE FUNCTION crm_internal.keeps_mix(histories regclass) RETURNS boolean
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT EXISTS (SELECT FROM pg_attribute WHERE attrelid = histories AND attname = 'mix' AND atttypid = 'crm.mix'::regtype AND NOT attisdropped)
$$;
COMMENT ON FUNCTION crm_internal.keeps_mix(regclass) IS 'whether a table of histories, or of what detached partitions held, has the mixes of its customers';

-- Who counts days keeps the rows as well, which a deletion is taken from; all that reads a history reads the one that the table makes of them.
CREATE FUNCTION crm_internal.kept_history(histories regclass) RETURNS text
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE WHEN EXISTS (SELECT FROM pg_attribute WHERE attrelid = histories AND attname = 'history' AND attgenerated <> '' AND NOT attisdropped) THEN 'row_history' ELSE 'history' END
$$;
COMMENT ON FUNCTION crm_internal.kept_history(regclass) IS
  'the column of a table of histories that holds what the rows of the purchases views add up to: row_history where days are counted, else history';

CREATE FUNCTION crm_internal.bought_columns(histories regclass) RETURNS text[]
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT ARRAY[crm_internal.kept_history(histories)] || CASE WHEN crm_internal.keeps_mix(histories) THEN '{mix}' ELSE '{}' END::text[]
$$;
COMMENT ON FUNCTION crm_internal.bought_columns(regclass) IS 'the columns of a table of histories that hold what customers bought';

-- One history a customer, as the purchases view says, and where the histories keep mixes one mix: each row is a purchase of its category,
-- though another row may count the order that it belongs to.
CREATE FUNCTION crm_internal.histories_query(purchases regclass) RETURNS text
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT format('SELECT %1$s, crm.purchase_history(%2$s) AS history%5$s FROM %3$s WHERE %4$s GROUP BY %1$s HAVING crm.purchase_history(%2$s) OPERATOR(crm.<>) ''{}''%6$s',
    crm_internal.column_list(keys, ''::text),
    'purchased_on, ' || amount || CASE WHEN orders THEN ', orders::int' WHEN booked THEN ', 1' ELSE '' END || CASE WHEN booked THEN ', booked_on' ELSE '' END,
    purchases,
    (SELECT string_agg(format('%I IS NOT NULL', k), ' AND ' ORDER BY n) FROM unnest(keys) WITH ORDINALITY AS u(k, n)),
    CASE WHEN mix IS NOT NULL THEN format(', coalesce(%s, ''{}'') AS mix', mix) WHEN with_mix THEN ', ''{}''::crm.mix AS mix' ELSE '' END,
    CASE WHEN mix IS NOT NULL THEN format(' OR %s OPERATOR(crm.<>) ''{}''', mix) ELSE '' END)
  FROM (SELECT *, CASE WHEN with_mix AND category THEN format('crm.mix(crm_internal.mix_category(category::text), purchased_on, %s%s)', amount,
            CASE WHEN orders THEN ', CASE WHEN orders IS NOT NULL THEN greatest(orders::int, 1) END' ELSE '' END) END AS mix
    FROM (SELECT crm_internal.purchases_keys(purchases) AS keys,
            (SELECT CASE atttypid WHEN 'float8'::regtype THEN 'amount' ELSE 'amount::numeric' END FROM pg_attribute WHERE attrelid = purchases AND attname = 'amount') AS amount,
            EXISTS (SELECT FROM pg_attribute WHERE attrelid = purchases AND attname = 'orders') AS orders,
            EXISTS (SELECT FROM pg_attribute WHERE attrelid = purchases AND attname = 'booked_on') AS booked,
            crm_internal.has_category(purchases) AS category,
            EXISTS (SELECT FROM crm.tracked t WHERE t.purchases = histories_query.purchases AND crm_internal.keeps_mix(t.histories)) AS with_mix) AS v) AS w
$$;
COMMENT ON FUNCTION crm_internal.histories_query(regclass) IS 'the query that makes the histories of a purchases view from all its rows';

CREATE FUNCTION crm_internal.all_histories_query(histories regclass) RETURNS text
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  keys text := crm_internal.column_list(crm_internal.history_keys(histories), ''::text);
  with_mix constant boolean := crm_internal.keeps_mix(histories);
  queries text[] := ARRAY(SELECT crm_internal.histories_query(t.purchases) FROM crm.tracked t
                          WHERE t.histories = all_histories_query.histories ORDER BY t.tracked_at, t.purchases)
    || ARRAY(SELECT format('SELECT %s, history%s FROM %s', keys,
                 CASE WHEN NOT with_mix THEN '' WHEN crm_internal.keeps_mix(crm_internal.detached_histories(t)) THEN ', mix' ELSE ', NULL::crm.mix' END, crm_internal.detached_histories(t))
             FROM crm.tracked t WHERE t.histories = all_histories_query.histories AND crm_internal.detached_histories(t) IS NOT NULL LIMIT 1);
BEGIN
  IF cardinality(queries) = 1 THEN
    RETURN queries[1];
  END IF;
  RETURN format('SELECT %1$s, crm.merge(history) AS history%3$s FROM (%2$s) AS sources GROUP BY %1$s HAVING crm.merge(history) OPERATOR(crm.<>) ''{}''%4$s',
    keys, array_to_string(queries, ' UNION ALL '), CASE WHEN with_mix THEN ', coalesce(crm.merge(mix), ''{}'') AS mix' ELSE '' END,
    CASE WHEN with_mix THEN ' OR crm.merge(mix) OPERATOR(crm.<>) ''{}''' ELSE '' END);
END $$;
COMMENT ON FUNCTION crm_internal.all_histories_query(regclass) IS
  'the query that makes a table of histories anew from all views that feed it, and from what detached partitions held';

-- the purchases that a rule scores: those of its last days
CREATE FUNCTION crm.look_back(history crm.purchase_history, as_of date, days int) RETURNS crm.purchase_history
  LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE WHEN days IS NULL THEN history ELSE crm.within(history, daterange(as_of - days, as_of, '(]')) END
$$;
COMMENT ON FUNCTION crm.look_back(crm.purchase_history, date, int) IS 'what was bought on the last days up to a day, all if days is NULL';

CREATE FUNCTION crm_internal.score_columns() RETURNS text[]
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT array_agg(attname::text ORDER BY attnum)
  FROM pg_attribute WHERE attrelid = 'crm.customer_score'::regclass AND attnum > 0 AND NOT attisdropped
$$;
COMMENT ON FUNCTION crm_internal.score_columns() IS 'the columns that a score fills';

CREATE FUNCTION crm_internal.rule_columns() RETURNS text[]
  LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT '{scale,segments,look_back_days,tier_program,purchase_model,spend_model,margin,horizon_days,annual_discount_rate}'::text[]
$$;
COMMENT ON FUNCTION crm_internal.rule_columns() IS 'the columns of a scoring rule, as crm.score_customer takes them';

-- The rows of the customers view, and of the same on another day. A new column goes to the end, and its comment to comment_columns: views
-- of earlier releases get it at their next refresh, but for one that a key column has the name of.
CREATE FUNCTION crm_internal.report_columns(horizon_days int, keys text[]) RETURNS text
  LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  -- u is the history as of {day}, {score} the row with the score; only a view that is not older has {money}
  SELECT string_agg(c, E',\n      ' ORDER BY n) FROM (SELECT replace(u.c, '{horizon}', horizon_days::text) AS c, u.n FROM unnest(ARRAY[
    'crm.first_purchased_on(u.history) AS first_purchased_on',
    'crm.last_purchased_on(u.history) AS last_purchased_on',
    'crm.recency(u.history, {day}) AS days_since_last_purchase',
    'crm.tenure(u.history, {day}) AS days_since_first_purchase',
    'crm.purchase_count(u.history) AS purchase_count',
    'crm.purchase_day_count(u.history) AS purchase_day_count',
    'crm.spend(u.history){money} AS spend',
    'crm.average_order_value(u.history){money} AS average_order_value',
    'crm.average_days_between_purchases(u.history) AS average_days_between_purchases',
    '{score}.rfm',
    '{score}.recency_score',
    '{score}.frequency_score',
    '{score}.monetary_score',
    '{score}.segment',
    '{score}.segment_rank',
    '{score}.tier',
    '{score}.p_alive',
    'CASE WHEN crm.model_name(r.purchase_model) <> ALL (''{nbd,poisson,cnbd_k,erlang_k}'') THEN 1 - {score}.p_alive END AS p_churned',
    '{score}.expected_purchases AS expected_purchases_{horizon}d',
    '{score}.clv AS clv_{horizon}d',
    '{score}.expected_next_purchase_on',
    '{day} AS scored_on',
    '1 - crm.probability(crm.purchase_forecast(r.purchase_model, u.history, {day}, {day} + {horizon}), 0) AS buy_again_{horizon}d',
    'r.currency',
    'date_trunc(''month'', crm.first_purchased_on(u.history)::timestamp)::date AS cohort_month',
    'crm.lifecycle_state(u.history, daterange({day} - 365, {day}, ''(]'')) AS lifecycle_state',
    'crm.p_silence(u.history, {day}, r.rhythm) AS p_silence',
    'crm.spend(crm.within(u.history, daterange({day} - 365, {day}, ''(]''))){money} AS spend_last_365d',
    'crm.purchase_count(crm.within(u.history, daterange({day} - 365, {day}, ''(]''))) AS purchase_count_last_365d',
    '(1 + width_bucket(CASE WHEN r.value_measure = ''clv'' THEN {score}.clv ELSE crm.spend(u.history)::float8 END, r.value_cuts))::smallint AS value_decile',
    '{since} AS segment_since',
    '{previous} AS previous_segment',
    'crm.clv_quantile(r.purchase_model, r.spend_model, u.history, {day}, ({day} + {horizon})::date, r.annual_discount_rate, 0.9::float8, r.margin::float8) AS clv_q90_{horizon}d',
    -- of most customers there is nothing to say, which is soon seen
    'CASE WHEN ({score}.clv IS NOT NULL AND crm.model_name(r.purchase_model) <> ALL (''{nbd,poisson,cnbd_k,erlang_k}'') AND crm.spend_measure(r.spend_model, u.history, {day}) = ''mean'') IS NOT TRUE
      THEN crm.value_note(r.purchase_model, r.spend_model, u.history, {day}) END AS value_note',
    '{favourite} AS favourite_category',
    '{next} AS next_category',
    '{lift} AS next_category_lift'
  ]) WITH ORDINALITY AS u(c, n)) AS v
  WHERE substring(c FROM '\w+$') <> ALL (keys)
$$;
COMMENT ON FUNCTION crm_internal.report_columns(int, text[]) IS
  'the columns of the customers view behind the keys, with places for the day, the score and the type of money';

CREATE FUNCTION crm_internal.customers_query(histories regclass, scoring regclass, horizon_days int, on_day boolean, segment_since regclass) RETURNS text
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  keys constant text[] := crm_internal.history_keys(histories);
  -- what is known is never shown beside a score of another day; a customer without a rule has no such day
  day constant text := CASE WHEN on_day THEN '$1' ELSE 'greatest(h.scored_on, r.refreshed_on)' END;
  -- the type of a view's column stays what it is
  money constant text := CASE WHEN EXISTS (
      SELECT FROM crm.tracked t JOIN pg_attribute a ON a.attrelid = t.customers AND a.attname = 'spend'
      WHERE t.histories = customers_query.histories AND a.atttypmod = -1) THEN '' ELSE '::numeric(38,2)' END;
  knows_since constant boolean := segment_since IS NOT NULL AND NOT on_day;
  with_mix constant boolean := crm_internal.keeps_mix(histories);
  columns text := crm_internal.report_columns(horizon_days, keys);
BEGIN
  -- who has changed since the last refresh has done so by the day of the score
  columns := replace(replace(columns, '{since}', CASE WHEN knows_since
      THEN format('CASE WHEN s.segment IS NOT DISTINCT FROM h.segment THEN s.segment_since WHEN s.%I IS NOT NULL THEN h.scored_on END', keys[1]) ELSE 'NULL::date' END),
    '{previous}', CASE WHEN knows_since
      THEN 'CASE WHEN s.segment IS NOT DISTINCT FROM h.segment THEN s.previous_segment ELSE s.segment END' ELSE 'NULL::text' END);
  columns := replace(replace(replace(columns, '{favourite}', CASE WHEN with_mix THEN '(SELECT k.category FROM crm.categories(h.mix, {day}) AS k
        WHERE k.purchase_day_count > 0 ORDER BY k.purchase_day_count DESC, k.category COLLATE "C" LIMIT 1)' ELSE 'NULL::text' END),
    '{next}', CASE WHEN with_mix THEN '(crm.next_category(r.mix_base, h.mix, {day}, NULL::interval)).category' ELSE 'NULL::text' END),
    '{lift}', CASE WHEN with_mix THEN '(crm.next_category(r.mix_base, h.mix, {day}, NULL::interval)).lift' ELSE 'NULL::float8' END);
  columns := replace(replace(replace(columns, '{day}', day), '{score}', CASE WHEN on_day THEN 'c' ELSE 'h' END), '{money}', money);
  RETURN format($query$
    SELECT %1$s,
      %2$s
    FROM %3$s AS h LEFT JOIN %4$s AS r ON %5$s
      %6$s CROSS JOIN LATERAL %7$s AS u%8$s$query$,
    crm_internal.column_list(keys, 'h.'), columns, histories, scoring,
    crm_internal.same_keys(histories, crm_internal.scale_by(histories, scoring), 'r', 'h')
      || CASE WHEN knows_since THEN format(' LEFT JOIN %s AS s ON %s', segment_since, crm_internal.same_keys(histories, keys, 's', 'h')) ELSE '' END,
    CASE WHEN on_day THEN crm_internal.decisions_join(histories) ELSE '' END,
    CASE WHEN on_day THEN '(SELECT crm.until(h.history, $1) AS history OFFSET 0)'
      ELSE format('(SELECT coalesce(crm.until(h.history, %s), h.history) AS history)', day) END,
    CASE WHEN on_day THEN format(' CROSS JOIN LATERAL %s AS c WHERE crm.first_purchased_on(u.history) IS NOT NULL',
                                 crm_internal.score_call(histories, 'u.history', '$1'))
      ELSE format(' WHERE coalesce(crm.first_purchased_on(h.history) <= %s, h.history OPERATOR(crm.<>) ''{}''::crm.purchase_history)', day) END);
END $$;
COMMENT ON FUNCTION crm_internal.customers_query(regclass, regclass, int, boolean, regclass) IS
  'the query of a customers view; the table of since when customers are in their segments may be NULL';

CREATE FUNCTION crm_internal.score_call(history text, as_of text) RETURNS text
  LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT format('crm.score_customer(%s, %s, %s)', history, as_of, crm_internal.column_list(crm_internal.rule_columns(), 'r.'))
$$;
COMMENT ON FUNCTION crm_internal.score_call(text, text) IS 'the call that scores a history by the rule r';

-- A name beside a relation, cut as PostgreSQL cuts names and free to use.
CREATE FUNCTION crm_internal.free_name(schema oid, base text, suffix text) RETURNS text
  LANGUAGE plpgsql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  longest constant int := current_setting('max_identifier_length')::int;
  stem text;
  ending text := suffix;
  tries int := 0;
BEGIN
  LOOP
    stem := base;
    WHILE octet_length(stem) + octet_length(ending) > longest LOOP
      stem := left(stem, -1);
    END LOOP;
    EXIT WHEN NOT EXISTS (SELECT FROM pg_class WHERE relnamespace = schema AND relname = stem || ending)
      AND NOT EXISTS (SELECT FROM pg_type WHERE typnamespace = schema AND typname = stem || ending)
      AND NOT EXISTS (SELECT FROM pg_proc WHERE pronamespace = schema AND proname = stem || ending);
    tries := tries + 1;
    ending := suffix || tries;
  END LOOP;
  RETURN stem || ending;
END $$;
COMMENT ON FUNCTION crm_internal.free_name(oid, text, text) IS 'the name of a new relation: base and suffix, cut to fit and numbered if taken';

CREATE FUNCTION crm_internal.new_name(schema oid, base text, suffix text) RETURNS text
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT format('%s.%I', schema::regnamespace, crm_internal.free_name(schema, base, suffix))
$$;
COMMENT ON FUNCTION crm_internal.new_name(oid, text, text) IS 'free_name, as SQL writes it with its schema';

-- The purchases view of a plain table.
CREATE FUNCTION crm_internal.day_of_column(relation regclass, day name, time_zone text) RETURNS text
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT format(CASE a.atttypid WHEN 'timestamptz'::regtype THEN '(%I AT TIME ZONE %L)::date' WHEN 'date'::regtype THEN '%I' ELSE '%I::date' END, day, time_zone)
  FROM pg_attribute a WHERE a.attrelid = relation AND a.attname = day
$$;
COMMENT ON FUNCTION crm_internal.day_of_column(regclass, name, text) IS 'the day of a column of a table as SQL, of an instant in a time zone';

CREATE FUNCTION crm_internal.make_purchases_view(orders regclass, base text, keys text[], purchased_on name, amount name, weight name, booked_on name, category name,
    time_zone text) RETURNS regclass
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  names text[] := coalesce(nullif(keys, '{}'), ARRAY[NULL::text]) || ARRAY[purchased_on, amount, weight, booked_on, category]::text[];
  parameters constant text[] := array_fill('customer'::text, ARRAY[cardinality(names) - 5]) || '{purchased_on,amount,orders,booked_on,category}'::text[];
  view_name text;
  schema oid := (SELECT relnamespace FROM pg_class WHERE oid = orders);
BEGIN
  FOR i IN 1..cardinality(names) LOOP
    IF names[i] IS NULL AND i < cardinality(names) - 2 THEN
      PERFORM crm_internal.raise_error('invalid_parameter_value', format('%s is a table, so %s must name a column of it', orders, parameters[i]),
        hint => 'Pass customer, purchased_on and amount, or a purchases view instead of the table.');
    ELSIF names[i] IS NOT NULL AND NOT EXISTS (
        SELECT FROM pg_attribute WHERE attrelid = orders AND attname = names[i] AND attnum > 0 AND NOT attisdropped) THEN
      PERFORM crm_internal.raise_error('undefined_column', format('column %I of %s does not exist', names[i], orders),
        detail => format('It was given as %s.', parameters[i]));
    ELSIF EXISTS (SELECT FROM pg_attribute WHERE attrelid = orders AND attname = names[i] AND attgenerated = 'v') THEN
      PERFORM crm_internal.raise_error('wrong_object_type', format('column %I of %s is a virtual generated column', names[i], orders),
        detail => 'Triggers do not see its values.', hint => 'Use a stored one, or track a view that has its expression.');
    END IF;
  END LOOP;

  view_name := crm_internal.free_name(schema, base, '_purchases');
  EXECUTE format('CREATE VIEW %s.%I AS SELECT %s, %s AS purchased_on, %I AS amount%s%s%s FROM %s',
    schema::regnamespace, view_name,
    (SELECT string_agg(format('%I AS %I', k, CASE WHEN k IN ('purchased_on', 'amount', 'orders', 'booked_on', 'category') THEN 'customer' ELSE k END), ', ' ORDER BY n)
     FROM unnest(keys) WITH ORDINALITY AS u(k, n)),
    crm_internal.day_of_column(orders, purchased_on, time_zone),
    amount,
    CASE WHEN weight IS NULL THEN '' ELSE format(', %I AS orders', weight) END,
    CASE WHEN booked_on IS NULL THEN '' ELSE format(', %s AS booked_on', crm_internal.day_of_column(orders, booked_on, time_zone)) END,
    CASE WHEN category IS NULL THEN '' ELSE format(', %I::text AS category', category) END,
    orders);
  RETURN format('%s.%I', schema::regnamespace, view_name)::regclass;
END $$;
COMMENT ON FUNCTION crm_internal.make_purchases_view(regclass, text, text[], name, name, name, name, name, text) IS
  'makes the purchases view of a table that has customer, day and amount as plain columns';

CREATE FUNCTION crm_internal.track_triggers(tracked_table regclass, by_row boolean) RETURNS int
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  part regclass;
  own record;
  made int := 0;
BEGIN
  FOR part IN
    SELECT c.oid FROM pg_class c
    WHERE (c.oid = tracked_table OR c.oid IN (SELECT relid FROM pg_partition_tree(tracked_table))) AND c.relkind IN ('r', 'p')
      AND NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = c.oid AND tgfoid = 'crm.track_truncate()'::regprocedure)
    ORDER BY c.oid
  LOOP
    IF NOT by_row THEN
      EXECUTE format('CREATE TRIGGER %I AFTER INSERT ON %s REFERENCING NEW TABLE AS new_rows
                      FOR EACH STATEMENT EXECUTE FUNCTION crm.track_statement()', crm_internal.trigger_name(part, 'crm_insert'::text), part);
      EXECUTE format('CREATE TRIGGER %I AFTER UPDATE ON %s REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
                      FOR EACH STATEMENT EXECUTE FUNCTION crm.track_statement()', crm_internal.trigger_name(part, 'crm_update'::text), part);
      EXECUTE format('CREATE TRIGGER %I AFTER DELETE ON %s REFERENCING OLD TABLE AS old_rows
                      FOR EACH STATEMENT EXECUTE FUNCTION crm.track_statement()', crm_internal.trigger_name(part, 'crm_delete'::text), part);
    -- a partition has that of its root
    ELSIF part = tracked_table AND NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = part AND tgfoid = 'crm.track_row()'::regprocedure) THEN
      EXECUTE format('CREATE TRIGGER %I AFTER INSERT OR UPDATE OR DELETE ON %s
                      FOR EACH ROW EXECUTE FUNCTION crm.track_row()', crm_internal.trigger_name(part, 'crm_row'::text), part);
    END IF;
    EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON %s
                    FOR EACH STATEMENT EXECUTE FUNCTION crm.track_truncate()', crm_internal.trigger_name(part, 'crm_truncate'::text), part);
    made := made + 1;
  END LOOP;
  IF by_row THEN
    FOR own IN SELECT g.tgname, g.tgrelid::regclass AS relation FROM pg_trigger g
               WHERE g.tgfoid IN ('crm.track_row()'::regprocedure, 'crm.track_truncate()'::regprocedure) AND g.tgenabled <> 'A'
                 AND (g.tgrelid = tracked_table OR g.tgrelid IN (SELECT relid FROM pg_partition_tree(tracked_table))) LOOP
      EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', own.relation, own.tgname);
    END LOOP;
  END IF;
  RETURN made;
END $$;
COMMENT ON FUNCTION crm_internal.track_triggers(regclass, boolean) IS
  'installs the triggers on a table and its partitions where they are missing; returns on how many';

CREATE FUNCTION crm_internal.comment_columns(relation regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  c record;
BEGIN
  FOR c IN
    SELECT a.attname, coalesce(d.comment, 'key of the customer') AS comment
    FROM pg_attribute a LEFT JOIN (VALUES
      ('history', 'what the customer bought, day by day'),
      ('row_history', 'what the rows of the purchases views add up to, of which history counts each day once'),
      ('mix', 'what the customer bought of each category, day by day'),
      ('first_purchased_on', 'day of the first purchase'),
      ('last_purchased_on', 'day of the last purchase'),
      ('days_since_last_purchase', 'whole days from the last purchase until scored_on'),
      ('days_since_first_purchase', 'whole days from the first purchase until scored_on'),
      ('purchase_count', 'number of purchases'),
      ('purchase_day_count', 'number of days with at least one purchase'),
      ('spend', 'net amount of all purchases and refunds until scored_on, in units of currency'),
      ('average_order_value', 'spend per purchase, in units of currency'),
      ('average_days_between_purchases', 'mean gap between purchase days, in days; NULL with fewer than two'),
      ('rfm', 'recency, frequency and monetary score, a digit each, the highest best'),
      ('recency_score', 'score of the days since the last purchase, the highest for the fewest'),
      ('frequency_score', 'score of the number of purchases'),
      ('monetary_score', 'score of the spend'),
      ('segment', 'name of the customer''s segment; NULL if the rules'' map has none for the scores'),
      ('segment_rank', 'position of the segment in its map, 1 for the first: sorts reports'),
      ('scored_on', 'day as of which all of the row holds; NULL before there is a rule for the customer'),
      ('updated_at', 'when a score last changed'),
      ('scale', 'cut points of the scores; a refresh makes new ones unless keep_scale'),
      ('keep_scale', 'whether a refresh leaves the scale as it is'),
      ('bins', 'number of scores of each measure, 2 to 9, for the next scale'),
      ('segments', 'rules that name the segment of each score'),
      ('look_back_days', 'how many days of purchases count for the score; all if NULL'),
      ('tier', 'tier held in the program; NULL if none, and until tier_program is set in the rules'),
      ('p_alive', 'probability that the customer is still one; not the same as buying again within a time; NULL until there is a purchase_model in the rules, which CALL crm.refresh(..., refit => true) fits'),
      ('p_churned', 'probability that the customer has left, 1 - p_alive; NULL until there is a purchase model, and where it sees nobody leave'),
      ('buy_again', 'probability of at least one purchase within the horizon after scored_on; NULL until there is a purchase model'),
      ('expected_purchases', 'expected number of purchase days within the horizon; NULL until there is a purchase model'),
      ('clv', 'expected discounted margin of purchases within the horizon, in units of currency; NULL until there are a purchase_model and a spend_model in the rules, which CALL crm.refresh(..., refit => true) fits'),
      ('clv_q90', '90 % quantile of what clv is the mean of: nine of ten customers like this one bring at most so much within the horizon; the mean may lie above it, since few customers with many purchases make it; NULL where clv is'),
      ('value_note', 'why the customer has no value, no clv or no p_churned, or on what clv stands if not on the mean spend, in words; NULL if there is nothing to say'),
      ('favourite_category', 'category that was bought on the most days until scored_on, of equals the first by name; NULL if none was, and where the purchases view has no column category'),
      ('next_category', 'category that the customer most likely buys next: the days on which each was bought, shrunk to the shop; NULL where the purchases view has no column category'),
      ('next_category_lift', 'how many times as likely that is as for the average customer of the shop: near 1 it says nothing about this one; NULL where next_category is'),
      ('mix_base', 'how the customers of the shop divide what they buy among categories, fitted by the last refresh, for next_category; NULL where no categories are kept'),
      ('expected_next_purchase_on', 'median day of the next purchase of a customer who still buys; NULL if none is expected, and until there is a purchase model'),
      ('cohort_month', 'first day of the month of the first purchase'),
      ('lifecycle_state', 'new, repeat, reactivated, lapsed or never: the 365 days until scored_on beside the 365 before them'),
      ('p_silence', 'probability of a silence longer than the present one in the rhythm of the customer and of all; below 0.05 is overdue; NULL where no rhythm is known'),
      ('spend_last', 'net amount of what was bought on the last 365 days until scored_on, in units of currency'),
      ('purchase_count_last', 'number of purchases on the last 365 days until scored_on'),
      ('value_decile', 'tenth of the customers by clv, by spend where there are no models, 10 the best, by the cut points of the last refresh; equal values are in one tenth'),
      ('segment_since', 'day of the refresh that first found the customer in the segment, of a change since the last refresh the day of the score; NULL if not known'),
      ('previous_segment', 'segment before that; NULL if none is known'),
      ('rhythm', 'how regularly customers buy, fitted by the last refresh, for p_silence; NULL where too few bought twice'),
      ('value_measure', 'what value_cuts cut: clv, or spend where there are no models'),
      ('value_cuts', 'nine cut points of the customers'' value at the last refresh, for value_decile'),
      ('tier_program', 'the tier program; none if NULL'),
      ('purchase_model', 'model of when customers buy, from crm.fit_...; none if NULL, until a refit chooses one'),
      ('spend_model', 'model of what they spend, from crm.fit_gamma_gamma; none if NULL'),
      ('margin', 'part of an amount that is margin, for clv'),
      ('horizon_days', 'how many days ahead expected purchases and clv look; stands in the names of the view''s columns'),
      ('annual_discount_rate', 'annual discount rate for clv'),
      ('time_zone', 'where a day begins and ends for today'),
      ('currency', 'currency of all amounts, as the rules name it, EUR say; NULL if they do not'),
      ('as_of', 'day that a tracking of the past is kept as of; today if NULL'),
      ('snapshot_on', 'day as of which the row holds'),
      ('scaled_on', 'day as of which the scale was made'),
      ('refreshing_as_of', 'day that the running refresh scores as of'),
      ('refreshed_on', 'day that the last refresh scored as of'),
      ('changed_at', 'when it changed'),
      ('what', 'what changed: segment or tier'),
      ('old_value', 'what it was; NULL if nothing'),
      ('new_value', 'what it is now; NULL if nothing'),
      ('why', 'what changed it: insert, update, delete, truncate, attach, detach, refresh, rebuild, decision'),
      ('partition', 'the partition; a number if it is no more'),
      ('partition_name', 'what it was called when it was detached'),
      ('detached_at', 'when it was detached')
    ) AS d(name, comment) ON d.name = regexp_replace(a.attname, '_\d+d$', '')
    WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped
  LOOP
    EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', relation, c.attname, c.comment);
  END LOOP;
END $$;
COMMENT ON FUNCTION crm_internal.comment_columns(regclass) IS 'comments the columns of a tracking''s table or view';

-- checks of track, one a rule

CREATE FUNCTION crm_internal.check_trackable(relation regclass, histories regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  c pg_class;
BEGIN
  SELECT * INTO c FROM pg_class WHERE oid = relation;
  IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
    PERFORM crm_internal.raise_error('active_sql_transaction', format('crm.track cannot run in a %s transaction', upper(current_setting('transaction_isolation'))),
      detail => 'It has to see what others commit before it gets its lock.', hint => 'Begin the transaction with SET TRANSACTION ISOLATION LEVEL READ COMMITTED.');
  ELSIF relation IS NULL THEN
    PERFORM crm_internal.raise_error('null_value_not_allowed', 'relation to track cannot be null');
  ELSIF c.relkind NOT IN ('r', 'p', 'v') THEN
    PERFORM crm_internal.raise_error('wrong_object_type', format('%s is neither a table nor a view', relation));
  ELSIF c.relpersistence = 't' THEN
    PERFORM crm_internal.raise_error('wrong_object_type', format('%s is temporary and cannot be tracked', relation));
  ELSIF c.relkind = 'r' AND NOT c.relispartition AND EXISTS (SELECT FROM pg_inherits WHERE inhrelid = relation) THEN
    PERFORM crm_internal.raise_error('wrong_object_type', format('%s inherits from another table and cannot be tracked', relation),
      detail => 'What is written through the parent would not be seen.', hint => 'Track the parent, or a view, which crm.refresh keeps.');
  ELSIF NOT pg_has_role(current_user, c.relowner, 'USAGE') THEN
    PERFORM crm_internal.raise_error('insufficient_privilege', format('must be owner of relation %s', relation));
  ELSIF histories IS NULL AND NOT has_schema_privilege(current_user, c.relnamespace, 'CREATE') THEN
    PERFORM crm_internal.raise_error('insufficient_privilege', format('%s may not create tables in schema %s', current_user, c.relnamespace::regnamespace),
      detail => format('A tracking belongs to the owner of %s and stands beside it.', relation),
      hint => format('GRANT CREATE ON SCHEMA %s TO %I', c.relnamespace::regnamespace, current_user));
  ELSIF histories IS NOT NULL AND NOT EXISTS (SELECT FROM crm.tracked t WHERE t.histories = check_trackable.histories) THEN
    PERFORM crm_internal.raise_error('undefined_object', format('table %s holds no tracked histories', histories));
  ELSIF histories IS NOT NULL AND NOT crm_internal.is_owner(histories) THEN
    -- what their owner hung onto them would run as the owner of the relation
    PERFORM crm_internal.raise_error('insufficient_privilege', format('%s belongs to %s, who does not own the histories %s', relation, current_user, histories),
      hint => 'Give the relations of a tracking to one owner.');
  END IF;
END $$;
COMMENT ON FUNCTION crm_internal.check_trackable(regclass, regclass) IS 'an error if a relation cannot be tracked';

CREATE FUNCTION crm_internal.check_not_tracked(relation regclass, base text, makes_view boolean, histories regclass) RETURNS void
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  tracking crm.tracked;
BEGIN
  SELECT t.* INTO tracking FROM crm.tracked t JOIN pg_class c ON c.oid = t.histories JOIN pg_class r ON r.oid = relation
  WHERE CASE WHEN makes_view THEN check_not_tracked.histories IS NULL AND c.relnamespace = r.relnamespace AND c.relname = base || '_histories'
    ELSE t.purchases = relation END LIMIT 1;
  IF FOUND THEN
    PERFORM crm_internal.raise_error('duplicate_object',
      CASE WHEN makes_view AND relation <> ALL (ARRAY[tracking.purchases, tracking.source]::regclass[]) THEN format('there is a tracking called %s already', base)
        ELSE format('%s is tracked already', relation) END,
      detail => format('Its customers are %s.', tracking.customers),
      hint => 'Another tracking needs another name: crm.track(..., name => ...), by which its tables and views are called.');
  END IF;
END $$;
COMMENT ON FUNCTION crm_internal.check_not_tracked(regclass, text, boolean, regclass) IS 'an error if a tracking needs a name of its own';

CREATE FUNCTION crm_internal.check_keys(purchases regclass, keys text[], scale_by text[], histories regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  reserved constant text[] := crm_internal.score_columns() || '{history,row_history,scored_on,updated_at,scale,keep_scale,bins,segments,look_back_days,
    tier_program,purchase_model,spend_model,margin,horizon_days,annual_discount_rate,time_zone,scaled_on,refreshing_as_of,refreshed_on,currency,as_of,rhythm,value_measure,value_cuts,snapshot_on,changed_at,what,old_value,new_value,why,first_purchased_on,last_purchased_on,
    days_since_last_purchase,days_since_first_purchase,purchase_count,purchase_day_count,spend,average_order_value,average_days_between_purchases,
    cohort_month,lifecycle_state,p_silence,spend_last_365d,purchase_count_last_365d,value_decile,segment_since,previous_segment,p_churned,value_note,mix,mix_base,favourite_category,
    next_category,next_category_lift}'::text[];
  k text;
BEGIN
  FOREACH k IN ARRAY keys LOOP
    IF k = ANY (reserved) OR k ~ '^(expected_purchases|clv|clv_q90|buy_again)_\d+d$' THEN
      PERFORM crm_internal.raise_error('duplicate_column', format('key column %I of %s has the name of a column that crm.track makes', k, purchases),
        hint => 'Give it another name in the view.');
    END IF;
  END LOOP;
  FOREACH k IN ARRAY coalesce(scale_by, '{}') LOOP
    IF k <> ALL (keys) THEN
      PERFORM crm_internal.raise_error('undefined_column', format('scale_by names %I, which is no key column of %s', k, purchases));
    ELSIF k = ANY ('{fitted_on,spend_fitted_on,recorded_on,customers,replaced_on,replaced_by,forecast_from,forecast_until,out_of_sample,n,total_expected,
        total_actual,mean_error,mean_absolute_error,root_mean_squared_error,correlation,top_decile_share,normalised_gini,decile_expected,decile_actual}') THEN
      PERFORM crm_internal.raise_error('duplicate_column', format('key column %I of %s has the name of a column of the table of models', k, purchases),
        hint => 'Give it another name in the view.');
    END IF;
  END LOOP;
  IF histories IS NOT NULL AND
     ARRAY(SELECT atttypid FROM pg_attribute JOIN unnest(keys) WITH ORDINALITY AS u(k, n) ON attname = u.k WHERE attrelid = purchases ORDER BY n)
     IS DISTINCT FROM
     ARRAY(SELECT atttypid FROM pg_attribute JOIN unnest(crm_internal.history_keys(histories)) WITH ORDINALITY AS u(k, n) ON attname = u.k
           WHERE attrelid = histories AND u.k = keys[n] ORDER BY n) THEN
    PERFORM crm_internal.raise_error('datatype_mismatch', format('the key columns of %s are not those of %s', purchases, histories),
      detail => format('They must have the same names and types in the same order: %s.', crm_internal.column_list(crm_internal.history_keys(histories), ''::text)));
  END IF;
END $$;
COMMENT ON FUNCTION crm_internal.check_keys(regclass, text[], text[], regclass) IS 'an error if key columns cannot be those of a table of histories';

CREATE FUNCTION crm_internal.check_category(purchases regclass, keys text[]) RETURNS void
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF (SELECT count(*) FROM pg_attribute WHERE attrelid = purchases AND attname IN ('category', 'booked_on') AND attnum > 0 AND attname <> ALL (keys) AND NOT attisdropped) = 2 THEN
    PERFORM crm_internal.raise_error('feature_not_supported', format('%s has both booked_on and category', purchases),
      detail => 'What customers buy of each category is kept by the day of the purchase, and knows no corrections that were booked later.',
      hint => 'Leave one of them out, and track a view with the other beside it, under another name.');
  END IF;
END $$;
COMMENT ON FUNCTION crm_internal.check_category(regclass, text[]) IS 'an error if the categories of a purchases view cannot be kept';

-- the tables and views of a tracking

CREATE FUNCTION crm_internal.make_scoring(purchases regclass, scoring_name text, scale_by text[], time_zone text, bins int,
    segments crm.segment_map, look_back_days int, horizon_days int) RETURNS regclass
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  EXECUTE format($sql$CREATE TABLE %1$s AS
    SELECT %2$s NULL::crm.rfm_scale AS scale, false AS keep_scale, NULL::smallint AS bins, NULL::crm.segment_map AS segments,
      NULL::int AS look_back_days, NULL::crm.tier_program AS tier_program, NULL::crm.purchase_model AS purchase_model,
      NULL::crm.spend_model AS spend_model, NULL::float8 AS margin, NULL::int AS horizon_days, NULL::float8 AS annual_discount_rate,
      NULL::text AS time_zone, NULL::date AS scaled_on, NULL::date AS refreshing_as_of,
      NULL::date AS refreshed_on, NULL::text AS currency, NULL::date AS as_of,
      NULL::crm.rhythm AS rhythm, NULL::text AS value_measure, NULL::float8[] AS value_cuts, NULL::crm.mix_base AS mix_base
    FROM %3$s WITH NO DATA$sql$, scoring_name, coalesce(crm_internal.column_list(scale_by, ''::text) || ',', ''), purchases);
  EXECUTE format($sql$ALTER TABLE %1$s
    ALTER keep_scale SET NOT NULL, ALTER keep_scale SET DEFAULT false,
    ALTER bins SET NOT NULL, ALTER bins SET DEFAULT %2$L, ADD CHECK (bins BETWEEN 2 AND 9),
    ALTER segments SET NOT NULL, ALTER segments SET DEFAULT %3$L::crm.segment_map,
    ALTER look_back_days SET DEFAULT %4$L, ADD CHECK (look_back_days > 0),
    ALTER margin SET NOT NULL, ALTER margin SET DEFAULT 1,
    ALTER horizon_days SET NOT NULL, ALTER horizon_days SET DEFAULT %6$s,
    ADD CONSTRAINT horizon_is_in_column_names CHECK (horizon_days = %6$s),
    ALTER annual_discount_rate SET NOT NULL, ALTER annual_discount_rate SET DEFAULT 0.1,
    ALTER time_zone SET NOT NULL, ALTER time_zone SET DEFAULT %5$L$sql$,
    scoring_name, bins, segments, look_back_days, time_zone, horizon_days);
  -- a rule that cannot score is refused when it is written, not when an order comes
  EXECUTE format('ALTER TABLE %s ADD CONSTRAINT rule_can_score CHECK ((crm.score_customer(crm.purchase(date ''2000-01-01'', 1::numeric, 1), date ''2001-01-01'', %s) IS NULL) IS NOT NULL),
    ADD CONSTRAINT time_zone_is_known CHECK (timestamptz ''2000-01-01 00:00+00'' AT TIME ZONE time_zone IS NOT NULL)',
    scoring_name, crm_internal.column_list(crm_internal.rule_columns(), ''::text));
  EXECUTE CASE WHEN scale_by IS NULL THEN format('CREATE UNIQUE INDEX ON %s ((true))', scoring_name)
    ELSE format('ALTER TABLE %s ADD PRIMARY KEY (%s)', scoring_name, crm_internal.column_list(scale_by, ''::text)) END;
  EXECUTE format('COMMENT ON TABLE %s IS %L', scoring_name,
    format('the rules that the customers of %s are scored by; change them, then CALL crm.refresh', purchases));
  PERFORM crm_internal.comment_columns(scoring_name::regclass);
  PERFORM crm_internal.distribute(scoring_name::regclass, purchases, false);
  RETURN scoring_name::regclass;
END $$;
COMMENT ON FUNCTION crm_internal.make_scoring(regclass, text, text[], text, int, crm.segment_map, int, int) IS 'makes the table of scoring rules';

CREATE FUNCTION crm_internal.keep_mix(histories regclass, purchases regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  keeper regclass;
BEGIN
  IF NOT crm_internal.has_category(purchases) THEN
    RETURN;
  END IF;
  FOR keeper IN SELECT keep_mix.histories UNION SELECT crm_internal.detached_histories(t) FROM crm.tracked t WHERE t.histories = keep_mix.histories LOOP
    CONTINUE WHEN keeper IS NULL OR crm_internal.keeps_mix(keeper);
    EXECUTE format('ALTER TABLE %s ADD COLUMN mix crm.mix', keeper);
    IF (SELECT 'lz4' = ANY (enumvals) FROM pg_settings WHERE name = 'default_toast_compression') THEN
      EXECUTE format('ALTER TABLE %s ALTER mix SET COMPRESSION lz4', keeper);
    END IF;
    PERFORM crm_internal.comment_columns(keeper);
  END LOOP;
END $$;
COMMENT ON FUNCTION crm_internal.keep_mix(regclass, regclass) IS
  'adds the column of mixes to a table of histories, and to that of what detached partitions held, if a purchases view has categories and they lack it';

CREATE FUNCTION crm_internal.make_histories(purchases regclass, histories_name text, keys text[], unlogged boolean, count_days boolean) RETURNS regclass
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  kept constant text := CASE WHEN count_days THEN 'row_history' ELSE 'history' END;
BEGIN
  EXECUTE format('CREATE %sTABLE %s WITH (fillfactor = 80) AS SELECT %s, NULL::crm.purchase_history AS %I, %s,
                  NULL::date AS scored_on, NULL::timestamptz AS updated_at FROM %s WITH NO DATA',
    CASE WHEN unlogged THEN 'UNLOGGED ' ELSE '' END, histories_name, crm_internal.column_list(keys, ''::text), kept,
    (SELECT string_agg(format('NULL::%s AS %I', format_type(atttypid, atttypmod), attname), ', ' ORDER BY attnum)
     FROM pg_attribute WHERE attrelid = 'crm.customer_score'::regclass AND attnum > 0 AND NOT attisdropped),
    purchases);
  EXECUTE format('ALTER TABLE %s ALTER %s SET NOT NULL, ADD PRIMARY KEY (%s)', histories_name, kept, crm_internal.column_list(keys, ''::text));
  IF count_days THEN
    EXECUTE format('ALTER TABLE %s ADD history crm.purchase_history GENERATED ALWAYS AS (crm.count_days(row_history)) STORED', histories_name);
  END IF;
  -- a long history is written anew with every order, and pglz takes ten times as long
  IF (SELECT 'lz4' = ANY (enumvals) FROM pg_settings WHERE name = 'default_toast_compression') THEN
    EXECUTE format('ALTER TABLE %s ALTER %s SET COMPRESSION lz4%s', histories_name, kept, CASE WHEN count_days THEN ', ALTER history SET COMPRESSION lz4' ELSE '' END);
  END IF;
  EXECUTE format('COMMENT ON TABLE %s IS %L', histories_name, format('history and score of each customer of %s', purchases));
  PERFORM crm_internal.comment_columns(histories_name::regclass);
  PERFORM crm_internal.keep_mix(histories_name::regclass, purchases);
  PERFORM crm_internal.distribute(histories_name::regclass, purchases, true);
  RETURN histories_name::regclass;
END $$;
COMMENT ON FUNCTION crm_internal.make_histories(regclass, text, text[], boolean, boolean) IS 'makes the table of histories';

CREATE FUNCTION crm_internal.make_changes(purchases regclass, changes_name text, keys text[], unlogged boolean) RETURNS regclass
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  EXECUTE format('CREATE %sTABLE %s AS SELECT %s, NULL::timestamptz AS changed_at, NULL::text AS what, NULL::text AS old_value,
                  NULL::text AS new_value, NULL::text AS why FROM %s WITH NO DATA',
    CASE WHEN unlogged THEN 'UNLOGGED ' ELSE '' END, changes_name, crm_internal.column_list(keys, ''::text), purchases);
  EXECUTE format('ALTER TABLE %s ALTER changed_at SET NOT NULL, ALTER what SET NOT NULL, ALTER why SET NOT NULL', changes_name);
  EXECUTE format('COMMENT ON TABLE %s IS %L', changes_name, format('segments that customers of %s entered and left', purchases));
  PERFORM crm_internal.comment_columns(changes_name::regclass);
  PERFORM crm_internal.distribute(changes_name::regclass, purchases, true);
  RETURN changes_name::regclass;
END $$;
COMMENT ON FUNCTION crm_internal.make_changes(regclass, text, text[], boolean) IS 'makes the log of changes';

-- Whoever may read the view needs no rights on what it reads, but where rows are hidden from some: there each reads by rights of their own.
CREATE FUNCTION crm_internal.view_options(existing regclass, purchases regclass, histories regclass) RETURNS text
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  secured regclass;
BEGIN
  IF existing IS NOT NULL THEN
    RETURN coalesce((SELECT format('WITH (%s)', array_to_string(reloptions, ', ')) FROM pg_class WHERE oid = existing AND reloptions <> '{}'), '');
  END IF;
  WITH RECURSIVE under(relation) AS (
    SELECT r FROM unnest(ARRAY[purchases, histories]::oid[]) AS r
    UNION
    SELECT d.refobjid FROM under AS u JOIN pg_rewrite AS w ON w.ev_class = u.relation
      JOIN pg_depend AS d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid AND d.refclassid = 'pg_class'::regclass)
  SELECT c.oid::regclass INTO secured FROM under AS u JOIN pg_class AS c ON c.oid = u.relation WHERE c.relrowsecurity ORDER BY c.oid LIMIT 1;
  IF secured IS NULL THEN
    RETURN '';
  ELSIF current_setting('server_version_num')::int < 150000 THEN
    PERFORM crm_internal.raise_error('feature_not_supported', format('%s has row security, which a view of customers would pass by', secured),
      detail => 'Views that read by the rights of their reader come with PostgreSQL 15.');
  END IF;
  PERFORM crm_internal.notice(format('%s has row security, so the view of customers is read by the rights of its reader', secured), NULL::text,
    format('Readers need SELECT on %s and on the scoring rules beside it; give the histories a policy of their own.', histories));
  RETURN 'WITH (security_invoker = true)';
END $$;
COMMENT ON FUNCTION crm_internal.view_options(regclass, regclass, regclass) IS
  'the options of a view for reports: those that it has, or of a new one security_invoker where the histories or a source have row security';

-- Whoever may read the customers by rights of their own may not have any on another table.
CREATE FUNCTION crm_internal.make_customers(purchases regclass, histories regclass, scoring regclass, horizon_days int, customers_name text,
    segment_since regclass DEFAULT NULL) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  options constant text := crm_internal.view_options(to_regclass(customers_name), purchases, histories);
BEGIN
  EXECUTE format('CREATE OR REPLACE VIEW %s %s AS %s', customers_name, options,
    crm_internal.customers_query(histories, scoring, horizon_days, false, CASE WHEN options !~ 'security_invoker' THEN segment_since END));
  EXECUTE format('COMMENT ON VIEW %s IS %L', customers_name, format('the customers of %s as of the day scored_on', purchases));
  PERFORM crm_internal.comment_columns(customers_name::regclass);
END $$;
COMMENT ON FUNCTION crm_internal.make_customers(regclass, regclass, regclass, int, text, regclass) IS 'makes the view of customers for reports, or makes it anew with what later releases added at its end';

-- A query with arguments over a distributed table can be planned in PL/pgSQL, where they are known, and in no function in SQL.
CREATE FUNCTION crm_internal.query_body(query text) RETURNS text
  LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT format(E'#variable_conflict use_column\nBEGIN\n  RETURN QUERY %s;\nEND', query)
$$;
COMMENT ON FUNCTION crm_internal.query_body(text) IS 'the body of a function in PL/pgSQL that returns the rows of a query';

CREATE FUNCTION crm_internal.make_customers_on(purchases regclass, histories regclass, scoring regclass, customers regclass, horizon_days int,
    function_name text)
  RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  EXECUTE format('CREATE OR REPLACE FUNCTION %s(as_of date) RETURNS SETOF %s LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS %L',
    function_name, customers, crm_internal.query_body(crm_internal.customers_query(histories, scoring, horizon_days, true, NULL::regclass)));
  EXECUTE format('COMMENT ON FUNCTION %s(date) IS %L', function_name,
    format('the customers of %s as they were on a day, scored by the rules of today', purchases));
END $$;
COMMENT ON FUNCTION crm_internal.make_customers_on(regclass, regclass, regclass, regclass, int, text) IS 'makes the function of customers on a day, or makes it anew';

-- The rules of an earlier release get the columns that came since.
CREATE FUNCTION crm_internal.complete_rules(scoring regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  missing text;
BEGIN
  SELECT string_agg(format('ADD COLUMN %s %s', c.name, c.type), ', ') INTO missing
  FROM (VALUES ('currency', 'text'), ('as_of', 'date'), ('rhythm', 'crm.rhythm'), ('value_measure', 'text'), ('value_cuts', 'float8[]'),
    ('mix_base', 'crm.mix_base')) AS c(name, type)
  WHERE NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = scoring AND attname = c.name AND NOT attisdropped);
  IF missing IS NOT NULL THEN
    EXECUTE format('ALTER TABLE %s %s', scoring, missing);
    PERFORM crm_internal.comment_columns(scoring);
  END IF;
END $$;
COMMENT ON FUNCTION crm_internal.complete_rules(regclass) IS 'adds the columns to a table of scoring rules that came with later releases';

CREATE FUNCTION crm_internal.lacks_since(tracking crm.tracked) RETURNS boolean
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT EXISTS (SELECT FROM pg_class WHERE oid = tracking.segment_since)
    AND NOT EXISTS (SELECT FROM pg_class WHERE oid = tracking.customers AND array_to_string(reloptions, ',') ~ 'security_invoker')
    AND NOT EXISTS (SELECT FROM pg_rewrite AS w JOIN pg_depend AS d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid
                    WHERE w.ev_class = tracking.customers AND d.refclassid = 'pg_class'::regclass AND d.refobjid = tracking.segment_since)
$$;
COMMENT ON FUNCTION crm_internal.lacks_since(crm.tracked) IS 'whether a view of customers does not read since when they are in their segments though it could';

-- The horizon stands in the names of the view's columns.
CREATE FUNCTION crm_internal.remake_customers_on(tracking crm.tracked) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  function_name constant text := crm_internal.customers_on(tracking.customers);
  horizon_days constant int := (SELECT substring(attname FROM '^clv_(\d+)d$')::int FROM pg_attribute
                                WHERE attrelid = tracking.customers AND attname ~ '^clv_\d+d$' ORDER BY attnum DESC LIMIT 1);
BEGIN
  PERFORM crm_internal.complete_rules(tracking.scoring);
  IF position('r.as_of' IN pg_get_viewdef((SELECT oid FROM pg_class WHERE oid = tracking.standing))) = 0 THEN
    EXECUTE format('CREATE OR REPLACE VIEW %s %s AS %s', tracking.standing, crm_internal.view_options(tracking.standing, tracking.purchases, tracking.histories),
      crm_internal.standing_query(tracking.histories, tracking.scoring, tracking.decisions, tracking.by_invitation));
  END IF;
  PERFORM crm_internal.remake_tier_functions(tracking.standing);
  IF EXISTS (SELECT FROM pg_proc
             WHERE oid = to_regprocedure(function_name || '(pg_catalog.date)')
               AND prosrc <> crm_internal.query_body(crm_internal.customers_query(tracking.histories, tracking.scoring, horizon_days, true, NULL::regclass)))
     OR crm_internal.lacks_since(tracking) THEN
    -- first the view, which the function's rows are those of
    PERFORM crm_internal.make_customers(tracking.purchases, tracking.histories, tracking.scoring, horizon_days, tracking.customers::text,
      CASE WHEN crm_internal.is_there(tracking.segment_since) THEN tracking.segment_since END);
    PERFORM crm_internal.make_customers_on(tracking.purchases, tracking.histories, tracking.scoring, tracking.customers, horizon_days, function_name);
  END IF;
END $$;
COMMENT ON FUNCTION crm_internal.remake_customers_on(crm.tracked) IS
  'makes the view of customers and the function of customers on a day anew if they were made by other rules: before an update, or before there were decisions on tiers';

-- filling and scaling

-- fresh is what stands behind FROM; customers without purchases keep their rows.
CREATE FUNCTION crm_internal.fill_statements(histories regclass, fresh text, OUT gone text, OUT come text)
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  keys constant text[] := crm_internal.history_keys(histories);
  bought constant text[] := crm_internal.bought_columns(histories);
BEGIN
  gone := format('UPDATE %s AS h SET %s WHERE (%s) AND NOT EXISTS (SELECT FROM %s AS f WHERE %s)', histories,
    (SELECT string_agg(format('%I = ''{}''', b), ', ') FROM unnest(bought) AS b),
    (SELECT string_agg(format('h.%I OPERATOR(crm.<>) ''{}''', b), ' OR ') FROM unnest(bought) AS b), fresh, crm_internal.same_keys(histories, keys, 'f', 'h'));
  come := format('INSERT INTO %1$s AS h (%2$s, %3$s) SELECT %2$s, %4$s FROM %5$s AS f ORDER BY %2$s ON CONFLICT (%2$s) DO UPDATE SET %6$s WHERE %7$s',
    histories, crm_internal.column_list(keys, ''::text), crm_internal.column_list(bought, ''::text),
    CASE WHEN crm_internal.keeps_mix(histories) THEN 'history, mix' ELSE 'history' END, fresh,
    (SELECT string_agg(format('%I = excluded.%1$I', b), ', ') FROM unnest(bought) AS b),
    (SELECT string_agg(format('coalesce(h.%I OPERATOR(crm.<>) excluded.%1$I, true)', b), ' OR ') FROM unnest(bought) AS b));
END $$;
COMMENT ON FUNCTION crm_internal.fill_statements(regclass, text) IS
  'the statements that make histories what a table or subquery of fresh ones says: of customers who are not in it, and of those who are';

CREATE FUNCTION crm_internal.fill_histories(histories regclass, why text) RETURNS bigint
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  query constant text := crm_internal.all_histories_query(histories);
  made regclass;
  changed bigint;
BEGIN
  IF crm_internal.is_of_citus(histories) THEN
    RETURN crm_internal.fill_on_shards(histories);
  ELSIF crm_internal.reads_citus(histories) THEN
    made := crm_internal.fresh_histories(histories, query);
  END IF;
  EXECUTE (SELECT format('WITH fresh AS MATERIALIZED (%s), gone AS (%s RETURNING 1), come AS (%s RETURNING 1) SELECT (SELECT count(*) FROM gone) + (SELECT count(*) FROM come)',
      coalesce('SELECT * FROM ' || made::text, query), s.gone, s.come)
    FROM crm_internal.fill_statements(histories, 'fresh'::text) AS s) INTO changed;
  IF made IS NOT NULL THEN
    EXECUTE format('DROP TABLE %s', made);
  END IF;
  RETURN changed;
END $$;
COMMENT ON FUNCTION crm_internal.fill_histories(regclass, text) IS
  'makes histories what the purchases views say; returns how many changed; why is what the log of changes gives as the reason';

CREATE FUNCTION crm_internal.add_rules(scoring regclass, scale_by text[], customers regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  keys constant text := crm_internal.column_list(scale_by, ''::text);
  is_there boolean;
BEGIN
  IF keys IS NULL THEN
    EXECUTE format('SELECT EXISTS (SELECT FROM %s)', scoring) INTO is_there;
    IF NOT is_there THEN
      EXECUTE format('INSERT INTO %s DEFAULT VALUES', scoring);
    END IF;
  ELSE
    EXECUTE format('INSERT INTO %1$s (%2$s) SELECT DISTINCT %2$s FROM %3$s ON CONFLICT DO NOTHING', scoring, keys, customers);
  END IF;
END $$;
COMMENT ON FUNCTION crm_internal.add_rules(regclass, text[], regclass) IS 'adds the scoring rules that some customers lack, by default those of a new tracking';

CREATE FUNCTION crm_internal.make_scales(histories regclass, scoring regclass, as_of date, customers regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  scale_by constant text[] := crm_internal.scale_by(histories, scoring);
  -- a function with a search_path of its own costs more than what it does
  looked_at constant text := 'CASE WHEN r.look_back_days IS NULL THEN h.history ELSE crm.look_back(h.history, r.refreshing_as_of, r.look_back_days) END';
  scale crm.rfm_scale;
  mismatch text;
  zone text;
BEGIN
  PERFORM crm_internal.one_by_one(scoring);
  PERFORM crm_internal.add_rules(scoring, scale_by, customers);
  -- a tracking of the past goes to the day that a refresh names
  FOR zone IN EXECUTE format('SELECT DISTINCT time_zone FROM %s', scoring) LOOP
    EXECUTE format('UPDATE %1$s AS r SET as_of = CASE WHEN as_of IS NOT NULL THEN coalesce($1, as_of) END, refreshing_as_of = coalesce($1, as_of, $2) WHERE time_zone = $3', scoring)
    USING as_of, (statement_timestamp() AT TIME ZONE zone)::date, zone;
  END LOOP;
  IF cardinality(scale_by) > 0 THEN
    EXECUTE format($sql$
      UPDATE %1$s AS r SET scale = n.scale, scaled_on = r.refreshing_as_of
      FROM (SELECT %2$s, crm.rfm_scale(%7$s, r.refreshing_as_of, r.bins::int) AS scale
            FROM %3$s AS h JOIN %1$s AS r ON %4$s GROUP BY %5$s) AS n
      WHERE NOT r.keep_scale AND %6$s$sql$,
      scoring, crm_internal.column_list(scale_by, 'r.'), customers, crm_internal.same_keys(histories, scale_by, 'r', 'h'),
      crm_internal.column_list(scale_by, 'r.'), crm_internal.same_keys(histories, scale_by, 'r', 'n'), looked_at);
  ELSE
    -- read by itself, by as many workers as there are: what a statement that writes reads, one process reads
    EXECUTE format('SELECT crm.rfm_scale(%s, r.refreshing_as_of, r.bins::int) FROM %s AS h, %s AS r WHERE NOT r.keep_scale', looked_at, customers, scoring) INTO scale;
    EXECUTE format('UPDATE %s AS r SET scale = $1, scaled_on = r.refreshing_as_of WHERE NOT r.keep_scale', scoring) USING scale;
  END IF;
  EXECUTE format('SELECT format(''the segments of %%s are for %%s bins, the scale has %%s'', %1$L, crm.bins(segments), crm.bins(scale))
                  FROM %1$s WHERE crm.bins(segments) <> crm.bins(scale) LIMIT 1', scoring) INTO mismatch;
  IF mismatch IS NOT NULL THEN
    PERFORM crm_internal.raise_error('invalid_parameter_value', mismatch, hint => 'Set bins and segments to the same number of bins.');
  END IF;
END $$;
COMMENT ON FUNCTION crm_internal.make_scales(regclass, regclass, date, regclass) IS
  'makes the scales of all rules anew from the histories of some customers, as of a day or of today where each rule''s customers are';

CREATE AGGREGATE crm_internal.rhythm_data(history crm.purchase_history, as_of date) (
  SFUNC = crm_internal.rhythm_transition,
  STYPE = crm.exact_sums,
  SSPACE = 512,
  COMBINEFUNC = crm_internal.exact_sums_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm_internal.rhythm_data(crm.purchase_history, date) IS 'what the rhythm of all customers is fitted to';

CREATE FUNCTION crm_internal.rhythm_or_null(data crm.exact_sums) RETURNS crm.rhythm
  LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN crm_internal.rhythm_final(data);
EXCEPTION WHEN OTHERS THEN
  RETURN NULL;
END $$;
COMMENT ON FUNCTION crm_internal.rhythm_or_null(crm.exact_sums) IS 'the rhythm that fits; NULL if none does';

-- Each cut point is the least value of the best tenth, two tenths and so on.
CREATE FUNCTION crm_internal.measure_customers(histories regclass, scoring regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
  scale_by constant text[] := nullif(crm_internal.scale_by(histories, scoring), '{}');
  with_mix constant boolean := crm_internal.keeps_mix(histories)
    AND EXISTS (SELECT FROM pg_attribute WHERE attrelid = scoring AND attname = 'mix_base' AND NOT attisdropped);
BEGIN
  -- rules of an earlier release get the columns when crm.refresh begins
  IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = scoring AND attname = 'value_cuts' AND NOT attisdropped) THEN
    RETURN;
  ELSIF crm_internal.is_of_citus(histories) THEN
    PERFORM crm_internal.measure_on_shards(histories, scoring);
    RETURN;
  END IF;
  EXECUTE format($sql$
    UPDATE %1$s AS r SET rhythm = crm_internal.rhythm_or_null(n.rhythm), value_measure = n.measure, value_cuts = n.cuts%6$s
    FROM (SELECT %2$s CASE WHEN bool_or(v.by_spend) THEN 'spend' ELSE 'clv' END AS measure, crm_internal.rhythm_data(h.history, r.refreshing_as_of) AS rhythm%7$s,
            percentile_disc('{0.9,0.8,0.7,0.6,0.5,0.4,0.3,0.2,0.1}'::float8[])
              WITHIN GROUP (ORDER BY CASE WHEN v.by_spend THEN crm.spend(crm.until(h.history, r.refreshing_as_of))::float8 ELSE h.clv END DESC) AS cuts
          FROM %3$s AS h JOIN %1$s AS r ON %4$s
            CROSS JOIN LATERAL (SELECT r.purchase_model IS NULL OR r.spend_model IS NULL AS by_spend) AS v
          WHERE crm.first_purchased_on(h.history) <= r.refreshing_as_of
          %8$s HAVING count(*) > 0) AS n
    WHERE %5$s$sql$,
    scoring, coalesce(crm_internal.column_list(scale_by, 'r.'::text) || ',', ''), histories,
    crm_internal.same_keys(histories, scale_by, 'r', 'h'), crm_internal.same_keys(histories, scale_by, 'r', 'n'),
    CASE WHEN with_mix THEN ', mix_base = n.mix_base' ELSE '' END,
    CASE WHEN with_mix THEN ', crm.fit_mix_base(h.mix, r.refreshing_as_of) AS mix_base' ELSE '' END,
    coalesce('GROUP BY ' || crm_internal.column_list(scale_by, 'r.'::text), ''));
END $$;
COMMENT ON FUNCTION crm_internal.measure_customers(regclass, regclass) IS
  'keeps in the rules of a tracking the rhythm of all customers, the tenths of their value and how they divide what they buy, which the view of customers reads, as of the day of the refresh';

CREATE FUNCTION crm_internal.finish_scoring(histories regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t crm.tracked;
  scoring constant regclass := (crm_internal.tracking_of(histories)).scoring;
  oldest date;
BEGIN
  PERFORM crm_internal.one_by_one(histories);
  PERFORM crm_internal.measure_customers(histories, scoring);
  EXECUTE format('UPDATE %s SET refreshed_on = refreshing_as_of, refreshing_as_of = NULL WHERE refreshing_as_of IS NOT NULL', scoring);
  EXECUTE format('SELECT min(scaled_on) FROM %s', scoring) INTO oldest;
  FOR t IN SELECT * FROM crm.tracked o WHERE o.histories = finish_scoring.histories LOOP
    t.scaled_on := oldest;
    t.refresh_finished_at := clock_timestamp();
    PERFORM crm_internal.write_tracked(t.purchases, t, '{scaled_on,refresh_finished_at}'::text[]);
  END LOOP;
  PERFORM crm_internal.write_refresh_position(histories, NULL::text[]);
  PERFORM crm_internal.record_rules(histories);
  -- autovacuum leaves tables of a few rows alone, and without statistics they are planned as hundreds
  IF (SELECT reltuples <= 0 FROM pg_class WHERE oid = scoring) AND NOT crm_internal.is_of_citus(scoring) THEN
    EXECUTE format('ANALYZE %s', scoring);
  END IF;
END $$;
COMMENT ON FUNCTION crm_internal.finish_scoring(regclass) IS 'records that all customers are scored as of the day of a refresh';

CREATE FUNCTION crm_internal.record_rescore(histories regclass, customers_read bigint, customers_written bigint) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t crm.tracked;
BEGIN
  FOR t IN SELECT * FROM crm.tracked o WHERE o.histories = record_rescore.histories LOOP
    t.refresh_started_at := now();
    t.customers_read := record_rescore.customers_read;
    t.customers_written := record_rescore.customers_written;
    PERFORM crm_internal.write_tracked(t.purchases, t, '{refresh_started_at,customers_read,customers_written}'::text[]);
  END LOOP;
  PERFORM crm_internal.finish_scoring(histories);
END $$;
COMMENT ON FUNCTION crm_internal.record_rescore(regclass, bigint, bigint) IS 'records that all customers were scored in this transaction';

CREATE FUNCTION crm_internal.rescore_all(histories regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  batch record;
BEGIN
  IF crm_internal.is_of_citus(histories) THEN
    SELECT * INTO batch FROM crm_internal.rescore_on_shards(histories, NULL::text[], 2147483647, 'rebuild'::text);
  ELSE
    SELECT * INTO batch FROM crm_internal.rescore(histories, NULL::text[], 2147483647, 'rebuild'::text);
  END IF;
  PERFORM crm_internal.record_rescore(histories, batch.customers_read, batch.customers_written);
END $$;
COMMENT ON FUNCTION crm_internal.rescore_all(regclass) IS 'scores all customers in one transaction';

CREATE FUNCTION crm_internal.fresh_histories(histories regclass, query text) RETURNS regclass
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  fresh text;
BEGIN
  -- no temporary table: this may run as an owner who is trusted less than the caller
  SELECT format('%s.%I', c.relnamespace::regnamespace, crm_internal.free_name(c.relnamespace, c.relname::text, '_fresh'::text)) INTO fresh
  FROM pg_class c WHERE c.oid = histories;
  EXECUTE format('CREATE UNLOGGED TABLE %s AS %s', fresh, query);
  RETURN fresh::regclass;
END $$;
COMMENT ON FUNCTION crm_internal.fresh_histories(regclass, text) IS 'a new table beside a table of histories with what a query gives, for the caller to drop';

CREATE FUNCTION crm_internal.fresh_query(histories regclass) RETURNS text
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE kept WHEN 'history' THEN query
    ELSE format('SELECT %s, history AS %s, crm.count_days(history) AS history%s FROM (%s) AS rows',
      crm_internal.column_list(crm_internal.history_keys(histories), ''::text), kept, CASE WHEN crm_internal.keeps_mix(histories) THEN ', mix' ELSE '' END, query) END
  FROM crm_internal.kept_history(histories) AS kept, crm_internal.all_histories_query(histories) AS query
$$;
COMMENT ON FUNCTION crm_internal.fresh_query(regclass) IS 'the query that makes a table of histories anew, with the columns that it is scored by';

CREATE FUNCTION crm_internal.may_refill(histories regclass) RETURNS boolean
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT NOT crm_internal.is_of_citus(histories)
    AND EXISTS (SELECT FROM pg_class WHERE oid = histories AND relkind = 'r' AND NOT relhasrules AND has_schema_privilege(relnamespace, 'CREATE'))
    AND NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = histories AND NOT tgisinternal)
$$;
COMMENT ON FUNCTION crm_internal.may_refill(regclass) IS
  'whether histories can be made anew row by row: no trigger or rule of users has a say in it, and a table beside them may be made';

-- Each row is compared, scored and written at most once. The histories are read from the purchases views by a statement of its own, by as many
-- workers as there are.
CREATE FUNCTION crm_internal.fill_anew(histories regclass, scoring regclass, why text) RETURNS bigint
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  keys constant text[] := crm_internal.history_keys(histories);
  bought constant text[] := crm_internal.bought_columns(histories);
  fresh regclass;
  filled record;
  changed bigint;
BEGIN
  IF NOT crm_internal.may_refill(histories) THEN
    changed := crm_internal.fill_histories(histories, why);
    PERFORM crm_internal.make_scales(histories, scoring, NULL::date, histories);
    PERFORM crm_internal.rescore_all(histories);
    RETURN changed;
  END IF;
  fresh := crm_internal.fresh_histories(histories, crm_internal.fresh_query(histories));
  -- customers without purchases keep their rows
  EXECUTE format('INSERT INTO %1$s (%2$s, history%3$s) SELECT %2$s, ''{}''%4$s FROM %5$s AS h WHERE NOT EXISTS (SELECT FROM %1$s AS f WHERE %6$s)', fresh,
    crm_internal.column_list(keys, ''::text), (SELECT coalesce(string_agg(format(', %I', b), ''), '') FROM unnest(bought) AS b WHERE b <> 'history'),
    (SELECT coalesce(string_agg(format(', %L', '{}'), ''), '') FROM unnest(bought) AS b WHERE b <> 'history'), histories, crm_internal.same_keys(histories, keys, 'f', 'h'));
  PERFORM crm_internal.make_scales(histories, scoring, NULL::date, fresh);
  SELECT * INTO filled FROM crm_internal.refill(histories, fresh, why);
  EXECUTE format('DROP TABLE %s', fresh);
  PERFORM crm_internal.record_rescore(histories, filled.customers_read, filled.customers_written);
  RETURN filled.changed;
END $$;
COMMENT ON FUNCTION crm_internal.fill_anew(regclass, regclass, text) IS
  'makes histories, scales and scores anew from the purchases views, in one transaction; returns how many histories differed';

CREATE FUNCTION crm_internal.fill_new_histories(histories regclass, scoring regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  keys constant text[] := crm_internal.history_keys(histories);
  fresh regclass;
BEGIN
  fresh := crm_internal.fresh_histories(histories, crm_internal.fresh_query(histories));
  PERFORM crm_internal.make_scales(histories, scoring, NULL::date, fresh);
  EXECUTE format($sql$
    INSERT INTO %1$s (%2$s, %10$s, %3$s, scored_on, updated_at)
    SELECT %4$s, %11$s, %5$s, r.refreshing_as_of, now()
    FROM %9$s AS h JOIN %6$s AS r ON %7$s CROSS JOIN LATERAL %8$s AS c
    ORDER BY %4$s$sql$,
    histories, crm_internal.column_list(keys, ''::text), crm_internal.column_list(crm_internal.score_columns(), ''::text), crm_internal.column_list(keys, 'h.'),
    crm_internal.column_list(crm_internal.score_columns(), 'c.'), scoring, crm_internal.same_keys(histories, crm_internal.scale_by(histories, scoring), 'r', 'h'),
    crm_internal.score_call('h.history', 'r.refreshing_as_of'), fresh,
    crm_internal.column_list(crm_internal.bought_columns(histories), ''::text), crm_internal.column_list(crm_internal.bought_columns(histories), 'h.'));
  EXECUTE format('DROP TABLE %s', fresh);
  PERFORM crm_internal.finish_scoring(histories);
END $$;
COMMENT ON FUNCTION crm_internal.fill_new_histories(regclass, regclass) IS
  'fills an empty table of histories from its purchases view, scored: each row is written once';

-- the call

CREATE FUNCTION crm.track(relation regclass, customer text DEFAULT NULL, purchased_on name DEFAULT NULL, amount name DEFAULT NULL,
    orders name DEFAULT NULL, time_zone text DEFAULT NULL, scale_by text[] DEFAULT NULL, bins int DEFAULT 5,
    segments crm.segment_map DEFAULT NULL, look_back_days int DEFAULT NULL, horizon_days int DEFAULT 365, changes boolean DEFAULT false,
    notify boolean DEFAULT false, by_row boolean DEFAULT false, histories regclass DEFAULT NULL, detached text DEFAULT 'keep', booked_on name DEFAULT NULL,
    upkeep text DEFAULT 'statement', as_of date DEFAULT NULL, name text DEFAULT NULL, count_days boolean DEFAULT false, category name DEFAULT NULL, on_shards boolean DEFAULT false) RETURNS regclass
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  zone text := coalesce(time_zone, current_setting('TimeZone'));
  view_made boolean;
  is_view boolean;
  left_before oid[];
  taken_up boolean := false;
  purchases regclass := relation;
  live record;
  source regclass;
  joined regclass[];
  followed regclass;
  keys text[];
  schema oid;
  base text;
  unlogged boolean;
  logged regclass;
  made crm.tracked;
BEGIN
  -- all of it belongs to the owner of the relation, and what hangs on that runs as the owner
  IF NOT crm_internal.is_owner(relation) THEN
    RETURN crm_internal.as_owner(relation, format('SELECT crm.track(%s::regclass, %L::text, %L::name, %L::name, %L::name, %L::text, %L::text[], %L::int,
      %L::crm.segment_map, %L::int, %L::int, %L::boolean, %L::boolean, %L::boolean, %s::regclass, %L::text, %L::name, %L::text, %L::date, %L::text, %L::boolean, %L::name, %L::boolean)', relation::oid, customer, purchased_on, amount, orders,
      time_zone, scale_by, bins, segments, look_back_days, horizon_days, changes, notify, by_row, coalesce(histories::oid::text, 'NULL'), detached, booked_on, upkeep, as_of, name, count_days, category, on_shards))::regclass;
  END IF;
  PERFORM crm_internal.check_trackable(relation, histories);
  PERFORM now() AT TIME ZONE zone;
  IF detached IS NULL OR detached NOT IN ('keep', 'forget') THEN
    PERFORM crm_internal.raise_error('invalid_parameter_value', format('detached cannot be %s', coalesce(quote_literal(detached), 'NULL')),
      detail => 'It is keep or forget: whether purchases of a partition that is detached count on.');
  END IF;
  IF upkeep IS NULL OR upkeep NOT IN ('statement', 'commit') THEN
    PERFORM crm_internal.raise_error('invalid_parameter_value', format('upkeep cannot be at %s', coalesce(quote_literal(upkeep), 'NULL')),
      detail => 'It is statement or commit: when histories are written.');
  END IF;
  PERFORM crm_internal.check_on_shards(on_shards, by_row, notify, upkeep);
  IF horizon_days NOT BETWEEN 1 AND 36525 THEN
    PERFORM crm_internal.raise_error('invalid_parameter_value', format('horizon of %s days is out of range', horizon_days), detail => 'It is 1 to 36525 days.');
  END IF;
  IF count_days IS NULL THEN
    PERFORM crm_internal.raise_error('null_value_not_allowed', 'count_days cannot be NULL', detail => 'It says whether each day of a customer counts as one purchase.');
  END IF;
  IF count_days AND histories IS NOT NULL AND crm_internal.kept_history(histories) = 'history' THEN
    PERFORM crm_internal.raise_error('object_not_in_prerequisite_state', format('%s counts purchases, not days', histories),
      detail => 'All views that feed the same histories are counted alike.');
  END IF;
  IF NOT isfinite(as_of) THEN
    PERFORM crm_internal.raise_error('invalid_parameter_value', format('a tracking cannot be as of %s', as_of), detail => 'as_of is a day, or NULL for today.');
  END IF;
  SELECT relnamespace, coalesce(track.name, regexp_replace(relname, '(.)_purchases\d*$', '\1')), relkind = 'v' INTO schema, base, is_view
  FROM pg_class WHERE oid = relation;
  view_made := NOT is_view OR num_nonnulls(customer, purchased_on, amount, orders, booked_on, category, name) > 0;
  PERFORM crm_internal.check_not_tracked(relation, base, view_made, histories);
  IF NOT is_view THEN
    purchases := crm_internal.make_purchases_view(relation, base, crm_internal.named_columns(relation, customer, 'customer'), purchased_on, amount, orders, booked_on, category, zone);
  ELSIF view_made THEN
    purchases := crm_internal.make_chosen_view(relation, base,
      coalesce(crm_internal.named_columns(relation, customer, 'customer'), crm_internal.other_columns(relation, ARRAY[purchased_on, amount, orders, booked_on, category]::text[])),
      purchased_on, amount, orders, booked_on, category);
  END IF;

  zone := coalesce(time_zone, crm_internal.zone_of_view(purchases), zone);
  keys := crm_internal.purchases_keys(purchases);
  PERFORM crm_internal.check_keys(purchases, keys, scale_by, histories);
  PERFORM crm_internal.check_category(purchases, keys);
  PERFORM crm_internal.check_distribution(purchases, keys, histories);
  SELECT * INTO live FROM crm_internal.live_tables(purchases, on_shards);
  source := live.tables[1];
  joined := nullif(live.tables[2:], '{}');
  IF on_shards THEN
    PERFORM crm_internal.check_shards_trackable(purchases, live.tables, live.reason, live.hint);
    PERFORM crm_internal.one_by_one(source);
    PERFORM crm_internal.allow_triggers(source);
  END IF;
  IF by_row AND (source IS NULL OR joined IS NOT NULL) THEN
    PERFORM crm_internal.raise_error('wrong_object_type', format('%s cannot be kept by triggers%s', purchases, CASE WHEN source IS NULL THEN '' ELSE ' row by row' END),
      detail => coalesce(live.reason, 'It joins several tables.'), hint => coalesce(live.hint, ''));
  ELSIF source IS NULL THEN
    PERFORM crm_internal.notice(format('%s is kept by crm.refresh alone: %s', purchases, live.reason), NULL::text, live.hint);
  END IF;
  FOR followed IN SELECT t FROM unnest(live.tables) AS t ORDER BY t::oid LOOP
    PERFORM crm_internal.check_source(followed, by_row);
  END LOOP;
  PERFORM crm_internal.check_sources_left(histories);
  -- what other views bring into the same histories is read anew, too
  FOR followed IN SELECT unnest(live.tables)::oid UNION SELECT s.oid FROM crm.tracked t, unnest((t.source || t.joined)::oid[]) AS s(oid)
                  WHERE t.histories = track.histories AND s.oid IS NOT NULL ORDER BY 1 LOOP
    EXECUTE format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', followed);
    PERFORM crm_internal.check_no_statement(followed);
  END LOOP;

  unlogged := coalesce((SELECT relpersistence = 'u' FROM pg_class WHERE oid = source), false);
  IF histories IS NULL THEN
    left_before := ARRAY(SELECT oid FROM pg_class WHERE relnamespace = schema AND relname = base || '_histories');
    made := crm_internal.make_tracking(purchases, schema, base, keys, unlogged, scale_by, zone, bins,
      coalesce(segments, crm_internal.default_segments(bins)), look_back_days, horizon_days, changes, count_days);
    IF as_of IS NOT NULL THEN
      EXECUTE format('ALTER TABLE %s ALTER as_of SET DEFAULT %L', made.scoring, as_of);
    END IF;
    -- of the rules that are taken up again, those are changed that the call names
    taken_up := EXISTS (SELECT FROM unnest(left_before) AS l(oid) WHERE l.oid = made.histories);
    IF taken_up THEN
      PERFORM crm_internal.check_distribution(purchases, keys, made.histories);
      RAISE NOTICE '% and % of an earlier tracking are taken up again', made.histories, made.scoring;
      -- Citus makes tables anew without their comments, by which the view is found again
      EXECUTE format('COMMENT ON TABLE %s IS %L', made.histories, format('history and score of each customer of %s', purchases));
      PERFORM crm_internal.comment_columns(made.histories);
      EXECUTE format('UPDATE %s SET as_of = $1, look_back_days = coalesce($2, look_back_days), time_zone = coalesce($3, time_zone),
        bins = CASE WHEN $4 THEN $5 ELSE bins END, segments = CASE WHEN $4 THEN $6 ELSE segments END', made.scoring)
      USING as_of, look_back_days, time_zone, bins <> 5 OR segments IS NOT NULL, bins, coalesce(segments, crm_internal.default_segments(bins));
    END IF;
  ELSE
    SELECT * INTO made FROM crm.tracked t WHERE t.histories = track.histories LIMIT 1;
    PERFORM crm_internal.settle(histories);
    PERFORM crm_internal.keep_mix(histories, purchases);
    PERFORM crm_internal.remake_customers_on(made);
    PERFORM crm_internal.one_by_one(histories);
    made.purchases := purchases;
  END IF;

  logged := made.changes;
  -- the first scores are no changes
  made.changes := NULL;
  made.source := source;
  made.notify := notify;
  made.joined := joined;
  made.not_live := live.reason || coalesce('. ' || live.hint, '');
  made.by_row := by_row;
  made.source_name := source::text;
  made.view_made := view_made;
  made.tracked_at := now();
  made.detached := detached;
  made.upkeep := upkeep;
  -- until the view is made that tells the nodes
  made.on_shards := CASE WHEN on_shards THEN purchases END;
  PERFORM crm_internal.write_tracked(purchases, made, NULL::text[]);
  IF histories IS NULL AND NOT taken_up AND NOT crm_internal.is_of_citus(made.histories) THEN
    PERFORM crm_internal.fill_new_histories(made.histories, made.scoring);
  ELSE
    PERFORM crm_internal.fill_anew(made.histories, made.scoring, 'rebuild'::text);
  END IF;
  FOR made IN SELECT * FROM crm.tracked t WHERE t.histories = made.histories LOOP
    made.changes := logged;
    PERFORM crm_internal.write_tracked(made.purchases, made, '{changes}'::text[]);
  END LOOP;
  PERFORM crm_internal.tell_nodes(made.histories);
  PERFORM crm_internal.follow_tables(live.tables, by_row);
  PERFORM crm_internal.keep_rules(made.histories);
  PERFORM crm_internal.notice_understood(purchases, made.histories);
  PERFORM crm_internal.notice_lines(purchases, made.histories, relation,
    coalesce(crm_internal.named_columns(relation, customer, 'customer'::text), CASE WHEN view_made THEN crm_internal.other_columns(relation, ARRAY[purchased_on, amount, orders, booked_on, category]::text[]) ELSE keys END),
    coalesce(purchased_on, 'purchased_on')::text, coalesce(amount, 'amount')::text);
  PERFORM crm_internal.notice_join_indexes(purchases);
  RETURN made.customers;
END $$;
COMMENT ON FUNCTION crm.track(regclass, text, name, name, name, text, text[], int, crm.segment_map, int, int, boolean, boolean, boolean, regclass, text, name, text, date, text, boolean, name, boolean) IS
  'keeps histories and scores of the customers of a purchases view, or of a table with customer, purchased_on and amount, current from here on; returns the view of customers';

CREATE FUNCTION crm_internal.check_sources_left(histories regclass) RETURNS void
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  gone text;
BEGIN
  SELECT format('the %s of %s has been dropped', r.part, coalesce(t.source_name, t.purchases::text)) INTO gone
  FROM crm.tracked t, LATERAL (VALUES ('source', t.source), ('purchases view', t.purchases)) AS r(part, relation)
  WHERE t.histories = check_sources_left.histories AND r.relation IS NOT NULL AND NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = r.relation)
  ORDER BY t.purchases, r.part DESC LIMIT 1;
  IF FOUND THEN
    PERFORM crm_internal.raise_error('undefined_table', gone, detail => 'What it brought into the histories cannot be told from the rest any more.',
      hint => format('SELECT crm.untrack(%L), then call crm.track for each of the views that are left: the histories are taken up again.', histories));
  END IF;
END $$;
COMMENT ON FUNCTION crm_internal.check_sources_left(regclass) IS 'an error if a purchases view that feeds a table of histories, or its source, has been dropped; none if histories is NULL';

-- Its rows would be read now and told once more at its end.
CREATE FUNCTION crm_internal.check_no_statement(source regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF crm_internal.statement_runs(source) THEN
    PERFORM crm_internal.raise_error('object_not_in_prerequisite_state', format('a statement on %s is still running, from which this is called', source),
      detail => 'Histories are made of all rows of the tables that feed them.', hint => 'Call it after the statement, or in a deferred constraint trigger.');
  END IF;
END $$;
COMMENT ON FUNCTION crm_internal.check_no_statement(regclass) IS 'an error within a statement on a tracked table, a trigger of it or a function that it calls';

CREATE FUNCTION crm_internal.check_source(source regclass, by_row boolean) RETURNS void
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  c pg_class;
BEGIN
  SELECT * INTO c FROM pg_class WHERE oid = source;
  IF c.relpersistence = 't' THEN
    PERFORM crm_internal.raise_error('wrong_object_type', format('%s is temporary and cannot be tracked', source));
  ELSIF NOT pg_has_role(current_user, c.relowner, 'USAGE') THEN
    PERFORM crm_internal.raise_error('insufficient_privilege', format('must be owner of table %s', source));
  ELSIF EXISTS (SELECT FROM crm.tracked t WHERE check_source.source = ANY (t.source || t.joined) AND t.by_row <> check_source.by_row) THEN
    PERFORM crm_internal.raise_error('object_not_in_prerequisite_state', format('%s has triggers of the other kind', source),
      detail => 'A table is followed statement by statement or row by row, for all its trackings alike.',
      hint => format('Use by_row => %s, as the other trackings do.', NOT by_row));
  END IF;
END $$;
COMMENT ON FUNCTION crm_internal.check_source(regclass, boolean) IS 'an error if a table cannot get triggers';

CREATE FUNCTION crm_internal.default_segments(bins int) RETURNS crm.segment_map
  LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF bins NOT IN (3, 4, 5) THEN
    PERFORM crm_internal.raise_error('invalid_parameter_value', format('there is no segment map for %s bins', bins),
      hint => 'Pass one as segments; maps come with 3, 4 and 5 bins.');
  END IF;
  RETURN crm.rf_grid(bins);
END $$;
COMMENT ON FUNCTION crm_internal.default_segments(int) IS 'the segment map for a number of bins';

CREATE FUNCTION crm_internal.make_tracking(purchases regclass, schema oid, base text, keys text[], unlogged boolean, scale_by text[],
    time_zone text, bins int, segments crm.segment_map, look_back_days int, horizon_days int, with_changes boolean, count_days boolean) RETURNS crm.tracked
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  made crm.tracked;
  number text := '';
  customers_name text;
BEGIN
  SELECT * INTO made.histories, made.scoring FROM crm_internal.left_tracking(purchases, schema, base, keys, scale_by, horizon_days, count_days);
  IF made.histories IS NULL THEN
    number := crm_internal.free_number(schema, base);
    made.scoring := crm_internal.make_scoring(purchases, crm_internal.new_name(schema, base, '_scoring' || number), scale_by, time_zone, bins, segments, look_back_days, horizon_days);
    made.histories := crm_internal.make_histories(purchases, crm_internal.new_name(schema, base, '_histories' || number), keys, unlogged, count_days);
  ELSE
    PERFORM crm_internal.complete_rules(made.scoring);
    PERFORM crm_internal.keep_mix(made.histories, purchases);
    made.models := crm_internal.left_table(schema, base, '_models', crm_internal.typed_columns(purchases, scale_by)
      || format('purchase_model %s', 'crm.purchase_model'::regtype::oid) || format('replaced_on %s', 'date'::regtype::oid));
    made.segment_days := crm_internal.left_table(schema, base, '_segment_days', ARRAY[format('scored_on %s', 'date'::regtype::oid), format('segment %s', 'text'::regtype::oid)]);
    made.segment_since := crm_internal.left_table(schema, base, '_segment_since', crm_internal.typed_columns(purchases, keys)
      || format('segment_since %s', 'date'::regtype::oid));
    made.changes := CASE WHEN with_changes THEN crm_internal.left_table(schema, base, '_changes',
      crm_internal.typed_columns(purchases, keys) || format('changed_at %s', 'timestamptz'::regtype::oid)) END;
  END IF;
  IF with_changes AND made.changes IS NULL THEN
    made.changes := crm_internal.make_changes(purchases, crm_internal.new_name(schema, base, '_changes' || number), keys, unlogged);
  END IF;
  customers_name := crm_internal.new_name(schema, base, '_customers' || number);
  PERFORM crm_internal.make_customers(purchases, made.histories, made.scoring, horizon_days, customers_name);
  made.customers := customers_name::regclass;
  PERFORM crm_internal.make_customers_on(purchases, made.histories, made.scoring, made.customers, horizon_days,
    crm_internal.new_name(schema, base, '_customers_on' || number));
  made.purchases := purchases;
  made := crm_internal.make_pictures(made);
  IF crm_internal.lacks_since(made) THEN
    PERFORM crm_internal.make_customers(purchases, made.histories, made.scoring, horizon_days, customers_name, made.segment_since);
  END IF;
  RETURN made;
END $$;
COMMENT ON FUNCTION crm_internal.make_tracking(regclass, oid, text, text[], boolean, text[], text, int, crm.segment_map, int, int, boolean, boolean) IS
  'makes the tables and views of a tracking';
