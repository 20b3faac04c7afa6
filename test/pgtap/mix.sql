-- mix against slow, obvious SQL on random lines; the Dirichlet fit against a reference of 40 digits, its equations and recovery
BEGIN;
SET LOCAL search_path = public, crm;
SELECT plan(68);

-- lines: several of a category on a day, refunds, names that need quotes
SELECT setseed(0.19);
CREATE TEMP TABLE line AS
SELECT i, 1 + i % 120 AS c, (ARRAY['bread', 'milk', 'olive oil', 'Käse', 'a"b', 'Bread', 'wine'])[1 + floor(7 * random() ^ (1 + i % 5))::int] AS category,
  date '2024-01-01' + (random() * 90)::int AS day, CASE WHEN random() < 0.1 THEN -3.25 ELSE round((random() * 20)::numeric, 2) END AS amount
FROM generate_series(1, 4000) i;
CREATE TEMP TABLE m AS SELECT c, mix(category, day, amount) AS mix FROM line GROUP BY c;
-- a day of a category with a line that is no refund is an occasion
CREATE TEMP TABLE occasion AS SELECT DISTINCT c, category, day FROM line WHERE amount >= 0;
CREATE INDEX ON occasion (c);
ANALYZE occasion;

SELECT is_empty($$
  SELECT * FROM (SELECT m.c, as_of, x.* FROM m, unnest('{2024-01-20,2024-02-29,infinity}'::date[]) as_of, categories(mix, as_of) x) got
  FULL JOIN (SELECT c, as_of, category, count(DISTINCT day) FILTER (WHERE amount >= 0) AS days, count(*) FILTER (WHERE amount >= 0) AS n, sum(amount) AS amount,
      min(day) FILTER (WHERE amount >= 0) AS first_on, max(day) FILTER (WHERE amount >= 0) AS last_on
    FROM line, unnest('{2024-01-20,2024-02-29,infinity}'::date[]) as_of WHERE day <= as_of GROUP BY 1, 2, 3) want USING (c, as_of, category)
  WHERE (purchase_day_count, purchase_count, got.amount, got.first_on, got.last_on) IS DISTINCT FROM (days, n, want.amount, want.first_on, want.last_on)
    AND NOT (got.category IS NULL AND days = 0 AND want.amount = 0) $$, 'categories is count, sum, min and max by category');
SELECT is_empty($$
  SELECT c FROM m, LATERAL (SELECT sum(share) AS shares, count(*) FILTER (WHERE purchase_day_count > 0) AS n, bool_and(share = share(mix, '2024-02-29', category)) AS same FROM categories(mix, '2024-02-29')) s
  WHERE abs(shares - 1) > 1e-12 OR n <> breadth(mix, '2024-02-29') OR NOT same $$, 'shares add to 1, breadth counts');
SELECT is_empty($$ SELECT c FROM m WHERE share(mix, 'infinity', 'wine') IS DISTINCT FROM
  (SELECT count(*) FILTER (WHERE category = 'wine')::float8 / count(*) FROM occasion o WHERE o.c = m.c) $$, 'a share is one of occasions, not of lines');
SELECT results_eq($$ SELECT share(mix, '2023-12-31', 'wine'), breadth(mix, '2023-12-31'), share(mix, 'infinity', 'beer') FROM m WHERE c = 1 $$, $$ VALUES (NULL::float8, 0, 0::float8) $$, 'before the first purchase; of what was never bought');
SELECT is_empty($$ SELECT c FROM m WHERE within(mix, '[2024-02-01,2024-03-01)') <> coalesce((SELECT mix(category, day, amount) FROM line l WHERE l.c = m.c AND day BETWEEN '2024-02-01' AND '2024-02-29'), '{}') $$, 'within is the lines of those days');

