-- referral worth, value and reach against slow, obvious SQL on random networks
BEGIN;
SET LOCAL search_path = public, crm;
SELECT plan(32);
SELECT setseed(0.64);

-- a random network: everybody but some was brought by an earlier or, in cycles, a later customer
CREATE TEMPORARY TABLE referral AS
SELECT 'c' || referrer AS referrer, 'c' || i AS referred, CASE WHEN random() < 0.03 THEN NULL ELSE round((random() * 80 - 10)::numeric, 2) END AS worth
FROM (SELECT i, CASE WHEN i % 50 = 0 THEN i + 1 + (random() * 20)::int ELSE (random() * random() * (i - 1))::int END AS referrer
      FROM generate_series(1, 3000) i WHERE i % 7 <> 0) x WHERE referrer <> i;
-- and one cycle for sure
DELETE FROM referral WHERE referred IN ('c11', 'c12', 'c13');
INSERT INTO referral VALUES ('c11', 'c12', 1), ('c12', 'c13', 2), ('c13', 'c11', 3);

-- the obvious way: all pairs within some steps
CREATE FUNCTION pg_temp.slow_reach(depth int) RETURNS TABLE (referrer text, reach bigint) LANGUAGE sql AS $$
  WITH RECURSIVE brought(root, customer, step) AS (
    SELECT r.referrer, r.referred, 1 FROM referral r
    UNION
    SELECT b.root, r.referred, b.step + 1 FROM brought b JOIN referral r ON r.referrer = b.customer WHERE b.step < depth)
  SELECT root, count(DISTINCT customer) FILTER (WHERE customer <> root) FROM brought GROUP BY root
$$;
CREATE TEMPORARY TABLE network AS SELECT referral_network(referrer, referred, worth) AS n FROM referral;

SELECT results_eq($$ SELECT referrer, reach FROM network, referrers(n, 1) $$,
  $$ SELECT * FROM pg_temp.slow_reach(1) ORDER BY referrer COLLATE "C" $$, 'reach of depth 1 is that of a recursive query');
SELECT results_eq($$ SELECT referrer, reach FROM network, referrers(n, 3) $$,
  $$ SELECT * FROM pg_temp.slow_reach(3) ORDER BY referrer COLLATE "C" $$, 'and of depth 3');
SELECT results_eq($$ SELECT referrer, reach FROM network, referrers(n, 25) $$,
  $$ SELECT * FROM pg_temp.slow_reach(25) ORDER BY referrer COLLATE "C" $$, 'and of a depth that goes round cycles');
SELECT is((SELECT reach FROM network, referrers(n, 2147483647) WHERE referrer = 'c11'), (SELECT reach FROM pg_temp.slow_reach(60) WHERE referrer = 'c11'),
  'any depth ends');
SELECT is_empty($$ SELECT referrer FROM network, referrers(n, 4) WHERE reach <> referral_reach(n, referrer, 4) $$, 'one referrer has the reach that the list says');
-- small networks, where cycles have much hanging on them: all at once against one by one
CREATE TEMPORARY TABLE small AS
SELECT k, referral_network(a, b, 1) AS n
FROM (SELECT DISTINCT ON (k, b) k, 'c' || a AS a, 'c' || b AS b FROM (SELECT k, (random() * (5 + k))::int AS a, (random() * (5 + k))::int AS b
      FROM generate_series(1, 60) AS k, LATERAL generate_series(1, 5 + k)) AS s WHERE a <> b ORDER BY k, b, a) AS s GROUP BY k;
SELECT is_empty($$ SELECT k, depth, referrer FROM small, generate_series(1, 12) AS depth, referrers(n, depth) r WHERE r.reach <> referral_reach(n, r.referrer, depth) $$,
  'so it has in cycles that much hangs on');
-- a chain of a hundred thousand: 5 billion steps if each referrer were walked from
SET LOCAL statement_timeout = '120s';
SELECT results_eq($$ SELECT count(*), sum(reach), max(reach) FROM (SELECT referral_network('c' || i, 'c' || i + 1, 1) AS n FROM generate_series(1, 100000) AS i) AS chain, referrers(n, 2147483647) $$,
  $$ VALUES (100000::bigint, 5000050000::numeric, 100000::bigint) $$, 'a chain takes no longer than others');
