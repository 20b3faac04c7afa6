-- the schema: what stands in it can be called in the place of what the extension has. The owner of the database has installed the
-- extension where a superuser restores a dump of that.

DO $check$
DECLARE
  schema_owner pg_catalog.name;
  trusted pg_catalog.bool;
BEGIN
  SELECT r.rolname, r.rolsuper OR r.oid OPERATOR(pg_catalog.=) pg_catalog.to_regrole($role$@extowner@$role$::pg_catalog.text)::pg_catalog.oid
    OR r.oid OPERATOR(pg_catalog.=) (SELECT d.datdba FROM pg_catalog.pg_database d WHERE d.datname OPERATOR(pg_catalog.=) pg_catalog.current_database()) INTO schema_owner, trusted
  FROM pg_catalog.pg_namespace n JOIN pg_catalog.pg_roles r ON r.oid OPERATOR(pg_catalog.=) n.nspowner
  WHERE n.nspname OPERATOR(pg_catalog.=) 'crm'::pg_catalog.name;
  IF NOT trusted THEN
    RAISE insufficient_privilege USING MESSAGE = pg_catalog.format('schema crm belongs to %I'::pg_catalog.text, schema_owner),
      DETAIL = 'Its owner could put functions there that others then call.',
      HINT = 'Drop the schema, or give it to the role that creates the extension: ALTER SCHEMA crm OWNER TO ...';
  END IF;
END $check$;

-- what no page of the documentation names: nobody but a superuser can add anything there
CREATE SCHEMA crm_internal;
COMMENT ON SCHEMA crm_internal IS
  'what the types, operators, aggregates and calls of crm are made of: may change in any release, not to be called by hand';
GRANT USAGE ON SCHEMA crm_internal TO PUBLIC;