-- sums
SELECT is((SELECT merge(mix) FROM m), (SELECT mix(category, day, amount ORDER BY i DESC) FROM line), 'merging is aggregating, in any order');
SELECT is_empty($$ SELECT a.c FROM m a JOIN m b ON b.c = a.c + 1 WHERE a.mix + b.mix <> b.mix + a.mix OR a.mix + b.mix - b.mix <> a.mix OR a.mix - a.mix <> '{}' OR a.mix + '{}' <> a.mix $$, '+ is commutative, - undoes it');
SELECT is_empty($$ SELECT m.c FROM m JOIN (SELECT c, mix(category, day, amount) FILTER (WHERE i % 3 = 0) AS one_part, mix(category, day, amount) FILTER (WHERE i % 3 > 0) AS rest FROM line GROUP BY c) p USING (c)
  WHERE coalesce(one_part, '{}') + coalesce(rest, '{}') <> mix OR mix - coalesce(one_part, '{}') <> coalesce(rest, '{}') $$, 'parts of the lines add to all, and can be taken from it');
SELECT is((SELECT mix(category, day, amount, 3) FROM line WHERE amount >= 0), (SELECT merge(mix + mix + mix) FROM (SELECT mix(category, day, amount) FROM line WHERE amount >= 0) s(mix)) - (SELECT mix(category, day, 2 * amount, 0) FROM line WHERE amount >= 0), 'a row may stand for several purchases');
SELECT is((SELECT mix(category, day, amount::float8) FROM line), (SELECT merge(mix) FROM m), 'float8 amounts are as exact');
SELECT is((SELECT mix(category, day, amount) FROM (VALUES (NULL, date '2024-01-01', 1.0), ('a', NULL, 1), ('a', '2024-01-01', NULL)) v(category, day, amount)), '{}'::mix, 'rows with NULL are left out');
SELECT is_empty($$ SELECT c FROM m WHERE mix::text::mix <> mix $$, 'text is lossless');
SELECT is('{b (2024-01-02 1 2), a (2024-01-02 1 2, 2024-01-01 0 -1.5), b (2024-01-02 1 3)}'::mix::text, '{a (2024-01-01 0 -1.50, 2024-01-02 1 2.00), b (2024-01-02 2 5.00)}', 'and is sorted and added on input');
SELECT is((SELECT count(DISTINCT mix) FROM m), (SELECT count(DISTINCT mix::text) FROM m), 'equality is that of the text');
SELECT is((SELECT sum(purchase_count) FROM (SELECT mix('c' || i % 40, date '2024-01-01' + i % 500, 1.0) FROM generate_series(1, 60000) i) s(mix), categories(mix, 'infinity')), 60000::numeric, 'a state that is settled as it grows loses nothing');

-- preference and next category, by the formula
CREATE TEMP TABLE b AS SELECT fit_mix_base(mix, '2024-03-31') AS base FROM m;
CREATE TEMP TABLE alpha AS SELECT trim(r[1], '"') AS category, r[2]::float8 AS a FROM b, regexp_matches(replace(base::text, 'a""b', 'a.b'), '("[^"]+"|[^ {,]+) ([0-9.]+)', 'g') r WHERE r[1] <> 'customers';
SELECT is((SELECT count(*) FROM alpha), 7::bigint, 'the base knows all categories');
CREATE TEMP TABLE own AS SELECT m.c, translate(a.category, '"', '.') AS category, half_life, a.a, (SELECT coalesce(sum(CASE WHEN half_life IS NULL THEN 1 ELSE 2 ^ ((o.day - date '2024-02-29') / 30.0) END), 0) FROM occasion o
    WHERE o.c = m.c AND translate(o.category, '"', '.') = a.category AND o.day <= '2024-02-29')::float8 AS w
  FROM m, alpha a, (VALUES (NULL::interval), ('30 days')) h(half_life);
