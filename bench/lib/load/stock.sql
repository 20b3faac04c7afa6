\set product random(1, :products)
UPDATE load_product_:kind SET stock = stock - 1 WHERE id = :product;
