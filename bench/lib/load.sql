-- Three tables of the same orders, some years of a simulated shop: plain, under a hand-written statement
-- trigger that upserts count, min, max and sum, and tracked with a log of changes.
CREATE EXTENSION crm;
CREATE TABLE load_plain (id bigserial PRIMARY KEY, customer_id int, ordered_on date, amount numeric);
INSERT INTO load_plain (customer_id, ordered_on, amount)
  SELECT customer_id, purchased_on, round(amount::numeric, 2)
  FROM crm.simulate_purchases(crm.bg_nbd(0.8, 60, 0.9, 3, 1), crm.gamma_gamma(6, 4, 15), :customers, daterange(current_date - 800, current_date - 1, '[]'), 1, current_date - 70)
  ORDER BY purchased_on;
CREATE TABLE load_hand (LIKE load_plain);
CREATE TABLE load_crm (LIKE load_plain);
INSERT INTO load_hand SELECT * FROM load_plain;
INSERT INTO load_crm SELECT * FROM load_plain;
ALTER TABLE load_hand ADD PRIMARY KEY (id), ALTER id SET DEFAULT nextval('load_plain_id_seq');
ALTER TABLE load_crm ADD PRIMARY KEY (id), ALTER id SET DEFAULT nextval('load_plain_id_seq');

CREATE TABLE load_hand_customers (customer_id int PRIMARY KEY, orders bigint, first_on date, last_on date, spend numeric) WITH (fillfactor = 80);
INSERT INTO load_hand_customers
  SELECT customer_id, count(*), min(ordered_on), max(ordered_on), sum(amount) FROM load_hand GROUP BY 1 ORDER BY 1;
CREATE FUNCTION load_hand() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  INSERT INTO load_hand_customers AS c
    SELECT customer_id, count(*), min(ordered_on), max(ordered_on), sum(amount) FROM new_rows GROUP BY 1
  ON CONFLICT (customer_id) DO UPDATE SET orders = c.orders + excluded.orders, first_on = least(c.first_on, excluded.first_on),
    last_on = greatest(c.last_on, excluded.last_on), spend = c.spend + excluded.spend;
  RETURN NULL;
END $$;
CREATE TRIGGER hand AFTER INSERT ON load_hand REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION load_hand();
SELECT crm.track('load_crm', 'customer_id', 'ordered_on', 'amount', changes => true) \g /dev/null
VACUUM (ANALYZE);

CREATE TABLE load_result (name text, round int, orders bigint, orders_a_second float8, cpu_seconds float8, wal_bytes numeric);
CREATE TABLE load_size (moment text, relation text, table_bytes bigint, index_bytes bigint, updates bigint, hot_updates bigint);

-- The medians of the rounds; ratio to the reference in the same round.
CREATE FUNCTION load_rates(reference text) RETURNS TABLE (name text, orders bigint, orders_a_second numeric, ratio numeric, ratio_seen text,
    cpu_us_an_order numeric, wal_bytes_an_order numeric)
LANGUAGE sql STABLE AS $$
  SELECT r.name, sum(r.orders)::bigint, round(percentile_cont(0.5) WITHIN GROUP (ORDER BY r.orders_a_second)::numeric),
    round(percentile_cont(0.5) WITHIN GROUP (ORDER BY r.orders_a_second / f.orders_a_second)::numeric, 3),
    round(min(r.orders_a_second / f.orders_a_second)::numeric, 3) || ' .. ' || round(max(r.orders_a_second / f.orders_a_second)::numeric, 3),
    round((1e6 * sum(r.cpu_seconds) / sum(r.orders))::numeric, 1), round(sum(r.wal_bytes) / sum(r.orders))
  FROM load_result r JOIN load_result f ON f.name = reference AND f.round = r.round
  WHERE r.round > 0
  GROUP BY r.name ORDER BY array_position('{plain,hand,crm}', split_part(r.name, ' ', 1)), min(r.orders) DESC $$;

CREATE VIEW load_growth AS
  SELECT a.relation, n.orders, round((a.table_bytes - b.table_bytes)::numeric / n.orders, 1) AS table_bytes_an_order,
    round((a.index_bytes - b.index_bytes)::numeric / n.orders, 1) AS index_bytes_an_order,
    round((a.hot_updates - b.hot_updates)::numeric / nullif(a.updates - b.updates, 0), 3) AS hot_ratio
  FROM load_size a JOIN load_size b USING (relation)
    JOIN LATERAL (SELECT sum(r.orders) AS orders FROM load_result r
                  WHERE r.round > 0 AND r.name = split_part(a.relation, '_', 2)) n ON n.orders > 0
  WHERE a.moment = 'after' AND b.moment = 'before'
  ORDER BY a.relation;
