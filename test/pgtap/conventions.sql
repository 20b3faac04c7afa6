-- What every object of the extension promises.
BEGIN;
SELECT plan(17);

-- The extension's own objects, without the parts that PostgreSQL makes along
-- with them (array types, row types, operator families).
CREATE TEMP VIEW member AS
SELECT d.classid, d.objid, i.type, i.identity
FROM pg_depend d
JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND e.extname = 'crm'
CROSS JOIN LATERAL pg_identify_object(d.classid, d.objid, 0) i
LEFT JOIN pg_type t ON d.classid = 'pg_type'::regclass AND d.objid = t.oid
LEFT JOIN pg_class r ON t.typrelid = r.oid
WHERE d.deptype = 'e' AND i.type NOT IN ('schema', 'operator family')
  AND NOT coalesce(t.typcategory = 'A' OR r.relkind <> 'c', false);

CREATE TEMP VIEW member_function AS
SELECT p.*, l.lanname, m.identity
FROM member m JOIN pg_proc p ON m.classid = 'pg_proc'::regclass AND m.objid = p.oid
JOIN pg_language l ON p.prolang = l.oid;

SELECT isnt_empty('SELECT 1 FROM member', 'the extension has objects');

SELECT is_empty(
  'SELECT type, identity FROM member WHERE obj_description(objid, classid::regclass::name) IS NULL',
  'every object has a comment');

SELECT is_empty($$
  SELECT m.identity, a.attname
  FROM member m JOIN pg_attribute a ON m.classid = 'pg_class'::regclass AND m.objid = a.attrelid
  JOIN pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'v', 'm', 'p')
  WHERE a.attnum > 0 AND NOT a.attisdropped AND col_description(a.attrelid, a.attnum) IS NULL $$,
  'every column of a table or view has a comment');

SELECT is_empty($$
  SELECT type, identity FROM member
  WHERE type NOT IN ('cast', 'event trigger') AND NOT coalesce((pg_identify_object(classid, objid, 0)).schema IN ('crm', 'crm_internal'), false) $$,
  'every object is in the schema crm or crm_internal');

SELECT is_empty($$
  SELECT identity FROM member_function
  WHERE lanname = 'c' AND provolatile <> 'v' AND proparallel <> 's' $$,
  'every C function that reads and writes nothing is parallel safe');

SELECT is_empty($$
  SELECT identity FROM member_function JOIN pg_aggregate a ON a.aggfnoid = oid
  WHERE aggcombinefn = 0 OR proparallel <> 's' $$,
  'every aggregate has a combine function and is parallel safe');

SELECT is_empty($$
  SELECT identity FROM member_function JOIN pg_aggregate a ON a.aggfnoid = oid JOIN pg_type t ON t.oid = aggtranstype
  WHERE typtype = 'p' $$,
  'every aggregate has a flat state, which can cross to another process or node');

-- crm.live_source, which earlier releases had, is asked of a relation, not of rows
SELECT is_empty($$
  SELECT identity FROM member_function
  WHERE pronamespace = 'crm'::regnamespace AND prorettype = 'record'::regtype AND NOT proretset AND proname <> 'live_source' $$,
  'every function that gives one row gives it a named type, whose columns can cross to another node');

SELECT is_empty($$
  SELECT identity FROM member_function
  WHERE lanname NOT IN ('c', 'internal') AND prokind <> 'p'
    AND NOT coalesce(proconfig, '{}') @> ARRAY['search_path=pg_catalog, pg_temp'] $$,
  'every function in SQL or PL/pgSQL pins its search_path');

SELECT is_empty($$
  SELECT m.identity, am.amname
  FROM member m JOIN pg_type t ON m.classid = 'pg_type'::regclass AND m.objid = t.oid
  CROSS JOIN pg_am am
  WHERE t.typtype = 'b' AND t.typname !~ '_state$' AND am.amname IN ('btree', 'hash')
    AND NOT EXISTS (
      SELECT FROM pg_opclass o
      WHERE o.opcintype = t.oid AND o.opcmethod = am.oid AND o.opcdefault) $$,
  'every type can be sorted and hashed');