SELECT is_empty($$
  SELECT * FROM (SELECT m.c, h.half_life, translate(p.category, '"', '.') AS category, p.preference, p.base_share, p.lift FROM b, m, (VALUES (NULL::interval), ('30 days')) h(half_life), preference(base, mix, '2024-02-29', h.half_life) p) got
  FULL JOIN (SELECT c, half_life, category, (a + w) / sum(a + w) OVER k AS preference, a / sum(a) OVER k AS base_share FROM own WINDOW k AS (PARTITION BY c, half_life)) want
    ON got.c = want.c AND got.half_life IS NOT DISTINCT FROM want.half_life AND got.category = want.category
  WHERE got.c IS NULL OR want.c IS NULL OR abs(got.preference - want.preference) > 1e-12 OR abs(got.base_share - want.base_share) > 1e-12 OR abs(got.lift * want.base_share - want.preference) > 1e-12 $$,
  'preference is (concentration + own) / sum of both');
SELECT is_empty($$ SELECT c FROM b, m, next_category(base, mix, '2024-02-29', '30 days') n, LATERAL (SELECT p.* FROM preference(base, mix, '2024-02-29', '30 days') p ORDER BY preference DESC, category COLLATE "C" LIMIT 1) p WHERE n <> p $$, 'next_category is the most preferred');
SELECT is_empty($$ SELECT p.* FROM b, preference(base, '{}', '2024-02-29') p WHERE abs(preference - base_share) > 1e-15 $$, 'who bought nothing yet is like the shop');
SELECT results_eq($$ SELECT category, lift IS NULL FROM b, preference(base, '{beer (2024-01-01 1 2)}', '2024-02-29') WHERE category = 'beer' $$, $$ VALUES ('beer', true) $$, 'what the base does not know has no lift');
SELECT results_eq($$ SELECT (next_category(base, NULL, '2024-01-01')).category, (SELECT count(*) FROM preference(base, NULL, '2024-01-01')) FROM b $$, $$ VALUES (NULL::text, 0::bigint) $$, 'nothing is said of an unknown customer');

-- the fit: 40 digits by mpmath
CREATE TEMP TABLE small AS SELECT c, merge(mix) AS mix FROM (
  SELECT c, mix(category, date '2024-01-01' + d, 1.0) FROM (VALUES (1, 'a', 3), (1, 'b', 1), (2, 'b', 2), (2, 'c', 2), (3, 'a', 5), (3, 'c', 1), (4, 'a', 1), (4, 'b', 1), (4, 'c', 1), (5, 'c', 4), (6, 'a', 2), (6, 'b', 3)) v(c, category, n),
    generate_series(1, n) d GROUP BY c, category) s(c, mix) GROUP BY c;
CREATE FUNCTION pg_temp.concentration(base mix_base, category text) RETURNS float8 LANGUAGE sql AS $$ SELECT substring(base::text from category || ' ([0-9.e+-]+)')::float8 $$;
SELECT is_empty($$ SELECT * FROM (SELECT fit_mix_base(mix, 'infinity') AS base FROM small) s, (VALUES ('a', 1.00522320699252653844), ('b', 0.78290451248744431799), ('c', 0.82045349918560556535)) v(category, want)
  WHERE abs(pg_temp.concentration(base, category) / want - 1) > 1e-9 $$, 'the concentrations are those of mpmath');
SELECT is_empty($$
  SELECT category, slope FROM (SELECT a.category, (SELECT sum(1 / (a.a + j)) FROM (SELECT count(*)::int AS n FROM occasion o WHERE translate(o.category, '"', '.') = a.category GROUP BY c) s, generate_series(0, n - 1) j)
    - (SELECT sum(1 / ((SELECT sum(a) FROM alpha) + j)) FROM (SELECT count(*)::int AS n FROM occasion GROUP BY c) s, generate_series(0, n - 1) j) AS slope FROM alpha a) s
  WHERE abs(slope) > 1e-5 $$, 'the likelihood of all customers is flat there, by sums over each occasion');
