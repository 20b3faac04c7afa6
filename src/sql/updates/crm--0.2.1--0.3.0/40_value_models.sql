-- models that are limits of the families, and a choice among all

@create crm.nbd
@create crm.poisson
@create crm.one_price
@create crm.model_choice
@replace crm.model_name
@create crm.spend_measure
@create crm_internal.fit_purchase_model_final
@create crm_internal.purchase_model_holdout_transition
