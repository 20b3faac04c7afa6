-- satisfaction, effort, changes of scores and kinds of loyalty, against plain SQL
BEGIN;
SET LOCAL search_path = public, crm;
SELECT plan(28);
SELECT setseed(0.37);
CREATE TEMP TABLE a AS SELECT i, i % 5 AS question, 1 + floor(random() * 5)::int AS s5, 1 + floor(random() * 7)::int AS s7 FROM generate_series(1, 900) i;
SELECT is_empty($$ SELECT * FROM (SELECT question, csat(s5) AS r, avg(CASE WHEN s5 >= 4 THEN 100.0 ELSE 0 END) AS m, var_pop(CASE WHEN s5 >= 4 THEN 100.0 ELSE 0 END) AS v, count(*) AS n FROM a GROUP BY question) s
  WHERE abs((r).score - m) > 1e-9 OR (r).responses <> n OR abs((r).standard_error - sqrt(v / n)) > 1e-9 $$, 'csat is the share of 4 and 5, with its error');
SELECT is_empty($$ SELECT * FROM (SELECT question, effort_score(s7) AS r, avg(s7) AS m, var_pop(s7) AS v, count(*) AS n FROM a GROUP BY question) s
  WHERE abs((r).score - m) > 1e-9 OR (r).responses <> n OR abs((r).standard_error - sqrt(v / n)) > 1e-9 $$, 'effort_score is the mean, with its error');
SELECT is((SELECT csat(s5 ORDER BY i) FROM a)::text, (SELECT csat(s5 ORDER BY -i) FROM a)::text, 'in any order');
SELECT is((SELECT csat(x) FROM unnest('{NULL,NULL}'::int[]) x), NULL, 'no answer, no score');
SELECT ok((SELECT (csat(x)).standard_error = 0 FROM unnest('{5}'::int[]) x), 'one answer has no spread');
SELECT results_eq($$ SELECT round(change::numeric, 6), round(standard_error::numeric, 6), round(low::numeric, 6), round(high::numeric, 6), round(p_value::numeric, 6) FROM score_change(30, 3, 42, 4) $$, $$ VALUES (12.000000, 5.000000, 2.200180, 21.799820, 0.016395) $$, 'a change of 12 with an error of 5');
SELECT is_empty($$ SELECT z FROM generate_series(0, 3, 0.25) z, score_change(0, 0.6, z, 0.8) c WHERE (c.p_value < 0.05) <> (c.low > 0) $$, 'p and interval agree');
SELECT results_eq($$ SELECT change, standard_error, p_value FROM score_change(1, 0, 2, 0) $$, $$ VALUES (1::float8, 0::float8, NULL::float8) $$, 'without error there is no test');
SELECT results_eq($$ SELECT loyalty_kind(b, a, 0.5, 9) FROM unnest('{0.5,0.49}'::float8[]) WITH ORDINALITY x(b, i), unnest('{9,8.9}'::float8[]) WITH ORDINALITY y(a, j) ORDER BY i, j $$, $$ VALUES ('heart'), ('habit'), ('latent'), ('none') $$, 'who reaches a cut is above it');
SELECT is(loyalty_kind(NULL, 9, 0.5, 9), NULL, 'who never answered has no attitude');
SELECT throws_ok($$ SELECT csat(6) $$, '22003', 'score 6 is not from 1 to 5', 'another scale');
SELECT throws_ok($$ SELECT effort_score(0) $$, '22003', 'score 0 is not from 1 to 7', 'is another question');
SELECT throws_ok($$ SELECT score_change(1, -1, 2, 1) $$, '22023', NULL, 'an error is not negative');
SELECT throws_ok($$ SELECT loyalty_kind('NaN', 9, 0.5, 9) $$, '22023', NULL, 'nor behaviour NaN');
-- several questions in one value
SELECT results_eq($$ SELECT q.question, q.score, q.responses, q.promoters, q.passives, q.detractors, q.standard_error FROM question_scores((SELECT nps_by_question('q' || question, s5 * 2) FROM a)) q $$,
  $$ SELECT q, (n).* FROM (SELECT 'q' || question AS q, nps(s5 * 2) AS n FROM a GROUP BY 1) s ORDER BY 1 $$, 'each question has the score that nps gives it');
SELECT is((SELECT merge(p) FROM (SELECT nps_by_question('q' || question, s5) AS p FROM a GROUP BY i % 3) s), (SELECT nps_by_question('q' || question, s5 ORDER BY i DESC) FROM a), 'parts merge to the whole, in any order');
SELECT is((SELECT nps_by_question('how "good"?', 9)::text::named_sums::text), '{"how ""good""?" (1, 0, 0)}', 'text is lossless');
SELECT is((SELECT nps_by_question(q, s) FROM (VALUES (NULL, 9), ('x', NULL)) v(q, s)), NULL, 'no answer, no value');
SELECT throws_ok($$ SELECT nps_by_question('x', 11) $$, '22003', NULL, 'answers are 0 to 10');
SELECT throws_ok($$ SELECT nps_by_question(repeat('x', 256), 1) $$, '22001', NULL, 'and names not too long');
SELECT throws_ok($$ SELECT '{x (1), y (1, 2)}'::named_sums $$, NULL, NULL, 'all have as many sums');
SELECT throws_like($$ SELECT '{x (1), y (2), x (3)}'::named_sums $$, 'invalid input syntax for type named_sums%', 'each name once, as in the binary form');
SELECT throws_ok($$ SELECT * FROM question_scores('{x (9223372036854775807, 1, 1)}') $$, '22003', 'number of answers is out of range', 'forged answers are counted');
-- a numeric is an answer if it is on the scale
SELECT throws_ok($$ SELECT nps(6.5) $$, '22003', 'score 6.5 is not on the scale', 'a number between the answers is refused, not rounded');
SELECT is((SELECT nps(s::numeric) FROM generate_series(0, 10) s), (SELECT nps(s) FROM generate_series(0, 10) s), 'whole numbers are answers');
-- no answer is NaN
SELECT throws_ok($$ SELECT score_change('NaN', 0, 0.5, 0.1) $$, '22023', NULL, 'NaN has not changed');
SELECT throws_ok($$ SELECT score_change(0, 0, 'Infinity', 0.1) $$, '22023', NULL, 'nor has infinity');
SELECT throws_ok($$ SELECT score_change(-1e308, 0, 1e308, 0) $$, '22003', NULL, 'and a change is a number');
SELECT * FROM finish();
ROLLBACK;
