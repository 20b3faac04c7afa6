-- tests of lifts, several arms, strata, uplift curves: against plain SQL, published figures and invariants
BEGIN;
SET LOCAL search_path = public, crm;
SELECT plan(62);

-- Hillstrom's e-mail experiment: 21,307 men's e-mails, 21,387 women's, 21,306 without; visitors and buyers
CREATE TEMP TABLE hillstrom AS SELECT arm, n, visitors, buyers, spend FROM (VALUES ('men', 21307, 3894, 267, 30311.69), ('women', 21387, 3238, 189, 23038.11), ('none', 21306, 2262, 122, 13908.33)) v(arm, n, visitors, buyers, spend);
CREATE TEMP TABLE visit AS SELECT arm, (i <= visitors)::int::float8 AS visited, (i <= buyers)::int::float8 AS bought FROM hillstrom, generate_series(1, n) i;
CREATE TEMP TABLE tested AS SELECT a.arm, lift_test(v.arm = a.arm, visited) AS visits, lift_test(v.arm = a.arm, bought) AS purchases FROM visit v, (VALUES ('men'), ('women')) a(arm) WHERE v.arm IN (a.arm, 'none') GROUP BY a.arm;
SELECT is_empty($$ SELECT t.arm FROM tested t JOIN hillstrom h USING (arm), (SELECT * FROM hillstrom WHERE arm = 'none') c, LATERAL (SELECT h.visitors::float8 / h.n AS p, c.visitors::float8 / c.n AS q) s
  WHERE abs((visits).difference - (p - q)) > 1e-15 OR abs((visits).standard_error - sqrt(p * (1 - p) / (h.n - 1) + q * (1 - q) / (c.n - 1))) > 1e-15 OR (visits).customer_count <> h.n + c.n $$, 'Hillstrom: differences of shares and their Welch errors');
SELECT ok((SELECT bool_and((visits).p_value < 1e-40 AND (purchases).p_value BETWEEN 1e-14 AND 1e-3) FROM tested), 'both e-mails bring visits and purchases');
SELECT ok((SELECT (m.spend / m.n - c.spend / c.n)::numeric(20, 9) = 0.769827156 AND w.spend / w.buyers > m.spend / m.buyers AND w.spend / w.n < m.spend / m.n FROM hillstrom m, hillstrom w, hillstrom c WHERE m.arm = 'men' AND w.arm = 'women' AND c.arm = 'none'), 'among buyers it looks upside down');
-- what they spent in the two weeks after, and the year before: the sums of the 64,000 customers, and beside them what R says of the rows: t.test, lm(spend ~ arm + history)
SELECT is_empty($$ SELECT * FROM crm_internal.lift_test_final('{21307, 34946999241976317276160, 33328055612541489, 5723, 13227003935866251, 155660729163601771628361747235, 21306, 16035212750168548089856, 15292370557945767, 2403, 6101014100668564, 65587371459968355877608940275}') l
  WHERE (abs(difference - 0.769827155894536) < 1e-14 AND abs(standard_error - 0.1452465602486867) < 1e-14 AND abs(degrees - 36671.15797736049) < 1e-7 AND abs(p_value / 1.163814968225483e-07 - 1) < 1e-12) IS NOT TRUE $$, 'Hillstrom: what men''s e-mails brought, by Welch');
SELECT is_empty($$ SELECT * FROM (VALUES (21307, 30311.69, 6759024.4973, 21306, 13908.33, 2870050.3621)) v(n, s, q, nc, sc, qc), crm_internal.lift_test_final('{21307, 34946999241976317276160, 33328055612541489, 5723, 13227003935866251, 155660729163601771628361747235, 21306, 16035212750168548089856, 15292370557945767, 2403, 6101014100668564, 65587371459968355877608940275}') l,
  LATERAL (SELECT q - s ^ 2 / n AS a, qc - sc ^ 2 / nc AS b) d
  WHERE (abs(l.difference / sqrt((a + b) / (n + nc - 2) * (1.0 / n + 1.0 / nc)) - 5.300090294465472) < 1e-12 AND abs(l.standard_error - sqrt(a / n / (n - 1) + b / nc / (nc - 1))) < 1e-14) IS NOT TRUE $$, 'and the pooled t that is published of it');
