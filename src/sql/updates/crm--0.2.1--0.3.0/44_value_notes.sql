-- how sure a total is, and why somebody has no value

@create crm.interval
COMMENT ON FUNCTION crm.interval(crm.expected_revenue_result, float8) IS
  'between which amounts the revenue of a group of customers lies with this probability, cut alike on both sides: chance and the error of the parameters together; NULL where its standard error is infinite';
@create crm.value_note
