-- rules: what the rules of a tracking were, when and by whom they were changed

CREATE FUNCTION crm_internal.kept_rule_columns() RETURNS text[]
  LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT crm_internal.rule_columns() || '{bins,time_zone,as_of,currency,scaled_on}'::text[]
$$;
COMMENT ON FUNCTION crm_internal.kept_rule_columns() IS 'the columns of a scoring rule whose history is kept';

CREATE FUNCTION crm_internal.record_rule(scoring regclass, was anyelement, now_is anyelement) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t crm.tracked;
  columns text[];
  changed text[];
BEGIN
  SELECT o.* INTO t FROM crm.tracked o JOIN pg_class c ON c.oid = o.rules WHERE o.scoring = record_rule.scoring LIMIT 1;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  SELECT array_agg(c ORDER BY n) INTO columns FROM unnest(crm_internal.kept_rule_columns()) WITH ORDINALITY AS u(c, n)
  WHERE EXISTS (SELECT FROM pg_attribute WHERE attrelid = t.scoring AND attname = c AND NOT attisdropped)
    AND EXISTS (SELECT FROM pg_attribute WHERE attrelid = t.rules AND attname = c AND NOT attisdropped);
  IF now_is IS DISTINCT FROM NULL THEN
    SELECT array_agg(c ORDER BY n) INTO changed FROM unnest(columns) WITH ORDINALITY AS u(c, n)
    WHERE c <> 'scaled_on' AND to_jsonb(now_is) -> c IS DISTINCT FROM coalesce(to_jsonb(was) -> c, 'null');
    IF changed IS NULL THEN
      RETURN;
    END IF;
  END IF;
  EXECUTE format('INSERT INTO %s (%s changed_at, changed_by, changed_columns, %s) SELECT %s now(), session_user, $3, %s FROM (SELECT ($1).*) AS k, (SELECT ($2).*) AS r',
    t.rules, coalesce(crm_internal.column_list(s.keys, ''::text) || ',', ''), crm_internal.column_list(columns, ''::text),
    coalesce(crm_internal.column_list(s.keys, 'k.'::text) || ',', ''), crm_internal.column_list(columns, 'r.'::text))
  FROM (SELECT nullif(crm_internal.scale_by(t.histories, t.scoring), '{}') AS keys) AS s
  USING coalesce(now_is, was), now_is, changed;
EXCEPTION WHEN OTHERS THEN
  -- rules can be changed whatever became of their history, by a restore of data alone, say
  RAISE WARNING USING MESSAGE = format('the change of a rule of %s was not written to %s: %s', scoring, t.rules, SQLERRM);
END $$;
COMMENT ON FUNCTION crm_internal.record_rule(regclass, anyelement, anyelement) IS
  'writes down that a scoring rule came, was changed or went, if a column changed whose history is kept';

CREATE FUNCTION crm.keep_rules() RETURNS trigger
  LANGUAGE C COST 100 AS 'MODULE_PATHNAME', 'crm_keep_rules';
COMMENT ON FUNCTION crm.keep_rules() IS 'keeps what a scoring rule was, when it was changed and by whom';

CREATE FUNCTION crm_internal.make_rules(tracking crm.tracked, rules_name text) RETURNS regclass
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  owner constant oid := (SELECT relowner FROM pg_class WHERE oid = tracking.scoring);
  keys constant text[] := nullif(crm_internal.scale_by(tracking.histories, tracking.scoring), '{}');
  columns constant text := crm_internal.column_list(crm_internal.kept_rule_columns(), ''::text);
  made regclass;
