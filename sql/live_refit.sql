-- what a refit says of rules that it leaves as they are
SET client_min_messages = warning;
CREATE SCHEMA refit;
SET search_path = refit, public;
CREATE TABLE orders (tenant text, customer bigint, day date, amount numeric);
INSERT INTO orders SELECT 'big', customer_id, purchased_on, amount
  FROM crm.simulate_purchases(crm.bg_nbd(0.8, 30, 0.9, 3), crm.gamma_gamma(6, 4, 15), 200, '[2025-01-01,2026-06-30]', 7, '2026-03-31');
INSERT INTO orders SELECT 'small', i, date '2026-01-01' + i, 10 FROM generate_series(1, 5) i;
INSERT INTO orders SELECT 'once', i, date '2026-01-01' + i % 90, 10 FROM generate_series(1, 100) i;
INSERT INTO orders SELECT 'clockwork', i, date '2025-01-01' + i + 7 * j, 10 FROM generate_series(1, 30) i, generate_series(0, CASE WHEN i % 5 = 0 THEN 0 ELSE 40 END) j;
INSERT INTO orders SELECT 'refunds', customer, day, -amount FROM orders WHERE tenant = 'big';
INSERT INTO orders SELECT 'it''s, (one)', 1, '2026-01-01', 10;
CREATE VIEW purchases AS SELECT tenant, customer, day AS purchased_on, amount FROM orders;
SELECT crm.track('purchases', scale_by => '{tenant}', time_zone => 'UTC');
INSERT INTO purchases_scoring (tenant) VALUES ('empty');
UPDATE purchases_scoring SET purchase_model = crm.bg_nbd(1, 1, 1, 1) WHERE tenant IN ('once', 'empty');
CALL crm.refresh('purchases', '2026-06-30', true);
SELECT tenant, crm.is_converged(purchase_model) AS purchase, crm.is_converged(spend_model) AS spend, scale IS NOT NULL AS scaled FROM purchases_scoring ORDER BY 1;
SELECT tenant, purchase_model IS NOT NULL AS purchase, spend_model IS NOT NULL AS spend, fitted_on, spend_fitted_on, recorded_on FROM purchases_models ORDER BY 1;

-- nothing of it stops a refresh
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''no models here''; END';
CREATE TRIGGER refuse BEFORE INSERT ON purchases_models FOR EACH ROW EXECUTE FUNCTION refuse();
UPDATE purchases_scoring SET purchase_model = crm.mbg_nbd(1, 1, 1, 1) WHERE tenant = 'once';
CALL crm.refresh('purchases', '2026-07-31', true);
SELECT DISTINCT scaled_on FROM purchases_scoring WHERE scaled_on IS NOT NULL;
SELECT * FROM crm.verify('purchases');
CALL crm.refresh('purchases', 10);
BEGIN;
CALL crm.refresh('purchases', refit => true);
ROLLBACK;
SET client_min_messages = error;
SELECT crm.untrack('purchases');
DROP SCHEMA refit CASCADE;
