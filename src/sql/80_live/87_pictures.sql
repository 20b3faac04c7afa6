-- pictures: what a tracking shows of time and of its segments, in built-in types

-- The chance that a customer buys within the horizon, of histories h and rules r.
CREATE FUNCTION crm_internal.buy_again(horizon_days int) RETURNS text
  LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT format('1 - crm.probability(crm.purchase_forecast(r.purchase_model, h.history, %1$s, %1$s + %2$s), 0)',
    'greatest(h.scored_on, r.refreshed_on)', horizon_days)
$$;
COMMENT ON FUNCTION crm_internal.buy_again(int) IS 'the probability that a customer buys within the horizon after the score, as SQL';

CREATE FUNCTION crm_internal.horizon_days(customers regclass) RETURNS int
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT substring(attname FROM '^clv_(\d+)d$')::int FROM pg_attribute
  WHERE attrelid = customers AND attname ~ '^clv_\d+d$' ORDER BY attnum DESC LIMIT 1
$$;
COMMENT ON FUNCTION crm_internal.horizon_days(regclass) IS 'the horizon of a tracking, which stands in the names of its columns';

-- the views

CREATE FUNCTION crm_internal.calendar_query(histories regclass, scoring regclass) RETURNS text
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT format('SELECT %1$s p.period_start, p.active_count, p.new_count, p.retained_count, p.reactivated_count, p.lapsed_count, p.purchase_count,
        p.amount::numeric(38,2) AS amount, p.new_amount::numeric(38,2) AS new_amount, p.retained_amount::numeric(38,2) AS retained_amount,
        p.reactivated_amount::numeric(38,2) AS reactivated_amount, p.lapsed_amount::numeric(38,2) AS lapsed_amount,
        p.average_order_value::numeric(38,2) AS average_order_value, p.repeat_share
      FROM (SELECT %2$s crm.period_book(h.history, coalesce(r.as_of, (now() AT TIME ZONE r.time_zone)::date), ''month''::text) AS book
      FROM %3$s AS h JOIN %4$s AS r ON %5$s %6$s) AS b CROSS JOIN LATERAL crm.periods(b.book) AS p',
    coalesce(crm_internal.column_list(scale_by, 'b.'::text) || ',', ''), coalesce(crm_internal.column_list(scale_by, 'r.'::text) || ',', ''),
    histories, scoring, crm_internal.same_keys(histories, scale_by, 'r', 'h'),
    coalesce('GROUP BY ' || crm_internal.column_list(scale_by, 'r.'::text), ''))
  FROM (SELECT nullif(crm_internal.scale_by(histories, scoring), '{}') AS scale_by) AS s
$$;
COMMENT ON FUNCTION crm_internal.calendar_query(regclass, regclass) IS 'the query of a view of the calendar';

CREATE FUNCTION crm_internal.cohorts_query(histories regclass, scoring regclass) RETURNS text
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT format('SELECT %1$s p.cohort_start, p.age, p.period_start, p.observable, p.active, p.rate, p.active_since, p.purchase_count, p.purchase_day_count,
        p.amount::numeric(38,2) AS amount, p.cumulative_amount::numeric(38,2) AS cumulative_amount,
        (p.cumulative_amount / p.observable)::numeric(38,2) AS cumulative_amount_per_customer
      FROM (SELECT %2$s crm.cohort_book(h.history, coalesce(r.as_of, (now() AT TIME ZONE r.time_zone)::date), ''month''::text) AS book
        FROM %3$s AS h JOIN %4$s AS r ON %5$s %6$s) AS b CROSS JOIN LATERAL crm.cells(b.book) AS p',
    coalesce(crm_internal.column_list(scale_by, 'b.'::text) || ',', ''), coalesce(crm_internal.column_list(scale_by, 'r.'::text) || ',', ''),
    histories, scoring, crm_internal.same_keys(histories, scale_by, 'r', 'h'),
    coalesce('GROUP BY ' || crm_internal.column_list(scale_by, 'r.'::text), ''))
  FROM (SELECT nullif(crm_internal.scale_by(histories, scoring), '{}') AS scale_by) AS s
$$;
COMMENT ON FUNCTION crm_internal.cohorts_query(regclass, regclass) IS 'the query of a view of cohorts';

-- All segments that the map names, those without customers as well.
CREATE FUNCTION crm_internal.segments_query(histories regclass, scoring regclass, horizon_days int) RETURNS text
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT format($query$
    SELECT %1$s n.segment, n.segment_rank, coalesce(c.customer_count, 0) AS customer_count, coalesce(c.spend, 0)::numeric(38,2) AS spend,
      c.clv AS clv_%2$sd, c.buy_again AS buy_again_%2$sd
    FROM (SELECT %3$s s.segment, min(s.segment_rank) AS segment_rank FROM %4$s AS r CROSS JOIN LATERAL crm.segments(r.segments) AS s GROUP BY %3$s s.segment) AS n
      LEFT JOIN (SELECT %3$s h.segment, count(*) AS customer_count, sum(crm.spend(coalesce(crm.until(h.history, h.scored_on), h.history))) AS spend, sum(h.clv) AS clv, avg(%5$s) AS buy_again
        FROM %6$s AS h JOIN %4$s AS r ON %7$s WHERE h.history OPERATOR(crm.<>) '{}'::crm.purchase_history GROUP BY %3$s h.segment) AS c
      ON c.segment = n.segment AND %8$s
    ORDER BY %1$s n.segment_rank$query$,
    coalesce(crm_internal.column_list(scale_by, 'n.'::text) || ',', ''), horizon_days, coalesce(crm_internal.column_list(scale_by, 'r.'::text) || ',', ''), scoring,
    crm_internal.buy_again(horizon_days), histories, crm_internal.same_keys(histories, scale_by, 'r', 'h'), crm_internal.same_keys(histories, scale_by, 'c', 'n'))
  FROM (SELECT nullif(crm_internal.scale_by(histories, scoring), '{}') AS scale_by) AS s