SELECT is_empty($$ SELECT * FROM (VALUES ('men', 0.767343375766981, 0.1452151045041320, 36677.02644910035, 1.269862034678135e-07), ('women', 0.422309021251698, 0.1303095661161109, 40069.32524248033, 1.192863357161319e-03)) r(arm, difference, standard_error, degrees, p)
  FULL JOIN arm_lifts('{"men" (21307, 34946999241976317276160, 33328055612541489, 5723, 13227003935866251, 155660729163601771628361747235, 21307, 33328055612541489, 5688988808746032856, 2483147, 2566244548154302260, 10360492817583504049770779237636, 7589, 68741895778090145, 103650614265942464994101906792), "none" (21306, 16035212750168548089856, 15292370557945767, 2403, 6101014100668564, 65587371459968355877608940275, 21306, 15292370557945767, 5642963944699655019, 2381329, 2577789486216647798, 10450465237113861218303472411985, 3242, 31101423620015983, 51929746959883158576559593984), "women" (21387, 26561132444498047455232, 25330669826982531, 4107, 10710122863840430, 99696940484944775479952042845, 21387, 25330669826982531, 5703310827307117475, 2434227, 2593112566134357614, 10565423594765050191552762028395, 5889, 48936700690216923, 70739994883824002389132155502)}', 'none') l USING (arm)
  WHERE (abs(l.difference - r.difference) < 1e-11 AND abs(l.standard_error - r.standard_error) < 1e-12 AND abs(l.degrees - r.degrees) < 1e-6 AND abs(l.p_value / r.p - 1) < 1e-10) IS NOT TRUE $$, 'and given what was spent before');
SELECT results_eq($$ SELECT holm(array_agg((purchases).p_value ORDER BY arm)) = ARRAY[2 * min((purchases).p_value), max((purchases).p_value)] FROM tested $$, $$ VALUES (true) $$, 'two arms by Holm');
SELECT is(holm('{0.01,0.04,0.03,0.005}'), '{0.03,0.06,0.06,0.02}'::float8[], 'Holm: a worked case');
SELECT is(holm('{0.5,0.9,0.6}'), '{1,1,1}'::float8[], 'never above 1');
SELECT is(holm('{}'), '{}'::float8[], 'of none');

-- the test against plain SQL
SELECT setseed(0.31);
CREATE TEMP TABLE t AS SELECT i, random() < 0.4 AS treated, i % 3 AS stratum, x, 10 + 3 * x + 2 * random() + CASE WHEN i % 3 = 1 THEN 0.2 ELSE 0 END AS value, (random() * 20)::int / 20.0 AS score
FROM (SELECT i, random() * 4 AS x FROM generate_series(1, 2000) i) s;
CREATE TEMP VIEW moments AS SELECT stratum, count(*) AS n, avg(value) FILTER (WHERE treated) - avg(value) FILTER (WHERE NOT treated) AS d, var_samp(value) FILTER (WHERE treated) / count(*) FILTER (WHERE treated) AS a, var_samp(value) FILTER (WHERE NOT treated) / count(*) FILTER (WHERE NOT treated) AS b,
  count(*) FILTER (WHERE treated) AS na, count(*) FILTER (WHERE NOT treated) AS nb FROM t GROUP BY stratum;
