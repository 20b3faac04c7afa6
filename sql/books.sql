-- text and binary forms of cohort_book and period_book, and what is refused
SET search_path = public, crm, crm_internal;

SELECT 'month 2024-03-15 {2024-01-01 (2 1 3 2 80, 1 1 1 1 -35.5), 2024-02-01 (1 1 1 1 0), 2024-03-01 4}'::cohort_book;
SELECT ' WEEK(Sunday)  2024-03-16 { 2024-03-03 ( 1 1 1 1 5 , 0 0 0 0 0 ) } '::cohort_book;
SELECT 'quarter(april) 2024-03-31 {}'::cohort_book, 'year(january) 2024-03-31 {2024-01-01 3}'::cohort_book;
SELECT 'month 2024-03-15 {2024-01-01 (2 1 3 2 80, 1 1 1 1 35), 2024-03-01 4}'::cohort_book + 'month 2024-03-15 {2024-02-01 (1 1 1 1 12), 2024-03-01 1}';
-- what is no book
SELECT 'decade 2024-03-15 {}'::cohort_book;
SELECT 'week(april) 2024-03-15 {}'::cohort_book;
SELECT 'month(april) 2024-03-15 {}'::cohort_book;
SELECT 'week( 2024-03-15 {}'::cohort_book;
SELECT 'month 5874897-12-31 {}'::cohort_book;
SELECT 'month 2024-03-15 {2024-01-02 (1 1 1 1 5)}'::cohort_book;
SELECT 'month 2024-03-15 {2024-02-01 (1 1 1 1 5), 2024-01-01 (1 1 1 1 5)}'::cohort_book;
SELECT 'month 2024-03-15 {2024-04-01 1}'::cohort_book;
SELECT 'month 2024-03-31 {2024-04-01 1}'::cohort_book;
SELECT 'month 2024-03-15 {2024-02-01 (1 0 1 1 5, 1 1 1 1 5)}'::cohort_book;
SELECT 'month 2024-03-15 {2024-01-01 (1 1 1 1 5, 1 1 1 1 5)}'::cohort_book;
SELECT 'month 2024-03-15 {2024-01-01 (2 1 2 2 5, 2 1 2 2 5)}'::cohort_book;
SELECT 'month 2024-03-15 {2024-02-01 (2 2 1 2 5)}'::cohort_book;
SELECT 'month 2024-03-15 {2024-02-01 (2 3 2 2 5)}'::cohort_book;
SELECT 'month 2024-03-15 {2024-02-01 (0 0 0 0 5)}'::cohort_book;
SELECT 'month 2024-03-15 {2024-02-01 (-1 0 1 1 5)}'::cohort_book;
SELECT 'month 2024-03-15 {2024-03-01 -1}'::cohort_book;
SELECT 'month 2024-03-15 {2024-02-01 (1 1 1 1 5.00001)}'::cohort_book;
SELECT 'day 2024-03-15 {1024-02-01 (1 1 1 1 5)}'::cohort_book;
SELECT 'month 2024-03-15 {}'::cohort_book + 'week 2024-03-15 {}';
SELECT 'month 2024-03-15 {2024-03-01 9223372036854775807}'::cohort_book + 'month 2024-03-15 {2024-03-01 1}';
SELECT cohort_book('{}', NULL, 'month');
SELECT cohort_book('{}', '2024-01-01', NULL);
SELECT cohort_book('{}', 'infinity', 'month');
SELECT cohort_book('{1000-01-01 1 1}', '2024-01-01', 'day');

SELECT 'month 2024-03-15 {2024-01-01 2 0 0 0 3 80 80 0 0 0, 2024-02-01 1 1 0 1 2 50 15 35 0 45}'::period_book;
SELECT 'week(sunday) 2024-03-16 { }'::period_book;
SELECT 'month 2024-03-15 {2024-01-01 2 0 0 0 3 80 80 0 0 0, 2024-02-01 0 0 0 2 0 0 0 0 0 80}'::period_book + 'month 2024-03-15 {2024-02-01 0 0 0 0 0 -5 0 0 0 0}';
SELECT 'month 2024-03-15 {2024-02-01 0 0 0 0 0 5 0 0 0 0}'::period_book + 'month 2024-03-15 {2024-02-01 0 0 0 0 0 -5 0 0 0 0}';
-- what is none
SELECT 'month 2024-03-15 {2024-03-01 1 0 0 0 1 5 5 0 0 0}'::period_book;
SELECT 'month 2024-03-15 {2024-02-11 1 0 0 0 1 5 5 0 0 0}'::period_book;
SELECT 'month 2024-03-15 {2024-02-01 1 1 0 0 2 5 5 0 0 0}'::period_book;
SELECT 'month 2024-03-15 {2024-01-01 1 0 0 0 1 5 5 0 0 0}'::period_book;
SELECT 'month 2024-03-15 {2024-02-01 1 0 0 0 0 5 5 0 0 0}'::period_book;
SELECT 'month 2024-03-15 {2024-02-01 0 0 0 0 1 5 5 0 0 0}'::period_book;
SELECT 'month 2024-03-15 {2024-02-01 -1 0 0 0 1 5 5 0 0 0}'::period_book;
SELECT 'month 2024-03-15 {2024-01-01 1 0 0 0 1 5 5 0 0 0, 2024-02-01 0 0 1 1 1 5 0 0 5 5}'::period_book;
SELECT 'month 2024-03-15 {2024-02-01 0 0 1 0 1 5 0 0 5 0}'::period_book;
SELECT 'month 2024-03-15 {2024-02-01 1 0 0 0 1 5 5 1 0 0}'::period_book;
SELECT 'day 2024-03-15 {1024-02-01 1 0 0 0 1 5 5 0 0 0}'::period_book;
SELECT decompose('month 2024-03-31 {2024-01-01 (2000000000000000000 0 2000000000000000000 2000000000000000000 5, 1 0 4600000000000000000 1 900000000000000, 2000000000000000000 2000000000000000000 2000000000000000000 2000000000000000000 900000000000000)}', '2024-02-01', '2024-03-01');
SELECT 'month 2024-03-15 {}'::period_book + 'month 2024-03-16 {}';
SELECT period_book('{}', '2024-01-01', 'month'), period_book(NULL, '2024-01-01', 'month');

