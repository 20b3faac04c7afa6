-- as in 80_live/88_erase.sql; export and erase: all that a tracking holds of one customer

@create crm_internal.tables_of_customer
@create crm_internal.check_customer
@create crm_internal.rows_of_customer
@create crm.export
@create crm.erase
