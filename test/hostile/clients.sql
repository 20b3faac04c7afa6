\set i random(1, 2000)
\set c random(1, 30)
\set c2 random(1, 30)
\set k random(1, 15)
\set d random(0, 400)
\set n random(1, 25)
\if :k = 1
INSERT INTO live.busy VALUES (:i, :c, date '2025-06-01' + :d, :n) ON CONFLICT (id) DO UPDATE SET a = excluded.a, c = excluded.c, d = excluded.d;
\elif :k = 2
INSERT INTO live.busy SELECT :i + g, 1 + (g * 7 + :c) % 30, date '2025-06-01' + :d, g FROM generate_series(1, :n) g ON CONFLICT DO NOTHING;
\elif :k = 3
UPDATE live.busy SET c = :c2 WHERE c = :c AND id % 5 = 0;
\elif :k = 4
DELETE FROM live.busy WHERE id % 97 = :c;
\elif :k = 5
INSERT INTO live.quiet VALUES (:c, date '2025-06-01' + :d, -3), (:c2, date '2025-06-01' + :d, 4);
\elif :k = 6
DELETE FROM live.quiet WHERE ctid = ANY (ARRAY(SELECT ctid FROM live.quiet WHERE c = :c LIMIT 3));
\elif :k = 7
BEGIN;
SAVEPOINT a;
UPDATE live.busy SET a = a + 1 WHERE c = :c;
ROLLBACK TO a;
INSERT INTO live.quiet VALUES (:c2, date '2025-06-01' + :d, 2);
INSERT INTO live.quiet VALUES (:c, date '2025-06-01' + :d, 2);
COMMIT;
\elif :k = 8
BEGIN ISOLATION LEVEL REPEATABLE READ;
UPDATE live.busy SET d = d + 1 WHERE c = :c;
INSERT INTO live.quiet VALUES (:c, date '2025-06-01' + :d, 9);
COMMIT;
\elif :k = 9
BEGIN ISOLATION LEVEL SERIALIZABLE;
UPDATE live.busy SET a = a - 1 WHERE id = :i;
DELETE FROM live.quiet WHERE c = :c2 AND a < 0;
COMMIT;
\elif :k = 10
INSERT INTO live.busy_tier_decisions (c, what, tier, valid, why) VALUES (:c2 + 5, 'floor', 'S', '(,)', 'x');
\elif :k = 11
DELETE FROM live.busy_tier_decisions WHERE c = :c;
\elif :k = 12
INSERT INTO live.sold SELECT :i + g, 1 + (g * 7 + :c) % 30, date '2025-06-01' + :d, g - 2, (ARRAY['tea', 'bread', 'wine'])[1 + g % 3] FROM generate_series(1, :n) g;
\elif :k = 13
UPDATE live.sold SET kind = CASE kind WHEN 'tea' THEN 'bread' ELSE 'tea' END, c = :c WHERE c = :c2;
\elif :k = 14
DELETE FROM live.sold WHERE id % 23 = :c;
\else
UPDATE live.busy SET c = 1000 + :c WHERE c = :c2 AND id % 11 = 0;
\endif