$$;
COMMENT ON FUNCTION crm_internal.segments_query(regclass, regclass, int) IS 'the query of a view of segments';

CREATE FUNCTION crm_internal.make_picture(tracking crm.tracked, picture_name text, query text, comment text, columns jsonb) RETURNS regclass
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  EXECUTE format('CREATE VIEW %s %s AS %s', picture_name,
    crm_internal.view_options(tracking.customers, tracking.purchases, tracking.histories), query);
  EXECUTE format('COMMENT ON VIEW %s IS %L', picture_name, comment);
  PERFORM crm_internal.comment_columns(picture_name::regclass, columns);
  RETURN picture_name::regclass;
END $$;
COMMENT ON FUNCTION crm_internal.make_picture(crm.tracked, text, text, text, jsonb) IS 'makes a view of a tracking that is read as its view of customers is';

-- the tables

CREATE FUNCTION crm_internal.make_segment_days(tracking crm.tracked, table_name text, scale_by text[], horizon_days int) RETURNS regclass
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  EXECUTE format($sql$CREATE TABLE %1$s AS SELECT %2$s NULL::date AS scored_on, NULL::text AS segment, NULL::smallint AS segment_rank,
      NULL::bigint AS customer_count, NULL::bigint AS entered_count, NULL::bigint AS left_count, NULL::numeric(38,2) AS spend,
      NULL::float8 AS clv_%3$sd, NULL::float8 AS buy_again_%3$sd, NULL::text AS rules, NULL::timestamptz AS kept_at
    FROM %4$s WITH NO DATA$sql$, table_name, coalesce(crm_internal.column_list(scale_by, ''::text) || ',', ''), horizon_days, tracking.scoring);
  EXECUTE format('ALTER TABLE %s ALTER scored_on SET NOT NULL, ALTER rules SET NOT NULL, ALTER kept_at SET NOT NULL', table_name);
  EXECUTE format('CREATE UNIQUE INDEX ON %s (%s scored_on, segment)', table_name, coalesce(crm_internal.column_list(scale_by, ''::text) || ',', ''));
  EXECUTE format('COMMENT ON TABLE %s IS %L', table_name, format('the segments of %s on the days of its refreshes, one row a segment and day', tracking.purchases));
  PERFORM crm_internal.comment_columns(table_name::regclass, jsonb_build_object(
    'segment', 'name of the segment; NULL for customers without one',
    'customer_count', 'customers in the segment on the day',
    'entered_count', 'of these, those who were not in it on the day kept before; NULL where that is not known',
    'left_count', 'customers who were in it on the day kept before and are not any more; NULL where that is not known',
    'spend', 'net amount of all that its customers had bought by then, in the currency unit',
    format('clv_%sd', horizon_days), 'sum of the expected discounted margin of its customers within the horizon, in the currency unit',
    format('buy_again_%sd', horizon_days), 'mean probability of its customers to buy within the horizon',
    'rules', 'what scored them: refresh, the rules in force when a refresh kept the day; of days filled in later, rules in force, models in force, refitted or no models',
    'kept_at', 'when the row was written'));
  PERFORM crm_internal.distribute(table_name::regclass, tracking.purchases, false);
  RETURN table_name::regclass;
END $$;
COMMENT ON FUNCTION crm_internal.make_segment_days(crm.tracked, text, text[], int) IS 'makes the table of segments by day';

-- Where rows are hidden from readers of the histories, their rows here are as well.
CREATE FUNCTION crm_internal.make_segment_since(tracking crm.tracked, table_name text, keys text[]) RETURNS regclass
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  reader record;
BEGIN
  EXECUTE format($sql$CREATE TABLE %s AS SELECT %s, NULL::text AS segment, NULL::date AS segment_since, NULL::text AS previous_segment,
    NULL::date AS previous_since FROM %s WITH NO DATA$sql$, table_name, crm_internal.column_list(keys, ''::text), tracking.histories);
  EXECUTE format('ALTER TABLE %s ADD PRIMARY KEY (%s)', table_name, crm_internal.column_list(keys, ''::text));
  EXECUTE format('COMMENT ON TABLE %s IS %L', table_name, format('the segment of each customer of %s at the last refresh, and the one before', tracking.purchases));
  PERFORM crm_internal.comment_columns(table_name::regclass, jsonb_build_object(
    'segment', 'segment at the last refresh',
    'segment_since', 'day of the refresh that first found the customer in it; NULL if it was the first of all',
    'previous_segment', 'segment before that; NULL if none is known',
    'previous_since', 'day of the refresh that first found the customer in that one'));
  FOR reader IN
    SELECT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END AS name
    FROM pg_class c, aclexplode(c.relacl) AS a
    WHERE c.oid = tracking.histories AND a.privilege_type = 'SELECT' AND a.grantee <> c.relowner
  LOOP
    EXECUTE format('GRANT SELECT ON %s TO %s', table_name, reader.name);
  END LOOP;
  IF (SELECT relrowsecurity FROM pg_class WHERE oid = tracking.histories) THEN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', table_name);
    EXECUTE format('CREATE POLICY as_the_histories ON %1$s FOR SELECT USING (EXISTS (SELECT FROM %2$s AS h WHERE %3$s))', table_name, tracking.histories,
      (SELECT string_agg(format('h.%1$I %2$s %3$s.%1$I', k, crm_internal.equality(a.atttypid::regtype), table_name), ' AND ')
       FROM unnest(keys) AS k JOIN pg_attribute a ON a.attrelid = tracking.histories AND a.attname = k));
  END IF;
  PERFORM crm_internal.distribute(table_name::regclass, tracking.purchases, true);
  RETURN table_name::regclass;
END $$;
COMMENT ON FUNCTION crm_internal.make_segment_since(crm.tracked, text, text[]) IS 'makes the table of since when customers are in their segments';

CREATE FUNCTION crm_internal.is_there(relation regclass) RETURNS boolean
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT EXISTS (SELECT FROM pg_class WHERE oid = relation)
$$;
COMMENT ON FUNCTION crm_internal.is_there(regclass) IS 'whether a relation is given and has not been dropped';

