-- One round: so many calls and forms of a seed, and a tenth as many of what takes relations, each a statement of its own. Set seed, n, wanted, what a statement may take (timeout), and the seconds of processor time above which it is slow: then it must be possible to cancel it.
SET extra_float_digits = 3;
SET client_min_messages = error;
SET hostile.slow = :slow;
\o /dev/null
SET statement_timeout = 0;
SELECT format('SET statement_timeout = %L', :'timeout') UNION ALL SELECT format('SELECT hostile.try(%L)', c) FROM hostile.calls(:seed, :n, :'wanted') c \gexec
SET statement_timeout = 0;
SELECT 'SET statement_timeout = ''10s''' UNION ALL SELECT format('SELECT hostile.try_on(%L)', c) FROM hostile.calls_on(:seed, :n / 10, :'wanted') c \gexec
SET statement_timeout = 0;
SELECT 'SET statement_timeout = ''1s''' UNION ALL SELECT format('SELECT hostile.cancel(%L)', call) FROM hostile.long \gexec
SET statement_timeout = 0;
SELECT format('SET statement_timeout = %L', :'timeout') UNION ALL SELECT f FROM hostile.forms(:seed, :n) f \gexec
SET statement_timeout = 0;
\o
