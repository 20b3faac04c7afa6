-- concentration and gini: answers and errors
SET search_path = public, crm;

-- the largest fifth of ten values: two of them
SELECT concentration(i::numeric), concentration(i::float8), concentration(i), gini(i::numeric), gini(i::float8), gini(i)
FROM generate_series(1, 10) i;
SELECT share, concentration(i::numeric, share), concentration(i::float8, share)
FROM generate_series(1, 10) i, (VALUES (0.00001), (0.1), (0.10001), (0.29), (1)) s(share) GROUP BY share ORDER BY share;
-- 0.07 of 100 is 7, not the 8 that float8 would make of it
SELECT concentration(1::numeric, 0.07) FROM generate_series(1, 100);

-- NULLs are left out; nothing left, or a total of zero or less, is NULL
SELECT concentration(x), gini(x), concentration(x::float8), gini(x::float8) FROM (VALUES (1.0), (NULL), (3.0)) v(x);
SELECT concentration(x), gini(x), concentration(x::float8), gini(x::float8) FROM (VALUES (NULL::numeric), (NULL)) v(x);
SELECT concentration(x), gini(x), concentration(x::float8), gini(x::float8) FROM (VALUES (1.0)) v(x) WHERE false;
SELECT concentration(x), gini(x), concentration(x::float8), gini(x::float8) FROM (VALUES (0.0), (0.00)) v(x);
SELECT concentration(x), concentration(x::float8) FROM (VALUES (5.0), (-5), (-1)) v(x);
-- debts that cancel what is owned: a total of zero, whatever rounding leaves of it; and a little more than zero
SELECT k, concentration(x) FROM (SELECT k, owned * sign FROM generate_series(1, 5) k, generate_series(1, 1000) i,
  LATERAL (SELECT exp(60 * sin(i * k + k)) AS owned) o, (VALUES (1), (-1)) s(sign)) v(k, x) GROUP BY k ORDER BY k;
SELECT concentration(x::float8) FROM (VALUES (1e16), (-1e16), (1e-3)) v(x);

-- all equal, all with one, refunds
SELECT gini(0.1), gini(0.1::float8), concentration(0.1::float8) FROM generate_series(1, 1000);
SELECT gini(x), gini(x::float8), concentration(x), concentration(x::float8) FROM (SELECT (i = 3)::int * 12.34 FROM generate_series(1, 4) i) v(x);
SELECT concentration(x), concentration(x::float8) FROM (VALUES (120.0), (-20), (0), (0), (0)) v(x);

-- numeric to four decimals, float8 as it is
SELECT gini(x), gini(x::float8) FROM (VALUES (0.00001), (0.00003)) v(x);
SELECT gini(x), concentration(x) FROM (VALUES (1e-300::float8), (3e-300)) v(x);
SELECT gini(x), concentration(x) FROM (VALUES (1e308::float8), (1e308), (1.7e308)) v(x);

-- errors
SELECT concentration(1.0, 0);
SELECT concentration(1.0, 1.0001);
SELECT concentration(1.0, 'NaN');
SELECT concentration(1.0, NULL);
SELECT concentration(1.0, i / 10.0) FROM generate_series(1, 2) i;
SELECT concentration('NaN'::numeric);
SELECT concentration('-Infinity'::float8);
SELECT concentration(1e18);
SELECT gini('NaN'::float8);
SELECT gini(-0.0001);
SELECT gini(-1e-300::float8);

-- a window's frame asks again and again for the value of a state that goes on growing
SELECT i, round(gini(i::numeric) OVER w, 6) AS gini, round(concentration(i::numeric) OVER w, 6) AS concentration
FROM generate_series(6, 1, -1) i WINDOW w AS (ORDER BY i DESC);
