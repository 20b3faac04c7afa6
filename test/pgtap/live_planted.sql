-- Who owns the schema crm may put functions into it. Beside every function that the extension's own code calls, this plants those that
-- would fit its arguments better wherever it names a type other than the function's, and then lives a tracking's whole life.
SELECT plan(10);

CREATE FUNCTION pg_temp.other_types(type oid) RETURNS text[] LANGUAGE sql AS $$
  SELECT array_remove(CASE type::regtype::text
    WHEN 'integer' THEN '{smallint,bigint,numeric,text}' WHEN 'bigint' THEN '{integer,numeric,text}' WHEN 'smallint' THEN '{integer,text}'
    WHEN 'text' THEN '{name,varchar}' WHEN 'name' THEN '{text}' WHEN 'text[]' THEN '{name[],varchar[],text}'
    WHEN 'date' THEN '{timestamp,timestamptz,text}' WHEN 'double precision' THEN '{numeric,integer,bigint,text}'
    WHEN 'numeric' THEN '{integer,bigint,float8,text}' WHEN 'regclass' THEN '{oid,text}' WHEN 'oid' THEN '{regclass,regtype,regnamespace,text}'
    WHEN 'regtype' THEN '{oid,text}' WHEN 'boolean' THEN '{text,integer}' WHEN 'jsonb' THEN '{json,text}' ELSE '{text}' END::text[], NULL)
$$;
DO $plant$
DECLARE
  target record;
  types text[];
  signature text;
BEGIN
  FOR target IN
    SELECT p.oid, p.proname, p.pronargs, p.pronargdefaults, p.proretset, p.prorettype, ARRAY(SELECT format_type(t, NULL) FROM unnest(p.proargtypes) AS t) AS types,
      p.proargtypes::oid[] AS type_oids
    FROM pg_proc p
    WHERE p.pronamespace = 'crm'::regnamespace AND p.pronargs > 0 AND p.prorettype <> 'trigger'::regtype AND p.prokind IN ('f', 'a')
      AND EXISTS (SELECT FROM pg_proc c JOIN pg_language l ON l.oid = c.prolang
                  WHERE c.pronamespace IN ('crm'::regnamespace, 'crm_internal'::regnamespace) AND l.lanname IN ('sql', 'plpgsql') AND strpos(c.prosrc, 'crm.' || p.proname || '(') > 0)
  LOOP
    FOR i IN 1 .. target.pronargs LOOP
      FOREACH signature IN ARRAY pg_temp.other_types(target.type_oids[i - 1]) LOOP
        types := target.types;
        types[i] := signature;
        signature := array_to_string(types, ', ');
        CONTINUE WHEN to_regprocedure(format('crm.%I(%s)', target.proname, signature)) IS NOT NULL;
        EXECUTE format('CREATE FUNCTION crm.%I(%s) RETURNS %s LANGUAGE plpgsql AS %L', target.proname, signature,
          CASE WHEN target.prorettype = 'record'::regtype THEN 'boolean' ELSE target.prorettype::regtype::text END,
          format('BEGIN RAISE %L; END', format('the planted crm.%s(%s) was called', target.proname, signature)));
      END LOOP;
    END LOOP;
    -- a form that takes fewer arguments fits better than one with defaults
    FOR n IN target.pronargs - target.pronargdefaults .. target.pronargs - 1 LOOP
      signature := array_to_string(target.types[1:n], ', ');
      CONTINUE WHEN to_regprocedure(format('crm.%I(%s)', target.proname, signature)) IS NOT NULL;
      EXECUTE format('CREATE FUNCTION crm.%I(%s) RETURNS %s LANGUAGE plpgsql AS %L', target.proname, signature,
        CASE WHEN target.prorettype = 'record'::regtype THEN 'boolean' ELSE target.prorettype::regtype::text END,
        format('BEGIN RAISE %L; END', format('the planted crm.%s(%s) was called', target.proname, signature)));
    END LOOP;
  END LOOP;
END $plant$;
SELECT cmp_ok((SELECT count(*) FROM pg_proc WHERE prosrc LIKE '%the planted crm.%'), '>', 200::bigint, 'there is enough that could be called by mistake');

CREATE ROLE planted_owner;
CREATE SCHEMA shop AUTHORIZATION planted_owner;
SET ROLE planted_owner;
CREATE TABLE shop.orders (tenant int, customer int, at date, total numeric);
CREATE TEMP TABLE sample (customer int, at date, total numeric);
\copy sample FROM 'test/data/cdnow_sample.csv' CSV HEADER
INSERT INTO shop.orders SELECT customer % 2, customer, at, total FROM sample;
CREATE VIEW shop.purchases AS SELECT tenant, customer, at AS purchased_on, total AS amount FROM shop.orders;
CREATE VIEW shop.by_day_purchases AS SELECT tenant, customer, at AS purchased_on, sum(total) AS amount FROM shop.orders GROUP BY 1, 2, 3;
CREATE VIEW shop.refund_purchases AS SELECT tenant, customer, at AS purchased_on, 0.0::float8 AS amount, 0 AS orders, (customer % 7)::text AS category FROM shop.orders;
SELECT lives_ok($$SELECT crm.track('shop.purchases'::regclass, NULL::text, NULL::name, NULL::name, NULL::name, 'UTC'::text, '{tenant}'::text[], 5, NULL::crm.segment_map,
  NULL::int, 365, true, false, false, NULL::regclass, 'keep'::text, NULL::name, 'statement'::text, NULL::date, NULL::text, false, NULL::name, false)$$, 'track with rules of each tenant, and a log');
