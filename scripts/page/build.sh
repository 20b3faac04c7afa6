# shellcheck shell=bash
#
# build.sh: writes the figures of a tracking as one HTML page, with the chart
# library inside. report, demo and test-report share it.

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

# build_report FILE PSQL...: asks a database for the figures by a psql command
# with its options, installs the chart library, as package-lock.json pins it, and
# writes the page.  $report_options are what the figures suppose.
build_report()
{
	local file=$1 library

	shift
	cp -R "$top/scripts/page" "$top/scripts/figures.sql" "$work/"
	chown -R "$user" "$work/page" "$work/figures.sql"
	quietly npm env npm_config_cache="$work/npm" npm ci --prefix "$work/page" --ignore-scripts --no-audit --no-fund &
	library=$!
	"$@" -X -q -v ON_ERROR_STOP=1 -v currency='' -v margin=0.30 -v cost_of_an_order=2.00 -v acquisition_cost=8.00 \
		-v shop='' -v names='' -v policy='' -v channel=email -v purpose=marketing \
		${report_options[@]+"${report_options[@]}"} -f "$work/page/tracking.sql" > "$work/figures.json" ||
		{ wait "$library"; die "no figures"; }
	wait "$library"
	node "$work/page/build.mjs" "$work/page" "$work/figures.json" > "$work/page.html"
	cat "$work/page.html" > "$file"
}
