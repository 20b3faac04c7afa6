-- live_planted: a call within the extension names an argument of another type, which a planted function fits better
DO $plant$
DECLARE
  f record;
BEGIN
  FOR f IN SELECT pg_get_functiondef(p.oid) AS source FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
           WHERE p.pronamespace = 'crm_internal'::regnamespace AND l.lanname = 'plpgsql' AND p.prosrc LIKE '%r.bins::int) AS scale%' LOOP
    EXECUTE replace(f.source, 'r.bins::int) AS scale', 'r.bins) AS scale');
  END LOOP;
  IF NOT FOUND THEN
    RAISE 'there is no such call any more';
  END IF;
END $plant$;
