-- what 34_tier_terms has is new, and progress tells which rules belong together

@part 34_tier_terms.sql
@create crm.and_rule

DROP FUNCTION crm.tier_progress(crm.tier_program, crm.purchase_history, date, crm.tier_override[], daterange[]);
@create crm.tier_progress