CREATE TEMP VIEW test AS SELECT stratum, lift_test(treated, value) AS r FROM t GROUP BY stratum;
SELECT is_empty($$ SELECT * FROM test JOIN moments USING (stratum) WHERE abs((r).difference - d) > 1e-9 OR abs((r).standard_error - sqrt(a + b)) > 1e-9 OR abs((r).degrees - (a + b) ^ 2 / (a ^ 2 / (na - 1) + b ^ 2 / (nb - 1))) > 1e-6 OR (r).customer_count <> n $$, 'difference, error and degrees are those of Welch');
SELECT is_empty($$ SELECT * FROM (SELECT stratum, lift(treated, value) AS l FROM t GROUP BY stratum) l JOIN test USING (stratum) WHERE (r).difference <> (l).difference OR ((r).p_value < 0.05) <> ((l).difference_low > 0 OR (l).difference_high < 0) $$, 'p is below 0.05 where the 95 % interval of lift leaves 0 out');
SELECT is_empty($$ SELECT * FROM (VALUES (1, 1.0, 0.5), (2, 2.0, 0.18350341907227), (10, 2.228138852, 0.05), (30, 2.042272456, 0.05), (1000, 1.962339081, 0.05)) v(df, t, p),
  LATERAL (SELECT stratified(ARRAY[(t, 1, df, NULL, 10)]::lift_test_result[]) AS r) s WHERE abs((r).p_value - p) > 1e-8 $$, 'p of known quantiles of t');
SELECT ok((SELECT abs((r).difference - (l).difference) < 1e-12 AND (r).standard_error < (u).standard_error / 2 FROM (SELECT lift_test(treated, value, x) AS r, lift(treated, value, x) AS l, lift_test(treated, value) AS u FROM t) s), 'the past of the customers halves the error');
SELECT is_empty($$ SELECT * FROM (SELECT stratified(array_agg(r)) AS s FROM test) q, (SELECT sum(n * d) / sum(n) AS d, sum((n / total) ^ 2 * (a + b)) AS v FROM moments, (SELECT sum(n) AS total FROM moments) w) want
  WHERE abs((s).difference - d) > 1e-9 OR abs((s).standard_error - sqrt(v)) > 1e-9 OR (s).customer_count <> 2000 $$, 'strata are weighted by their size');
SELECT ok((SELECT (stratified(ARRAY[r])).degrees BETWEEN (r).degrees * 0.9999999 AND (r).degrees * 1.0000001 AND abs((stratified(ARRAY[r])).p_value - (r).p_value) < 1e-9 FROM test WHERE stratum = 0), 'one stratum is the test itself');
SELECT ok((SELECT (s).difference IS NULL AND (s).p_value IS NULL FROM (SELECT stratified(array_agg(r)) AS s FROM (SELECT lift_test(treated OR stratum = 1, value) AS r FROM t GROUP BY stratum) q) x), 'a stratum without a group leaves the whole unknown');
SELECT results_eq($$ SELECT (r).difference, (r).standard_error, (r).p_value FROM (SELECT lift_test(v > 1, v) AS r FROM (VALUES (1::float8), (2)) v(v)) s $$, $$ VALUES (1::float8, NULL::float8, NULL::float8) $$, 'one value has no error');

-- the uplift curve, by windows
CREATE TEMP TABLE c AS SELECT uplift_curve(score, treated, round(value)) AS curve FROM t;
CREATE TEMP VIEW want AS SELECT score, sum(n) OVER w / (sum(n) OVER ())::float8 AS share, sum(nt) OVER w AS nt, sum(nc) OVER w AS nc, sum(yt) OVER w AS yt, sum(yc) OVER w AS yc,
    sum(yt) OVER w - sum(yc) OVER w * sum(nt) OVER w / nullif(sum(nc) OVER w, 0) AS gain
  FROM (SELECT score, count(*) AS n, count(*) FILTER (WHERE treated) AS nt, count(*) FILTER (WHERE NOT treated) AS nc, coalesce(sum(round(value)) FILTER (WHERE treated), 0) AS yt, coalesce(sum(round(value)) FILTER (WHERE NOT treated), 0) AS yc FROM t GROUP BY score) s WINDOW w AS (ORDER BY score DESC);
