-- profile, fact, forget and use_verdict: against a slow reference in SQL on random assertions, and an exhaustive table of the verdict
BEGIN;
SET LOCAL search_path = public, crm;
SELECT plan(36);
SELECT setseed(0.19);

CREATE TEMP TABLE a AS
SELECT i, i % 60 AS c, 'attr ' || (random() * 3)::int AS attribute, CASE WHEN h < 3 OR random() < 0.5 THEN 'v' || (random() * 3)::int END AS value,
  ('{stated,observed,inferred,withdrawn}'::text[])[1 + h] AS how_known, nullif('s' || (random() * 2)::int, 's0') AS source,
  '2024-01-01 00:00+00'::timestamptz + (random() * 20)::int * interval '1 day' AS known_at,
  CASE (random() * 3)::int WHEN 0 THEN NULL WHEN 1 THEN '(,)'::tstzrange
    ELSE tstzrange('2024-01-01 00:00+00'::timestamptz + (random() * 10)::int * interval '1 day', '2024-01-12 00:00+00'::timestamptz + (random() * 20)::int * interval '1 day') END AS valid,
  CASE WHEN h < 3 AND random() < 0.5 THEN round(random()::numeric, 2)::float8 END AS confidence,
  CASE WHEN h < 3 AND random() < 0.5 THEN ARRAY['p' || (random() * 2)::int, 'p1'] END AS purposes,
  CASE WHEN h = 2 THEN ARRAY['attr ' || (random() * 3)::int] END AS derived_from
FROM (SELECT i, CASE WHEN random() < 0.15 THEN 3 ELSE (random() * 2)::int END AS h FROM generate_series(1, 900) i) s;
CREATE TEMP TABLE p AS SELECT c, profile(attribute, value, how_known, source, known_at, valid, confidence, purposes, derived_from) AS profile FROM a GROUP BY c;

-- what is in force, and the best of it, in plain SQL
CREATE TEMP TABLE q AS SELECT '2024-01-01 00:00+00'::timestamptz + d * interval '1 day' AS as_of, CASE WHEN k > 0 THEN '2024-01-01 00:00+00'::timestamptz + k * interval '1 day' END AS known_by
FROM generate_series(0, 24, 6) d, unnest('{0,8,40}'::int[]) k;
CREATE TEMP VIEW force AS
SELECT q.as_of, q.known_by, a.*, array_position('{stated,observed,inferred}', a.how_known) AS rank
FROM q, (SELECT DISTINCT c, attribute, value, how_known, source, known_at, coalesce(valid, tstzrange(known_at, NULL)) AS valid, confidence, purposes, derived_from FROM a) a
WHERE how_known <> 'withdrawn' AND known_at <= coalesce(q.known_by, q.as_of) AND valid @> q.as_of
  AND NOT EXISTS (SELECT FROM a w WHERE w.how_known = 'withdrawn' AND w.c = a.c AND w.attribute = a.attribute AND coalesce(w.value, a.value) = a.value
    AND w.known_at BETWEEN a.known_at AND coalesce(q.known_by, q.as_of) AND coalesce(w.valid, tstzrange(w.known_at, NULL)) @> q.as_of);
SELECT is_empty($$
  SELECT * FROM (SELECT q.as_of, q.known_by, p.c, f.attribute, f.how_known, f.value FROM p, q, facts(profile, q.as_of, q.known_by) f) got
  FULL JOIN (SELECT as_of, known_by, c, attribute, min(rank) AS rank FROM force GROUP BY 1, 2, 3, 4) want
    ON (got.as_of, coalesce(got.known_by, 'infinity'), got.c, got.attribute) = (want.as_of, coalesce(want.known_by, 'infinity'), want.c, want.attribute)
  WHERE got.c IS NULL OR want.c IS NULL OR got.how_known <> ('{stated,observed,inferred}'::text[])[want.rank]
    OR NOT EXISTS (SELECT FROM force f WHERE (f.as_of, coalesce(f.known_by, 'infinity'), f.c, f.attribute, f.rank, f.value) = (want.as_of, coalesce(want.known_by, 'infinity'), want.c, want.attribute, want.rank, got.value)
      AND f.known_at = (SELECT max(known_at) FROM force g WHERE (g.as_of, coalesce(g.known_by, 'infinity'), g.c, g.attribute, g.rank) = (want.as_of, coalesce(want.known_by, 'infinity'), want.c, want.attribute, want.rank))) $$,
  'facts are the newest assertions in force of the first kind, as plain SQL finds them');
