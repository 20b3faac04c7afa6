# shellcheck shell=bash
#
# build.sh: writes the figures in the schema report as one HTML page, with the
# chart library inside. demo and test-report share it.

# The packages that making the page still lacks.
missing_to_report()
{
	command -v npm > /dev/null || echo npm
}

# The page can be written where it is wanted.
check_report_file()
{
	[[ ! -d $1 ]] || die "$1: a folder, not a file"
	[[ -d $(dirname "$1") ]] || die "$1: there is no folder $(dirname "$1")"
}

# Every table of the schema report, with its columns in order, as one JSON object.
report_figures()
{
	as_user "$pg_bin/psql" -X -q -A -t -v ON_ERROR_STOP=1 << 'SQL'
CREATE FUNCTION pg_temp.figures() RETURNS json LANGUAGE plpgsql AS $$
DECLARE
  name text; rows json; figures json[] := '{}'; names text[] := '{}';
BEGIN
  FOR name IN SELECT relname FROM pg_class WHERE relnamespace = 'report'::regnamespace AND relkind = 'r' ORDER BY 1 LOOP
    EXECUTE format('SELECT coalesce(json_agg(t), ''[]'') FROM report.%I t', name) INTO rows;
    names := names || name;
    figures := figures || rows;
  END LOOP;
  RETURN (SELECT json_object_agg(n, f) FROM unnest(names, figures) x(n, f));
END $$;
SELECT pg_temp.figures();
SQL
}

# Installs the chart library, as package-lock.json pins it, and writes the page.
build_report()
{
	quietly npm env npm_config_cache="$work/npm" npm ci --prefix "$work/src/scripts/report" \
		--ignore-scripts --no-audit --no-fund
	report_figures > "$work/figures.json"
	node "$work/src/scripts/report/build.mjs" "$work/src/scripts/report" "$work/figures.json" > "$work/page.html"
	cat "$work/page.html" > "$1"
}
