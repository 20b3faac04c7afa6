-- What a cluster has before pg_upgrade: a tracking of every kind, and values of every type in a table. scripts/pg-upgrade runs it.
SET client_min_messages = warning;
CREATE EXTENSION crm;
CREATE SCHEMA s;
CREATE TABLE s.orders (id int, email text, at date, total numeric, status text) PARTITION BY RANGE (id);
CREATE TABLE s.orders_1 PARTITION OF s.orders FOR VALUES FROM (1) TO (1000);
CREATE TABLE s.orders_2 PARTITION OF s.orders FOR VALUES FROM (1000) TO (2000);
CREATE TABLE s.orders_3 PARTITION OF s.orders DEFAULT;
INSERT INTO s.orders SELECT i, 'a' || i % 60, date '2026-11-01' - i / 8, i % 97 + 0.25, CASE WHEN i % 9 = 0 THEN 'open' ELSE 'paid' END FROM generate_series(1, 2500) AS i;
CREATE VIEW s.paid_purchases AS SELECT email AS customer, at AS purchased_on, total AS amount FROM s.orders WHERE status = 'paid';
SELECT crm.track('s.paid_purchases', changes => true);
UPDATE s.paid_scoring SET purchase_model = crm.bg_nbd(0.8, 30, 0.9, 3, 1), spend_model = crm.gamma_gamma(6, 4, 15),
  tier_program = '{Bronze: spend 0, Silver: spend 100} rolling 12 months';
CALL crm.refresh('s.paid_purchases', '2026-11-20');
SELECT crm.track_tiers('s.paid_purchases');
INSERT INTO s.paid_tier_decisions (customer, what, tier, valid, why) VALUES ('a1', 'floor', 'Silver', '(,)', 'a friend');
SELECT crm.snapshot('s.paid_purchases', '2026-11-20');
ALTER TABLE s.orders DETACH PARTITION s.orders_2;

-- rules by tenant, written at commit
CREATE TABLE s.sales (tenant text, customer uuid, day date, amount float8);
INSERT INTO s.sales SELECT 't' || i % 3, md5((i % 50)::text)::uuid, date '2026-11-01' - i % 400, i % 31 FROM generate_series(1, 1500) AS i;
CREATE VIEW s.sales_purchases AS SELECT tenant, customer, day AS purchased_on, amount FROM s.sales;
SELECT crm.track('s.sales_purchases', scale_by => '{tenant}', upkeep => 'commit');

-- amounts on a joined table, corrections, row by row, by refresh alone
CREATE TABLE s.receipt (id int PRIMARY KEY, customer int, day date);
CREATE TABLE s.line (receipt int REFERENCES s.receipt, amount numeric);
INSERT INTO s.receipt SELECT i, i % 20, date '2026-11-01' - i FROM generate_series(1, 200) AS i;
INSERT INTO s.line SELECT i, i % 7 FROM generate_series(1, 200) AS i;
CREATE VIEW s.joined_purchases AS SELECT r.customer, r.day AS purchased_on, l.amount FROM s.line l JOIN s.receipt r ON r.id = l.receipt;
SELECT crm.track('s.joined_purchases');
CREATE TABLE s.replicated (id int PRIMARY KEY, customer int, day date, booked date, amount numeric);
SELECT crm.track('s.replicated', 'customer', 'day', 'amount', by_row => true, booked_on => 'booked');
INSERT INTO s.replicated SELECT i, i % 20, date '2026-11-01' - i, date '2026-11-01' - i, i FROM generate_series(1, 200) AS i;
INSERT INTO s.replicated VALUES (1001, 5, '2026-10-07', '2026-11-05', -3);
CREATE VIEW s.daily_purchases AS SELECT customer, day AS purchased_on, sum(amount) AS amount FROM s.replicated GROUP BY 1, 2;
SELECT crm.track('s.daily_purchases');

CREATE TABLE s.kept AS SELECT h.customer, h.history, r.scale, r.segments, r.tier_program, r.purchase_model, r.spend_model FROM s.paid_histories AS h, s.paid_scoring AS r;
CREATE INDEX ON s.kept (history);
CREATE TABLE s.other AS SELECT '{marketing consent [2024-01-01 00:00:00+00, )}'::crm.consents AS consents, '{stated a = "42" by anna at 2024-01-01 00:00+00}'::crm.profile AS profile,
  (SELECT crm.whale_curve(i) FROM generate_series(1, 50) AS i) AS curve, '{2024-03-29 10:00+00 message post outbound}'::crm.interaction_history AS interactions;