-- binary form: receive is as strict as input
CREATE FUNCTION receive(message bytea, kind regtype) RETURNS text LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  answer text;
  file text := pg_catalog.current_setting('data_directory') || '/receive.bin';
BEGIN
  EXECUTE pg_catalog.format('COPY (SELECT %L::bytea) TO %L (FORMAT binary)', message, file);
  EXECUTE pg_catalog.format('CREATE TEMPORARY TABLE received (v %s) ON COMMIT DROP', kind);
  EXECUTE pg_catalog.format('COPY pg_temp.received FROM %L (FORMAT binary)', file);
  SELECT v::text INTO answer FROM pg_temp.received;
  DROP TABLE pg_temp.received;
  RETURN answer;
END $$;
SELECT receive(cohort_book_send('month 2024-03-15 {2024-01-01 (2 1 3 2 80, 1 1 1 1 -35.5), 2024-02-01 (1 1 1 1 0), 2024-03-01 4}'), 'cohort_book');
SELECT receive(period_book_send('week(sunday) 2024-03-16 {2024-03-03 2 0 0 0 3 80 80 0 0 0, 2024-03-10 1 1 0 1 2 50 15 35 0 45}'), 'period_book');
SELECT receive(cohort_book_send('year(april) 2024-03-31 {}'), 'cohort_book'), receive(period_book_send('day 2024-03-31 {}'), 'period_book');
\set VERBOSITY terse
-- version, period and reserved, as_of, number of cohorts, joining; cells
CREATE FUNCTION head(head bytea, as_of int, n int) RETURNS bytea LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$ SELECT head || int4send(as_of) || int4send(n) $$;
CREATE FUNCTION figures(VARIADIC n bigint[]) RETURNS bytea LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$ SELECT string_agg(int8send(i), '' ORDER BY o) FROM unnest(n) WITH ORDINALITY u(i, o) $$;
SELECT receive(head('\x00010200', 8840, 1) || figures(0, 1, 1, 1, 1, 50000), 'cohort_book');
SELECT receive(head('\x00020200', 8840, 0) || figures(0), 'cohort_book');
SELECT receive(head('\x00010201', 8840, 0) || figures(0), 'cohort_book');
SELECT receive(head('\x00010500', 8840, 0) || figures(0), 'cohort_book');
SELECT receive(head('\x00010a00', 8840, 0) || figures(0), 'cohort_book');
SELECT receive(head('\x00013900', 8840, 0) || figures(0), 'cohort_book');
SELECT receive(head('\x00010200', 2147483647, 0) || figures(0), 'cohort_book');
SELECT receive(head('\x00010200', 8840, 2147483647) || figures(0), 'cohort_book');
SELECT receive(head('\x00010200', 8840, -1) || figures(0), 'cohort_book');
SELECT receive(head('\x00010200', 8840, 2) || figures(0, 1, 1, 1, 1, 5), 'cohort_book');
SELECT receive(head('\x00010200', 8840, 1) || figures(0, 0, 0, 0, 0, 0), 'cohort_book');
SELECT receive(head('\x00010200', 8840, 1) || figures(-1, 1, 1, 1, 1, 5), 'cohort_book');
SELECT receive(head('\x00010200', 8840, 1) || figures(9223372036854775807, 1, 1, 1, 1, 5), 'cohort_book');
SELECT receive(head('\x00010200', 8840, 1) || figures(1, 0, 0, 0, 1, 50000, 50000, 0, 0, 0), 'period_book');
SELECT receive(head('\x00010200', 8840, 1) || figures(1, 0, 0, 0, 0, 50000, 50000, 0, 0, 0), 'period_book');
SELECT receive(head('\x00010200', 8840, 2147483647) || figures(1, 0, 0, 0, 1, 50000, 50000, 0, 0, 0), 'period_book');
SELECT receive(head('\x00010600', 8840, 0), 'period_book');
SELECT receive(head('\x00010201', 8840, 0), 'period_book');
-- order and hash
SELECT a = b AS same, a < b AS less, cohort_book_hash(a) = cohort_book_hash(b) AS same_hash
FROM (VALUES ('month 2024-03-31 {2024-03-01 (1 1 1 1 5)}'::cohort_book, 'month 2024-03-31 {2024-03-01 (1 1 1 1 5.0)}'::cohort_book),
  ('month 2024-03-31 {2024-03-01 (1 1 1 1 5)}', 'month 2024-04-30 {2024-03-01 (1 1 1 1 5)}')) v(a, b);
SELECT a = b AS same, a < b AS less, period_book_hash(a) = period_book_hash(b) AS same_hash
FROM (VALUES ('month 2024-03-31 {2024-03-01 1 0 0 0 1 5 5 0 0 0}'::period_book, 'month 2024-03-31 {2024-03-01 1 0 0 0 1 5 5.0 0 0 0}'::period_book),
  ('month 2024-03-31 {2024-03-01 1 0 0 0 1 5 5 0 0 0}', 'month 2024-04-30 {}')) v(a, b);
DROP FUNCTION receive(bytea, regtype), head(bytea, int, int), figures(bigint[]);
