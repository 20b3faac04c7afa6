-- errors without context lines of the extension's own, and for calls that a cast would have led astray

@create crm_internal.raise_error
@create crm_internal.check_has_histories
@create crm_internal.purchase_history_without_zone
@replace crm_internal.nps_transition
@replace crm.nps
@replace crm_internal.check_batch_customers
