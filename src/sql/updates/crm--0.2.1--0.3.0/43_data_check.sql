-- what makes the models lie, in data_check

ALTER TYPE crm.data_check_result ADD ATTRIBUTE cohort_days int;
ALTER TYPE crm.data_check_result ADD ATTRIBUTE usual_gap_days float8;
ALTER TYPE crm.data_check_result ADD ATTRIBUTE spend_correlation float8;
ALTER TYPE crm.data_check_result ADD ATTRIBUTE spend_correlation_error float8;
ALTER TYPE crm.data_check_result ADD ATTRIBUTE is_one_price bool;
ALTER TYPE crm.data_check_result ADD ATTRIBUTE rate_trend float8;
ALTER TYPE crm.data_check_result ADD ATTRIBUTE rate_trend_error float8;
ALTER TYPE crm.data_check_result ADD ATTRIBUTE season float8;
ALTER TYPE crm.data_check_result ADD ATTRIBUTE remarks text[];
COMMENT ON COLUMN crm.data_check_result.cohort_days IS 'days from the first purchase of the first customer to that of the last one';
COMMENT ON COLUMN crm.data_check_result.usual_gap_days IS 'mean days between two purchase days of a repeat buyer';
COMMENT ON COLUMN crm.data_check_result.spend_correlation IS 'correlation of the number of repeat purchases and the mean spend of repeat buyers, both as logarithms; clv takes the two for independent';
COMMENT ON COLUMN crm.data_check_result.spend_correlation_error IS 'standard error of spend_correlation';
COMMENT ON COLUMN crm.data_check_result.is_one_price IS 'whether all repeat buyers spend the same per purchase';
COMMENT ON COLUMN crm.data_check_result.rate_trend IS 'whether customers buy more and more often (above 0) or less and less (below), from -1 to 1: where their purchases lie between the first and the last; whoever left or came later does not count';
COMMENT ON COLUMN crm.data_check_result.rate_trend_error IS 'standard error of rate_trend';
COMMENT ON COLUMN crm.data_check_result.season IS 'by what share the purchases of a calendar month usually differ from even ones, chance taken off; from purchases between a customers first and last; NULL under a year or 120 of them';
COMMENT ON COLUMN crm.data_check_result.remarks IS 'everything noticed that makes a model say less than it seems to, each with a way out; empty if nothing';
