-- What a tracking makes is sent to other nodes as text, and an operator that stands in IS DISTINCT FROM, NULLIF or CASE x WHEN without its
-- schema there: none of the extension may. Nor may a function with arguments be in SQL, which Citus cannot plan over distributed tables.
SET client_min_messages = error;
SELECT plan(6);

CREATE SCHEMA deparsed;
CREATE TABLE deparsed.sent (customer int, day date, amount numeric, region text);
INSERT INTO deparsed.sent SELECT i % 40, date '2025-01-01' + i % 90, i, 'r' || i % 2 FROM generate_series(1, 400) AS i;
SELECT crm.track('deparsed.sent', customer => 'customer, region', purchased_on => 'day', amount => 'amount', scale_by => '{region}', as_of => '2025-06-30') \g /dev/null
SELECT crm.track_tiers('deparsed.sent_purchases', by_invitation => true) \g /dev/null
CALL crm.refresh('deparsed.sent_purchases', refit => true);

-- the operators of the extension that a view has in such a place
CREATE FUNCTION pg_temp.without_schema(view regclass) RETURNS SETOF text LANGUAGE sql AS $$
  SELECT o.oid::regoperator::text FROM pg_rewrite AS r,
    regexp_matches(r.ev_action::text, '\{(?:DISTINCTEXPR|NULLIFEXPR) :opno (\d+)|\{OPEXPR :opno (\d+)[^{}]*:args \((?:\{RELABELTYPE :arg )?\{CASETESTEXPR', 'g') AS m(n)
    JOIN pg_operator AS o ON o.oid = coalesce(m.n[1], m.n[2])::oid
  WHERE r.ev_class = view AND o.oprnamespace = 'crm'::regnamespace
$$;
SET search_path = public, crm;
CREATE VIEW deparsed.planted AS SELECT history IS DISTINCT FROM '{}'::crm.purchase_history AS a, nullif(history, '{}'::crm.purchase_history) AS b,
  CASE history WHEN '{}'::crm.purchase_history THEN 1 END AS c FROM deparsed.sent_histories;
RESET search_path;
SELECT is((SELECT count(*) FROM pg_temp.without_schema('deparsed.planted')), 3::bigint, 'such places are found');
SELECT is_empty($$SELECT c.oid::regclass, o FROM pg_class AS c, pg_temp.without_schema(c.oid) AS o
  WHERE c.relnamespace = 'deparsed'::regnamespace AND c.relkind = 'v' AND c.relname <> 'planted'$$, 'none in the views of a tracking');
SELECT cmp_ok((SELECT count(*) FROM pg_class WHERE relnamespace = 'deparsed'::regnamespace AND relkind = 'v'), '>=', 7::bigint, 'of which there are some');

-- functions as views, with the argument in place
SELECT is((SELECT array_agg(p.proname::text ORDER BY p.proname) FROM pg_proc AS p JOIN pg_language AS l ON l.oid = p.prolang
  WHERE p.pronamespace = 'deparsed'::regnamespace AND l.lanname = 'plpgsql'), '{sent_customers_on,sent_tier_expiring,sent_within_reach}'::text[], 'functions with arguments are in PL/pgSQL');
SELECT is_empty($$SELECT oid FROM pg_proc WHERE pronamespace = 'deparsed'::regnamespace AND prolang = (SELECT oid FROM pg_language WHERE lanname = 'sql')$$, 'all of them');
SELECT format('CREATE VIEW deparsed.%I AS %s', p.proname || '_query', replace(substring(p.prosrc FROM 'RETURN QUERY (.*);\s*END'), '$1',
    CASE WHEN p.proargtypes[0] = 'date'::regtype THEN 'date ''2025-05-05''' ELSE '10' END))
  FROM pg_proc AS p WHERE p.pronamespace = 'deparsed'::regnamespace \gexec
SELECT is((SELECT count(*) FILTER (WHERE o IS NULL) FROM pg_class AS c LEFT JOIN LATERAL pg_temp.without_schema(c.oid) AS o ON true
  WHERE c.relnamespace = 'deparsed'::regnamespace AND c.relname LIKE 'sent%query'), 3::bigint, 'none in the queries of the functions');
SELECT * FROM finish();