SELECT is((SELECT length(merge(format('{a%s > b%s 1}', i, i)::referral_network)::text) FROM generate_series(1, 20000) AS i), 417788, 'so do networks of one referral, merged');
SET LOCAL statement_timeout = 0;
SELECT results_eq($$ SELECT referrer, referrals, referral_value FROM network, referrers(n, 1) $$,
  $$ SELECT referrer, count(*), CASE WHEN bool_and(worth IS NOT NULL) THEN sum(worth) END FROM referral GROUP BY 1 ORDER BY referrer COLLATE "C" $$,
  'the value is the sum of the worth, unknown if one is');
SELECT is_empty($$ SELECT referrer FROM network, referrers(n, 1) r WHERE r.referral_value IS DISTINCT FROM referral_value(n, referrer) $$,
  'one referrer has the value that the list says');
SELECT is((SELECT referral_value(n, 'nobody') FROM network), 0.0000, 'who brought nobody has no referral value');
SELECT is((SELECT referral_reach(n, 'nobody', 5) FROM network), 0::bigint, 'nor reach');
SELECT set_eq($$ SELECT referrer, referred, worth FROM network, referrals(n) $$, $$ SELECT referrer, referred, worth FROM referral $$, 'the referrals come back');

-- order, merge, forms
SELECT is((SELECT referral_network(referrer, referred, worth ORDER BY random()) FROM referral), n, 'the order of rows does not matter') FROM network;
SELECT is((SELECT merge(part) FROM (SELECT referral_network(referrer, referred, worth) AS part FROM referral GROUP BY length(referred), left(referrer, 2)) x), n,
  'parts merge to the whole') FROM network;
SELECT is(n::text::referral_network, n, 'the text form loses nothing') FROM network;
SELECT is('{"a > b" > "c""d" -1.25, 12 > 13 unknown}'::referral_network::text, '{"12" > "13" unknown, "a > b" > "c""d" -1.25}', 'any key can be written');

-- what is refused
SELECT throws_ok($$ SELECT referral_network('a', 'a', 1) $$, '22023', 'customer "a" cannot be referred by the same customer', 'nobody brings himself');
SELECT throws_ok($$ SELECT referral_network(r, 'c', 1) FROM (VALUES ('a'), ('b')) v(r) $$, '22023', 'customer "c" is referred more than once', 'nobody is brought twice');
SELECT throws_ok($$ SELECT '{a > c 1}'::referral_network + '{a > c 1}' $$, '22023', 'customer "c" is referred more than once', 'nor in a sum');
SELECT throws_ok($$ SELECT referral_network('', 'c', 1) $$, '22023', 'customer key of a referral cannot be empty', 'a key names somebody');
SELECT throws_ok($$ SELECT referral_reach('{a > c 1}', 'a', 0) $$, '22023', 'depth 0 is out of range', 'a walk goes somewhere');
SELECT is((SELECT referral_network(NULL, 'c', 1)), NULL, 'a row without a referrer is no referral');

-- worth
SELECT is(referral_worth(50, 20, false), 70.0000, 'who would not have joined brings margin and saved cost');
SELECT is(referral_worth(50, 20, true), 20.0000, 'who would have joined brings the saved cost alone');
SELECT is(referral_worth(NULL, 20, true), 20.0000, 'whose margin is not needed');
SELECT is(referral_worth(NULL, 20, false), NULL, 'an unknown margin is not zero');
SELECT is(referral_worth(50, 20, NULL), NULL, 'nor is it known what is not known');
SELECT is(present_value(110, '2025-12-31', '2025-12-31', 0.1), 110.0000, 'a payment on the day is worth itself');
SELECT is(present_value(110, date '2024-01-01' + 1461, '2024-01-01', 0.1), round(110 / 1.1 ^ 4, 4), 'four years of 365.25 days later it is worth so much less');
SELECT is(present_value(100, '2024-01-01', date '2024-01-01' + 1461, 0.1), round(100 * 1.1 ^ 4, 4), 'and what was paid before is worth so much more');
SELECT is(present_value('{2024-01-01 1 10, 2024-06-01 1 20.5, 2025-02-01 0 -3}', '2024-07-01', 0.08),
  round((SELECT sum(amount * (1.08::float8 ^ (-(purchased_on - date '2024-07-01') / 365.25))::numeric) FROM purchases('{2024-01-01 1 10, 2024-06-01 1 20.5, 2025-02-01 0 -3}')), 4),
  'a history is worth what its days are');
SELECT * FROM finish();
ROLLBACK;
