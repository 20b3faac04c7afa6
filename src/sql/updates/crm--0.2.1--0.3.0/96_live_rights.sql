-- the rights that views for reports are read by; 90_words.sql made anew what calls this

@create crm_internal.view_options
