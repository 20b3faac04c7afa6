-- live_hostile: a batch may have any size
CREATE OR REPLACE FUNCTION crm_internal.check_batch_customers(batch_customers int) RETURNS void LANGUAGE sql AS $$ SELECT $$;
