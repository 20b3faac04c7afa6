\set order random(1, :customers)
\set product random(1, 1000)
INSERT INTO load_line_:kind (order_id, product_id, quantity) VALUES (:order, :product, 1);