SELECT is_empty($$ SELECT * FROM (SELECT p.* FROM c, points(curve) p) got FULL JOIN want ON got.score = want.score::float8
  WHERE abs(got.share - want.share) > 1e-12 OR (treated_n, control_n) <> (nt, nc) OR abs(treated_value - yt) > 1e-6 OR abs(control_value - yc) > 1e-6 OR abs(got.gain - want.gain) > 1e-6 OR got.score IS NULL OR want.score IS NULL $$, 'points are running sums over the scores');
SELECT is_empty($$ SELECT * FROM c, (SELECT sum((share - before) * (gain + gain_before) / 2) / max(nt) - (array_agg(gain ORDER BY share DESC))[1] / max(nt) / 2 AS q
  FROM (SELECT share, nt, gain, coalesce(lag(share) OVER w, 0) AS before, coalesce(lag(gain) OVER w, 0) AS gain_before FROM want WINDOW w AS (ORDER BY share)) s) w WHERE abs(qini(curve) - q) > 1e-9 $$, 'qini is the area by trapezoids');
-- scikit-uplift 0.5: the area over chance of Hillstrom's visits, in customers times treated, by months since the last purchase and by the class of what was spent; then the arrays of its own tests, its coefficient times the area of the best score there is
SELECT is_empty($$ SELECT * FROM (VALUES ('{-1 3018 596 2971 441, -2 2463 437 2531 340, -3 2005 328 1936 244, -4 1671 236 1721 192, -5 1525 228 1517 167, -6 1557 231 1528 145, -7 1358 199 1409 141, -8 1158 161 1164 105, -9 2111 268 2126 139, -10 2543 285 2484 190, -11 1188 153 1152 102, -12 790 116 767 56}'::uplift_curve, -496175.5330258198),
    ('{7 428 94 416 69, 6 593 124 622 96, 5 1662 292 1652 181, 4 2188 417 2124 319, 3 4155 675 4044 511, 2 4727 631 4836 440, 1 7634 1005 7612 646}', 244592.6875883639), ('{7 464 122 416 69, 6 644 139 622 96, 5 1597 333 1652 181, 4 2097 502 2124 319, 3 4090 862 4044 511, 2 4691 751 4836 440, 1 7724 1185 7612 646}', 2191218.4891833216),
    ('{-1 2963 691 2971 441, -2 2543 563 2531 340, -3 1963 410 1936 244, -4 1685 328 1721 192, -5 1468 247 1517 167, -6 1520 272 1528 145, -7 1311 206 1409 141, -8 1173 181 1164 105, -9 2204 327 2126 139, -10 2538 377 2484 190, -11 1164 168 1152 102, -12 775 124 767 56}', 1434016.3895526826)) v(curve, area),
  LATERAL (SELECT max(treated_n) AS treated, max(treated_n + control_n) AS customers FROM points(curve)) p WHERE (abs(qini(curve) * treated * customers - area) < 1e-6) IS NOT TRUE $$, 'Hillstrom''s qini is that of scikit-uplift');
SELECT results_eq($$ SELECT qini(uplift_curve(score, treated = 1, value)) * count(*) * sum(treated) FROM (VALUES (1, '{1,1}'::int[], '{0.1,0.3}'::float8[], '{1,0}'::int[]), (2, '{0,1}', '{0.1,0.3}', '{1,0}'), (3, '{1,0}', '{0.1,0.3}', '{0,1}'), (4, '{0,1,2}', '{0.1,0.3,0.9}', '{0,1,0}'),
    (5, '{1,1}', '{0.1,0.3}', '{0,1}'), (6, '{0,1,2}', '{0.1,0.3,0.9}', '{1,0,1}')) a(n, v, s, t), unnest(v, s, t) r(value, score, treated) GROUP BY n ORDER BY n $$,
  $$ VALUES (0 * 1::float8), (1 * 0.5), (1 * 0.5), (-0.5 * 2), (1 * 1 - 1), (0.75 * 4 - 2) $$, 'and of its arrays, but for what those brought who are treated at the top of the last two, with nobody to compare them with, which it counts as gain');