SELECT lives_ok($$SELECT crm.track('shop.by_day_purchases'::regclass, NULL::text, NULL::name, NULL::name, NULL::name, NULL::text, NULL::text[], 3, NULL::crm.segment_map,
  NULL::int, 365, false, false, false, NULL::regclass, 'keep'::text, NULL::name, 'statement'::text, NULL::date, NULL::text, false, NULL::name, false), crm.track('shop.orders'::regclass, 'customer'::text, 'at'::name, 'total'::name, NULL::name, NULL::text, NULL::text[], 4,
  NULL::crm.segment_map, NULL::int, 30, false, false, false, NULL::regclass, 'keep'::text, NULL::name, 'statement'::text, NULL::date, NULL::text, false, NULL::name, false),
  crm.track('shop.refund_purchases'::regclass, NULL::text, NULL::name, NULL::name, NULL::name, NULL::text, NULL::text[], 5, NULL::crm.segment_map, NULL::int, 365, false, false,
    false, 'shop.purchases_histories'::regclass, 'keep'::text, NULL::name, 'statement'::text, NULL::date, NULL::text, false, NULL::name, false)$$, 'what is refreshed, a table, and a second source');
INSERT INTO shop.orders VALUES (0, 1, '1998-06-01', 10), (1, 900, '1998-06-01', 10);
UPDATE shop.orders SET total = total + 1 WHERE customer = 5;
DELETE FROM shop.orders WHERE customer = 6;
UPDATE shop.purchases_scoring SET tier_program = crm.tier_program(tiers => '{Bronze,Silver}', thresholds => '{0,100}', metric => 'spend', period => '12 months',
  window_kind => 'rolling');
SELECT lives_ok($$SELECT crm.track_tiers('shop.purchases_histories'::regclass, true)$$, 'decisions on tiers');
INSERT INTO shop.purchases_tier_decisions (tenant, customer, what, tier, valid, why) VALUES (0, 2, 'membership', NULL, '(,)', 'a friend'), (0, 2, 'floor', 'Silver', '(,)', 'a friend');
CALL crm.refresh('shop.purchases_histories'::regclass, '1997-12-31'::date, true, 700);
CALL crm.refresh('shop.purchases_histories'::regclass, '1998-06-30'::date, true, 700);
CALL crm.refresh('shop.by_day_purchases'::regclass, NULL::date, false, 1000);
SELECT is((SELECT count(DISTINCT tenant) FROM shop.purchases_models), 2::bigint, 'models are fitted');
CREATE TABLE shop.parted (customer int, at date, total numeric) PARTITION BY RANGE (at);
CREATE TABLE shop.part AS SELECT 1 AS customer, date '2020-01-01' AS at, 1.0::numeric AS total;
SELECT crm.track('shop.parted'::regclass, 'customer'::text, 'at'::name, 'total'::name, NULL::name, NULL::text, NULL::text[], 5, NULL::crm.segment_map,
  NULL::int, 365, false, false, false, NULL::regclass, 'keep'::text, NULL::name, 'statement'::text, NULL::date, NULL::text, true, NULL::name, false);
SELECT lives_ok($$ALTER TABLE shop.parted ATTACH PARTITION shop.part FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
  ALTER TABLE shop.parted DETACH PARTITION shop.part$$, 'partitions come and go');
SELECT is(coalesce((SELECT problem FROM crm.tracking_status WHERE source = 'shop.parted'::regclass), 'none') || (SELECT count(*) FROM shop.parted_detached), 'none1', 'without a problem');
SELECT crm.detach('shop.parted_purchases'::regclass);
SELECT lives_ok($$SELECT crm.rebuild('shop.purchases_histories'::regclass), crm.snapshot('shop.purchases_histories'::regclass, '1998-01-15'::date),
  crm.track_partitions('shop.purchases_histories'::regclass), (SELECT count(*) FROM shop.purchases_customers), (SELECT count(*) FROM shop.purchases_customers_on('1998-01-01')),
  (SELECT count(*) FROM shop.purchases_standing), (SELECT count(*) FROM shop.purchases_tier_expiring(40)), (SELECT count(*) FROM shop.purchases_within_reach(50)),
  (SELECT count(*) FROM crm.tracking_status)$$, 'rebuild, snapshot, and everything that is shown');
SELECT is_empty($$SELECT v.* FROM (VALUES ('shop.purchases_histories'::regclass), ('shop.by_day_purchases'), ('shop.orders_purchases')) AS t(t), crm.verify(t, NULL::date) AS v$$,
  'all is true');
SELECT lives_ok($$SELECT crm.untrack('shop.by_day_purchases'::regclass), crm.detach('shop.purchases_histories'::regclass), crm.detach('shop.orders_purchases'::regclass)$$, 'and it can go');