SELECT is_empty($$
  SELECT identity FROM member_function
  WHERE pronamespace = 'crm'::regnamespace AND EXISTS (
    SELECT FROM generate_series(1, pronargs) AS n WHERE coalesce(proargnames[n], '') = '') $$,
  'every argument of every function and aggregate of crm has a name');

-- What the pages name, and what is named in docs/development.md as kept in crm although no page does.
\set pages `cat README.md $(ls docs/*.md | grep -v -e development -e reference)`
\set development `cat docs/development.md`
CREATE TEMP TABLE page AS SELECT :'pages' AS text;
CREATE TEMP TABLE kept AS
  SELECT m[1] AS name
  FROM regexp_matches(substring(:'development' FROM 'Kept in `crm`[^\n]*\n(.*?)\n\n'), '`(\w+)`', 'g') AS m;

SELECT is_empty($$
  SELECT DISTINCT proname FROM member_function, page
  WHERE pronamespace = 'crm'::regnamespace AND proname NOT IN (SELECT name FROM kept)
    AND text !~ format('\mcrm\.%1$s\M|`%1$s`|\m%1$s\(', proname) $$,
  'every function of crm is named on a page, or kept there for a reason that docs/development.md gives');
SELECT is_empty($$
  SELECT DISTINCT m[1] FROM page, regexp_matches(text, '\mcrm\.(\w+)\(', 'g') AS m
  WHERE m[1] NOT IN (SELECT proname FROM member_function WHERE pronamespace = 'crm'::regnamespace) $$,
  'and whatever a page calls is there');
SELECT is_empty($$
  SELECT name FROM kept WHERE name NOT IN (SELECT proname FROM member_function WHERE pronamespace = 'crm'::regnamespace) $$,
  'as is what is kept');

-- a part of an aggregate that is called by itself is a user's error, not an internal one
CREATE FUNCTION pg_temp.state_of(function regprocedure) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE (SELECT format('SELECT %s.%I(%s)', p.pronamespace::regnamespace, p.proname, string_agg('NULL::' || t::regtype, ', ' ORDER BY n))
    FROM pg_proc p, unnest(p.proargtypes::oid[]) WITH ORDINALITY AS u(t, n) WHERE p.oid = function GROUP BY p.oid);
  RETURN '00000';
EXCEPTION WHEN OTHERS THEN
  RETURN SQLSTATE;
END $$;
SELECT is_empty($$SELECT f.function FROM pg_aggregate g
    JOIN member m ON m.classid = 'pg_proc'::regclass AND m.objid = g.aggfnoid
    CROSS JOIN LATERAL (VALUES (g.aggtransfn::oid::regprocedure), (g.aggfinalfn::oid::regprocedure), (g.aggcombinefn::oid::regprocedure)) AS f(function)
  WHERE f.function <> 0::regprocedure AND pg_temp.state_of(f.function) LIKE 'XX%'$$, 'the functions of aggregates have an SQLSTATE for who calls them by themselves');

-- what PL/pgSQL raises is known in C, also where only an older server comes by
CREATE FUNCTION pg_temp.state_of_raised(condition text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  PERFORM crm_internal.raise_error(condition, 'test');
EXCEPTION WHEN OTHERS THEN
  RETURN SQLSTATE;
END $$;
SELECT is_empty($$SELECT m[1] FROM member_function f JOIN pg_proc p ON p.oid = f.oid, regexp_matches(p.prosrc, 'raise_error\(''(\w+)''', 'g') AS m
  WHERE pg_temp.state_of_raised(m[1]) LIKE 'XX%'$$, 'every condition that is raised has its SQLSTATE');

\set made `psql -X -qAt -F "$(printf '\t')" -d :DBNAME -f scripts/reference.sql | perl scripts/reference.pl`
\set stored `cat docs/reference.md`
SELECT bag_eq(format('SELECT unnest(string_to_array(%L, %L))', :'stored', E'\n'), format('SELECT unnest(string_to_array(%L, %L))', :'made', E'\n'),
  'docs/reference.md is what scripts/reference makes of the catalogue');

SELECT * FROM finish();
ROLLBACK;
