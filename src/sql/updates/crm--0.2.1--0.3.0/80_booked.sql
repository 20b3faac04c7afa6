-- purchases views with a booked day: crm.track names its column; 90_words.sql makes anew what is dropped

DROP FUNCTION crm_internal.make_purchases_view(regclass, name, name, name, name, text);
@create crm_internal.day_of_column
