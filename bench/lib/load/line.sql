\set order random(1, :customers)
\set product random(1, :products)
INSERT INTO load_line_:kind (order_id, product_id, quantity) VALUES (:order, :product, 1);