BEGIN
  EXECUTE format('CREATE TABLE %s AS SELECT NULL::bigint AS change_number, %s NULL::timestamptz AS changed_at, NULL::text AS changed_by, NULL::text[] AS changed_columns, %s
    FROM %s WITH NO DATA', rules_name, coalesce(crm_internal.column_list(keys, ''::text) || ',', ''), columns, tracking.scoring);
  made := rules_name::regclass;
  EXECUTE format('ALTER TABLE %s ALTER change_number SET NOT NULL, ALTER change_number ADD GENERATED ALWAYS AS IDENTITY, ADD PRIMARY KEY (change_number),
    ALTER changed_at SET NOT NULL, ALTER changed_by SET NOT NULL', made);
  EXECUTE format('COMMENT ON TABLE %s IS %L', made,
    format('the rules that the customers of %s were scored by, one row for each change of one', tracking.purchases));
  PERFORM crm_internal.comment_columns(made, jsonb_build_object(
    'change_number', 'number of the change, the later the higher',
    'changed_by', 'who changed it, as the session was opened',
    'changed_columns', 'which columns changed; NULL if the rule was deleted',
    'scale', 'cut points of the scores from then on',
    'horizon_days', 'how many days ahead expected purchases and clv looked',
    'as_of', 'day that a tracking of the past was kept as of; today if NULL'));
  IF owner <> (SELECT oid FROM pg_roles WHERE rolname = current_user) THEN
    EXECUTE format('ALTER TABLE %s OWNER TO %s', made, owner::regrole);
  END IF;
  RETURN made;
END $$;
COMMENT ON FUNCTION crm_internal.make_rules(crm.tracked, text) IS 'makes the table of what the rules of a tracking were, owned by the owner of the rules';

-- What the rules are now is the first that is known of them.
CREATE FUNCTION crm_internal.keep_rules(histories regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t crm.tracked := crm_internal.tracking_of(histories);
  schema oid;
  base text;
  number text;
  rules regclass;
BEGIN
  IF EXISTS (SELECT FROM pg_class WHERE oid = t.rules) THEN
    RETURN;
  END IF;
  SELECT relnamespace, regexp_replace(relname, '(.)_scoring\d*$', '\1'), coalesce(substring(relname FROM '._scoring(\d*)$'), '') INTO schema, base, number
  FROM pg_class WHERE oid = t.scoring;
  rules := crm_internal.left_table(schema, base, '_rules' || number, crm_internal.typed_columns(t.scoring,
    crm_internal.scale_by(t.histories, t.scoring) || crm_internal.kept_rule_columns()) || format('change_number %s', 'bigint'::regtype::oid));
  IF rules IS NULL THEN
    rules := crm_internal.make_rules(t, format('%s.%I', schema::regnamespace, crm_internal.free_name(schema, base, '_rules' || number)));
  END IF;
  FOR t IN SELECT * FROM crm.tracked o WHERE o.histories = keep_rules.histories LOOP
    t.rules := rules;
    PERFORM crm_internal.write_tracked(t.purchases, t, '{rules}'::text[]);
  END LOOP;
  IF crm_internal.is_of_citus(t.scoring) THEN
    PERFORM crm_internal.record_rules(histories);
    RETURN;
  END IF;
  EXECUTE format('SELECT crm_internal.record_rule(%s::regclass, NULL::%s, r.*) FROM %s AS r', t.scoring::oid, t.scoring, t.scoring);
  IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = t.scoring AND tgfoid = 'crm.keep_rules()'::regprocedure) THEN
    EXECUTE format('CREATE TRIGGER %I AFTER INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION crm.keep_rules()',
      crm_internal.trigger_name(t.scoring, 'crm_rules'::text), t.scoring);
  END IF;
END $$;
COMMENT ON FUNCTION crm_internal.keep_rules(regclass) IS
  'begins to keep the history of the rules of a tracking, unless it is kept, in the table of an earlier tracking if that is left';

-- a tracking that takes up what an earlier one has left

CREATE FUNCTION crm_internal.read_through(made regclass, view regclass, columns text[]) RETURNS boolean
  LANGUAGE C VOLATILE STRICT COST 1000 AS 'MODULE_PATHNAME', 'crm_read_through';
COMMENT ON FUNCTION crm_internal.read_through(regclass, regclass, text[]) IS
  'lets a view that was made of columns of another read what that reads; false if the other removes duplicates or combines queries';

CREATE FUNCTION crm_internal.named_columns(relation regclass, names text, parameter text) RETURNS text[]
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  columns constant text[] := CASE
    WHEN names IS NULL THEN NULL
    WHEN EXISTS (SELECT FROM pg_attribute WHERE attrelid = relation AND attname = names AND attnum > 0 AND NOT attisdropped) THEN ARRAY[names]
    ELSE ARRAY(SELECT trim(n) FROM regexp_split_to_table(names, ',') WITH ORDINALITY AS u(n, i) ORDER BY i) END;
  missing text;
BEGIN
  SELECT c INTO missing FROM unnest(columns) AS c
  WHERE NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = relation AND attname = c AND attnum > 0 AND NOT attisdropped) LIMIT 1;
  IF FOUND THEN
    PERFORM crm_internal.raise_error('undefined_column', format('column %I of %s does not exist', missing, relation),
      detail => format('It was given as %s.', parameter));
  END IF;
  RETURN columns;
END $$;
COMMENT ON FUNCTION crm_internal.named_columns(regclass, text, text) IS 'columns that an argument names: one by its name, or several with commas between them';

CREATE FUNCTION crm_internal.other_columns(view regclass, named text[]) RETURNS text[]
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT array_agg(attname::text ORDER BY attnum) FROM pg_attribute
  WHERE attrelid = view AND attnum > 0 AND NOT attisdropped AND attname <> ALL ('{purchased_on,amount,orders,booked_on,category}') AND attname <> ALL (array_remove(named, NULL))
$$;
COMMENT ON FUNCTION crm_internal.other_columns(regclass, text[]) IS 'the columns of a view that are its key if no others are named';

-- A day of the rules has to be a day of the view: an order of last night would be one of tomorrow.
CREATE FUNCTION crm_internal.zone_of_view(view regclass) RETURNS text
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE WHEN count(DISTINCT m.found[1]) = 1 THEN max(replace(m.found[1], '''''', '''')) END
  FROM regexp_matches(pg_get_viewdef(view), $re$(?:AT TIME ZONE |timezone\()'((?:[^']|'')+)'::text$re$, 'g') AS m(found)
$$;
COMMENT ON FUNCTION crm_internal.zone_of_view(regclass) IS 'the time zone in which a view takes the days of instants, NULL if it names none or several';

-- The purchases view of some columns of a view.
CREATE FUNCTION crm_internal.make_chosen_view(view regclass, base text, keys text[], purchased_on name, amount name, orders name, booked_on name, category name)
  RETURNS regclass
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  schema constant oid := (SELECT relnamespace FROM pg_class WHERE oid = view);
  -- what a purchases view may have, and has if the view has it
  also constant text[] := ARRAY(SELECT coalesce(o.given, (SELECT attname FROM pg_attribute WHERE attrelid = view AND attname = o.name AND NOT attisdropped AND attname <> ALL (keys)))
                                FROM (VALUES (1, 'orders', orders), (2, 'booked_on', booked_on), (3, 'category', category)) AS o(n, name, given) ORDER BY n);
  columns constant text[] := keys || coalesce(purchased_on, 'purchased_on')::text || coalesce(amount, 'amount')::text || also;
  roles constant text[] := array_fill('customer'::text, ARRAY[cardinality(keys)]) || '{purchased_on,amount,orders,booked_on,category}'::text[];
  names text[];
  made text;
BEGIN
  FOR i IN 1..cardinality(columns) LOOP
    CONTINUE WHEN columns[i] IS NULL;
    PERFORM crm_internal.named_columns(view, columns[i], roles[i]);
    names := names || CASE WHEN i > cardinality(keys) THEN roles[i] WHEN columns[i] IN ('purchased_on', 'amount', 'orders', 'booked_on', 'category') THEN 'customer' ELSE columns[i] END;
  END LOOP;
  made := format('%s.%I', schema::regnamespace, crm_internal.free_name(schema, base, '_purchases'));
  EXECUTE format('CREATE VIEW %s %s AS SELECT %s FROM %s', made,
    coalesce((SELECT format('WITH (%s)', array_to_string(reloptions, ', ')) FROM pg_class WHERE oid = view AND reloptions <> '{}'), ''),
    (SELECT string_agg(format('%I AS %I', c, n), ', ' ORDER BY i) FROM unnest(array_remove(columns, NULL), names) WITH ORDINALITY AS u(c, n, i)), view);
  PERFORM crm_internal.read_through(made::regclass, view, array_remove(columns, NULL));
  RETURN made::regclass;
END $$;
COMMENT ON FUNCTION crm_internal.make_chosen_view(regclass, text, text[], name, name, name, name, name) IS
  'makes a purchases view of the columns of a view that are named, live if that one would be';

-- The tables of an earlier tracking of a name: those that the same role owns and no tracking uses.
CREATE FUNCTION crm_internal.left_table(schema oid, base text, suffix text, columns text[]) RETURNS regclass
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT c.oid::regclass
  FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner AND r.rolname = current_user
  WHERE c.relnamespace = schema AND c.relname = base || suffix AND c.relkind = 'r'
    AND NOT EXISTS (SELECT FROM crm.tracked t WHERE c.oid = ANY (crm_internal.relations_of(t)))
    AND NOT EXISTS (SELECT FROM unnest(columns) AS n WHERE NOT EXISTS (
      SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND NOT a.attisdropped AND format('%s %s', a.attname, a.atttypid::regtype::oid) = n))
$$;
COMMENT ON FUNCTION crm_internal.left_table(oid, text, text, text[]) IS
  'a table that an earlier tracking has left, if it has columns of these names and types';

CREATE FUNCTION crm_internal.typed_columns(relation regclass, columns text[]) RETURNS text[]
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT array_agg(format('%s %s', attname, atttypid::oid)) FROM pg_attribute WHERE attrelid = relation AND attname = ANY (columns) AND NOT attisdropped
$$;
COMMENT ON FUNCTION crm_internal.typed_columns(regclass, text[]) IS 'columns with their types, as left_table compares them';

-- The histories and the rules that an earlier tracking of the same keys and horizon has left.
CREATE FUNCTION crm_internal.left_tracking(purchases regclass, schema oid, base text, keys text[], scale_by text[], horizon_days int, count_days boolean,
    OUT histories regclass, OUT scoring regclass)
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  histories := crm_internal.left_table(schema, base, '_histories', crm_internal.typed_columns(purchases, keys)
    || crm_internal.typed_columns('crm.customer_score'::regclass, crm_internal.score_columns())
    || format('history %s', 'crm.purchase_history'::regtype::oid) || format('scored_on %s', 'date'::regtype::oid) || format('updated_at %s', 'timestamptz'::regtype::oid));
  scoring := crm_internal.left_table(schema, base, '_scoring', coalesce(crm_internal.typed_columns(purchases, scale_by), '{}')
    || format('scale %s', 'crm.rfm_scale'::regtype::oid) || format('segments %s', 'crm.segment_map'::regtype::oid) || format('as_of %s', 'date'::regtype::oid)
    || format('tier_program %s', 'crm.tier_program'::regtype::oid) || format('purchase_model %s', 'crm.purchase_model'::regtype::oid)
    || format('spend_model %s', 'crm.spend_model'::regtype::oid) || format('refreshing_as_of %s', 'date'::regtype::oid));
  IF histories IS NULL OR scoring IS NULL OR count_days <> (crm_internal.kept_history(histories) <> 'history')
     OR crm_internal.history_keys(histories) IS DISTINCT FROM keys
     OR crm_internal.scale_by(histories, scoring) <> coalesce(scale_by, '{}')
     OR NOT EXISTS (SELECT FROM pg_attrdef d JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum AND a.attname = 'horizon_days'
                    WHERE d.adrelid = scoring AND pg_get_expr(d.adbin, d.adrelid) = horizon_days::text) THEN
    histories := NULL;
    scoring := NULL;
  END IF;
END $$;
COMMENT ON FUNCTION crm_internal.left_tracking(regclass, oid, text, text[], text[], int, boolean) IS
  'the histories and rules of an earlier tracking that one of the same name can go on with; NULL if there are none';

-- One number behind all names, so that what belongs together is seen to.
CREATE FUNCTION crm_internal.free_number(schema oid, base text) RETURNS text
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  number text := '';
BEGIN
  -- a name that is taken is given another ending
  WHILE EXISTS (SELECT FROM unnest('{_histories,_scoring,_customers,_customers_on}'::text[]) AS s
                WHERE right(crm_internal.free_name(schema, base, s || number), length(s || number)) <> s || number) LOOP
    number := (coalesce(nullif(number, ''), '0')::int + 1)::text;
  END LOOP;
  RETURN number;
END $$;
COMMENT ON FUNCTION crm_internal.free_number(oid, text) IS 'the number behind the names of a new tracking, none if they are free';

-- what crm.track says of what it has understood
CREATE FUNCTION crm_internal.notice(message text, detail text, hint text) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  -- what is empty would be printed as an empty line
  IF detail IS NULL AND hint IS NULL THEN
    RAISE NOTICE USING MESSAGE = message;
  ELSIF hint IS NULL THEN
    RAISE NOTICE USING MESSAGE = message, DETAIL = detail;
  ELSIF detail IS NULL THEN
    RAISE NOTICE USING MESSAGE = message, HINT = hint;
  ELSE
    RAISE NOTICE USING MESSAGE = message, DETAIL = detail, HINT = hint;
  END IF;
END $$;
COMMENT ON FUNCTION crm_internal.notice(text, text, text) IS 'a NOTICE, with detail and hint where they are given';

CREATE FUNCTION crm_internal.notice_understood(purchases regclass, histories regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  keys constant text[] := crm_internal.purchases_keys(purchases);
  t constant crm.tracked := crm_internal.tracking_of(histories);
  is_pinned boolean;
  today date;
  seen record;
  known record;
BEGIN
  EXECUTE format('SELECT count(*) AS row_count, count(*) FILTER (WHERE num_nulls(%s, purchased_on, amount) > 0) AS null_count FROM %s',
    crm_internal.column_list(keys, ''::text), purchases) INTO seen;
  EXECUTE format('SELECT count(*) AS customers, coalesce(sum(crm.purchase_count(history)), 0) AS purchase_count, min(crm.first_purchased_on(history)) AS first_on,
      max(crm.last_purchased_on(history)) AS last_on FROM %s', histories) INTO known;
  PERFORM crm_internal.notice(format('%s: customers by %s; %s rows, %s customers, %s purchases%s', purchases, crm_internal.column_list(keys, ''::text),
      seen.row_count, known.customers, known.purchase_count, CASE WHEN known.first_on IS NOT NULL THEN format(' from %s to %s', to_char(known.first_on, 'YYYY-MM-DD'), to_char(known.last_on, 'YYYY-MM-DD')) ELSE '' END),
    CASE WHEN seen.null_count > 0 THEN format('%s of the rows have a NULL in key, day or amount and are left out.', seen.null_count) END,
    CASE WHEN cardinality(keys) > 1 AND NOT t.view_made
      THEN format('Every other column of the view is part of the key. If not all are, name those that are: customer => %L', keys[1]) END);
  EXECUTE format('SELECT bool_or(as_of IS NOT NULL), coalesce(max((now() AT TIME ZONE time_zone)::date), current_date) FROM %s', t.scoring) INTO is_pinned, today;
  IF known.last_on < today - 365 AND NOT coalesce(is_pinned, false) THEN
    PERFORM crm_internal.notice(
      format('the newest purchase of %s is of %s, over a year ago: today all customers are long gone', purchases, to_char(known.last_on, 'YYYY-MM-DD')), NULL::text,
      format('UPDATE %s SET as_of = %L; CALL crm.refresh(%L); keeps them as of that day, as crm.track(..., as_of => %2$L) does.',
        t.scoring, to_char(known.last_on, 'YYYY-MM-DD'), purchases));
  ELSIF known.last_on > today THEN
    PERFORM crm_internal.notice(format('%s has purchases after today, the last of %s', purchases, to_char(known.last_on, 'YYYY-MM-DD')),
      'Each counts from its day on, when crm.refresh has come by.',
      CASE WHEN known.last_on = today + 1 THEN 'If the days of the view begin earlier than those of the rules, set time_zone in the rules to the time zone of the view.' END);
  END IF;
END $$;
COMMENT ON FUNCTION crm_internal.notice_understood(regclass, regclass) IS 'says what a tracking has found: keys, rows, customers, purchases, days';

-- detach, of what an earlier crm.untrack has left
CREATE FUNCTION crm_internal.detach_left(relation regclass) RETURNS int
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  suffixes constant text := '(purchases|histories|scoring|changes|customers|models|rules|detached|snapshots|segment_days|segment_since|tier_decisions)';
  place record;
  left_over regclass;
  made_plain int := 0;
BEGIN
  SELECT c.relnamespace, c.relowner, regexp_replace(c.relname, '(.)_' || suffixes || '\d*$', '\1') AS base,
    coalesce(substring(c.relname FROM '._' || suffixes || '\d*$') IS NOT NULL AND substring(c.relname FROM '\d*$') <> '', false) AS numbered,
    substring(c.relname FROM '\d*$') AS number
  INTO place FROM pg_class c WHERE c.oid = relation;
  FOR left_over IN
    SELECT c.oid FROM pg_class c
    WHERE c.relnamespace = place.relnamespace AND c.relowner = place.relowner AND c.relkind IN ('r', 'p')
      AND c.relname ~ ('^' || regexp_replace(place.base, '([^[:alnum:]_])', '\\\1', 'g') || '_' || suffixes || CASE WHEN place.numbered THEN place.number ELSE '\d*' END || '$')
      AND NOT EXISTS (SELECT FROM crm.tracked t WHERE c.oid = ANY (crm_internal.relations_of(t)))
      AND EXISTS (SELECT FROM pg_attribute a JOIN pg_type y ON y.oid = a.atttypid
                  WHERE a.attrelid = c.oid AND NOT a.attisdropped AND a.attnum > 0 AND y.typnamespace = 'crm'::regnamespace)
    ORDER BY c.oid
  LOOP
    PERFORM crm_internal.make_plain(left_over);
    made_plain := made_plain + 1;
  END LOOP;
  RETURN made_plain;
END $$;
COMMENT ON FUNCTION crm_internal.detach_left(regclass) IS 'makes the tables plain that a tracking left beside a relation when it was untracked; returns how many';
