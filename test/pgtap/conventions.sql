-- What every object of the extension promises.
BEGIN;
SELECT plan(9);

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
  WHERE type <> 'cast' AND (pg_identify_object(classid, objid, 0)).schema IS DISTINCT FROM 'crm' $$,
  'every object is in the schema crm');

SELECT is_empty($$
  SELECT identity FROM member_function
  WHERE lanname = 'c' AND provolatile <> 'v' AND proparallel <> 's' $$,
  'every C function that reads and writes nothing is parallel safe');

SELECT is_empty($$
  SELECT identity FROM member_function JOIN pg_aggregate a ON a.aggfnoid = oid
  WHERE aggcombinefn <> 0 AND proparallel <> 's' $$,
  'every aggregate that can combine is parallel safe');

SELECT is_empty($$
  SELECT identity FROM member_function JOIN pg_aggregate a ON a.aggfnoid = oid
  WHERE aggcombinefn <> 0 AND aggtranstype = 'internal'::regtype $$,
  'every aggregate that can combine has a flat state');

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

SELECT * FROM finish();
ROLLBACK;
