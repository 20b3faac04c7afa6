-- every aggregate over a plain table and over a distributed one, where Citus may not gather rows: only what is split answers
SET citus.coordinator_aggregation_strategy = 'disabled';

CREATE FUNCTION split_differences(OUT passed int, OUT failed int) LANGUAGE plpgsql AS $$
DECLARE
  a record;
  grouped text;
  near text;
  far text;
BEGIN
  passed := 0;
  failed := 0;
  FOR a IN SELECT * FROM split_calls ORDER BY aggregate LOOP
    FOREACH grouped IN ARRAY '{"", " GROUP BY region ORDER BY region"}'::text[] LOOP
      BEGIN
        EXECUTE format('SELECT string_agg(answer, '' '') FROM (SELECT (%s)::text AS answer FROM %s%s) AS q', a.call, a.of, grouped) INTO near;
        EXECUTE format('SELECT string_agg(answer, '' '') FROM (SELECT (%s)::text AS answer FROM far.%s%s) AS q', a.call, a.of, grouped) INTO far;
      EXCEPTION WHEN OTHERS THEN
        far := SQLERRM;
      END;
      IF near = far THEN
        passed := passed + 1;
      ELSE
        failed := failed + 1;
        RAISE WARNING 'not the same: % %', a.aggregate || grouped, left(far, 300);
      END IF;
    END LOOP;
  END LOOP;
END $$;
SELECT passed, failed FROM split_differences();
