\set product random(1, 1000)
UPDATE load_product_:kind SET stock = stock - 1 WHERE id = :product;
