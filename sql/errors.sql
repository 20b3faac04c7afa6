-- Errors as those who get them read them: no line of a function of crm's own
-- below them, and hints that lead to the right figure.
\set VERBOSITY default
\set SHOW_CONTEXT always
SET client_min_messages = warning;
CREATE TABLE shop_orders (customer_id int, ordered_on date, ordered_at timestamptz, amount numeric);
INSERT INTO shop_orders VALUES
  (1, '2024-01-10', '2024-01-10 23:30+00', 100),
  (2, '2024-02-01', '2024-02-01 12:00+00', 50);

-- in PL/pgSQL of crm, in C below it, and in a helper below a helper
SELECT crm.track('shop_orders');
SELECT crm.track('shop_orders', 'customer_id', 'ordered_on', 'total');
SELECT crm.track('shop_orders', 'customer_id', 'ordered_on', 'amount', horizon_days => 0);
SELECT crm.untrack('shop_orders');
CALL crm.refresh('shop_orders');
SELECT crm.track_tiers('shop_orders');
SELECT * FROM crm.cohort_triangle('shop_orders', '2024-12-31', 'month');
SELECT * FROM crm.lifecycle_migration('shop_orders', '(2024-01-01,2024-06-30]');

-- lines of functions that are not crm's stay, and so do those of errors that are not crm's
CREATE FUNCTION nightly() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM crm.untrack('shop_orders');
END $$;
SELECT nightly();
CREATE FUNCTION mean_order() RETURNS numeric LANGUAGE plpgsql AS $$
BEGIN
  PERFORM 1 / 0;
  RETURN 0;
END $$;
SELECT mean_order();

-- caught, the error leaves nothing behind: the next one has its lines
CREATE FUNCTION patient() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  BEGIN
    PERFORM crm.untrack('shop_orders');
  EXCEPTION WHEN undefined_object THEN
    RAISE WARNING 'caught: %', sqlerrm;
  END;
  PERFORM mean_order();
  RETURN 'not here';
END $$;
SELECT patient();

-- an instant has no day without a zone, and the advice of a cast would take the session's
SET TimeZone = 'Asia/Tokyo';
SELECT crm.purchase_history(ordered_at, amount) FROM shop_orders;
SELECT crm.purchase_history(ordered_at, amount, 1) FROM shop_orders;
SELECT crm.purchase_history(ordered_at::timestamp, amount) FROM shop_orders;
SELECT crm.purchase_history(ordered_at, amount, 'Europe/Berlin') FROM shop_orders;
SELECT crm.purchase_history(ordered_on, amount) FROM shop_orders;

-- scores between the whole numbers are not rounded up into another band
SELECT score, responses, promoters, passives, detractors FROM (SELECT (crm.nps(s)).* FROM (VALUES (6.5::float8), (8.5), (9.0), (10), (NULL)) v(s)) n;
SELECT (crm.nps(s)).detractors AS detractors FROM (VALUES (6.999999::float8), (6)) v(s);
SELECT (crm.nps(s::float8)).score = (crm.nps(s)).score AS same_as_of_whole_numbers FROM generate_series(0, 10) s;
SELECT (crm.nps(s::smallint)).promoters FROM generate_series(0, 10) s;
SELECT crm.nps(s) FROM (VALUES (10.5::float8)) v(s);
SELECT crm.nps(s) FROM (VALUES (6.5)) v(s);
SELECT crm.nps(s) FROM (VALUES (11.0)) v(s);
SELECT crm.nps(s) FROM (VALUES ('NaN'::numeric)) v(s);
SELECT crm.nps(s) FROM (VALUES ('NaN'::float8)) v(s);
SELECT crm.nps(s) FROM (VALUES (-0.5::float8)) v(s);

DROP FUNCTION nightly, mean_order, patient;
DROP TABLE shop_orders;
