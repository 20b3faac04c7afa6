-- customer_equity: values and edges
SET search_path = public, crm;
SELECT (customer_equity(v)).* FROM (VALUES (10.0), (30.0), (60.0), (NULL)) t(v);
SELECT (customer_equity(v)).* FROM (VALUES (10.0::float8), (-30.0), (60.0)) t(v);
SELECT (customer_equity(v)).* FROM (VALUES (0.0)) t(v);
SELECT customer_equity(v) FROM (VALUES ('Infinity'::float8)) t(v);
