-- What a cluster is: the same before pg_upgrade and behind it. One row a line, to be compared.
SET timezone = 'UTC';
SET extra_float_digits = 3;
SELECT 'stored', c.oid::regclass, (xpath('/row/n/text()', query_to_xml(format('SELECT count(*) || '' '' || md5(coalesce(string_agg(t::text, '' '' ORDER BY t::text), '''')) AS n FROM %s AS t', c.oid::regclass), true, true, '')))[1]
FROM pg_class c WHERE c.relnamespace = 's'::regnamespace AND c.relkind IN ('r', 'p') ORDER BY c.oid::regclass::text COLLATE "C";
-- what views compute is the same to the last bit with one C library; that of another release may differ in the last digit of a logarithm
SET extra_float_digits = -3;
SELECT 'shown', c.oid::regclass, (xpath('/row/n/text()', query_to_xml(format('SELECT count(*) || '' '' || md5(coalesce(string_agg(t::text, '' '' ORDER BY t::text), '''')) AS n FROM %s AS t', c.oid::regclass), true, true, '')))[1]
FROM pg_class c WHERE c.relnamespace = 's'::regnamespace AND c.relkind = 'v' ORDER BY c.oid::regclass::text COLLATE "C";
SET extra_float_digits = 3;
SELECT 'status', purchases, kept, tables_without_triggers, source_renamed, problem FROM crm.tracking_status ORDER BY purchases::text COLLATE "C";
SELECT 'verify', t.purchases, count(v) FROM crm.tracked t LEFT JOIN LATERAL crm.verify(t.purchases) AS v ON true GROUP BY t.purchases ORDER BY t.purchases::text COLLATE "C";
SELECT 'trigger', g.tgrelid::regclass, g.tgname, g.tgenabled FROM pg_trigger g WHERE g.tgname LIKE 'crm%' ORDER BY g.tgrelid::regclass::text COLLATE "C", g.tgname;
SELECT 'event', evtname, evtenabled FROM pg_event_trigger ORDER BY 2;
