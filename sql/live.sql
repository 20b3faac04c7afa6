-- error texts of trackings
\set SHOW_CONTEXT never
CREATE SCHEMA live;
SET search_path = live;
CREATE TABLE orders (id int, customer int, at timestamp, price numeric, paid money, happened time);

-- columns
CREATE VIEW v1 AS SELECT customer, at AS purchased_on, price AS amount FROM orders;
SELECT crm.track('v1');
CREATE VIEW v2 AS SELECT customer, at::date AS purchased_on, paid AS amount FROM orders;
SELECT crm.track('v2');
CREATE VIEW v3 AS SELECT customer, at::date AS purchased_on, price AS amount, price AS orders FROM orders;
SELECT crm.track('v3');
CREATE VIEW v4 AS SELECT at::date AS purchased_on, price AS amount FROM orders;
SELECT crm.track('v4');
CREATE VIEW v5 AS SELECT customer, price AS amount FROM orders;
SELECT crm.track('v5');
CREATE VIEW v6 AS SELECT customer, at::date AS purchased_on FROM orders;
SELECT crm.track('v6');
CREATE VIEW v7 AS SELECT point(customer, 1) AS customer, at::date AS purchased_on, price AS amount FROM orders;
SELECT crm.track('v7');
CREATE VIEW v8 AS SELECT customer AS segment, at::date AS purchased_on, price AS amount FROM orders;
SELECT crm.track('v8');

-- calls
SELECT crm.track('orders');
SELECT crm.track('orders', customer => 'client', purchased_on => 'at', amount => 'price');
SELECT crm.track('v2', customer => 'customer');
SELECT crm.track(NULL);
CREATE VIEW purchases AS SELECT customer, at::date AS purchased_on, price AS amount FROM orders WHERE price <> 0;
SELECT crm.track('purchases', time_zone => 'Nowhere');
SELECT crm.track('purchases', scale_by => '{tenant}');
SELECT crm.track('purchases', bins => 7);
SELECT crm.track('purchases', histories => 'orders');
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT crm.track('purchases');
ROLLBACK;
SELECT crm.untrack('purchases');
SELECT crm.verify('orders');
SELECT crm.track('purchases');
SELECT crm.track('purchases');
BEGIN;
CALL crm.refresh('purchases');
ROLLBACK;
CREATE VIEW later_purchases AS SELECT customer, at::date AS purchased_on, price AS amount FROM orders WHERE price > 5;
SELECT crm.track('later_purchases');
SELECT crm.rebuild('orders');
SELECT customer_count, revenue FROM crm.revenue_forecast('purchases');
SELECT crm.snapshot('purchases', NULL);
SELECT crm_internal.rescore('purchases_histories', '{1,2}', 10);

-- statements
INSERT INTO orders VALUES (1, 1, '2026-01-01', 1e15);
INSERT INTO orders VALUES (1, 1, '2026-01-01', 'NaN');
INSERT INTO orders VALUES (1, 1, 'infinity', 1);
INSERT INTO orders VALUES (1, 1, '2026-01-01', 1);
SELECT customer, history FROM purchases_histories;
DELETE FROM purchases_histories;
DELETE FROM orders;
ALTER TABLE purchases_histories DROP COLUMN segment CASCADE;
INSERT INTO orders VALUES (1, 1, '2026-01-01', 1);
ALTER TABLE purchases_histories ADD COLUMN segment text;
CREATE OR REPLACE VIEW purchases AS SELECT customer, at::date AS purchased_on, sum(price) AS amount FROM orders GROUP BY 1, 2;
INSERT INTO orders VALUES (1, 1, '2026-01-01', 1);
SELECT crm.detach('purchases');
SELECT crm.detach('later_purchases');
CREATE TRIGGER lonely AFTER INSERT ON orders FOR EACH STATEMENT EXECUTE FUNCTION crm.track_statement();
INSERT INTO orders VALUES (1, 1, '2026-01-01', 1);
DROP TRIGGER lonely ON orders;
CREATE TRIGGER lonely AFTER INSERT ON orders REFERENCING NEW TABLE AS n FOR EACH STATEMENT EXECUTE FUNCTION crm.track_statement();
INSERT INTO orders VALUES (1, 1, '2026-01-01', 1);
RESET search_path;
SET client_min_messages = warning;
DROP SCHEMA live CASCADE;
