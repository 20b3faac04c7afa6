-- rows that cross nodes get named types; the functions come in 90_words and below

DROP FUNCTION crm.btyd(crm.purchase_history, date, int);
DROP FUNCTION crm.whale_peak(crm.whale_curve);
@create_type crm.btyd_result
@create_type crm.whale_peak_result
@create_type crm.contact_verdict_result
@create_type crm.standing_result
