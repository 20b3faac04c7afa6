-- Loads a CSV file of orders from standard input, whole or not at all.
-- :columns are names for the columns of the file; :customer, :day and :amounts
-- (several are factors) are those looked at; :delimiter is between the fields,
-- :dates how days are written, YMD, DMY or MDY, :decimal what decimals stand behind.
BEGIN;
SET datestyle = 'ISO, YMD';

-- A day as written by the file, whose time of day does not count. Words that
-- date() takes, such as now, are no days of a file.
CREATE FUNCTION pg_temp.day_of(written text, dates text) RETURNS date LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  parts text[]; y int; m int; d int;
BEGIN
  IF written IS NULL OR trim(written) = '' THEN RAISE EXCEPTION 'the day is missing'; END IF;
  parts := regexp_match(trim(written), CASE dates WHEN 'YMD' THEN '^(\d{4})-(\d{1,2})-(\d{1,2})' ELSE '^(\d{1,2})[-./](\d{1,2})[-./](\d{4}|\d\d)' END
    || '(?:[T ] ?\d{1,2}:.*)?$');
  IF parts IS NULL THEN
    RAISE EXCEPTION 'expected a day as %, found "%"', CASE dates WHEN 'YMD' THEN 'YYYY-MM-DD' WHEN 'DMY' THEN '31.12.2024' ELSE '12/31/2024' END, written
      USING HINT = CASE WHEN written ~ '^ *\d{1,2}[-./]\d{1,2}[-./](\d{4}|\d\d)\M' THEN '--dates DMY reads 31.12.2024, --dates MDY reads 12/31/2024'
        WHEN written ~ '^ *\d{4}-\d' AND dates <> 'YMD' THEN 'leave --dates away' ELSE '' END;
  END IF;
  IF dates = 'YMD' THEN y := parts[1]; m := parts[2]; d := parts[3];
  ELSIF dates = 'DMY' THEN d := parts[1]; m := parts[2]; y := parts[3];
  ELSE m := parts[1]; d := parts[2]; y := parts[3];
  END IF;
  IF y < 100 THEN y := y + CASE WHEN y < 70 THEN 2000 ELSE 1900 END; END IF;
  RETURN make_date(y, m, d);
EXCEPTION WHEN datetime_field_overflow THEN
  RAISE EXCEPTION 'there is no day "%"', written USING HINT =
    CASE WHEN dates = 'DMY' AND m > 12 THEN '--dates MDY reads the month first' WHEN dates = 'MDY' AND m > 12 THEN '--dates DMY reads the day first' ELSE '' END;
END $$;

CREATE FUNCTION pg_temp.amount_of(written text, decimal_point text) RETURNS numeric LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  plain text := CASE WHEN decimal_point = ',' THEN translate(written, ',.', '.') ELSE written END;
BEGIN
  IF written IS NULL OR trim(written) = '' THEN RAISE EXCEPTION 'the amount is missing'; END IF;
  IF plain !~ '^\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d{1,3})?\s*$' THEN
    RAISE EXCEPTION 'expected an amount as 1234.50, found "%"', written
      USING HINT = CASE WHEN written ~ '^\s*[-+]?[\d.]+,\d+\s*$' THEN '--decimal , reads 1.234,50' WHEN written ~ '\d' THEN 'leave away signs of currencies and commas between thousands' ELSE '' END;
  END IF;
  RETURN plain::numeric;
END $$;

-- The product of an order's factors; the histories hold money within 900 trillion.
CREATE FUNCTION pg_temp.product(factors text[], decimal_point text) RETURNS numeric LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  factor text; result numeric := 1;
BEGIN
  FOREACH factor IN ARRAY factors LOOP result := result * pg_temp.amount_of(factor, decimal_point); END LOOP;
  IF abs(result) > 9e14 THEN RAISE EXCEPTION 'amount % is not within 900 trillion', result; END IF;
  RETURN result;
END $$;

-- One row a line of the file, each read as COPY puts it down, which names the line that cannot be read.
SELECT string_agg(name || ' text', ', ') AS texts FROM unnest(string_to_array(:'columns', ',')) name \gset
CREATE TABLE order_line (:texts, customer_id text, ordered_on date, amount numeric);
SELECT format($reader$CREATE FUNCTION pg_temp.read_line() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
  NEW.customer_id := nullif(trim(NEW.%I), '');
  NEW.ordered_on := pg_temp.day_of(NEW.%I, %L);
  NEW.amount := pg_temp.product(ARRAY[%s], %L);
  RETURN NEW;
END $body$$reader$, :'customer', :'day', :'dates', (SELECT string_agg('NEW.' || quote_ident(name), ', ') FROM unnest(string_to_array(:'amounts', ',')) name), :'decimal') AS reader \gset
:reader;
CREATE TRIGGER read_line BEFORE INSERT ON order_line FOR EACH ROW EXECUTE FUNCTION pg_temp.read_line();

\set copy '\\copy order_line (' :columns ') FROM pstdin WITH (FORMAT csv, HEADER, DELIMITER ' :'delimiter' ')'
:copy

DO $$
DECLARE
  left_out bigint; customers bigint; last_day date; together numeric;
BEGIN
  IF NOT EXISTS (SELECT FROM order_line) THEN RAISE EXCEPTION 'the file has a header and no orders'; END IF;
  SELECT count(*) INTO left_out FROM order_line WHERE customer_id IS NULL;
  SELECT count(DISTINCT customer_id) INTO customers FROM order_line;
  IF customers = 0 THEN RAISE EXCEPTION 'no order has a customer'; END IF;
  IF left_out > 0 THEN RAISE WARNING '% rows name no customer and are left out', left_out; END IF;
  SELECT sum(abs(amount)) INTO together FROM order_line;
  IF together > 9e14 THEN
    RAISE EXCEPTION 'the amounts come to %, more than the 900 trillion that the figures of a shop hold', round(together) USING HINT = 'give them in thousands';
  END IF;
  SELECT count(*), max(ordered_on) INTO left_out, last_day FROM order_line WHERE ordered_on > current_date;
  IF left_out = (SELECT count(*) FROM order_line) THEN
    RAISE WARNING 'all rows are of days to come, up to %', last_day;
  ELSIF left_out > 0 THEN
    RAISE WARNING '% rows are of days to come, the last of %, and are left out; --as-of with a day to come counts them', left_out, last_day;
  END IF;
END $$;

-- What one customer bought on one day is one order.
CREATE TABLE orders AS
SELECT customer_id, ordered_on, sum(amount) AS amount
FROM order_line
WHERE customer_id IS NOT NULL
GROUP BY customer_id, ordered_on;

COMMIT;
