-- rows that cross nodes get named types; the functions come in 90_words and below

DROP FUNCTION crm.btyd(crm.purchase_history, date, int);
DROP FUNCTION crm.whale_peak(crm.whale_curve);
CREATE TYPE crm.btyd_result AS (
  x int,
  t_x float8,
  age float8,
  mean_spend float8
);
COMMENT ON TYPE crm.btyd_result IS 'a history as the models see it';
COMMENT ON COLUMN crm.btyd_result.x IS 'days with a purchase after the first';
COMMENT ON COLUMN crm.btyd_result.t_x IS 'units from the first purchase day to the last';
COMMENT ON COLUMN crm.btyd_result.age IS 'units from the first purchase day to as_of';
COMMENT ON COLUMN crm.btyd_result.mean_spend IS 'net spend for each day of x';

CREATE TYPE crm.whale_peak_result AS (
  customers bigint,
  customer_share float8,
  profit numeric,
  profit_share float8
);
COMMENT ON TYPE crm.whale_peak_result IS 'where a whale curve is highest';
COMMENT ON COLUMN crm.whale_peak_result.customers IS 'those who bring a profit';
COMMENT ON COLUMN crm.whale_peak_result.customer_share IS 'their share of all customers';
COMMENT ON COLUMN crm.whale_peak_result.profit IS 'what they bring together';
COMMENT ON COLUMN crm.whale_peak_result.profit_share IS 'that as a share of the total; NULL if the total is not positive';

CREATE TYPE crm.contact_verdict_result AS (
  allowed boolean,
  reason text,
  earliest timestamptz
);
COMMENT ON TYPE crm.contact_verdict_result IS 'whether a customer may be contacted';
COMMENT ON COLUMN crm.contact_verdict_result.allowed IS 'whether the contact may be made';
COMMENT ON COLUMN crm.contact_verdict_result.reason IS 'what forbids it, or allowed';
COMMENT ON COLUMN crm.contact_verdict_result.earliest IS 'when it may be made, as things are now; NULL if never';

CREATE TYPE crm.standing_result AS (
  tier text,
  rank int,
  since date,
  expires_on date,
  metric_value numeric,
  next_tier text,
  missing_for_next numeric,
  missing_to_keep numeric,
  reason text
);
COMMENT ON TYPE crm.standing_result IS 'how a customer stands in a tier program on a day';
COMMENT ON COLUMN crm.standing_result.tier IS 'the tier held; NULL if none';
COMMENT ON COLUMN crm.standing_result.rank IS 'rank of the tier, 1 for the lowest, 0 without a tier';
COMMENT ON COLUMN crm.standing_result.since IS 'first day of the unbroken time at this tier';
COMMENT ON COLUMN crm.standing_result.expires_on IS 'first day of a lower tier or none, if nothing more is bought; NULL if there is no such day';
COMMENT ON COLUMN crm.standing_result.metric_value IS 'the program''s main metric on that day';
COMMENT ON COLUMN crm.standing_result.next_tier IS 'the tier above; NULL for the highest';
COMMENT ON COLUMN crm.standing_result.missing_for_next IS 'what is missing in that metric for the next tier';
COMMENT ON COLUMN crm.standing_result.missing_to_keep IS 'what is missing in that metric to keep the tier beyond expires_on; NULL if nothing bought would';
COMMENT ON COLUMN crm.standing_result.reason IS 'why the customer holds this tier';

-- views stand on it, among them those of crm.track_tiers: they go on with what they had
ALTER FUNCTION crm.standing(crm.tier_program, crm.purchase_history, date, crm.tier_override[], daterange[]) SET SCHEMA crm_internal;
@replace crm_internal.standing
@replace crm_internal.until
@create crm.standing
@create crm.whale_peak
