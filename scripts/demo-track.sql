-- Tracks the table orders, as of :as_of or of the day of its last order: the page
-- of the demo is the report of this tracking.
SET client_min_messages = error;
SELECT coalesce(nullif(:'as_of', '')::date, max(ordered_on)) AS as_of FROM orders \gset
SELECT crm.track('orders', 'customer_id', 'ordered_on', 'amount') AS tracking \gset
UPDATE orders_scoring SET
  tier_program = crm.tier_program('{Bronze,Silver,Gold,Platinum}', '{0,100,300,1000}', period => '12 months');
-- Some orders fit no model, which is no error here: their page has no value.
CALL crm.refresh('orders', :'as_of', refit => true);
-- How the segments stood on the days before; a file may be of a few weeks.
SELECT crm.back_fill('orders', daterange((date :'as_of' - interval '24 months')::date, :'as_of'), '3 months') AS days \gset
