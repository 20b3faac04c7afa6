-- live_privileges: functions of the extension look into the search path of whoever calls
DO $plant$
DECLARE
  f record;
BEGIN
  FOR f IN SELECT p.oid::regprocedure AS signature FROM pg_proc p WHERE p.pronamespace IN ('crm'::regnamespace, 'crm_internal'::regnamespace) AND p.prokind = 'f' AND p.proconfig IS NOT NULL LOOP
    EXECUTE format('ALTER FUNCTION %s RESET ALL', f.signature);
  END LOOP;
END $plant$;