SELECT is((SELECT fit_mix_base(mix, '2024-03-31' ORDER BY c DESC) FROM m), base, 'the order of the customers does not matter, to the last bit') FROM b;
SELECT is((SELECT base::text::mix_base FROM b), base, 'text of a base is lossless') FROM b;
SELECT ok(fit_verdict(base) = 'converged' AND base::text LIKE '% customers 120', 'it converged, from all') FROM b;
SELECT is((SELECT fit_mix_base(mix, '2024-02-10') FROM m), (SELECT fit_mix_base(within(mix, '[2024-01-01,2024-02-10]'), 'infinity') FROM m), 'as_of cuts');
-- recovery: 1500 customers of 12 occasions, each drawn by Polya's urn
CREATE FUNCTION pg_temp.urn(concentrations float8[], n int) RETURNS mix LANGUAGE plpgsql AS $$
DECLARE
  urn float8[] := concentrations; total float8; ball float8; k int; names text[]; days date[];
BEGIN
  FOR i IN 1..n LOOP
    total := (SELECT sum(x) FROM unnest(urn) x);
    ball := random() * total;
    k := 1;
    WHILE ball > urn[k] AND k < array_length(urn, 1) LOOP ball := ball - urn[k]; k := k + 1; END LOOP;
    urn[k] := urn[k] + 1;
    names := names || chr(96 + k); days := days || date '2024-01-01' + i;
  END LOOP;
  RETURN (SELECT mix(name, day, 1.0) FROM unnest(names, days) u(name, day));
END $$;
SELECT is_empty($$ SELECT category, pg_temp.concentration(base, category) FROM (SELECT fit_mix_base(pg_temp.urn('{2,1,0.5}', 12), 'infinity') AS base FROM generate_series(1, 1500)) s, (VALUES ('a', 2), ('b', 1), ('c', 0.5)) v(category, truth)
  WHERE NOT abs(pg_temp.concentration(base, category) / truth - 1) < 0.1 $$, 'and a known distribution is found again');
-- where there is no maximum
SELECT is((SELECT fit_verdict(fit_mix_base(mix, 'infinity')) FROM (VALUES ('{a (2024-01-01 1 1)}'::mix), ('{b (2024-01-01 1 1)}')) v(mix)), 'customers differ no more than chance lets them, or none bought on two days: preferences are those of the shop', 'nobody bought twice');
SELECT is((SELECT fit_verdict(fit_mix_base(mix, 'infinity')) FROM (VALUES ('{a (2024-01-01 1 1, 2024-01-02 1 1)}'::mix), ('{b (2024-01-01 1 1)}')) v(mix)), 'each customer bought of one category only: preferences are what he bought', 'each bought one category');
SELECT ok((SELECT fit_verdict(fit_mix_base(mix, 'infinity')) LIKE 'customers differ no more%' FROM (SELECT '{a (2024-01-01 1 1, 2024-01-02 1 1), b (2024-01-03 1 1, 2024-01-04 1 1)}'::mix FROM generate_series(1, 50)) v(mix)), 'all alike');
SELECT is((SELECT fit_mix_base(mix, '2023-01-01') FROM m), NULL, 'no base before the first purchase');

