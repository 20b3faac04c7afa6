-- what 10_words.sql left: everything that calls by the new names, or is made anew

@replace crm.purchase
@replace crm.purchase_history
@replace crm.merge
@replace crm.purchase_count
@replace crm.purchase_day_count
@replace crm.average_order_value
@replace crm.recency
@replace crm.until
@replace crm.within
@replace crm.purchases
@replace crm.activity
@replace crm.frequency
@replace crm.monetary
@replace crm.bins
@replace crm.rfm_scale
@replace crm.rf_grid
@replace crm.segment
@replace crm.segment_rule
@replace crm.segment_rank
@replace crm.tier_program
@replace crm.or_rule
@replace crm.tiers
@replace crm_internal.tier_program_to_jsonb
@replace crm.tier_timeline
@replace crm.points_rule
@replace crm.points_balance
@replace crm.points_expiring
@replace crm.points_statement
@replace crm.parameters
@replace crm.is_converged
@replace crm.fit_verdict
@replace crm.log_likelihood
@replace crm.aic
@replace crm.bic
@replace crm.model_name
@replace crm.unit_days
@replace crm.btyd
@replace crm.p_alive
@replace crm.expected_spend
@replace crm.expected_next_purchase_on
@replace crm_internal.expected_next_purchase_in
@replace crm.simple_clv
@replace crm.fit_bg_nbd
@replace crm.fit_mbg_nbd
@replace crm.fit_pareto_nbd
@replace crm.fit_mbg_cnbd_k
@replace crm.fit_gamma_gamma
@replace crm.data_check
@replace crm.forecast_accuracy
@replace crm.expected_revenue
@replace crm.simulate_purchases
@replace crm.interaction
@replace crm.interaction_history
@replace crm.interactions
@replace crm.engagement
@replace crm.contact_pressure
@replace crm.complaint_rate
@replace crm.service_requests
@replace crm.recovered
@replace crm_internal.decayed_sum_transition
@replace crm.decayed_sum
@replace crm.contact_verdict
@replace crm.contact_allowed
@replace crm_internal.retention_curve_final
@replace crm_internal.retention_curve_transition
@replace crm.retention_curve
@replace crm.curve_points
@replace crm.cohort_triangle
@replace crm.survival_curve
@replace crm_internal.second_purchase_curve_transition
@replace crm.second_purchase_curve
@replace crm.survival_days
@replace crm.repeat_rate
@replace crm.rhythm
@replace crm.p_silence
@replace crm.is_overdue
@replace crm.lifecycle_state
@replace crm.lifecycle_migration
@replace crm.concentration
@replace crm.gini
@replace crm.payback_on
@replace crm.whale_curve
@replace crm.present_value
@replace crm.referral_network
@replace crm.customer_equity
@replace crm_internal.check_tracked
@replace crm_internal.tracked_guard
@replace crm_internal.is_owner
@replace crm_internal.relation_left
@replace crm_internal.same_keys
@replace crm_internal.scale_by
@replace crm_internal.histories_query
@replace crm_internal.all_histories_query
@replace crm_internal.rule_columns
@replace crm_internal.report_columns
@replace crm_internal.customers_query
@replace crm_internal.score_call
@replace crm_internal.make_purchases_view
@replace crm_internal.track_triggers
@replace crm_internal.comment_columns
@replace crm_internal.check_trackable
@replace crm_internal.check_keys
@replace crm_internal.make_scoring
@replace crm_internal.make_histories
@replace crm_internal.make_changes
@replace crm_internal.make_customers
@replace crm_internal.make_customers_on
@replace crm_internal.remake_customers_on
@replace crm_internal.fill_histories
@replace crm_internal.add_rules
@replace crm_internal.make_scales
@replace crm_internal.finish_scoring
@create crm_internal.record_rescore
@replace crm_internal.rescore_all
@create crm_internal.fresh_query
@create crm_internal.may_refill
@create crm_internal.refill
@create crm_internal.fill_anew
@replace crm_internal.fill_new_histories
@replace crm.track
@replace crm_internal.default_segments
@replace crm_internal.make_tracking
@replace crm_internal.tracking_of
@replace crm_internal.refresh_fill
@replace crm_internal.refresh_started
@replace crm_internal.refresh_start
@replace crm_internal.refresh_wait
@replace crm_internal.refresh_batch
@replace crm.refresh
@replace crm.rebuild
@replace crm_internal.unfollowed
@replace crm.verify
@replace crm.track_partitions
@replace crm.snapshot
@replace crm.untrack
@replace crm_internal.make_plain
@replace crm.detach
@replace crm_internal.purchase_fit_data
@replace crm_internal.spend_fit_data
@replace crm_internal.comment_models
@create crm_internal.complete_models
@replace crm_internal.make_models
@replace crm_internal.record_models
@replace crm_internal.record_replacement
@replace crm_internal.refit_purchase_model
@replace crm_internal.refit_spend_model
@replace crm_internal.replace_models
@replace crm_internal.refit_query
@replace crm_internal.refit_rules
@replace crm_internal.refit_models
@replace crm.known_overrides
@replace crm_internal.decision_triggers
@replace crm_internal.decisions_query
@replace crm_internal.decisions_join
@replace crm_internal.standing_query
@replace crm_internal.make_decisions
@replace crm_internal.make_standing
@replace crm_internal.tier_functions
@replace crm_internal.make_tier_functions
@replace crm_internal.drop_tiers
@replace crm_internal.check_tiers_trackable
@replace crm_internal.warn_of_unknown_tiers
@replace crm.track_tiers

-- comments