SELECT is_empty($$
  SELECT * FROM p, q, facts(profile, q.as_of, q.known_by) f
  WHERE f.contradicted_by IS DISTINCT FROM (SELECT array_agg(DISTINCT value COLLATE "C" ORDER BY value COLLATE "C") FROM force
    WHERE (force.as_of, coalesce(force.known_by, 'infinity'), force.c, force.attribute) = (q.as_of, coalesce(q.known_by, 'infinity'), p.c, f.attribute) AND value <> f.value) $$,
  'and the other values in force contradict them');
SELECT is_empty($$
  SELECT * FROM p, q, facts(profile, q.as_of, q.known_by) f, fact(profile, q.as_of, f.attribute, q.known_by) g WHERE (f.value, f.how_known, f.source, f.since, f.why) IS DISTINCT FROM (g.value, g.how_known, g.source, g.since, g.why) $$,
  'fact is that row of facts');
SELECT is_empty($$ SELECT * FROM p, q, facts(profile, q.as_of, q.known_by, 'order inferred, stated, observed') f
  WHERE f.how_known <> (SELECT how_known FROM force WHERE (force.as_of, coalesce(force.known_by, 'infinity'), force.c, force.attribute) = (q.as_of, coalesce(q.known_by, 'infinity'), p.c, f.attribute)
    ORDER BY array_position('{inferred,stated,observed}', how_known) LIMIT 1) $$, 'the precedence is a value');

-- set union
SELECT is((SELECT count(*) FROM p, assertions(profile)), (SELECT count(*) FROM (SELECT DISTINCT c, attribute, value, how_known, source, known_at, coalesce(valid, tstzrange(known_at, NULL)), confidence, (SELECT array_agg(DISTINCT x ORDER BY x) FROM unnest(purposes) x), derived_from FROM a) s),
  'a profile holds each assertion once');
SELECT is_empty($$ SELECT x.c FROM p x, p y WHERE x.c % 7 = 0 AND y.c % 11 = 0 AND (x.profile + y.profile <> y.profile + x.profile OR x.profile + y.profile + y.profile <> x.profile + y.profile OR x.profile + x.profile <> x.profile) $$,
  '+ is commutative and idempotent');
SELECT is((SELECT merge(profile) FROM p), (SELECT profile(attribute, value, how_known, source, known_at, valid, confidence, purposes, derived_from ORDER BY i DESC) FROM a), 'merging is aggregating, in any order');
CREATE TEMP TABLE f AS SELECT c, CASE c % 3 WHEN 0 THEN profile ELSE forget(profile, '2024-01-01 00:00+00'::timestamptz + c % 20 * interval '1 day', 'attr ' || c % 4, c % 3 = 1) END AS profile FROM p;
SELECT is_empty($$ SELECT x.c FROM f x, f y, f z WHERE x.c % 13 = 0 AND y.c % 9 = 1 AND z.c % 8 = 2 AND (x.profile + y.profile) + z.profile <> x.profile + (y.profile + z.profile) $$, '+ is associative with tombstones among them');
SELECT is_empty($$ SELECT c FROM f WHERE profile::text::profile <> profile OR profile + profile <> profile $$, 'text is lossless');
SELECT is((SELECT count(DISTINCT h) FROM (SELECT hashtextextended(merge(profile ORDER BY c)::text, 0) AS h FROM f UNION ALL SELECT hashtextextended(merge(profile ORDER BY -c)::text, 0) FROM f) s), 1::bigint, 'and tombstones win in every order');
CREATE TEMP TABLE long AS SELECT merge(assertion('a' || i, 'v', 'stated', 'call', '2024-01-01 00:00+00', purposes => '{service,advice}', derived_from => '{age}')) AS profile FROM generate_series(1, 4000) i;
SELECT ok((SELECT profile::text::profile = profile FROM long), 'a long one is read in memory of its own size');

