-- What a user of the first version has: trackings of every kind, values of every
-- type in a table, and views and indexes that depend on them.
CREATE SCHEMA s;
CREATE TABLE s.orders (id int, "e mail" text, at timestamptz, total numeric, status text) PARTITION BY RANGE (id);
CREATE TABLE s.orders_1 PARTITION OF s.orders FOR VALUES FROM (1) TO (1000);
CREATE TABLE s.orders_2 PARTITION OF s.orders DEFAULT;
INSERT INTO s.orders
SELECT i, 'A' || i % 60, now() - i * interval '3 hours', i % 97 + 0.25, CASE WHEN i % 9 = 0 THEN 'open' ELSE 'paid' END FROM generate_series(1, 2000) i;
CREATE VIEW s.paid_purchases AS
  SELECT lower("e mail") AS customer, (at AT TIME ZONE 'Asia/Tokyo')::date AS purchased_on, total AS amount FROM s.orders WHERE status = 'paid';
SELECT crm.track('s.paid_purchases', changes => true);
UPDATE s.paid_scoring SET purchase_model = crm.bg_nbd(0.8, 30, 0.9, 3, 1), spend_model = crm.gamma_gamma(6, 4, 15), look_back_days = 100,
  tier_program = crm.tier_program(tiers => '{Bronze,Silver}', thresholds => '{0,100}', metric => 'spend', period => '12 months', window_kind => 'rolling');
CALL crm.refresh('s.paid_purchases');

-- a key of two columns, rules for each tenant, another horizon
CREATE TABLE s.sales (tenant text, customer uuid, day date, amount float8, orders int);
INSERT INTO s.sales SELECT 't' || i % 3, md5((i % 50)::text)::uuid, current_date - i % 400, i % 31, 1 + i % 2 FROM generate_series(1, 1500) i;
CREATE VIEW s.sales_purchases AS SELECT tenant, customer, day AS purchased_on, amount, orders FROM s.sales;
SELECT crm.track('s.sales_purchases', scale_by => '{tenant}', horizon_days => 90, bins => 3);

-- two sources of one set of histories
CREATE TABLE s.refunds (customer text, day date, amount numeric);
CREATE VIEW s.refund_purchases AS SELECT customer, day AS purchased_on, -amount AS amount, 0 AS orders FROM s.refunds;
SELECT crm.track('s.refund_purchases', histories => 's.paid_histories');
INSERT INTO s.refunds SELECT 'a' || i, current_date - i, i FROM generate_series(1, 30) i;

-- row by row, and by refresh alone
CREATE TABLE s.replicated (id int PRIMARY KEY, customer int, day date, amount numeric);
SELECT crm.track('s.replicated', 'customer', 'day', 'amount', by_row => true);
INSERT INTO s.replicated SELECT i, i % 20, current_date - i, i FROM generate_series(1, 200) i;
CREATE VIEW s.daily_purchases AS SELECT customer, day AS purchased_on, sum(amount) AS amount FROM s.replicated GROUP BY 1, 2;
SELECT crm.track('s.daily_purchases');

-- a key of customer and category, which a view that is tracked anew would keep mixes of
CREATE TABLE s.lines (customer text, shelf text, day date, amount numeric);
INSERT INTO s.lines SELECT 'l' || i % 20, (ARRAY['tea', 'cups'])[1 + i % 2], current_date - i, i % 13 FROM generate_series(1, 200) i;
CREATE VIEW s.shelf_purchases AS SELECT customer, shelf AS category, day AS purchased_on, amount FROM s.lines;
SELECT crm.track('s.shelf_purchases');

SELECT crm.snapshot('s.paid_purchases', current_date);
CREATE VIEW s.champions AS
  SELECT customer, c.segment, c.tier, c.clv_365d, crm.spend(h.history) AS spend FROM s.paid_customers AS c JOIN s.paid_histories AS h USING (customer) WHERE c.rfm > '3';

-- a function whose row has got a name since, and a view on it
CREATE VIEW s.levels AS
  SELECT h.customer, l.tier, l.rank, (crm.standing(r.tier_program, h.history, date '2026-01-31', NULL)).missing_for_next
  FROM s.paid_histories AS h CROSS JOIN s.paid_scoring AS r CROSS JOIN LATERAL crm.standing(r.tier_program, h.history, current_date) AS l;
DO $$
BEGIN
  IF to_regprocedure('crm.track_tiers(regclass, boolean)') IS NOT NULL THEN
    PERFORM crm.track_tiers('s.daily_purchases');
    CREATE VIEW s.near_silver AS SELECT * FROM s.daily_standing WHERE next_tier = 'Silver';
  END IF;
END $$;

CREATE TABLE s.kept AS
SELECT h.customer, h.history, r.scale, r.segments, r.tier_program, r.purchase_model, r.spend_model,
  crm.rfm_score(r.scale, h.history, current_date) AS rfm,
  crm.points_rule(1.5, program => r.tier_program, multipliers => '{1,2}') AS points_rule,
  crm.interaction('2026-03-29 00:30+00', 'complaint', 'e-mail to shop', 'inbound', 'answered', 7, '2026-04-01 12:00+02')
    OPERATOR(crm.+) crm.interaction(timestamptz '2026-03-01 12:00+00' + length(h.customer) * interval '1 hour', 'message', 'sms', 'outbound') AS interactions,
  crm.recommended_level('few', 'high') AS level, crm.relationship_bands(100, 1000, 5, 50) AS bands,
  crm.consent('newsletter', 'consent', '[2026-01-01 00:00+00,)') AS consents,
  '1 per 1 day; 3 per 7 days; email 2 per 7 days; quiet 21:00-08:00; pause 14 days after complaint; transactional exempt'::crm.contact_policy AS policy
FROM s.paid_histories AS h, s.paid_scoring AS r;
ALTER TABLE s.kept ADD COLUMN retention crm.retention_curve, ADD COLUMN survival crm.survival_curve, ADD COLUMN whale crm.whale_curve,
  ADD COLUMN referrals crm.referral_network, ADD COLUMN sums crm.exact_sums;
UPDATE s.kept SET
  (retention, whale) = (SELECT crm.retention(history, 'month', '2026-11-01'), crm.whale_curve(crm.spend(history)) FROM s.paid_histories),
  survival = (SELECT crm.survival_curve(n, n % 3 = 0) FROM generate_series(1, 40) n),
  referrals = (SELECT crm.referral_network('c' || n / 3, 'c' || n, n) FROM generate_series(1, 40) n);
CREATE INDEX ON s.kept (history);
CREATE INDEX ON s.kept USING hash (interactions);
