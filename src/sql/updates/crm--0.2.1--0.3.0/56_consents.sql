-- Aggregates that append, and settle what they have once at the end; 90_words replaces crm.merge.

@replace crm_internal.consents_transition
@create crm_internal.consents_merge
@create crm_internal.consents_final
@replace crm.consents
@create crm_internal.referral_network_merge
@replace crm_internal.referral_network_final
