-- The figures of demo-figures.sql as plots of characters: :bar is what a bar is
-- made of, :shades five characters from empty to full.
\pset format unaligned
\pset tuples_only on

\echo
SELECT 'Cohorts by ' || period || ' of the first order: which part of them bought again, ' || period || ' by ' || period
    || '  (from none "' || substr(:'shades', 1, 1) || '" by quarters to all "' || substr(:'shades', 5, 1) || '")'
FROM report.assumption;
SELECT cohort_start || lpad(max(customers)::text, 7) || '  ' ||
    string_agg(repeat(substr(:'shades', 1 + least(4, ceil(active_percent / 25))::int, 1), 3), '' ORDER BY age)
FROM report.cohort GROUP BY cohort_start ORDER BY cohort_start;

\echo
SELECT format('Whale curve: cumulated profit (margin %s %%, %s an order, %s to acquire), best customers first; peak %s %% at %s %% of the customers',
    round(100 * margin), cost_of_an_order, acquisition_cost, coalesce(profit_percent::text, 'no'), customer_percent)
FROM report.assumption, report.whale_peak;
SELECT lpad(customer_percent::text, 6) || ' % ' || lpad(coalesce(profit_percent, 0)::text, 7) || ' % '
    || repeat(:'bar', greatest(0, round(coalesce(profit_percent, 0) * 50 / greatest(100, max(profit_percent) OVER ())))::int)
FROM report.whale ORDER BY customers;

\echo
\echo 'Migration of customers from the half-year before last to the last one'
SELECT rpad(from_state, 12) || '-> ' || rpad(to_state, 12) || lpad(customers::text, 7) || ' '
    || repeat(:'bar', ceil(50.0 * customers / max(customers) OVER ())::int)
FROM report.migration ORDER BY crm.lifecycle_rank(from_state), crm.lifecycle_rank(to_state);
