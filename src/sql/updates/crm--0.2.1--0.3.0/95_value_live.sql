-- a refit chooses a model where none is in force; 90_words.sql made anew what has changed beside this

@replace crm_internal.purchase_fit_data
DROP FUNCTION crm_internal.model_to_fit(crm.purchase_model);
