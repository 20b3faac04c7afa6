-- The roles that a file of test/pgtap left: they are the cluster's.
SELECT format('DROP ROLE %I', rolname) FROM pg_roles WHERE rolname !~ '^pg_' AND rolname <> current_user \gexec