-- forgetting
SELECT is_empty($$
  SELECT f.c FROM f JOIN p USING (c), LATERAL assertions(f.profile + p.profile) x WHERE c % 3 > 0 AND how_known !~ 'forgotten'
    AND known_at <= '2024-01-01 00:00+00'::timestamptz + c % 20 * interval '1 day' AND (attribute = 'attr ' || c % 4 OR c % 3 = 1 AND derived_from @> ARRAY['attr ' || c % 4]) $$,
  'what is forgotten, and what was derived from it, does not come back with an older copy');
SELECT is_empty($$
  SELECT f.c, x.* FROM f JOIN p USING (c), LATERAL (SELECT * FROM assertions(p.profile) EXCEPT SELECT * FROM assertions(f.profile)) x
  WHERE c % 3 > 0 AND (known_at > '2024-01-01 00:00+00'::timestamptz + c % 20 * interval '1 day' OR attribute <> 'attr ' || c % 4 AND (c % 3 = 2 OR derived_from IS NULL)) $$, 'and nothing else goes');
SELECT is(forget('{observed a = x at 2024-01-01 00:00+00; inferred b = y at 2024-01-02 00:00+00 from (a); inferred c = z at 2024-01-03 00:00+00 from (b, k); stated b = w at 2024-01-01 00:00+00}', '2024-02-01 00:00+00', 'a'),
  '{forgotten a until 2024-02-01 00:00+00; forgotten_derived a until 2024-02-01 00:00+00; stated b = w at 2024-01-01 00:00+00; forgotten_derived b until 2024-02-01 00:00+00; forgotten_derived c until 2024-02-01 00:00+00}'::profile,
  'derivation is followed step by step; what was said oneself stays');

-- as_of: what is known later changes no earlier answer
SELECT is_empty($$
  SELECT p.c FROM p, LATERAL (SELECT as_of FROM q WHERE known_by IS NULL) q, LATERAL (SELECT profile(attribute, value, how_known, source, known_at, valid, confidence, purposes, derived_from) AS past FROM a WHERE a.c = p.c AND known_at <= q.as_of) b
  WHERE (SELECT array_agg(f::text) FROM facts(profile, q.as_of) f) IS DISTINCT FROM (SELECT array_agg(f::text) FROM facts(past, q.as_of) f) $$, 'a day is answered as it was then');

-- fact, exhaustively: how known x valid x known at x withdrawn, alone and beside every other such assertion
CREATE TEMP TABLE one AS
SELECT row_number() OVER () AS i, how, v.name || how || k || w.name AS value, valid, known, withdrawn, other_value,
  known <= '2024-06-10' AND valid @> '2024-06-10 00:00+00'::timestamptz AND NOT coalesce(withdrawn BETWEEN known AND '2024-06-10' AND NOT other_value, false) AS in_force
FROM unnest('{stated,observed,inferred}'::text[]) WITH ORDINALITY AS h(how, rank),
  (VALUES ('open', '[,)'::tstzrange), ('over', '[2024-01-01 00:00+00,2024-06-10 00:00+00)'), ('now', '[2024-06-10 00:00+00,2024-06-11 00:00+00)'), ('to come', '[2024-06-10 00:00:00.000001+00,)')) v(name, valid),
  (VALUES ('a', '2024-05-01 00:00+00'::timestamptz), ('b', '2024-06-10 00:00+00'), ('c', '2024-06-10 00:00:00.000001+00')) n(k, known),
  (VALUES ('', NULL::timestamptz, false), ('before', '2024-04-01 00:00+00', false), ('at once', '2024-05-01 00:00+00', false), ('by now', '2024-06-10 00:00+00', false), ('later', '2024-07-01 00:00+00', false), ('another', '2024-06-10 00:00+00', true)) w(name, withdrawn, other_value);