CREATE FUNCTION crm_internal.make_pictures(tracking crm.tracked) RETURNS crm.tracked
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  made crm.tracked := tracking;
  scale_by constant text[] := nullif(crm_internal.scale_by(tracking.histories, tracking.scoring), '{}');
  horizon_days constant int := crm_internal.horizon_days(tracking.customers);
  schema oid;
  base text;
  names text[];
BEGIN
  SELECT relnamespace, regexp_replace(relname, '(.)_histories\d*$', '\1') INTO schema, base FROM pg_class WHERE oid = tracking.histories;
  names := ARRAY(SELECT format('%s.%I', schema::regnamespace, crm_internal.free_name(schema, base, s))
                 FROM unnest('{_calendar,_cohorts,_segments,_segment_days,_segment_since}'::text[]) WITH ORDINALITY AS u(s, n) ORDER BY n);
  IF NOT crm_internal.is_there(tracking.calendar) THEN
    made.calendar := crm_internal.make_picture(tracking, names[1], crm_internal.calendar_query(tracking.histories, tracking.scoring),
      format('what the customers of %s did in each month that is over', tracking.purchases), jsonb_build_object(
      'period_start', 'first day of the month',
      'active_count', 'customers who bought',
      'new_count', 'of these, those who bought for the first time',
      'retained_count', 'of these, those who bought in the month before too',
      'reactivated_count', 'of these, those who had bought earlier and not in the month before',
      'lapsed_count', 'customers of the month before who did not buy',
      'purchase_count', 'number of purchases',
      'amount', 'net amount of everything, refunds included, in the currency unit',
      'new_amount', 'amount of new customers',
      'retained_amount', 'amount of those who bought in the month before too',
      'reactivated_amount', 'amount of those who had paused',
      'lapsed_amount', 'amount that those who lapsed had brought in the month before',
      'average_order_value', 'amount per purchase, in the currency unit',
      'repeat_share', 'share of the customers who bought that are not new'));
  END IF;
  IF NOT crm_internal.is_there(tracking.cohorts) THEN
    made.cohorts := crm_internal.make_picture(tracking, names[2], crm_internal.cohorts_query(tracking.histories, tracking.scoring),
      format('what the cohorts of customers of %s, by month of the first purchase, did in each month of their age that is over', tracking.purchases), jsonb_build_object(
      'cohort_start', 'first day of the month of the first purchase',
      'age', 'months since then, 0 for the month itself',
      'period_start', 'first day of the month that this is about',
      'observable', 'customers of the cohort',
      'active', 'of these, those who bought at that age',
      'rate', 'share of those who bought at that age',
      'active_since', 'those who bought at that age or later so far',
      'purchase_count', 'number of purchases at that age',
      'purchase_day_count', 'number of purchase days at that age',
      'amount', 'net amount at that age, in the currency unit',
      'cumulative_amount', 'net amount up to that age',
      'cumulative_amount_per_customer', 'net amount up to that age per customer of the cohort'));
  END IF;
  IF NOT crm_internal.is_there(tracking.segments) THEN
    made.segments := crm_internal.make_picture(tracking, names[3], crm_internal.segments_query(tracking.histories, tracking.scoring, horizon_days),
      format('the segments of the customers of %s as they are now, empty ones as well', tracking.purchases), jsonb_build_object(
      'customer_count', 'customers in the segment',
      'spend', 'net amount of all that they have bought, in the currency unit',
      format('clv_%sd', horizon_days), 'sum of the expected discounted margin of its customers within the horizon, in the currency unit',
      format('buy_again_%sd', horizon_days), 'mean probability of its customers to buy within the horizon'));
  END IF;
  IF NOT crm_internal.is_there(tracking.segment_days) THEN
    made.segment_days := crm_internal.make_segment_days(tracking, names[4], scale_by, horizon_days);
  END IF;
  IF NOT crm_internal.is_there(tracking.segment_since) THEN
    made.segment_since := crm_internal.make_segment_since(tracking, names[5], crm_internal.history_keys(tracking.histories));
  END IF;
  RETURN made;
EXCEPTION WHEN OTHERS THEN
  RAISE WARNING USING MESSAGE = format('the views of %s over time were not made: %s', tracking.purchases, SQLERRM),
    HINT = 'crm.refresh makes them when nothing stands in the way.';
  RETURN tracking;
END $$;
COMMENT ON FUNCTION crm_internal.make_pictures(crm.tracked) IS
  'makes the views and tables over time that a tracking lacks; a warning if they cannot be made, since the upkeep does without';

