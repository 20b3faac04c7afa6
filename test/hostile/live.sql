-- The transactions of a seed, each checked. Set seed and n. A statement may fail, which in every other seed ends no transaction; the check may not find anything.
SET client_min_messages = error;
SET search_path = live;
\set ON_ERROR_STOP off
\set VERBOSITY terse
SELECT CASE WHEN :seed % 2 = 0 THEN 'on' ELSE 'off' END AS rollback \gset
\set ON_ERROR_ROLLBACK :rollback
\o /dev/null
TRUNCATE live.run;
SELECT live.statements(:seed, :n) \gexec
\o