SELECT is_empty($$ SELECT * FROM c, (VALUES (0.2), (1), (0)) v(cost), best_share(curve, cost, 0.9) b, LATERAL (SELECT share, score, (0.9 * gain - cost * nt) / (SELECT max(nt) FROM want) AS profit FROM want ORDER BY 3 DESC, share LIMIT 1) w
  WHERE CASE WHEN w.profit > 0 THEN abs(b.share - w.share) > 1e-12 OR b.score <> w.score::float8 OR abs(b.profit - w.profit) > 1e-9 ELSE b.share <> 0 OR b.score IS NOT NULL OR b.profit <> 0 END OR NOT in_sample $$, 'the best share is the best row');
SELECT is((SELECT merge(p.curve) FROM (SELECT uplift_curve(score, treated, round(value)) AS curve FROM t GROUP BY i % 7) p), (SELECT curve FROM c), 'parts merge to the whole');
SELECT is((SELECT uplift_curve(score, treated, round(value) ORDER BY i DESC) FROM t), (SELECT curve FROM c), 'in any order');
SELECT is((SELECT curve::text::uplift_curve FROM c), (SELECT curve FROM c), 'text is lossless');
SELECT is((SELECT count(*) FROM points((SELECT uplift_curve(i % 9000, i % 2 = 0, 1) FROM generate_series(1, 30000) i))), 9000::bigint, 'a state that is settled as it grows loses nothing');
-- a score that knows, one that knows nothing, one upside down
SELECT ok((SELECT qini(good) > 0.05 AND abs(qini(none)) < 0.01 AND abs(qini(good) + qini(bad)) < 0.01 FROM (SELECT uplift_curve(u, treated, y) AS good, uplift_curve(1, treated, y) AS none, uplift_curve(-u, treated, y) AS bad
  FROM (SELECT i % 10 AS u, i % 20 < 10 AS treated, CASE WHEN i % 20 < 10 THEN (i % 10) / 10.0 ELSE 0 END AS y FROM generate_series(0, 1999) i) s) q), 'qini tells a good score from none and from its opposite');
SELECT is(qini('{1 10 5 10 2}'), 0::float8, 'one score for all is chance');
SELECT results_eq($$ SELECT share, score, profit, in_sample FROM best_share('{2 10 20 10 0, 1 10 0 10 0}', 1) $$, $$ VALUES (0.5::float8, 2::float8, 0.5::float8, true) $$, 'treat those who answer');
SELECT results_eq($$ SELECT share, score, profit, in_sample FROM best_share('{2 10 20 10 0, 1 10 0 10 0}', 1, 1, '{3 10 5 10 0, 2 10 5 10 0, 1 20 0 20 0}') $$, $$ VALUES (0.5::float8, 2::float8, -0.25::float8, false) $$, 'and judge it where it was not found');
SELECT results_eq($$ SELECT share, score, profit FROM best_share('{2 10 20 10 0, 1 10 0 10 0}', 5) $$, $$ VALUES (0::float8, NULL::float8, 0::float8) $$, 'nobody, if it costs too much');
SELECT is(qini('{1 10 5 0 0}'), NULL, 'without control nothing is known');
-- errors
SELECT throws_ok($$ SELECT holm('{0.5,1.5}') $$, '22023', NULL, 'a probability is one');
SELECT throws_ok($$ SELECT uplift_curve('NaN'::float8, true, 1) $$, '22003', 'score must be finite', 'a score is a number');
SELECT throws_ok($$ SELECT '{1 0 5 1 1}'::uplift_curve $$, '22023', NULL, 'nobody brings nothing');
SELECT throws_ok($$ SELECT '{1 0 0 0 0}'::uplift_curve $$, '22023', NULL, 'a score is somebody''s');
SELECT throws_ok($$ SELECT best_share('{1 1 1 1 1}', -1) $$, '22023', NULL, 'a cost is not negative');


