-- A cluster goes on behind pg_upgrade: what is written and what comes and goes is followed. Nothing but the last line is printed.
\set ON_ERROR_STOP on
\o /dev/null
INSERT INTO s.orders VALUES (10, 'new', '2026-11-21', 50, 'paid'), (3001, 'a7', '2026-11-21', 50, 'paid');
UPDATE s.orders SET total = total + 1 WHERE id % 50 = 0;
DELETE FROM s.orders WHERE id % 90 = 1;
ALTER TABLE s.orders ATTACH PARTITION s.orders_2 FOR VALUES FROM (1000) TO (2000);
CREATE TABLE s.orders_4 PARTITION OF s.orders FOR VALUES FROM (4000) TO (5000);
INSERT INTO s.orders VALUES (4001, 'a8', '2026-11-22', 50, 'paid');
BEGIN;
INSERT INTO s.sales SELECT 't' || i % 4, md5((i % 70)::text)::uuid, '2026-11-20', 5 FROM generate_series(1, 100) AS i;
UPDATE s.sales SET amount = amount * 2 WHERE tenant = 't1';
COMMIT;
UPDATE s.receipt SET customer = 99 WHERE id < 20;
DELETE FROM s.line WHERE receipt % 9 = 0;
INSERT INTO s.replicated VALUES (2001, 6, '2026-10-06', '2026-11-20', -9);
DELETE FROM s.paid_tier_decisions;
SELECT format('CALL crm.refresh(%s)', quote_literal(purchases)) FROM crm.tracked \gexec
\o
SELECT 'differences', count(*) FROM (SELECT crm.verify(purchases) FROM crm.tracked) AS v;
SELECT 'problems', count(*) FROM crm.tracking_status WHERE problem IS NOT NULL OR tables_without_triggers > 0;
