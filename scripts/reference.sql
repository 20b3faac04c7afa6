-- What the reference is made of, a line an object: kind, name, the type that it belongs to,
-- how it is called, what comes back, its comment. Printed by psql -At with tabs.
SET search_path = pg_catalog;

WITH member AS (
  SELECT d.classid, d.objid
  FROM pg_depend d JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
  WHERE e.extname = 'crm' AND d.deptype = 'e'),
called AS (
  SELECT p.oid, p.proname::text AS name, p.prokind,
    -- a type of crm among the arguments tells the area better than that of the histories, and both better than the result
    coalesce((SELECT t.typname::text FROM unnest(p.proargtypes) WITH ORDINALITY AS a(type, n)
                LEFT JOIN pg_type b ON b.oid = a.type
                JOIN pg_type t ON t.oid = CASE WHEN b.typelem <> 0 AND b.typcategory = 'A' THEN b.typelem ELSE a.type END
              WHERE t.typnamespace = 'crm'::regnamespace ORDER BY t.typname = 'purchase_history', n LIMIT 1),
      (SELECT t.typname::text FROM pg_type t WHERE t.oid = p.prorettype AND t.typnamespace = 'crm'::regnamespace), '') AS type,
    pg_get_function_arguments(p.oid) AS arguments,
    pg_get_function_result(p.oid) AS result,
    coalesce((SELECT string_agg(p.proargnames[n] || ' ' || format_type(p.proallargtypes[n], NULL), ', ' ORDER BY n)
              FROM generate_subscripts(p.proargmodes, 1) AS n WHERE p.proargmodes[n] IN ('o', 't')), '') AS columns,
    (SELECT string_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod), ', ' ORDER BY a.attnum)
     FROM pg_type t JOIN pg_class r ON r.oid = t.typrelid AND r.relkind = 'c' JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
     WHERE t.oid = p.prorettype AND t.typname LIKE '%\_result') AS row_columns,
    p.proretset
  FROM pg_proc p JOIN member m ON m.classid = 'pg_proc'::regclass AND m.objid = p.oid
  WHERE p.pronamespace = 'crm'::regnamespace AND p.prorettype <> 'trigger'::regtype)
SELECT kind, name, type, call, result, comment FROM (
  SELECT 1 AS sort, 'type' AS kind, t.typname::text AS name, t.typname::text AS type, t.typname::text AS call,
    coalesce((SELECT string_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod), ', ' ORDER BY a.attnum)
              FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid AND c.relkind = 'c'
              WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped), '') AS result,
    obj_description(t.oid, 'pg_type') AS comment
  FROM pg_type t JOIN member m ON m.classid = 'pg_type'::regclass AND m.objid = t.oid
  WHERE t.typnamespace = 'crm'::regnamespace AND t.typname !~ '_state$' AND t.typcategory <> 'A'
    AND NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = t.typrelid AND c.relkind <> 'c')
  UNION ALL
  SELECT 2, CASE WHEN c.prokind = 'a' THEN 'aggregate' WHEN c.prokind = 'p' THEN 'procedure' ELSE 'function' END, c.name, c.type,
    -- OUT columns stand behind the arrow
    format('%s(%s)', c.name, regexp_replace(regexp_replace(c.arguments, '(, )?\mOUT .*$', ''), '\mIN ', '', 'g')),
    CASE WHEN c.prokind = 'p' THEN ''
      WHEN c.columns <> '' THEN format('%s (%s)', CASE WHEN c.proretset THEN 'rows' ELSE 'row' END, c.columns)
      WHEN c.row_columns IS NOT NULL THEN format('%s (%s)', c.result, c.row_columns)
      ELSE c.result END,
    obj_description(c.oid, 'pg_proc')
  FROM called c
  UNION ALL
  SELECT 3, 'operator', o.oprname::text, l.typname::text,
    format('%s %s %s', format_type(o.oprleft, NULL), o.oprname, format_type(o.oprright, NULL)), format_type(o.oprresult, NULL),
    obj_description(o.oid, 'pg_operator')
  FROM pg_operator o JOIN member m ON m.classid = 'pg_operator'::regclass AND m.objid = o.oid JOIN pg_type l ON l.oid = o.oprleft
  WHERE o.oprname !~ '^[<>=]+$'
  UNION ALL
  SELECT 4, 'cast', t.typname::text, t.typname::text, format('%s::%s', t.typname, format_type(c.casttarget, NULL)), format_type(c.casttarget, NULL),
    obj_description(c.oid, 'pg_cast')
  FROM pg_cast c JOIN member m ON m.classid = 'pg_cast'::regclass AND m.objid = c.oid JOIN pg_type t ON t.oid = c.castsource
  UNION ALL
  SELECT 5, CASE c.relkind WHEN 'v' THEN 'view' ELSE 'table' END, c.relname::text, '', c.relname::text,
    (SELECT string_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod), ', ' ORDER BY a.attnum)
     FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
    obj_description(c.oid, 'pg_class')
  FROM pg_class c JOIN member m ON m.classid = 'pg_class'::regclass AND m.objid = c.oid
  WHERE c.relnamespace = 'crm'::regnamespace AND c.relkind IN ('r', 'v')) AS o
ORDER BY sort, name COLLATE "C", call COLLATE "C";