-- drift; gain and loss
CREATE TEMP TABLE half AS SELECT c, within(mix, '[2024-01-01,2024-02-14]') AS before, within(mix, '[2024-02-15,2024-04-01]') AS after FROM m;
SELECT is_empty($$ SELECT c FROM half, LATERAL (SELECT sum(abs(coalesce(a.share, 0) - coalesce(b.share, 0))) / 2 AS moved FROM categories(before, 'infinity') b FULL JOIN categories(after, 'infinity') a USING (category)) s WHERE abs(drift(before, after) - moved) > 1e-12 $$, 'drift is half the sum of the changes');
SELECT results_eq($$ SELECT drift('{a (2024-01-01 1 1)}', '{b (2024-01-01 1 1)}'), drift('{a (2024-01-01 1 1)}', '{a (2024-01-01 9 9)}'), drift('{}', '{a (2024-01-01 1 1)}') $$, $$ VALUES (1::float8, 0::float8, NULL::float8) $$, 'from 0 to 1');
CREATE TEMP TABLE moved AS SELECT c, category, g.*, v.* FROM half, unnest('{wine,milk}'::text[]) category, gain_loss(before, after, category) g,
  LATERAL (SELECT coalesce(sum(amount) FILTER (WHERE b AND x.category = half_category), 0) AS b1, coalesce(sum(amount) FILTER (WHERE NOT b AND x.category = half_category), 0) AS a1, coalesce(sum(amount) FILTER (WHERE b AND x.category <> half_category), 0) AS b2, coalesce(sum(amount) FILTER (WHERE NOT b AND x.category <> half_category), 0) AS a2
    FROM (SELECT true AS b, p.category, p.amount FROM categories(before, 'infinity') p UNION ALL SELECT false, p.category, p.amount FROM categories(after, 'infinity') p) x, (SELECT category) h(half_category)) v;
SELECT is_empty($$ SELECT * FROM moved WHERE amount_change <> a1 - b1 OR new_amount + more_amount + from_others_amount + lost_amount + less_amount + to_others_amount <> amount_change
  OR new_amount <> CASE WHEN b1 = 0 AND b2 = 0 THEN a1 - b1 ELSE 0 END OR lost_amount <> CASE WHEN a1 = 0 AND a2 = 0 AND NOT (b1 = 0 AND b2 = 0) THEN a1 - b1 ELSE 0 END
  OR (new_amount = 0 AND lost_amount = 0) AND (from_others_amount <> greatest(0, least(a1 - b1, b2 - a2)) OR to_others_amount <> least(0, greatest(a1 - b1, b2 - a2))) $$, 'gain and loss: parts by the rules, that add up');
SELECT results_eq($$ SELECT new_amount, lost_amount FROM gain_loss(NULL, '{a (2024-01-01 1 5)}', 'a') UNION ALL SELECT new_amount, lost_amount FROM gain_loss('{a (2024-01-01 1 5)}', NULL, 'a') $$, $$ VALUES (5.0000, 0.0000), (0.0000, -5.0000) $$, 'who came, and who went');

-- affinity: every pair of every day of every customer, by a join
SELECT is_empty($$
  SELECT * FROM (SELECT p.* FROM (SELECT affinity(mix, '2024-02-29') AS pairs FROM m) s, unnest(pairs) p) got
  FULL JOIN (SELECT a.category AS first_category, b.category AS second_category, count(*) AS n_both FROM occasion a JOIN occasion b USING (c, day) WHERE a.category COLLATE "C" < b.category COLLATE "C" AND day <= '2024-02-29' GROUP BY 1, 2) want USING (first_category, second_category)
  WHERE occasion_count IS DISTINCT FROM n_both OR first_count <> (SELECT count(*) FROM occasion WHERE category = first_category AND day <= '2024-02-29') OR second_count <> (SELECT count(*) FROM occasion WHERE category = second_category AND day <= '2024-02-29')
    OR all_count <> (SELECT count(DISTINCT (c, day)) FROM occasion WHERE day <= '2024-02-29') OR abs(support - n_both::float8 / all_count) > 1e-15 OR abs(confidence - n_both::float8 / first_count) > 1e-15
    OR abs(reverse_confidence - n_both::float8 / second_count) > 1e-15 OR abs(lift - n_both::float8 * all_count / first_count / second_count) > 1e-12 $$, 'affinity is the join of the occasions with themselves, each pair once');
