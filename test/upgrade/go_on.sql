-- Every kind of write on every tracking that test/upgrade/tracked.sql made.
INSERT INTO s.orders SELECT i, 'A' || i % 70, now(), 10, 'paid' FROM generate_series(5001, 5200) i;
UPDATE s.orders SET total = total + 1 WHERE id % 5 = 0;
DELETE FROM s.orders WHERE id % 7 = 0;
INSERT INTO s.orders_2 VALUES (6000, 'leaf', now(), 10, 'paid');
INSERT INTO s.sales SELECT 'new', md5(i::text)::uuid, current_date, i, 1 FROM generate_series(1, 20) i;
DELETE FROM s.sales WHERE tenant = 't1';
INSERT INTO s.refunds VALUES ('a1', current_date, 5);
INSERT INTO s.lines SELECT 'l' || i, 'pots', current_date, i FROM generate_series(15, 25) i;
UPDATE s.lines SET shelf = 'pots', amount = amount + 1 WHERE day > current_date - 10;
DELETE FROM s.lines WHERE shelf = 'cups' AND customer < 'l5';
UPDATE s.replicated SET amount = amount + 1, customer = customer + 1;
TRUNCATE s.orders_1;

-- Decisions on tiers, which the first version did not know.
SELECT crm.track_tiers('s.paid_purchases');
INSERT INTO s.paid_tier_decisions (customer, what, tier, valid, why) VALUES ('a1', 'floor', 'Silver', '(,)', 'partner'), ('a2', 'ceiling', 'Bronze', '(,)', 'dispute'),
  ('nobody yet', 'floor', 'Silver', '(,)', 'invited');
INSERT INTO s.orders VALUES (6001, 'A2', now(), 500, 'paid'), (6002, 'Nobody yet', now(), 1, 'paid');
INSERT INTO s.refunds VALUES ('a2', current_date, 5);