COMMENT ON OPERATOR crm.- (crm.purchase_history,crm.purchase_history) IS 'the left history without what is in the right one; an error if purchases would be missing';
COMMENT ON TYPE crm.tier_program IS 'a loyalty program: tiers with thresholds, window, downgrade, grace: {Bronze: spend 0, Silver: spend 500} rolling 12 months downgrade one_tier grace 30 days';
COMMENT ON TYPE crm.points_rule IS 'how points are earned and expire, by tier where a program is given';
COMMENT ON OPERATOR FAMILY crm.purchase_model_ops USING btree IS 'order by bytes: the same on every machine of one kind';
COMMENT ON OPERATOR CLASS crm.purchase_model_ops USING btree IS 'order by bytes: the same on every machine of one kind';
COMMENT ON OPERATOR FAMILY crm.purchase_model_hash_ops USING hash IS 'equal values';
COMMENT ON OPERATOR CLASS crm.purchase_model_hash_ops USING hash IS 'equal values';
COMMENT ON OPERATOR FAMILY crm.spend_model_ops USING btree IS 'order by bytes: the same on every machine of one kind';
COMMENT ON OPERATOR CLASS crm.spend_model_ops USING btree IS 'order by bytes: the same on every machine of one kind';
COMMENT ON OPERATOR FAMILY crm.spend_model_hash_ops USING hash IS 'equal values';
COMMENT ON OPERATOR CLASS crm.spend_model_hash_ops USING hash IS 'equal values';
COMMENT ON TYPE crm.nps_result IS 'what nps returns';
COMMENT ON TYPE crm.customer_equity_result IS 'the sum of the lifetime values of all customers, and how few of them hold it';
COMMENT ON COLUMN crm.data_check_result.first_purchased_on IS 'earliest purchase day';
COMMENT ON COLUMN crm.data_check_result.last_purchased_on IS 'latest purchase day by as_of';
COMMENT ON COLUMN crm.nps_result.score IS 'share of promoters minus share of detractors, in percent: -100 to 100';
COMMENT ON COLUMN crm.nps_result.responses IS 'number of answers';
COMMENT ON COLUMN crm.nps_result.promoters IS 'answers from 9 to 10';
COMMENT ON COLUMN crm.nps_result.passives IS 'answers from 7 to below 9';
COMMENT ON COLUMN crm.nps_result.detractors IS 'answers below 7';
COMMENT ON COLUMN crm.nps_result.standard_error IS 'standard error of score, in percent points';
COMMENT ON COLUMN crm.customer_equity_result.customers IS 'customers with a lifetime value';
COMMENT ON COLUMN crm.customer_equity_result.equity IS 'sum of their lifetime values';
COMMENT ON COLUMN crm.customer_equity_result.mean_lifetime_value IS 'equity per customer';
COMMENT ON COLUMN crm.customer_equity_result.top_fifth_share IS 'part of the equity that the best fifth hold (rounded up); NULL if the equity is not positive';
COMMENT ON COLUMN crm.customer_equity_result.gini IS '0 if all are worth the same, near 1 if one is worth all; NULL with negative values';
COMMENT ON OPERATOR FAMILY crm.purchase_model_ops USING btree IS 'order by bytes: the same on every machine of one kind';
COMMENT ON OPERATOR FAMILY crm.purchase_model_hash_ops USING hash IS 'equal values';
COMMENT ON OPERATOR FAMILY crm.spend_model_ops USING btree IS 'order by bytes: the same on every machine of one kind';
COMMENT ON OPERATOR FAMILY crm.spend_model_hash_ops USING hash IS 'equal values';
COMMENT ON FUNCTION crm_internal.purchase_model_cmp(crm.purchase_model, crm.purchase_model) IS 'less-equal-greater';
COMMENT ON FUNCTION crm_internal.purchase_model_hash_extended(crm.purchase_model, bigint) IS 'hash with a seed';
COMMENT ON FUNCTION crm_internal.spend_model_cmp(crm.spend_model, crm.spend_model) IS 'less-equal-greater';
COMMENT ON FUNCTION crm_internal.spend_model_hash_extended(crm.spend_model, bigint) IS 'hash with a seed';

-- The check of the rules of each tracking. Where a column has another type than
-- crm.track gave it, calls would not be those of the extension alone.
DO $checks$
DECLARE
  c record;
  columns constant text[] := crm_internal.rule_columns();
BEGIN
  FOR c IN
    SELECT s.scoring::regclass,
      (SELECT array_agg(a.atttypid::regtype ORDER BY u.n) = '{crm.rfm_scale,crm.segment_map,int4,crm.tier_program,crm.purchase_model,crm.spend_model,float8,int4,float8}'::regtype[]
       FROM unnest(columns) WITH ORDINALITY AS u(name, n)
         JOIN pg_attribute a ON a.attrelid = s.scoring AND a.attname = u.name AND NOT a.attisdropped) AS as_made
    FROM unnest(string_to_array(current_setting('crm.rules_to_check'), ',')::oid[]) AS s(scoring)
  LOOP
    IF c.as_made THEN
      EXECUTE format('ALTER TABLE %s ADD CONSTRAINT rule_can_score CHECK ((crm.score_customer(crm.purchase(date ''2000-01-01'', 1::numeric, 1), date ''2001-01-01'', %s) IS NULL) IS NOT NULL)',
        c.scoring, crm_internal.column_list(columns, ''));
    ELSE
      RAISE WARNING 'rules in % are no longer checked when they are written: columns have other types than crm.track gave them', c.scoring;
    END IF;
  END LOOP;
END $checks$;