CREATE TEMP TABLE one_profile AS
SELECT i, assertion('x', value, how, 's', known, valid) + CASE WHEN withdrawn IS NULL THEN '{}' ELSE assertion('x', CASE WHEN other_value THEN 'another' ELSE value END, 'withdrawn', 's', withdrawn) END AS profile FROM one;
SELECT is((SELECT count(*) FROM one), 216::bigint, 'all of one assertion');
SELECT is_empty($$ SELECT o.* FROM one o JOIN one_profile p USING (i) LEFT JOIN LATERAL fact(p.profile, '2024-06-10 00:00+00', 'x') f ON true
  WHERE (f.value, f.how_known) IS DISTINCT FROM (CASE WHEN in_force THEN o.value END, CASE WHEN in_force THEN o.how END) $$, 'a fact where one is in force, and nowhere else');
SELECT is_empty($$ SELECT a.value, b.value, f.value FROM one a JOIN one_profile p USING (i) JOIN one b ON b.i % 5 = a.i % 5 AND b.value <> a.value JOIN one_profile q ON q.i = b.i LEFT JOIN LATERAL fact(p.profile + q.profile, '2024-06-10 00:00+00', 'x') f ON true,
  LATERAL (SELECT array_agg(c.value) AS best FROM (SELECT k.value, rank() OVER (ORDER BY array_position('{stated,observed,inferred}', k.how), k.known DESC) AS place FROM (VALUES (a.*), (b.*)) k(i, how, value, valid, known, withdrawn, other_value, in_force) WHERE k.in_force) c WHERE place = 1) w
  WHERE CASE WHEN best IS NULL THEN f.value IS NOT NULL ELSE f.value IS NULL OR f.value <> ALL (best) END $$, 'and of two the better one, the newer of one kind');

-- the verdict, exhaustively: category x how known x purposes collected x listed x grants
CREATE TEMP TABLE cases AS
SELECT cat, how, collected, basis, wanted, grants, v.*
FROM unnest('{family,health,criminal}'::text[]) cat, unnest('{stated,observed,inferred}'::text[]) how, (VALUES (NULL::text[]), ('{sell}'), ('{service}')) c(collected), unnest('{consent,contract}'::text[]) basis, unnest('{sell,give}'::text[]) wanted,
  (SELECT (SELECT coalesce(array_agg(n), '{}') FROM unnest('{sell,health,profiling,own}'::text[]) WITH ORDINALITY u(n, i) WHERE m >> (i - 1)::int & 1 = 1) AS grants FROM generate_series(0, 15) m) g,
  use_verdict(format('x is %s for sell by %s, other by contract', cat, basis)::profile_rule, assertion('x', '1', how, 'm', '2024-01-01', purposes => collected),
    (SELECT merge(CASE g WHEN 'own' THEN consent('sell', 'contract', '(,)') ELSE consent(g, 'consent', '[2023-01-01,)') END) FROM unnest(grants) g), '2024-06-01', 'x', wanted) v;
SELECT is((SELECT count(*) FROM cases), 1728::bigint, 'all cases');
SELECT is_empty($$
  SELECT * FROM cases WHERE allowed <> (wanted = 'sell' AND cat <> 'criminal' AND (cat <> 'health' OR 'health' = ANY (grants)) AND CASE basis WHEN 'consent' THEN 'sell' ELSE 'own' END = ANY (grants)
    AND (collected IS NULL OR 'sell' = ANY (collected) OR 'sell' = ANY (grants)) AND (how <> 'inferred' OR 'profiling' = ANY (grants))) $$, 'allowed where all conditions hold, and nowhere else');
SELECT is_empty($$ SELECT * FROM cases WHERE allowed <> (value IS NOT NULL) OR reason IS NULL OR allowed AND missing IS NOT NULL OR (missing IS NULL) <> (allowed OR wanted = 'give' OR cat = 'criminal') $$,
  'a value only with permission, a reason always, and what is missing where something would help');