-- A tracking of an earlier release gets what came since.
CREATE FUNCTION crm_internal.complete_pictures(histories regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t crm.tracked := crm_internal.tracking_of(histories);
  made crm.tracked;
BEGIN
  IF (SELECT count(*) FROM pg_class WHERE oid IN (t.calendar, t.cohorts, t.segments, t.segment_days, t.segment_since)) = 5 THEN
    RETURN;
  END IF;
  made := crm_internal.make_pictures(t);
  FOR t IN SELECT * FROM crm.tracked o WHERE o.histories = complete_pictures.histories LOOP
    t.calendar := made.calendar;
    t.cohorts := made.cohorts;
    t.segments := made.segments;
    t.segment_days := made.segment_days;
    t.segment_since := made.segment_since;
    PERFORM crm_internal.write_tracked(t.purchases, t, '{calendar,cohorts,segments,segment_days,segment_since}'::text[]);
  END LOOP;
END $$;
COMMENT ON FUNCTION crm_internal.complete_pictures(regclass) IS 'makes the views and tables over time of a tracking that lacks them, the first step of crm.refresh';

CREATE FUNCTION crm_internal.drop_pictures(tracking crm.tracked) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  picture regclass;
BEGIN
  FOREACH picture IN ARRAY ARRAY[tracking.calendar, tracking.cohorts, tracking.segments] LOOP
    IF crm_internal.is_there(picture) THEN
      EXECUTE format('DROP VIEW %s', picture);
    END IF;
  END LOOP;
END $$;
COMMENT ON FUNCTION crm_internal.drop_pictures(crm.tracked) IS 'drops the views of a tracking over time, not its tables';

-- segments by day

-- rule has a row for each rule and day: scored_on, segments, comparable (whether it is known where customers were before), rules;
-- moved how many customers, of what spend, value and chance, went from one segment to another (gone: to none; come: from none).
CREATE FUNCTION crm_internal.segment_rows_query(scoring regclass, scale_by text[]) RETURNS text
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT format($query$
    SELECT %1$s r.scored_on, n.segment, n.segment_rank,
      coalesce(sum(m.customers) FILTER (WHERE m.crm_is_in), 0)::bigint,
      CASE WHEN r.crm_comparable THEN coalesce(sum(m.customers) FILTER (WHERE m.crm_is_in AND NOT m.crm_was_in), 0)::bigint END,
      CASE WHEN r.crm_comparable THEN coalesce(sum(m.customers) FILTER (WHERE m.crm_was_in AND NOT m.crm_is_in), 0)::bigint END,
      coalesce(sum(m.spend) FILTER (WHERE m.crm_is_in), 0), sum(m.clv) FILTER (WHERE m.crm_is_in),
      sum(m.crm_buy_again) FILTER (WHERE m.crm_is_in) / nullif(sum(m.crm_scored) FILTER (WHERE m.crm_is_in), 0)::float8, r.crm_rules, clock_timestamp()
    FROM rule AS r JOIN (
        SELECT %2$s a.scored_on, a.segment, min(a.segment_rank) AS segment_rank FROM (
          SELECT %1$s r.scored_on, s.segment, s.segment_rank FROM rule AS r CROSS JOIN LATERAL crm.segments(r.segments) AS s
          UNION ALL SELECT %1$s r.scored_on, r.segment, NULL FROM moved AS r WHERE NOT r.crm_gone
          UNION ALL SELECT %1$s r.scored_on, r.crm_before, NULL FROM moved AS r WHERE NOT r.crm_come) AS a
        GROUP BY %2$s a.scored_on, a.segment) AS n ON n.scored_on = r.scored_on AND %3$s
      LEFT JOIN LATERAL (
        SELECT m.*, NOT m.crm_gone AND m.segment IS NOT DISTINCT FROM n.segment AS crm_is_in, NOT m.crm_come AND m.crm_before IS NOT DISTINCT FROM n.segment AS crm_was_in
        FROM moved AS m WHERE m.scored_on = r.scored_on AND %4$s) AS m ON true
    GROUP BY %1$s r.scored_on, n.segment, n.segment_rank, r.crm_comparable, r.crm_rules$query$,
    coalesce(crm_internal.column_list(scale_by, 'r.'::text) || ',', ''), coalesce(crm_internal.column_list(scale_by, 'a.'::text) || ',', ''),
    crm_internal.same_keys(scoring, scale_by, 'n', 'r'), crm_internal.same_keys(scoring, scale_by, 'm', 'r'))
$$;
COMMENT ON FUNCTION crm_internal.segment_rows_query(regclass, text[]) IS 'the query of the rows of a table of segments by day';

-- The rules of a tracking as the last refresh left them, and whether it is known where the customers of each were before; more is what else to read.
CREATE FUNCTION crm_internal.segment_rules_query(tracking crm.tracked, scale_by text[], more text DEFAULT '') RETURNS text
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT format($query$
      SELECT %5$s %1$s r.refreshed_on AS scored_on, r.segments, k.last IS NOT NULL AND k.last <= r.refreshed_on AND k.earlier AS crm_comparable,
        k.last IS NULL AS crm_first, 'refresh' AS crm_rules
      FROM %2$s AS r CROSS JOIN LATERAL (
        SELECT (array_agg(d.scored_on ORDER BY d.kept_at DESC))[1] AS last, bool_or(d.scored_on < r.refreshed_on) AS earlier
        FROM %3$s AS d WHERE d.rules = 'refresh' AND %4$s) AS k
      WHERE r.refreshed_on IS NOT NULL$query$,
    coalesce(crm_internal.column_list(scale_by, 'r.'::text) || ',', ''), tracking.scoring, tracking.segment_days,
    crm_internal.same_keys(tracking.scoring, scale_by, 'd', 'r'), more)
$$;
COMMENT ON FUNCTION crm_internal.segment_rules_query(crm.tracked, text[], text) IS
  'the query of the rules by which customers are counted after a refresh';

-- Called by a statement that writes, sees what it sees, and may run in parallel, which that may not.
CREATE FUNCTION crm_internal.segment_members(histories regclass)
  RETURNS TABLE (rule_number bigint, segment text, customers bigint, spend numeric, clv float8, buy_again float8, scored bigint)
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET jit = off SET enable_nestloop = on AS $$
DECLARE
  t constant crm.tracked := crm_internal.tracking_of(histories);
BEGIN
  RETURN QUERY EXECUTE format($query$
    SELECT m.rule_number, m.segment, count(*), sum(m.spend), sum(m.clv), sum(m.buy_again), count(m.buy_again)
    FROM (SELECT r.rule_number, h.segment, h.clv, crm.spend(crm.until(h.history, r.refreshed_on)) AS spend, %1$s AS buy_again
          FROM (SELECT *, row_number() OVER (ORDER BY ctid) AS rule_number FROM %2$s WHERE refreshed_on IS NOT NULL) AS r JOIN %3$s AS h ON %4$s
          WHERE crm.until(h.history, r.refreshed_on) OPERATOR(crm.<>) '{}'::crm.purchase_history) AS m
    GROUP BY m.rule_number, m.segment$query$,
    crm_internal.buy_again(crm_internal.horizon_days(t.customers)), t.scoring, histories,
    crm_internal.same_keys(histories, nullif(crm_internal.scale_by(histories, t.scoring), '{}'), 'r', 'h'));
END $$;
COMMENT ON FUNCTION crm_internal.segment_members(regclass) IS
  'of each rule and segment after a refresh the customers, their spend and value, and the sum and number of their chances to buy again';

-- What is counted and what is remembered of each customer is read by one statement, so that it is the same. All are counted where they
-- are; who came, moved or went is looked at one by one, and taken off again where he is counted as having been all along.
CREATE FUNCTION crm_internal.keep_segments_query(tracking crm.tracked, scale_by text[], keys text[]) RETURNS text
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT format($query$
    WITH rule AS MATERIALIZED (%1$s),
    mover AS MATERIALIZED (
      SELECT %2$s, coalesce(h.crm_rule, s.crm_rule) AS crm_rule, h.crm_rule IS NOT NULL AS crm_is_there, s.crm_rule IS NOT NULL AS crm_was_known,
        h.segment, s.segment AS crm_kept, s.previous_segment,
        coalesce(s.segment_since = s.scored_on, false) AS crm_again, coalesce(s.segment_since = s.scored_on AND s.previous_segment IS NULL, false) AS crm_came_again
      FROM (SELECT %3$s, h.segment, r.crm_rule FROM %4$s AS h JOIN rule AS r ON %5$s
            WHERE crm.until(h.history, r.scored_on) OPERATOR(crm.<>) '{}'::crm.purchase_history) AS h
        FULL JOIN (SELECT s.*, r.crm_rule, r.scored_on FROM %6$s AS s JOIN rule AS r ON %7$s) AS s ON %8$s
      WHERE h.crm_rule IS NULL OR s.crm_rule IS NULL OR s.segment IS DISTINCT FROM h.segment OR s.segment_since = s.scored_on),
    gone AS (
      DELETE FROM %6$s AS s USING mover AS m WHERE %9$s AND NOT m.crm_is_there),
    come AS (
      INSERT INTO %6$s (%10$s, segment, segment_since)
      SELECT %11$s, m.segment, CASE WHEN NOT r.crm_first THEN r.scored_on END FROM mover AS m JOIN rule AS r ON r.crm_rule = m.crm_rule
      WHERE NOT m.crm_was_known),
    changed AS (
      UPDATE %6$s AS s SET segment = m.segment,
        segment_since = CASE WHEN n.back THEN s.previous_since ELSE r.scored_on END,
        previous_segment = CASE WHEN n.back THEN NULL WHEN m.crm_again THEN s.previous_segment ELSE s.segment END,
        previous_since = CASE WHEN n.back THEN NULL WHEN m.crm_again THEN s.previous_since ELSE s.segment_since END
      FROM mover AS m JOIN rule AS r ON r.crm_rule = m.crm_rule
        CROSS JOIN LATERAL (SELECT m.crm_again AND coalesce(m.previous_segment = m.segment, false) AS back) AS n
      WHERE %9$s AND m.crm_is_there AND m.crm_was_known AND m.crm_kept IS DISTINCT FROM m.segment),
    move AS MATERIALIZED (
      SELECT m.crm_rule, m.segment, CASE WHEN m.crm_again THEN m.previous_segment ELSE m.crm_kept END AS crm_before, m.crm_came_again OR NOT m.crm_was_known AS crm_come,
        NOT m.crm_is_there AS crm_gone, count(*) AS customers
      FROM mover AS m WHERE m.crm_is_there OR NOT m.crm_came_again
      GROUP BY 1, 2, 3, 4, 5),
    moved AS MATERIALIZED (
      SELECT %12$s r.scored_on, u.segment, u.crm_before, u.crm_come, u.crm_gone, u.customers, u.spend, u.clv, u.crm_buy_again, u.crm_scored
      FROM rule AS r JOIN (
        SELECT rule_number AS crm_rule, segment, segment AS crm_before, false AS crm_come, false AS crm_gone, customers, spend, clv, buy_again AS crm_buy_again, scored AS crm_scored FROM crm_internal.segment_members($1)
        UNION ALL SELECT crm_rule, segment, crm_before, crm_come, crm_gone, customers, NULL, NULL, NULL, 0 FROM move
        UNION ALL SELECT crm_rule, segment, segment, false, false, -customers, NULL, NULL, NULL, 0 FROM move WHERE NOT crm_gone) AS u ON u.crm_rule = r.crm_rule)
    INSERT INTO %13$s %14$s$query$,
    crm_internal.segment_rules_query(tracking, scale_by, 'row_number() OVER (ORDER BY r.ctid) AS crm_rule,'::text),
    (SELECT string_agg(format('coalesce(h.%1$I, s.%1$I) AS %1$I', k), ', ' ORDER BY n) FROM unnest(keys) WITH ORDINALITY AS u(k, n)),
    crm_internal.column_list(keys, 'h.'::text), tracking.histories, crm_internal.same_keys(tracking.histories, scale_by, 'r', 'h'),
    tracking.segment_since, crm_internal.same_keys(tracking.histories, scale_by, 'r', 's'), crm_internal.same_keys(tracking.histories, keys, 's', 'h'),
    crm_internal.same_keys(tracking.histories, keys, 's', 'm'), crm_internal.column_list(keys, ''::text), crm_internal.column_list(keys, 'm.'::text),
    coalesce(crm_internal.column_list(scale_by, 'r.'::text) || ',', ''),
    tracking.segment_days, crm_internal.segment_rows_query(tracking.scoring, scale_by))
$$;
COMMENT ON FUNCTION crm_internal.keep_segments_query(crm.tracked, text[], text[]) IS
  'the statement that keeps how many customers are in which segment on the day of a refresh, how many came and went, and since when each is in it';

-- A table that is empty when the statement is planned, and filled by it, is no table to look through once a customer: no nested loops.
-- Compiling the statement would take longer than running it.
CREATE FUNCTION crm_internal.keep_segments(histories regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off SET enable_nestloop = off AS $$
DECLARE
  t constant crm.tracked := crm_internal.tracking_of(histories);
  scale_by constant text[] := nullif(crm_internal.scale_by(histories, t.scoring), '{}');
BEGIN
  IF NOT (crm_internal.is_there(t.segment_days) AND crm_internal.is_there(t.segment_since)) THEN
    RETURN;
  ELSIF crm_internal.is_of_citus(histories) THEN
    PERFORM crm_internal.keep_segments_on_shards(histories);
    RETURN;
  END IF;
  EXECUTE format('DELETE FROM %1$s AS d USING %2$s AS r WHERE d.scored_on = r.refreshed_on AND %3$s',
    t.segment_days, t.scoring, crm_internal.same_keys(t.scoring, scale_by, 'd', 'r'));
  EXECUTE crm_internal.keep_segments_query(t, scale_by, crm_internal.history_keys(histories)) USING histories;
END $$;
COMMENT ON FUNCTION crm_internal.keep_segments(regclass) IS
  'keeps how many customers were in which segment on the day of a refresh, how many came and went, and since when each customer is in it';

-- days before the first refresh that kept them

CREATE FUNCTION crm_internal.fit_as_known(in_force crm.purchase_model, data_check crm.data_check_result, data crm.purchase_model_state) RETURNS crm.purchase_model
  LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  model crm.purchase_model;
BEGIN
  IF in_force IS NULL OR data IS NULL OR coalesce(data_check.verdict LIKE 'no fit%', true) THEN
    RETURN NULL;
  END IF;
  model := crm_internal.refit(in_force, data);
  RETURN CASE WHEN crm.is_converged(model) THEN model END;
EXCEPTION WHEN OTHERS THEN
  RETURN NULL;
END $$;
COMMENT ON FUNCTION crm_internal.fit_as_known(crm.purchase_model, crm.data_check_result, crm.purchase_model_state) IS
  'the model of the family in force that fits data of an earlier day; NULL if none does';

CREATE FUNCTION crm_internal.fit_as_known(in_force crm.spend_model, data crm.spend_model_state) RETURNS crm.spend_model
  LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  model crm.spend_model;
BEGIN
  IF in_force IS NULL OR data IS NULL THEN
    RETURN NULL;
  END IF;
  model := crm_internal.fit_gamma_gamma_final(data);
  RETURN CASE WHEN crm.is_converged(model) THEN model END;
EXCEPTION WHEN OTHERS THEN
  RETURN NULL;
END $$;
COMMENT ON FUNCTION crm_internal.fit_as_known(crm.spend_model, crm.spend_model_state) IS 'the spend model that fits data of an earlier day; NULL if none does';

-- Where the rules of a day are known, all of them are taken, the scale and the models with them.
-- Each customer's days stand beside each other, so that nothing as large as customers times days is kept or sorted.
CREATE FUNCTION crm_internal.back_fill_query(tracking crm.tracked) RETURNS text
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  scale_by constant text[] := nullif(crm_internal.scale_by(tracking.histories, tracking.scoring), '{}');
  has_models constant boolean := crm_internal.is_there(tracking.models);
  columns constant text[] := crm_internal.rule_columns() || '{bins}'::text[];
  -- rules that a restore has brought back may lack columns
  has_rules constant boolean := crm_internal.is_there(tracking.rules) AND NOT EXISTS (
    SELECT FROM unnest(columns) AS c WHERE NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = tracking.rules AND attname = c AND NOT attisdropped));
BEGIN
  RETURN format($query$
    WITH known AS MATERIALIZED (
      SELECT row_number() OVER () AS crm_number, %7$s %12$s, r.keep_scale, r.scaled_on, d.day AS scored_on, k.segments IS NOT NULL AS crm_in_force,
        m.recorded_on IS NOT NULL AS crm_was_recorded, m.purchase_model AS crm_recorded_model, m.spend_model AS crm_recorded_spend,
        lag(d.day) OVER (%11$s ORDER BY d.day) IS NOT NULL AS crm_comparable
      FROM %1$s AS r CROSS JOIN unnest($1) AS d(day)
        LEFT JOIN LATERAL (%13$s) AS k ON true
        LEFT JOIN LATERAL (%2$s) AS m ON true
      WHERE d.day < coalesce((SELECT min(k.scored_on) FROM %3$s AS k WHERE k.rules = 'refresh' AND %4$s), 'infinity')),
    made AS (
      SELECT g.crm_number, crm.rfm_scale(crm.look_back(crm.until(h.history, g.scored_on), g.scored_on, g.look_back_days), g.scored_on, g.bins::int) AS scale,
        crm.data_check(h.history, g.scored_on) FILTER (WHERE g.crm_fits) AS data_check,
        crm_internal.purchase_fit_data(g.purchase_model, h.history, g.scored_on) FILTER (WHERE g.crm_fits) AS purchases,
        crm_internal.spend_fit_data(h.history, g.scored_on) FILTER (WHERE g.crm_fits) AS spend
      FROM (SELECT *, NOT (crm_was_recorded OR crm_in_force) AND purchase_model IS NOT NULL AS crm_fits FROM known) AS g JOIN %5$s AS h ON %6$s
      WHERE crm.first_purchased_on(h.history) <= g.scored_on
      GROUP BY g.crm_number),
    rule AS MATERIALIZED (
      SELECT %7$s r.scored_on, r.segments, r.crm_comparable, r.look_back_days, r.margin, r.horizon_days, r.annual_discount_rate,
        CASE WHEN r.crm_in_force OR r.keep_scale AND r.scored_on >= r.scaled_on THEN r.scale ELSE made.scale END AS scale, f.purchase_model, f.spend_model,
        CASE WHEN r.crm_in_force THEN 'rules in force' WHEN f.purchase_model IS NULL THEN 'no models' WHEN r.crm_was_recorded THEN 'models in force' ELSE 'refitted' END AS crm_rules
      FROM known AS r LEFT JOIN made ON made.crm_number = r.crm_number
        CROSS JOIN LATERAL (SELECT
          CASE WHEN r.crm_in_force THEN r.purchase_model WHEN r.crm_was_recorded THEN r.crm_recorded_model ELSE crm_internal.fit_as_known(r.purchase_model, made.data_check, made.purchases) END AS purchase_model,
          CASE WHEN r.crm_in_force THEN r.spend_model WHEN r.crm_was_recorded THEN r.crm_recorded_spend ELSE crm_internal.fit_as_known(r.spend_model, made.spend) END AS spend_model OFFSET 0) AS f),
    moved AS MATERIALIZED (
      SELECT %8$s c.scored_on, c.segment, c.crm_before, c.is_there AND NOT c.was_there AS crm_come, NOT c.is_there AS crm_gone, count(*) AS customers,
        sum(c.spend) AS spend, sum(c.clv) AS clv, sum(c.crm_buy_again) AS crm_buy_again, count(c.crm_buy_again) AS crm_scored
      FROM %5$s AS h CROSS JOIN LATERAL (
        SELECT r.scored_on, u.is_there, coalesce(lag(u.is_there) OVER days, false) AS was_there, s.segment, lag(s.segment) OVER days AS crm_before,
          crm.spend(u.history) AS spend, s.clv,
          CASE WHEN u.is_there THEN 1 - crm.probability(crm.purchase_forecast(r.purchase_model, u.history, r.scored_on, r.scored_on + r.horizon_days), 0) END AS crm_buy_again
        FROM rule AS r
          CROSS JOIN LATERAL (SELECT k.history, k.history OPERATOR(crm.<>) '{}'::crm.purchase_history AS is_there
            FROM (SELECT crm.until(h.history, r.scored_on) AS history OFFSET 0) AS k) AS u
          CROSS JOIN LATERAL crm.score_customer(u.history, r.scored_on, r.scale, r.segments, r.look_back_days, NULL::crm.tier_program,
            r.purchase_model, r.spend_model, r.margin, r.horizon_days, r.annual_discount_rate) AS s
        WHERE %9$s
        WINDOW days AS (ORDER BY r.scored_on)) AS c
      WHERE c.is_there OR c.was_there
      GROUP BY %8$s c.scored_on, c.segment, c.crm_before, c.is_there, c.was_there)
    INSERT INTO %3$s %10$s$query$,
    tracking.scoring,
    CASE WHEN has_models
      THEN format('SELECT o.recorded_on, o.purchase_model, o.spend_model FROM %s AS o
                   WHERE %s AND o.recorded_on <= d.day AND (o.replaced_on IS NULL OR o.replaced_on > d.day)
                   ORDER BY o.recorded_on DESC, o.fitted_on DESC NULLS LAST LIMIT 1', tracking.models, crm_internal.same_keys(tracking.scoring, scale_by, 'o', 'r'))
      ELSE 'SELECT NULL::date AS recorded_on, NULL::crm.purchase_model AS purchase_model, NULL::crm.spend_model AS spend_model' END,
    tracking.segment_days, crm_internal.same_keys(tracking.scoring, scale_by, 'k', 'r'), tracking.histories,
    crm_internal.same_keys(tracking.scoring, scale_by, 'g', 'h'), coalesce(crm_internal.column_list(scale_by, 'r.'::text) || ',', ''),
    coalesce(crm_internal.column_list(scale_by, 'h.'::text) || ',', ''), crm_internal.same_keys(tracking.scoring, scale_by, 'r', 'h'),
    crm_internal.segment_rows_query(tracking.scoring, scale_by), coalesce('PARTITION BY ' || crm_internal.column_list(scale_by, 'r.'::text), ''),
    (SELECT string_agg(format('CASE WHEN k.segments IS NULL THEN r.%1$I ELSE k.%1$I END AS %1$I', c), ', ' ORDER BY n) FROM unnest(columns) WITH ORDINALITY AS u(c, n)),
    CASE WHEN has_rules
      THEN format('SELECT o.* FROM %s AS o WHERE %s AND (o.changed_at AT TIME ZONE r.time_zone)::date <= d.day AND o.scale IS NOT NULL ORDER BY o.change_number DESC LIMIT 1',
                  tracking.rules, crm_internal.same_keys(tracking.scoring, scale_by, 'o', 'r'))
      ELSE format('SELECT o.* FROM %s AS o WHERE false', tracking.scoring) END);
END $$;
COMMENT ON FUNCTION crm_internal.back_fill_query(crm.tracked) IS 'the statement that fills in the segments of the days $1, those before the first refresh that kept them';

CREATE FUNCTION crm.back_fill(tracking regclass, during daterange, every interval DEFAULT '1 month') RETURNS bigint
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
  t crm.tracked := crm_internal.tracking_of(tracking);
  last_day constant date := CASE WHEN upper_inf(during) THEN current_date ELSE least(upper(during) - 1, current_date) END;
  days date[] := '{}';
  day date;
  kept bigint;
BEGIN
  -- what hangs on the tables is their owner's and runs as the owner
  IF NOT crm_internal.is_owner(t.histories) THEN
    RETURN crm_internal.as_owner(t.histories, format('SELECT crm.back_fill(%s::regclass, %L::daterange, %L::interval)', tracking::oid, during, every))::bigint;
  END IF;
  IF during IS NULL OR isempty(during) OR lower_inf(during) OR NOT isfinite(lower(during)) THEN
    PERFORM crm_internal.raise_error('invalid_parameter_value', format('range of days %s has no first day', coalesce(during::text, 'NULL')),
      hint => 'Give one, as in ''[2025-01-31,)''.');
  ELSIF every IS NULL OR lower(during) + every < lower(during) + interval '1 day' THEN
    PERFORM crm_internal.raise_error('invalid_parameter_value', format('step of %s is out of range', coalesce(every::text, 'NULL')), detail => 'It is at least a day.');
  END IF;
  PERFORM crm_internal.complete_pictures(t.histories);
  t := crm_internal.tracking_of(tracking);
  IF NOT crm_internal.is_there(t.segment_days) THEN
    PERFORM crm_internal.raise_error('undefined_table', format('there is no table of the segments of %s by day', t.purchases));
  END IF;
  -- each from the first, so that ends of months stay ends of months
  FOR n IN 0 .. 1000 LOOP
    day := (lower(during) + n * every)::date;
    EXIT WHEN day > last_day;
    IF n = 1000 THEN
      PERFORM crm_internal.raise_error('invalid_parameter_value', format('range of days %s has more than 1000 steps', during), hint => 'Take longer steps, or fill in one range after the other.');
    END IF;
    days := days || day;
  END LOOP;
  EXECUTE format('DELETE FROM %s WHERE scored_on = ANY ($1) AND rules <> ''refresh''', t.segment_days) USING days;
  EXECUTE crm_internal.back_fill_query(t) USING days;
  EXECUTE format('SELECT count(DISTINCT scored_on) FROM %s WHERE scored_on = ANY ($1) AND rules <> ''refresh''', t.segment_days) INTO kept USING days;
  RETURN kept;
END $$;
COMMENT ON FUNCTION crm.back_fill(regclass, daterange, interval) IS
  'fills in the table <name>_segment_days for days before the first refresh that kept them, step by step from the first day of a range: by the rules or models that were in force, or where none were with such as fit what was known by then; returns how many days there are now';

-- What customers will bring together. Intervals of customers or segments do not add up: each row sums its customers first.
CREATE FUNCTION crm_internal.revenue_query(histories regclass, scoring regclass) RETURNS text
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  scale_by constant text[] := nullif(crm_internal.scale_by(histories, scoring), '{}');
  keys constant text := coalesce(crm_internal.column_list(scale_by, 'r.'::text) || ',', '');
  summed constant text := format('min(h.segment_rank) AS segment_rank, count(*) AS customer_count, sum(h.clv) AS clv,
            crm.expected_revenue(r.purchase_model, r.spend_model, h.history, h.scored_on, h.scored_on + r.horizon_days) FILTER (WHERE h.clv IS NOT NULL) AS expected
          FROM %s AS h JOIN %s AS r ON %s
          WHERE crm.first_purchased_on(h.history) <= h.scored_on', histories, scoring, crm_internal.same_keys(histories, coalesce(scale_by, '{}'), 'r', 'h'));
  groups text;
BEGIN
  -- Citus makes one group at a time
  IF crm_internal.is_of_citus(histories) THEN
    groups := format('SELECT %1$s h.segment, 0 AS is_all, %2$s AND h.segment IS NOT NULL GROUP BY %1$s h.segment
          UNION ALL SELECT %1$s NULL, 1, %2$s %3$s', keys, summed, coalesce('GROUP BY ' || crm_internal.column_list(scale_by, 'r.'::text), ''));
  ELSE
    groups := format('SELECT %1$s h.segment, GROUPING(h.segment) AS is_all, %2$s
          GROUP BY GROUPING SETS ((%1$s h.segment), (%3$s))
          HAVING GROUPING(h.segment) = 1 OR h.segment IS NOT NULL', keys, summed, coalesce(crm_internal.column_list(scale_by, 'r.'::text), ''));
  END IF;
  RETURN format($query$
    SELECT %1$s AS rule, g.segment, g.customer_count, (g.expected).revenue, i.low AS revenue_low, i.high AS revenue_high,
      g.clv, least(c.low, c.high) AS clv_low, greatest(c.low, c.high) AS clv_high
    FROM (%2$s) AS g
      LEFT JOIN LATERAL crm.interval(g.expected, $1) AS i ON true
      CROSS JOIN LATERAL (SELECT g.clv * i.low / nullif((g.expected).revenue, 0) AS low, g.clv * i.high / nullif((g.expected).revenue, 0) AS high) AS c
    ORDER BY %3$s g.is_all DESC, g.segment_rank, g.segment$query$,
    (SELECT format('jsonb_build_object(%s)', string_agg(format('%L, g.%I', k, k), ', ' ORDER BY n)) FROM unnest(scale_by) WITH ORDINALITY AS u(k, n)),
    groups, coalesce(crm_internal.column_list(scale_by, 'g.'::text) || ',', ''));
END $$;
COMMENT ON FUNCTION crm_internal.revenue_query(regclass, regclass) IS 'the query of crm.revenue_forecast, whose level is $1';

CREATE FUNCTION crm.revenue_forecast(tracking regclass, level float8 DEFAULT 0.8)
  RETURNS TABLE (rule jsonb, segment text, customer_count bigint, revenue float8, revenue_low float8, revenue_high float8, clv float8, clv_low float8, clv_high float8)
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t crm.tracked := crm_internal.tracking_of(tracking);
  has_models boolean;
BEGIN
  -- what hangs on the tables is their owner's and runs as the owner
  IF NOT crm_internal.is_owner(t.histories) THEN
    RETURN QUERY SELECT d.* FROM jsonb_to_recordset(crm_internal.as_owner(t.histories,
        format('SELECT coalesce(jsonb_agg(to_jsonb(f)), ''[]'') FROM crm.revenue_forecast(%s::regclass, %L::float8) AS f', tracking::oid, level))::jsonb)
      AS d(rule jsonb, segment text, customer_count bigint, revenue float8, revenue_low float8, revenue_high float8, clv float8, clv_low float8, clv_high float8);
    RETURN;
  END IF;
  EXECUTE format('SELECT EXISTS (SELECT FROM %s WHERE purchase_model IS NOT NULL AND spend_model IS NOT NULL)', t.scoring) INTO has_models;
  IF NOT has_models THEN
    PERFORM crm_internal.notice(format('no models are in force for %s, so that nothing is expected of its customers', tracking), NULL::text,
      format('CALL crm.refresh(%L, refit => true) fits them.', tracking));
  END IF;
  RETURN QUERY EXECUTE crm_internal.revenue_query(t.histories, t.scoring) USING level;
END $$;
COMMENT ON FUNCTION crm.revenue_forecast(regclass, float8) IS
  'what the customers of a tracking will bring within the horizon after their scored_on, for all of them (segment NULL) and each segment, of each rule: expected revenue and the sum of clv, and between which amounts they lie with this probability; the interval of clv is that of the revenue, scaled as its mean is; NULL without models, with a notice';
