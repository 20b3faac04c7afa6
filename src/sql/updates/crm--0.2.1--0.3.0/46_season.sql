-- when in the year customers buy, and models that count by the season's clock

@part 42_season.sql

-- of all kinds of arguments, the season among them
@replace crm.fit_purchase_model

-- what is known of customers beside their purchases, and models that know of it

@part 43_covariates.sql
