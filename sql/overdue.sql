-- rhythm, overdue_p, is_overdue and lifecycle states: values and what is refused
SET search_path = public, crm;
SET extra_float_digits = -3;

SELECT p_silence('{2024-01-01 1 1, 2024-01-11 1 1, 2024-01-21 1 1}', '2024-02-20'), is_overdue('{2024-01-01 1 1, 2024-01-11 1 1, 2024-01-21 1 1}', '2024-02-20');
SELECT p_silence(h, '2024-02-20', ROW(3, 2, 20)), is_overdue(h, '2024-02-20', ROW(3, 2, 20)), is_overdue(h, '2024-02-20', ROW(3, 2, 20), 0.2)
FROM (VALUES ('{2024-01-01 1 1, 2024-01-11 1 1, 2024-01-21 1 1}'::purchase_history), ('{2024-01-21 1 1}'), ('{}'), ('{2024-01-21 0 -1}')) v(h);
SELECT p_silence('{2024-01-01 1 1}', 'infinity', ROW(3, 2, 20));
SELECT p_silence('{2024-01-01 1 1}', '2024-02-20', ROW(3, -2, 20));
SELECT p_silence('{2024-01-01 1 1}', '2024-02-20', ROW(3, 2, 'NaN'));
SELECT p_silence('{2024-01-01 1 1, 2024-01-20 1 1}', '2024-02-20', ROW(1e308, 1, 1));
SELECT p_silence('{2024-01-01 1 1, 2024-01-20 1 1}', '2024-02-20', ROW(1, 1e-300, 1));
SELECT p_silence('{2024-01-01 1 1}', '2024-02-20', ROW(1, 1e-60, 1e-60)) <= 1;
SELECT p_silence('{2024-01-01 1 1}', '2024-02-20', NULL);
SELECT is_overdue('{2024-01-01 1 1}', '2024-02-20', ROW(3, 2, 20), 0);
SELECT rhythm('{2024-01-01 1 1}', '2024-02-20');
SELECT rhythm('{2024-01-01 1 1}', NULL);
SELECT lifecycle_state(h, '(2024-01-31,2024-02-29]')
FROM (VALUES ('{2024-02-10 1 1}'::purchase_history), ('{2024-01-20 1 1, 2024-02-10 1 1}'), ('{2023-12-20 1 1, 2024-02-10 1 1}'), ('{2024-01-20 1 1}'), ('{2024-03-01 1 1}'), ('{2024-02-10 0 -1}')) v(h);
SELECT lifecycle_state('{}', 'empty');
SELECT lifecycle_state('{}', '(-infinity,2024-01-31]');
SELECT lifecycle_rank(s) FROM unnest('{new,never,other}'::text[]) s;
