-- Closed lists of words: any case is accepted everywhere, and an error lists the words of its list.
BEGIN;
SET LOCAL search_path = public, crm;
SELECT plan(13);

CREATE FUNCTION pg_temp.hint_of(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  hint text;
BEGIN
  EXECUTE statement;
  RETURN NULL;
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
  RETURN hint;
END$$;

SELECT is(interaction_history(timestamptz '2024-01-05', text 'Visit', 'shop', 'INBOUND', 'Resolved'), interaction_history(timestamptz '2024-01-05', 'visit', 'shop', 'inbound', 'resolved'), 'kinds, directions, outcomes of rows');
SELECT is('{2024-01-05 10:00Z VISIT shop Inbound RESOLVED}'::interaction_history, '{2024-01-05 10:00Z visit shop inbound resolved}', 'and of text');
SELECT is(engagement('{2024-01-05 10:00Z visit shop inbound}', '2024-01-05 10:00Z', '{"Visit": 3}', '9 days'), 3::float8, 'kinds of weights');
SELECT is('{news Consent [2024-01-01 00:00:00+00,)}'::consents, consent('news', 'CONSENT', '[2024-01-01 00:00Z,)'), 'bases of consents');
SELECT is(contact_pause('1 day', 'Complaint') + contact_pause('1 day', 'BOUNCED'), contact_pause('1 day', 'complaint') + contact_pause('1 day', 'bounced'), 'events of a policy');
SELECT is(retention_curve('{2024-01-31 1 5}', '2024-04-30', 'Month', 'AGE'), retention_curve('{2024-01-31 1 5}', '2024-04-30', 'month', 'age'), 'periods and bases of retention');
SELECT is('Week(SUNDAY) 2024-03-15 {}'::cohort_book, 'week(sunday) 2024-03-15 {}', 'starts of periods');
SELECT is('PROACTIVE'::relationship_level, 'proactive', 'levels');
SELECT is(recommended_level('Few', 'HIGH'), recommended_level('few', 'high'), 'bands');
SELECT is(tier_program('{A}', '{1}', 'SPEND', '12 months', 'Rolling', 'To_base')::text, tier_program('{A}', '{1}', 'spend', '12 months', 'rolling', 'to_base')::text, 'metrics, windows and downgrades of a program');
SELECT is('{A: Spend 1} ROLLING 12 months downgrade TO_BASE'::tier_program::text, '{A: spend 1} rolling 12 months downgrade to_base'::tier_program::text, 'and of its text');

SELECT is_empty($$
  SELECT statement FROM (VALUES ('SELECT crm.interaction_history(now(), ''x'', ''shop'', ''inbound'')'), ('SELECT crm.interaction_history(now(), ''visit'', ''shop'', ''x'')'),
      ('SELECT crm.interaction_history(now(), ''visit'', ''shop'', ''inbound'', ''x'')'), ('SELECT crm.consent(''news'', ''x'', ''[,)'')'), ('SELECT crm.contact_pause(''1 day'', ''x'')'),
      ('SELECT crm.retention_curve(''{2024-01-31 1 5}'', ''2024-04-30'', ''x'')'), ('SELECT crm.retention_curve(''{2024-01-31 1 5}'', ''2024-04-30'', ''month'', ''x'')'), ('SELECT ''x''::crm.relationship_level'),
      ('SELECT crm.recommended_level(''x'', ''high'')'), ('SELECT crm.tier_program(''{A}'', ''{1}'', ''x'')'), ('SELECT crm.tier_program(''{A}'', ''{1}'', ''spend'', ''1 year'', ''x'')'), ('SELECT crm.tier_program(''{A}'', ''{1}'', ''spend'', ''1 year'', ''rolling'', ''x'')')) v(statement)
  WHERE pg_temp.hint_of(statement) IS NULL OR pg_temp.hint_of(statement) !~ '^[A-Z][a-z]+ are .* and .*[.]$'$$, 'a word that is none is answered by the list');
SELECT throws_like($$SELECT crm.tier_program('{A}', '{1}', period => '1 year', window_kind => 'calendar_year', fiscal_start => '0401')$$, 'invalid input syntax%', 'the start of a fiscal year is read as in the text form');
SELECT * FROM finish();
ROLLBACK;
