-- Lines of orders whose customer and day stand on a header and whose price on a product: plain tables,
-- and the same tables tracked. A product is sold by everybody: its stock is not what the view looks at.
CREATE TABLE load_header_plain (id int PRIMARY KEY, customer_id int, ordered_on date);
CREATE TABLE load_product_plain (id int PRIMARY KEY, price numeric, stock int) WITH (fillfactor = 50);
CREATE TABLE load_line_plain (id bigserial PRIMARY KEY, order_id int, product_id int, quantity int);
INSERT INTO load_header_plain SELECT i, i, current_date - i % 700 FROM generate_series(1, :customers) i;
INSERT INTO load_product_plain SELECT i, i / 10.0, 1000000000 FROM generate_series(1, 1000) i;
INSERT INTO load_line_plain (order_id, product_id, quantity) SELECT i, 1 + i % 1000, 1 FROM generate_series(1, :customers) i;
CREATE INDEX ON load_line_plain (order_id);
CREATE INDEX ON load_line_plain (product_id);
CREATE TABLE load_header_joined (LIKE load_header_plain INCLUDING ALL);
CREATE TABLE load_product_joined (LIKE load_product_plain INCLUDING ALL) WITH (fillfactor = 50);
CREATE TABLE load_line_joined (LIKE load_line_plain INCLUDING ALL);
INSERT INTO load_header_joined TABLE load_header_plain;
INSERT INTO load_product_joined TABLE load_product_plain;
INSERT INTO load_line_joined TABLE load_line_plain;
CREATE VIEW load_line_purchases AS
  SELECT h.customer_id, h.ordered_on AS purchased_on, l.quantity * p.price AS amount
  FROM load_line_joined l JOIN load_header_joined h ON h.id = l.order_id JOIN load_product_joined p ON p.id = l.product_id;
SELECT crm.track('load_line_purchases') \g /dev/null
VACUUM (ANALYZE);
