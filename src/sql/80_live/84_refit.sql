-- refit: at a refresh, models fitted anew; those that were in force before are kept, with how right they were

-- A fit in two steps, so that one pass over the histories makes the data of all
-- rules, and a fit that fails is an error of its own rule only.
CREATE FUNCTION crm_internal.purchase_model_like_transition(crm.purchase_model_state, crm.purchase_model, crm.purchase_history, date) RETURNS crm.purchase_model_state
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'crm_purchase_model_like';
COMMENT ON FUNCTION crm_internal.purchase_model_like_transition(crm.purchase_model_state, crm.purchase_model, crm.purchase_history, date) IS
  'transition function of purchase_fit_data';
CREATE AGGREGATE crm_internal.purchase_fit_data(model crm.purchase_model, history crm.purchase_history, as_of date) (
  SFUNC = crm_internal.purchase_model_like_transition,
  STYPE = crm.purchase_model_state,
  SSPACE = 65536,
  COMBINEFUNC = crm_internal.purchase_model_state_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm_internal.purchase_fit_data(crm.purchase_model, crm.purchase_history, date) IS
  'what crm_internal.refit needs of histories up to as_of to fit a model of the same family, in the same unit; without a model, what a choice in days needs';
CREATE AGGREGATE crm_internal.spend_fit_data(history crm.purchase_history, as_of date) (
  SFUNC = crm_internal.spend_model_history_transition,
  STYPE = crm.spend_model_state,
  SSPACE = 65536,
  COMBINEFUNC = crm_internal.spend_model_state_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm_internal.spend_fit_data(crm.purchase_history, date) IS
  'what crm_internal.fit_gamma_gamma_final needs of histories up to as_of';
CREATE FUNCTION crm_internal.refit(crm.purchase_model, crm.purchase_model_state) RETURNS crm.purchase_model
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000000 AS 'MODULE_PATHNAME', 'crm_refit_purchase_model';
COMMENT ON FUNCTION crm_internal.refit(crm.purchase_model, crm.purchase_model_state) IS
  'the model of the same family, unit and k that fits the customers of a state best';

CREATE FUNCTION crm_internal.same_models(a crm.purchase_model, a_spend crm.spend_model, b crm.purchase_model, b_spend crm.spend_model) RETURNS boolean
  LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT record_eq(ROW(a, a_spend), ROW(b, b_spend))
$$;
COMMENT ON FUNCTION crm_internal.same_models(crm.purchase_model, crm.spend_model, crm.purchase_model, crm.spend_model) IS
  'whether two pairs of models are equal, NULLs too';

-- the table of models that are and were in force

CREATE FUNCTION crm_internal.comment_models(models regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  c record;
BEGIN
  PERFORM crm_internal.comment_columns(models);
  FOR c IN
    SELECT d.name, d.comment FROM (VALUES
      ('fitted_on', 'day as of which a refit fitted the purchase model; NULL if it was set by hand'),
      ('spend_fitted_on', 'day as of which a refit fitted the spend model; NULL if it was set by hand'),
      ('recorded_on', 'day of the refit that put the models in force, or that found them set by hand'),
      ('customers', 'number of customers that the purchase model was fitted to; NULL if its parameters were given'),
      ('replaced_on', 'day of the refit that replaced the models, or that found them replaced by hand; NULL while in force'),
      ('replaced_by', 'refit or hand; NULL while in force'),
      ('forecast_from', 'day after which forecasts of the purchase model are compared with what was bought: that of its fit'),
      ('forecast_until', 'last day that is compared: that of the refit'),
      ('out_of_sample', 'whether the model knew nothing of the days compared; false for the last horizon_days of one set by hand'),
      ('n', 'number of customers compared: those there on forecast_from'),
      ('total_expected', 'purchase days expected of all of them'),
      ('total_actual', 'purchase days that they had'),
      ('mean_error', 'mean of expected minus actual, in purchase days per customer'),
      ('mean_absolute_error', 'mean of the absolute errors, in purchase days per customer'),
      ('root_mean_squared_error', 'root of the mean of the squared errors, in purchase days per customer'),
      ('correlation', 'correlation of expected and actual; NULL if one of them is constant'),
      ('top_decile_share', 'share of all purchase days in the tenth of the customers from whom most was expected; NULL if there were none'),
      ('normalised_gini', 'how well the forecasts order the customers by what they bought: 1 like what was bought, 0 like chance; NULL if all bought the same'),
      ('decile_expected', 'mean of the purchase days expected in each tenth of the customers, those from whom most was expected first'),
      ('decile_actual', 'mean of the purchase days that each of these tenths had: a calibrated model has the same')
    ) AS d(name, comment)
    WHERE EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = models AND a.attname = d.name AND NOT a.attisdropped)
  LOOP
    EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', models, c.name, c.comment);
  END LOOP;
END $$;
COMMENT ON FUNCTION crm_internal.comment_models(regclass) IS 'comments the columns of a table of models';

CREATE FUNCTION crm_internal.complete_models(models regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  -- a table that lacks nothing is not locked
  IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = models AND attname = 'decile_actual' AND NOT attisdropped) THEN
    EXECUTE format('ALTER TABLE %s ADD COLUMN IF NOT EXISTS normalised_gini float8, ADD COLUMN IF NOT EXISTS decile_expected float8[], ADD COLUMN decile_actual float8[]', models);
    PERFORM crm_internal.comment_models(models);
  END IF;
END $$;
COMMENT ON FUNCTION crm_internal.complete_models(regclass) IS 'adds the columns that a table of models of an earlier release lacks';

CREATE FUNCTION crm_internal.make_models(tracking crm.tracked, scale_by text[]) RETURNS regclass
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  owner constant oid := (SELECT relowner FROM pg_class WHERE oid = tracking.scoring);
  name text;
  made regclass;
BEGIN
  SELECT format('%I.%I', n.nspname, crm_internal.free_name(n.oid, regexp_replace(c.relname::text, '(.)_histories\d*$', '\1'), '_models')) INTO name
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = tracking.histories;
  EXECUTE format($sql$CREATE TABLE %s AS
    SELECT %s NULL::date AS fitted_on, NULL::date AS spend_fitted_on, NULL::date AS recorded_on, NULL::crm.purchase_model AS purchase_model,
      NULL::crm.spend_model AS spend_model, NULL::bigint AS customers, NULL::date AS replaced_on, NULL::text AS replaced_by,
      NULL::date AS forecast_from, NULL::date AS forecast_until, NULL::boolean AS out_of_sample, NULL::bigint AS n, NULL::float8 AS total_expected,
      NULL::float8 AS total_actual, NULL::float8 AS mean_error, NULL::float8 AS mean_absolute_error, NULL::float8 AS root_mean_squared_error,
      NULL::float8 AS correlation, NULL::float8 AS top_decile_share, NULL::float8 AS normalised_gini, NULL::float8[] AS decile_expected, NULL::float8[] AS decile_actual
    FROM %s WITH NO DATA$sql$, name, coalesce(crm_internal.column_list(scale_by, ''::text) || ',', ''), tracking.scoring);
  made := name::regclass;
  EXECUTE format($sql$ALTER TABLE %s ALTER recorded_on SET NOT NULL,
    ADD CONSTRAINT replaced_by_refit_or_hand CHECK (replaced_by IN ('refit', 'hand') AND replaced_on IS NOT NULL OR num_nonnulls(replaced_by, replaced_on) = 0)$sql$, made);
  EXECUTE format('CREATE UNIQUE INDEX ON %s (%s) WHERE replaced_on IS NULL', made, coalesce(crm_internal.column_list(scale_by, ''::text), '(true)'));
  EXECUTE format('COMMENT ON TABLE %s IS %L', made,
    format('the models that the customers of %s are and were scored by, and how right their forecasts were', tracking.purchases));
  PERFORM crm_internal.comment_models(made);
  PERFORM crm_internal.distribute(made, tracking.purchases, false);
  IF owner <> (SELECT oid FROM pg_roles WHERE rolname = current_user) THEN
    EXECUTE format('ALTER TABLE %s OWNER TO %s', made, owner::regrole);
  END IF;
  RETURN made;
END $$;
COMMENT ON FUNCTION crm_internal.make_models(crm.tracked, text[]) IS 'makes the table of models of a tracking, owned by the owner of its rules';

-- A rule is handed on as the text of its row, whose type is another one for every tracking.
CREATE FUNCTION crm_internal.record_models(tracking crm.tracked, scale_by text[], rule text, recorded_on date, fitted_on date, spend_fitted_on date,
    purchase_model crm.purchase_model, spend_model crm.spend_model) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  EXECUTE format($sql$
    INSERT INTO %1$s (%2$s recorded_on, fitted_on, spend_fitted_on, purchase_model, spend_model, customers)
    SELECT %3$s $2, $3, $4, $5, $6, ($5::jsonb ->> 'customers')::bigint FROM (SELECT ($1::%4$s).*) AS o$sql$,
    tracking.models, coalesce(crm_internal.column_list(scale_by, ''::text) || ',', ''), coalesce(crm_internal.column_list(scale_by, 'o.') || ',', ''), tracking.scoring)
  USING rule, recorded_on, fitted_on, spend_fitted_on, purchase_model, spend_model;
END $$;
COMMENT ON FUNCTION crm_internal.record_models(crm.tracked, text[], text, date, date, date, crm.purchase_model, crm.spend_model) IS
  'records models that are in force for a rule';

CREATE FUNCTION crm_internal.record_replacement(tracking crm.tracked, scale_by text[], rule text, replaced_on date, replaced_by text, forecast_from date,
    out_of_sample boolean, accuracy crm.forecast_accuracy_result) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  EXECUTE format($sql$
    UPDATE %1$s AS m SET replaced_on = $2, replaced_by = $3, forecast_from = $4, forecast_until = CASE WHEN $4 IS NOT NULL THEN $2 END,
      out_of_sample = CASE WHEN $4 IS NOT NULL THEN $5 END,
      (n, total_expected, total_actual, mean_error, mean_absolute_error, root_mean_squared_error, correlation, top_decile_share, normalised_gini, decile_expected,
       decile_actual) =
        (SELECT a.n, a.total_expected, a.total_actual, a.mean_error, a.mean_absolute_error, a.root_mean_squared_error, a.correlation,
           a.top_decile_share, a.normalised_gini, a.decile_expected, a.decile_actual FROM (SELECT ($6).*) AS a WHERE $4 IS NOT NULL)
    FROM (SELECT ($1::%3$s).*) AS o
    WHERE m.replaced_on IS NULL AND %2$s$sql$, tracking.models, crm_internal.same_keys(tracking.models, scale_by, 'm', 'o'), tracking.scoring)
  USING rule, replaced_on, replaced_by, forecast_from, out_of_sample, accuracy;
END $$;
COMMENT ON FUNCTION crm_internal.record_replacement(crm.tracked, text[], text, date, text, date, boolean, crm.forecast_accuracy_result) IS
  'records that the models of a rule were replaced, and how right their forecasts were since forecast_from; without that day, no accuracy';

-- the fits

CREATE FUNCTION crm_internal.warn_not_refitted(what text, rule text, in_force boolean, reason text) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RAISE WARNING USING MESSAGE = format('%s of %s was not fitted: %s', what, rule, regexp_replace(reason, '^no fit: ', '')),
    DETAIL = CASE WHEN in_force THEN 'The model in force stays.' ELSE 'None is in force.' END;
END $$;
COMMENT ON FUNCTION crm_internal.warn_not_refitted(text, text, boolean, text) IS 'warns that a refit has left a model as it is';

CREATE FUNCTION crm_internal.refit_purchase_model(rule text, in_force crm.purchase_model, data_check crm.data_check_result, data crm.purchase_model_state)
  RETURNS crm.purchase_model
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  model crm.purchase_model;
  reason text;
BEGIN
  -- a doubtful fit is a value with wide errors, and better than none
  IF data_check.verdict NOT LIKE 'no fit%' THEN
    model := CASE WHEN in_force IS NULL THEN crm_internal.fit_purchase_model_final(data) ELSE crm_internal.refit(in_force, data) END;
    reason := CASE WHEN NOT crm.is_converged(model) THEN crm.fit_verdict(model) END;
  ELSE
    reason := coalesce(data_check.verdict, 'there are no customers');
  END IF;
  IF reason IS NULL THEN
    RETURN model;
  END IF;
  PERFORM crm_internal.warn_not_refitted('purchase model', rule, in_force IS NOT NULL, reason);
  RETURN NULL;
EXCEPTION WHEN OTHERS THEN
  PERFORM crm_internal.warn_not_refitted('purchase model', rule, in_force IS NOT NULL, SQLERRM);
  RETURN NULL;
END $$;
COMMENT ON FUNCTION crm_internal.refit_purchase_model(text, crm.purchase_model, crm.data_check_result, crm.purchase_model_state) IS
  'a model of the family in force that can be put in its place, or the one that is chosen where none is in force; NULL with a warning if there is none';

CREATE FUNCTION crm_internal.refit_spend_model(rule text, in_force crm.spend_model, data crm.spend_model_state) RETURNS crm.spend_model
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  model crm.spend_model;
BEGIN
  model := crm_internal.fit_gamma_gamma_final(data);
  IF model IS NULL THEN
    PERFORM crm_internal.warn_not_refitted('spend model', rule, in_force IS NOT NULL, 'there are no customers');
  ELSIF NOT crm.is_converged(model) THEN
    PERFORM crm_internal.warn_not_refitted('spend model', rule, in_force IS NOT NULL, crm.fit_verdict(model));
    RETURN NULL;
  END IF;
  RETURN model;
EXCEPTION WHEN OTHERS THEN
  PERFORM crm_internal.warn_not_refitted('spend model', rule, in_force IS NOT NULL, SQLERRM);
  RETURN NULL;
END $$;
COMMENT ON FUNCTION crm_internal.refit_spend_model(text, crm.spend_model, crm.spend_model_state) IS
  'a gamma-gamma model that can be put in place of the one in force; NULL with a warning if there is none';

CREATE FUNCTION crm_internal.replace_models(scoring regclass, scale_by text[], rule text, purchase_model crm.purchase_model, spend_model crm.spend_model)
  RETURNS boolean
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  changed bigint;
BEGIN
  EXECUTE format($sql$
    UPDATE %1$s AS r SET purchase_model = $2, spend_model = $3 FROM (SELECT ($1::%1$s).*) AS o
    WHERE %2$s AND crm_internal.same_models(r.purchase_model, r.spend_model, o.purchase_model, o.spend_model)$sql$,
    scoring, crm_internal.same_keys(scoring, scale_by, 'r', 'o'))
  USING rule, purchase_model, spend_model;
  GET DIAGNOSTICS changed = ROW_COUNT;
  RETURN changed > 0;
END $$;
COMMENT ON FUNCTION crm_internal.replace_models(regclass, text[], text, crm.purchase_model, crm.spend_model) IS
  'puts models in force for a rule; false if it has been given others meanwhile';

-- One row a rule: what the fits need, what is recorded of the models in force,
-- and how right the forecasts were that may have to be recorded.
CREATE FUNCTION crm_internal.refit_query(tracking crm.tracked, scale_by text[]) RETURNS text
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN format($query$
    WITH rule AS MATERIALIZED (
      SELECT row_number() OVER (%7$s) AS number, CAST(r.* AS %1$s) AS scoring, %2$s AS name, d.day, r.purchase_model, r.spend_model,
        m.recorded_on IS NOT NULL AS is_recorded, s.still_in_force, m.purchase_model AS recorded_model,
        CASE WHEN s.same_purchase_model THEN m.fitted_on END AS fitted_on,
        CASE WHEN s.same_spend_model THEN m.spend_fitted_on END AS spend_fitted_on,
        f.forecast_from, coalesce(m.fitted_on, m.recorded_on) <= f.forecast_from AS out_of_sample,
        CASE WHEN NOT s.still_in_force THEN r.purchase_model END AS model_by_hand,
        CASE WHEN s.same_purchase_model THEN f.forecast_from ELSE d.day - r.horizon_days END AS by_hand_from,
        coalesce(m.fitted_on, m.recorded_on) <= f.forecast_from AND s.same_purchase_model AS by_hand_out_of_sample
      FROM %1$s AS r
        CROSS JOIN LATERAL (SELECT coalesce($1, r.as_of, (statement_timestamp() AT TIME ZONE r.time_zone)::date) AS day) AS d
        LEFT JOIN %3$s AS m ON m.replaced_on IS NULL AND %4$s
        CROSS JOIN LATERAL (
          SELECT m.recorded_on IS NOT NULL AND crm_internal.same_models(m.purchase_model, m.spend_model, r.purchase_model, r.spend_model) AS still_in_force,
            crm_internal.same_models(m.purchase_model, NULL::crm.spend_model, r.purchase_model, NULL::crm.spend_model) AS same_purchase_model,
            crm_internal.same_models(NULL::crm.purchase_model, m.spend_model, NULL::crm.purchase_model, r.spend_model) AS same_spend_model) AS s
        CROSS JOIN LATERAL (
          SELECT CASE
            WHEN m.fitted_on < d.day THEN m.fitted_on
            WHEN m.fitted_on IS NOT NULL OR m.purchase_model IS NULL THEN NULL
            WHEN m.recorded_on < d.day THEN m.recorded_on
            ELSE d.day - r.horizon_days END AS forecast_from) AS f),
    data AS (
      SELECT g.number, crm.data_check(h.history, g.day) AS data_check,
        crm_internal.purchase_fit_data(g.purchase_model, h.history, g.day) AS purchases, crm_internal.spend_fit_data(h.history, g.day) AS spend,
        crm.forecast_accuracy(crm.expected_purchases(g.recorded_model, h.history, g.forecast_from, g.day),
          crm.purchase_day_count(crm.within(h.history, daterange(g.forecast_from, g.day, '(]')))::float8) AS accuracy,
        crm.forecast_accuracy(crm.expected_purchases(g.model_by_hand, h.history, g.by_hand_from, g.day),
          crm.purchase_day_count(crm.within(h.history, daterange(g.by_hand_from, g.day, '(]')))::float8) AS accuracy_by_hand
      FROM rule AS g JOIN %5$s AS h ON %6$s
      GROUP BY g.number)
    SELECT g.scoring::text AS scoring, g.name, g.day, g.purchase_model, g.spend_model, g.is_recorded, g.still_in_force, g.fitted_on, g.spend_fitted_on,
      g.forecast_from, g.out_of_sample, g.by_hand_from, g.by_hand_out_of_sample, data.data_check, data.purchases, data.spend, data.accuracy,
      data.accuracy_by_hand
    FROM rule AS g LEFT JOIN data ON data.number = g.number ORDER BY g.number$query$,
    tracking.scoring,
    coalesce((SELECT format('concat_ws('', '', %s)', string_agg(format('concat(%L, '' '', r.%I)', k, k), ', ' ORDER BY n))
              FROM unnest(scale_by) WITH ORDINALITY AS u(k, n) HAVING count(*) > 0), 'NULL::text'),
    tracking.models, crm_internal.same_keys(tracking.scoring, scale_by, 'm', 'r'), tracking.histories, crm_internal.same_keys(tracking.scoring, scale_by, '(g.scoring)', 'h'),
    coalesce('ORDER BY ' || crm_internal.column_list(scale_by, 'r.'), ''));
END $$;
COMMENT ON FUNCTION crm_internal.refit_query(crm.tracked, text[]) IS
  'the query that reads all histories once for a refit, as of $1 or of today where each rule''s customers are';

-- the settings under which every rule's text is read again as it was
CREATE FUNCTION crm_internal.refit_rules(tracking crm.tracked, as_of date) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET extra_float_digits = 3 SET datestyle = iso SET intervalstyle = postgres AS $$
DECLARE
  scale_by constant text[] := crm_internal.scale_by(tracking.histories, tracking.scoring);
  t crm.tracked;
  rule record;
  name text;
  purchase crm.purchase_model;
  spend crm.spend_model;
  replaced boolean;
BEGIN
  IF NOT EXISTS (SELECT FROM pg_class WHERE oid = tracking.models) THEN
    tracking.models := crm_internal.make_models(tracking, scale_by);
  END IF;
  PERFORM crm_internal.complete_models(tracking.models);
  PERFORM crm_internal.add_rules(tracking.scoring, scale_by, tracking.histories);
  FOR rule IN EXECUTE crm_internal.refit_query(tracking, scale_by) USING as_of LOOP
    name := tracking.scoring || coalesce(' (' || rule.name || ')', '');
    purchase := crm_internal.refit_purchase_model(name, rule.purchase_model, rule.data_check, rule.purchases);
    spend := crm_internal.refit_spend_model(name, rule.spend_model, rule.spend);
    replaced := NOT crm_internal.same_models(coalesce(purchase, rule.purchase_model), coalesce(spend, rule.spend_model), rule.purchase_model, rule.spend_model);
    IF replaced AND NOT crm_internal.replace_models(tracking.scoring, scale_by, rule.scoring, coalesce(purchase, rule.purchase_model), coalesce(spend, rule.spend_model)) THEN
      RAISE WARNING '% was changed while models for it were fitted: it keeps the models that it was given', name;
      CONTINUE;
    END IF;

    -- models that came by hand since the last refit
    IF NOT rule.still_in_force THEN
      IF rule.is_recorded THEN
        PERFORM crm_internal.record_replacement(tracking, scale_by, rule.scoring, rule.day, 'hand', rule.forecast_from, rule.out_of_sample, rule.accuracy);
      END IF;
      IF num_nonnulls(rule.purchase_model, rule.spend_model) > 0 THEN
        PERFORM crm_internal.record_models(tracking, scale_by, rule.scoring, rule.day, rule.fitted_on, rule.spend_fitted_on, rule.purchase_model, rule.spend_model);
      END IF;
    END IF;

    IF replaced THEN
      IF rule.still_in_force THEN
        PERFORM crm_internal.record_replacement(tracking, scale_by, rule.scoring, rule.day, 'refit', rule.forecast_from, rule.out_of_sample, rule.accuracy);
      ELSE
        PERFORM crm_internal.record_replacement(tracking, scale_by, rule.scoring, rule.day, 'refit',
          CASE WHEN rule.purchase_model IS NOT NULL THEN rule.by_hand_from END, coalesce(rule.by_hand_out_of_sample, false), rule.accuracy_by_hand);
      END IF;
      PERFORM crm_internal.record_models(tracking, scale_by, rule.scoring, rule.day,
        CASE WHEN purchase IS NULL THEN rule.fitted_on ELSE rule.day END, CASE WHEN spend IS NULL THEN rule.spend_fitted_on ELSE rule.day END,
        coalesce(purchase, rule.purchase_model), coalesce(spend, rule.spend_model));
    END IF;
  END LOOP;
  -- after the rules, as every step of a refresh does
  FOR t IN SELECT * FROM crm.tracked o WHERE o.histories = tracking.histories AND o.models IS DISTINCT FROM tracking.models LOOP
    t.models := tracking.models;
    PERFORM crm_internal.write_tracked(t.purchases, t, '{models}'::text[]);
  END LOOP;
END $$;
COMMENT ON FUNCTION crm_internal.refit_rules(crm.tracked, date) IS
  'fits the models of all rules anew as of a day, and records which were in force before';

CREATE FUNCTION crm_internal.refit_models(tracking regclass, as_of date) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t crm.tracked := crm_internal.tracking_of(tracking);
BEGIN
  -- what hangs on the tables is their owner's and runs as the owner
  IF NOT crm_internal.is_owner(t.histories) THEN
    PERFORM crm_internal.as_owner(t.histories, format('SELECT crm_internal.refit_models(%s::regclass, %L::date)', tracking::oid, as_of));
    RETURN;
  END IF;
  -- one refit of a tracking at a time; holds off no statement on the orders, and is no lock that just anybody can take
  EXECUTE format('LOCK TABLE %s IN SHARE UPDATE EXCLUSIVE MODE', t.scoring);
  PERFORM crm_internal.one_by_one(t.histories);
  PERFORM crm_internal.refit_rules(crm_internal.tracking_of(tracking), as_of);
EXCEPTION WHEN OTHERS THEN
  RAISE WARNING USING MESSAGE = format('models of %s were not fitted: %s', coalesce(t.scoring::text, tracking::text), SQLERRM),
    DETAIL = 'The models in force stay.';
END $$;
COMMENT ON FUNCTION crm_internal.refit_models(regclass, date) IS
  'fits all models of a tracking anew, a step of crm.refresh before the new scales; whatever goes wrong is a warning';