SELECT is((SELECT affinity(mix, 'infinity' ORDER BY -c) FROM m), (SELECT affinity(mix, 'infinity' ORDER BY c) FROM m), 'in any order');
SELECT is((SELECT array_agg((p.first_category, p.second_category, p.occasion_count)::text) FROM (SELECT affinity(mix, 'infinity') AS pairs FROM (VALUES ('{a (2024-01-01 1 1), bc (2024-01-01 1 1), ab (2024-01-02 1 1), c (2024-01-02 1 1), abc (2024-01-03 1 1)}'::mix)) v(mix)) s, unnest(pairs) p), '{"(a,bc,1)","(ab,c,1)"}', 'names that together are alike are not the same pair');
SELECT is((SELECT affinity(mix, '2023-01-01') FROM m), NULL, 'no pairs of nothing');

-- the market table: UK toothpaste, 1973 (Goodhardt, Ehrenberg & Chatfield 1984)
SELECT results_eq($$ SELECT round(mean::numeric, 3), round(shape::numeric, 4), round(diversity::numeric, 4), round(diversity_all::numeric, 4), array_length(brand_diversities, 1)
  FROM fit_dirichlet_market(0.56, 2.6, '{0.25,0.19,0.10,0.10,0.09,0.08,0.03,0.02}', '{0.20,0.17,0.09,0.08,0.08,0.07,0.03,0.02}') $$, $$ VALUES (1.456, 0.7788, 1.2953, 1.5499, 8) $$, 'the toothpaste market');
SELECT is_empty($$ SELECT * FROM fit_dirichlet_market(0.56, 2.6, '{0.25}', '{0.20}') f WHERE abs((1 + mean / shape) ^ -shape - 0.44) > 1e-12 OR diversity <> diversity_all $$, 'the shape gives the share of people who buy nothing');

-- few people who buy are a market like another: what is told of one in a thousand million is told of one in 1e290
SELECT is_empty($$ SELECT p, f.* FROM (VALUES (1e-9::float8), (1e-30), (1e-100), (1e-290)) v(p), fit_dirichlet_market(p, 2.6, '{0.25,1e-9}', ARRAY[p * 0.4, p * 2e-9]) f, fit_dirichlet_market(1e-12, 2.6, '{0.25,1e-9}', ARRAY[0.4e-12, 2e-21]) few
  WHERE abs(f.mean / p - 2.6) > 1e-12 OR abs(f.shape / p - few.shape / 1e-12) > 1e-6 * (f.shape / p) OR abs(f.diversity_all - few.diversity_all) > 1e-6 OR f.diversity_all NOT BETWEEN 0.1 AND 20 $$, 'few buyers keep their digits');
-- one brand that everybody knows: of u purchases on average, by the sums of the logarithmic series that the NBD is for few buyers
SELECT is_empty($$ SELECT shape, sum FROM fit_dirichlet_market(1e-200, 2.6, '{0.25}', '{0.4e-200}') f, LATERAL (
    SELECT sum(q ^ n / n * (1 - none) / -ln(1 - q)) AS sum FROM (SELECT n, mean / (mean + shape) AS q, exp(sum(ln(1 - CASE WHEN n = 1 THEN 0.25 ELSE f.diversity_all * 0.25 / (f.diversity_all + n - 1) END)) OVER (ORDER BY n)) AS none FROM generate_series(1, 400) n) t) s
  WHERE abs(sum - 0.4) > 1e-9 $$, 'and their brands the penetration that they have');
SELECT throws_ok($$ SELECT fit_dirichlet_market(1e-307, 1e9, '{0.25}', '{1e-308}') $$, '22003', 'a penetration of 1e-307 is too small', 'what no number holds is refused');

