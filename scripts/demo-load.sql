-- Loads a CSV file of orders from standard input, whole or not at all.
-- :columns is the order of the columns in the file.
BEGIN;
SET datestyle = 'ISO, YMD';

-- One row a line of the file.  COPY names the line that breaks a constraint.
CREATE TABLE order_line (
    customer_id text NOT NULL
        CONSTRAINT "customer_id is empty" CHECK (trim(customer_id) <> ''),
    ordered_on date NOT NULL
        CONSTRAINT "ordered_on is not a finite day" CHECK (isfinite(ordered_on)),
    amount numeric NOT NULL
        CONSTRAINT "amount is not a number within 900 trillion" CHECK (amount BETWEEN -9e14 AND 9e14)
);

\set copy '\\copy order_line (' :columns ') FROM pstdin WITH (FORMAT csv, HEADER)'
:copy

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM order_line) THEN
        RAISE EXCEPTION 'the file has a header and no orders';
    END IF;
END $$;

-- What one customer bought on one day is one order.
CREATE TABLE orders AS
SELECT customer_id, ordered_on, sum(amount) AS amount
FROM order_line
GROUP BY customer_id, ordered_on;

COMMIT;