SELECT is_empty($$
  SELECT * FROM cases, LATERAL (SELECT use_verdict(format('x is %s for sell by %s, other by contract', cat, basis)::profile_rule, assertion('x', '1', how, 'm', '2024-01-01', purposes => collected),
    coalesce((SELECT merge(CASE g WHEN 'own' THEN consent('sell', 'contract', '(,)') ELSE consent(g, 'consent', '(,)') END) FROM unnest(grants) g), '{}')
    + (SELECT merge(consent(split_part(m, ' for ', 2), split_part(m, ' for ', 1), '(,)')) FROM regexp_split_to_table(missing, ', ') m), '2024-06-01', 'x', wanted) AS w) t
  WHERE missing IS NOT NULL AND NOT (w).allowed $$, 'what is missing, once given, makes it allowed');
SELECT results_eq($$ SELECT (use_verdict('x is a for sell by consent', '{stated x = "1" at 2024-01-01 00:00+00}', NULL, '2024-06-01', 'y', 'sell')).reason, (use_verdict('x is a for sell by consent', NULL, '{sell consent [,)}', '2024-06-01', 'x', 'sell')).reason $$,
  $$ VALUES ('the rule does not list it', 'nothing is known of it') $$, 'an unknown attribute, an unknown customer');

-- errors
SELECT throws_ok($$ SELECT assertion('x', '1', 'guessed', 's', '2024-01-01') $$, '22023', NULL, 'how it is known is one of few words');
SELECT throws_ok($$ SELECT assertion('x', '1', 'stated', 's', 'infinity') $$, '22008', NULL, 'it became known some day');
SELECT throws_ok($$ SELECT assertion('x', '1', 'stated', 's', '2024-01-01', confidence => 1.5) $$, '22023', NULL, 'confidence is a share');
SELECT throws_ok($$ SELECT 'x is a for sell by consent; x is b'::profile_rule $$, '22023', NULL, 'an attribute has one category');
SELECT throws_ok($$ SELECT fact('{}', NULL, 'x') $$, '22004', NULL, 'there is no hidden today');
SELECT is((SELECT profile(NULL, 'a', 'stated', 's', '2024-01-01') FROM generate_series(1, 2)), '{}'::profile, 'rows that say nothing are left out');

-- suppression entries are HMAC-SHA-256, by another implementation
SELECT is(encode(suppression_entry('a secret of 16 bytes or more', '{"customer":"Ann"}'), 'hex'), '04d303a400ba6664cb3436a81461f0973494fcb1c4dd2c06641c78a89e93b4ef', 'a suppression entry is an HMAC of the object');
SELECT is(encode(suppression_entry(repeat('k', 100), '{"shop": 2, "name": "Käse"}'), 'hex'), '1a70d7dba5e23c7918a9daa788af4f990aea7ec621313f70116ac65d9ba40644', 'in UTF-8, of keys in any order, under a long secret too');
SELECT isnt(suppression_entry('a secret of 16 bytes or mure', '{"customer": "Ann"}'), suppression_entry('a secret of 16 bytes or more', '{"customer": "Ann"}'), 'another secret, another entry');
SELECT is(suppression_entry('a secret of 16 bytes or more', '{"id": 120.00, "shop": 1}'), suppression_entry('a secret of 16 bytes or more', '{"id": 120, "shop": 1.0}'),
  'equal numbers, equal entries');
SELECT throws_ok($$ SELECT suppression_entry('a secret of 16 bytes or more', '"Ann"') $$, '22023', 'customer must be an object of the key columns', 'a bare key would never be found again');
SELECT throws_ok($$ SELECT suppression_entry('a secret of 16 bytes or more', '{}') $$, '22023', 'customer must be an object of the key columns', 'nobody is no customer');
SELECT throws_ok($$ SELECT suppression_entry('short', '{}') $$, '22023', 'secret of 5 bytes is too short', 'a secret is not guessed');

SELECT * FROM finish();
ROLLBACK;