-- errors
SELECT throws_ok($$ SELECT '{a (2024-01-01 1 1)}'::mix - '{a (2024-01-01 2 1)}'::mix $$, '22003', 'purchase day cannot hold -1 orders', 'more cannot be taken than is there');
SELECT throws_ok($$ SELECT mix('', date '2024-01-01', 1.0) $$, '22023', 'category cannot be empty', 'a category has a name');
SELECT throws_ok($$ SELECT mix(repeat('x', 256), date '2024-01-01', 1.0) $$, '22001', NULL, 'and not too long a one');
SELECT throws_ok($$ SELECT mix('a', date 'infinity', 1.0) $$, '22008', NULL, 'a day is one of the calendar');
SELECT throws_ok($$ SELECT '{a (2024-01-01 1 1}'::mix $$, '22P02', NULL, 'text that is none');
SELECT throws_ok($$ SELECT 'converged {b 1, a 1} customers 2'::mix_base $$, '22023', NULL, 'a base is sorted');
SELECT throws_ok($$ SELECT 'converged {a 0} customers 2'::mix_base $$, '22023', NULL, 'and positive');
SELECT throws_ok($$ SELECT next_category(base, '{}', '2024-01-01', '-1 day') FROM b $$, '22023', 'half_life must be longer than nothing and finite, not -1 days', 'a half-life is a length');
SELECT throws_ok($$ SELECT fit_dirichlet_market(0.56, 1.1, '{0.2}', '{0.2}') $$, '22023', NULL, 'buyers who buy too little for so many');
SELECT throws_ok($$ SELECT fit_dirichlet_market(0.56, 2.6, '{0.2,0.1}', '{0.2}') $$, '2202E', NULL, 'a penetration for each brand');


-- states are values that anybody can write
SELECT throws_ok(format('SELECT crm_internal.%s(%L::mix_state)', f, state), '22023', 'this mix_state is of another aggregate', f || ' of ' || state)
FROM (VALUES ('affinity_final', '{ab (2300-01-01 0 1)}'), ('affinity_final', '{"" (2000-01-01 0 1), ab (2300-01-01 0 1)}'), ('affinity_final', '{"" (2000-01-01 0 1), ab (1999-01-01 0 1)}'),
  ('affinity_final', '{"" (2000-01-01 0 1), ab (2000-01-02 0 1)}'), ('affinity_final', '{"" (2000-01-01 0 1), a (2000-01-01 0 -1)}'),
  ('fit_mix_base_final', '{"" (1990-01-01 0 1), a (2000-01-02 0 1)}'), ('fit_mix_base_final', '{"" (2000-01-02 0 1), a (2000-01-02 1 1)}'), ('fit_mix_base_final', '{a (2000-01-02 0 1)}')) v(f, state);
SELECT is('{"" (2000-01-01 0 1), "a""" (2000-01-01 0 1)}'::mix_state::text::mix_state::text, '{"" (2000-01-01 0 1.00), "a""" (2000-01-01 0 1.00)}', 'a state with an empty name reads back');
SELECT throws_ok($$ SELECT '{"" (2024-01-01 1 1)}'::mix $$, '22023', 'category cannot be empty', 'which a mix does not have');
CREATE FUNCTION pg_temp.is_cancelled(statement text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE statement;
  RETURN false;
EXCEPTION WHEN query_canceled THEN
  RETURN true;
END $$;
SET LOCAL statement_timeout = '200ms';
SELECT ok(pg_temp.is_cancelled($$ SELECT crm_internal.fit_mix_base_final('{"" (5000000-01-02 0 1, 5000001-01-02 0 100), a (5000000-01-02 0 1), b (5000000-01-01 0 20)}') $$), 'a fit can be cancelled');
SET LOCAL statement_timeout = 0;
SELECT throws_ok($$ SELECT fit_dirichlet_market(0.5, 1e6, '{0.2,0.3}', '{0.2,0.3}') $$, '22003', '1000000 purchases per buyer are too many', 'what is bought too often is not guessed');

SELECT throws_ok($$ SELECT 'converged {a 1, b 1e-320} customers 5'::mix_base $$, '22023', NULL, 'a lift over next to nothing would be infinite');
SELECT * FROM finish();
ROLLBACK;
