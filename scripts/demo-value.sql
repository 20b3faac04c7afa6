-- What the customers of the table orders are worth, and who buys again. :as_of is
-- the day to look from, or empty for the day of the last order. Orders that fit no
-- model cost this section alone.
SET search_path = crm, public;

SELECT coalesce(nullif(:'as_of', '')::date, max(ordered_on)) AS as_of FROM orders \gset

SET demo.as_of = :'as_of';
CREATE TEMP TABLE valued AS
SELECT customer_id, until(purchase_history(ordered_on, amount), :'as_of') AS history FROM orders GROUP BY customer_id;
CREATE TEMP TABLE value_model (purchases purchase_model, spend spend_model, trouble text);

DO $$
DECLARE
  as_of date := current_setting('demo.as_of');
  purchases purchase_model; spend spend_model; trouble text;
BEGIN
  BEGIN
    purchases := (SELECT fit_purchase_model(history, as_of) FROM valued);
    spend := (SELECT fit_gamma_gamma(history, as_of) FROM valued);
    -- A fit that did not end well is known by its first use.
    PERFORM clv(purchases, spend, history, as_of, as_of + 365, 0.1, 0.3) FROM valued;
  EXCEPTION WHEN OTHERS THEN
    trouble := SQLERRM;
  END;
  IF trouble IS NULL AND (purchases IS NULL OR spend IS NULL) THEN trouble := 'nobody bought'; END IF;
  INSERT INTO value_model VALUES (purchases, spend, trouble);
END $$;

SELECT trouble IS NOT NULL AS is_unfit, format('No value: %s.', trouble) AS line FROM value_model \gset
\if :is_unfit
  \echo :line
  \echo
\else
  SELECT format('Value and chance to buy again in the 365 days after %s (by %s and %s, margin 30 %%, 10 %% a year off)',
    :'as_of', model_name(purchases), 'gamma-gamma') AS line FROM value_model \gset
  \echo :line
  CREATE TEMP TABLE value_of AS
  SELECT v.customer_id, segment(rfm), segment_rank(rfm), 1 - probability(purchase_forecast(purchases, v.history, :'as_of', date :'as_of' + 365), 0) AS buys_again,
    clv(purchases, spend, v.history, :'as_of', date :'as_of' + 365, 0.1, 0.3) AS clv
  FROM valued v, value_model, (SELECT rfm_scale(history, :'as_of') AS scale FROM valued) s, LATERAL (SELECT rfm_score(scale, v.history, :'as_of') AS rfm) r
  WHERE rfm IS NOT NULL;
  SELECT segment, count(*) AS customers, round((100 * avg(buys_again))::numeric, 1) AS "buy_again_365d_%",
    round(avg(clv)::numeric, 2) AS clv_365d_each, round(sum(clv)::numeric, 2) AS clv_365d
  FROM value_of GROUP BY segment, segment_rank ORDER BY segment_rank;

  SELECT format('Expected revenue of the 365 days: %s, ', round((e).revenue::numeric, 2))
    || CASE WHEN i.low IS NULL THEN 'without an interval: the parameters lie where the error of a fit has no bound.'
      ELSE format('with a probability of 80 %% between %s and %s.', round(i.low::numeric, 2), round(i.high::numeric, 2)) END AS line
  FROM (SELECT expected_revenue(purchases, spend, history, :'as_of', date :'as_of' + 365) AS e FROM valued, value_model) x, LATERAL crm.interval(e) AS i \gset
  \echo :line
  \echo
\endif