-- several arms over strata in one value
SELECT setseed(0.77);
CREATE TEMP TABLE trial AS SELECT i, (ARRAY['none','mail','call'])[1 + i % 3] AS arm, CASE WHEN i % 10 < 6 THEN 'north' WHEN i % 10 < 9 THEN 'south' END AS region, x AS before, (i % 3) * 0.3 + 0.8 * x + random() AS value
  FROM (SELECT i, 10 * random() AS x FROM generate_series(1, 900) i) s;
CREATE TEMP TABLE arms AS SELECT lift_arms(arm, value) AS alone, lift_arms(arm, value, before) AS adjusted, lift_arms(arm, value, NULL, region) AS strata, lift_arms(arm, value, CASE WHEN i % 7 > 0 THEN before END, region) AS all_of_it FROM trial;
SELECT results_eq($$ SELECT l.arm, l.difference, l.standard_error, l.degrees, l.p_value, l.customer_count FROM arms, arm_lifts(alone, 'none') l $$,
  $$ SELECT a.arm, (t).* FROM (SELECT a.arm, lift_test(trial.arm = a.arm, value) AS t FROM trial, (VALUES ('call'), ('mail')) a(arm) WHERE trial.arm IN (a.arm, 'none') GROUP BY 1) a ORDER BY 1 $$, 'each arm is lift_test of it and the control');
SELECT is((SELECT array_agg(l.p_holm ORDER BY l.arm) FROM arms, arm_lifts(adjusted, 'none') l), (SELECT holm(array_agg(l.p_value ORDER BY l.arm)) FROM arms, arm_lifts(adjusted, 'none') l), 'p_holm is holm of them');
SELECT is_empty($$ WITH w AS (SELECT arm, avg(value) AS y, avg(before) AS x, regr_sxy(value, before) AS xy, regr_sxx(value, before) AS xx FROM trial GROUP BY 1), s AS (SELECT sum(xy) / sum(xx) AS slope FROM w)
  SELECT a.arm FROM arms, arm_lifts(adjusted, 'none') a JOIN w USING (arm), s, (SELECT x, y FROM w WHERE arm = 'none') c WHERE abs(a.difference - (w.y - c.y - slope * (w.x - c.x))) > 1e-12 $$,
  'with before the coefficients of a regression on arm and before, the slope pooled over all arms');
SELECT ok((SELECT bool_and(j.standard_error < l.standard_error / 2) FROM arms, arm_lifts(alone, 'none') l JOIN arms a ON true JOIN LATERAL arm_lifts(a.adjusted, 'none') j ON j.arm = l.arm), 'which halves the errors');
SELECT is_empty($$ SELECT l.arm FROM arms, arm_lifts(strata, 'none') l JOIN (SELECT arm, stratified(array_agg(t)) AS t FROM (SELECT a.arm, lift_test(trial.arm = a.arm, value) AS t FROM trial, (VALUES ('call'), ('mail')) a(arm)
    WHERE trial.arm IN (a.arm, 'none') GROUP BY a.arm, coalesce(region, '')) s GROUP BY 1) s USING (arm)
  WHERE abs(l.difference - (t).difference) > 1e-12 OR abs(l.standard_error - (t).standard_error) > 1e-12 OR abs(l.degrees - (t).degrees) > 1e-8 OR l.customer_count <> (t).customer_count $$, 'over strata as stratified puts them together');
