-- rows that cross nodes get named types; the functions come in 90_words and below

DROP FUNCTION crm.btyd(crm.purchase_history, date, int);
DROP FUNCTION crm.whale_peak(crm.whale_curve);
@create_type crm.btyd_result
@create_type crm.whale_peak_result
@create_type crm.contact_verdict_result
@create_type crm.standing_result

-- views stand on it, among them those of crm.track_tiers: they go on with what they had
ALTER FUNCTION crm.standing(crm.tier_program, crm.purchase_history, date, crm.tier_override[], daterange[]) SET SCHEMA crm_internal;
@replace crm_internal.standing
@replace crm_internal.until
@create crm.standing
@create crm.whale_peak