SELECT is((SELECT merge(p.a) FROM (SELECT lift_arms(arm, value, CASE WHEN i % 7 > 0 THEN before END, region) AS a FROM trial GROUP BY i % 5) p), (SELECT all_of_it FROM arms), 'parts merge to the whole');
SELECT is((SELECT lift_arms(arm, value, CASE WHEN i % 7 > 0 THEN before END, region ORDER BY i DESC) FROM trial), (SELECT all_of_it FROM arms), 'in any order');
SELECT is((SELECT all_of_it::text::named_sums FROM arms), (SELECT all_of_it FROM arms), 'text is lossless');
SELECT is((SELECT lift_arms(a, v) FROM (VALUES (NULL, 1), ('a', NULL)) x(a, v)), NULL, 'rows without arm or value are left out');
SELECT results_eq($$ SELECT l.arm, l.difference, l.customer_count FROM (SELECT lift_arms(a, v, NULL, s) AS x FROM (VALUES ('none', 1, 'n'), ('new', 2, 'n'), ('none', 5, 's')) y(a, v, s)) z, arm_lifts(x, 'none') l $$, $$ VALUES ('new', NULL::float8, 3::bigint) $$, 'a stratum that lacks an arm leaves it unknown');
SELECT throws_ok($$ SELECT * FROM arms, arm_lifts(alone, 'nobody') $$, '22023', 'there is no arm "nobody"', 'the control is one of them');
SELECT throws_ok($$ SELECT * FROM arm_lifts('{a (1, 2, 3)}', 'a') $$, '22000', 'these named_sums are of another aggregate', 'sums of questions are no arms');
SELECT throws_ok(format($$ SELECT * FROM arm_lifts('{a (2, 4, 2, 0, 0, 2, 2, 2, 1, 0, 0, 1, 0, 0, 1), b (%s, 4, 2, 0, 0, 2, %s, 0, 0, 0, 0, 0, 0, 0, 0)}', 'a') $$, n, b), '22000', format('sums of lift cannot count %s customers', coalesce(nullif(b, 0), n)), 'forged sums count nobody twice')
FROM (VALUES (-5::numeric, 0::numeric), (99999999999999999999, 0), (2, 3)) f(n, b);

SELECT throws_ok($$ SELECT stratified(array[row('Infinity', 1, 5, 0.5, 10)]::lift_test_result[]) $$, '22023', 'difference of a stratum must be finite, not Infinity', 'nothing infinite goes in, no NaN comes out');
SELECT throws_ok($$ SELECT best_share('{5 1 900000000000000 2 3, 1 4 1 1 0}', 1, 1e308) $$, '22003', NULL, 'no profit is infinite');
SELECT throws_ok($$ SELECT * FROM points('{2 9223372036854775807 1 1 3, 1 4 1 1 0}'::uplift_curve) $$, '22003', 'number of customers is out of range', 'and nobody is counted below none');
SELECT throws_ok(format('SELECT stratified(ARRAY[%s, %1$s]::lift_test_result[])', stratum), '22023', message, stratum) FROM (VALUES
  ('(1, 1, 5, 1, 9223372036854775807)', 'customer_count of a stratum cannot be 9223372036854775807'), ('(1, 1e200, 5, 1, 10)', 'standard_error of a stratum cannot be 1e+200'),
  ('(1, -1, 5, 1, 10)', 'standard_error of a stratum cannot be -1'), ('(1, 1, 0.5, 1, 10)', 'degrees of a stratum cannot be 0.5'), ('(1e200, 1, 5, 1, 10)', 'difference of a stratum cannot be 1e+200')) t(stratum, message);
-- to 12 digits of I(df / (df + t^2); df / 2, 1 / 2) by 40 digits
SELECT is_empty($$SELECT * FROM (VALUES (1e6::float8, 10, 2.460937499887207e-56::float8), (1e100, 1, 6.366197723675814e-101)) AS v(t, df, p),
  LATERAL (SELECT (stratified(ARRAY[(t, 1, df, NULL, 10)]::lift_test_result[])).p_value) s WHERE NOT abs(p_value / p - 1) < 1e-12$$, 'p far out');
SELECT * FROM finish();
ROLLBACK;
