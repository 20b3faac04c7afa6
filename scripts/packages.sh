# shellcheck shell=bash
#
# packages.sh: finds the PostgreSQL to build for, and installs by apt what is
# missing for it.  Nothing is asked of apt when nothing is missing.

pg_config=
pg_major=
apt_guards=()
apt_said=

# Runs a command as root.
as_root()
{
	if [[ $EUID -eq 0 ]]; then "$@"; else sudo "$@"; fi
}

# Stops unless packages can be installed.
need_apt()
{
	command -v apt-get > /dev/null || die "there is no apt to install what is missing: $*"
	[[ $EUID -eq 0 ]] || { command -v sudo && sudo -v; } > /dev/null || die "installing what is missing needs root or sudo: $*"
}

# Sets pg_config and pg_major: those of $PG_CONFIG if given, else of the newest
# server installed, else of the version that the distribution ships.
choose_postgres()
{
	if [[ ${PG_CONFIG:-} =~ ^/usr/lib/postgresql/([0-9]+)/bin/pg_config$ ]]; then
		pg_config=$PG_CONFIG
		pg_major=${BASH_REMATCH[1]}
		return
	elif [[ -n ${PG_CONFIG:-} ]]; then
		pg_config=$(command -v "$PG_CONFIG") || die "PG_CONFIG names no program: $PG_CONFIG"
		pg_major=$("$pg_config" --version | sed 's/^PostgreSQL \([0-9]*\).*/\1/')
		return
	fi
	pg_major=$(newest_server)
	if [[ -z $pg_major ]]; then
		need_apt postgresql
		apt_update
		pg_major=$(distribution_server)
		[[ -n $pg_major ]] || die "apt knows no postgresql package"
	fi
	pg_config=/usr/lib/postgresql/$pg_major/bin/pg_config
}

# The newest major version whose server is installed as Debian does it.
newest_server()
{
	local server newest='' major

	for server in /usr/lib/postgresql/*/bin/postgres; do
		[[ -x $server ]] || continue
		major=${server#/usr/lib/postgresql/}
		major=${major%%/*}
		if [[ $major -gt ${newest:-0} ]]; then newest=$major; fi
	done
	printf '%s' "$newest"
}

# The major version that the distribution's package postgresql stands for.
distribution_server()
{
	apt-cache depends postgresql 2> /dev/null |
		sed -n 's/^ *Depends: postgresql-\([0-9]*\)$/\1/p' | head -n 1
}

# The packages that building and running a server still lack.
missing_to_build()
{
	echo '#include <stdio.h>' | gcc -E - > /dev/null 2>&1 || echo gcc libc6-dev
	command -v make > /dev/null || echo make
	echo '#include <nlopt.h>' | gcc -E - > /dev/null 2>&1 || echo libnlopt-dev
	[[ -x ${pg_config%/*}/initdb ]] || echo "postgresql-$pg_major"
	if ! [[ -x $pg_config && -f $("$pg_config" --pgxs) && -f $("$pg_config" --includedir-server)/postgres.h ]]; then
		echo "postgresql-server-dev-$pg_major"
	fi
}

# The packages that the tests still lack beside those.
missing_to_test()
{
	if ! [[ -x $pg_config && -f $("$pg_config" --sharedir)/extension/pgtap.control ]]; then
		echo "postgresql-$pg_major-pgtap"
	fi
	perl -MTAP::Parser -e 1 2> /dev/null || echo perl
	perl -MIPC::Run -e 1 2> /dev/null || echo libipc-run-perl
}

# The packages that single tests are skipped without, where they are still
# lacking and apt can install them without a question.
wanted_by_tests()
{
	local name lacking=()

	[[ $pg_config == /usr/lib/postgresql/* ]] || return 0
	[[ $EUID -eq 0 ]] || sudo -n true 2> /dev/null || return 0
	for name in cron partman; do
		[[ -f $("$pg_config" --sharedir)/extension/pg_$name.control ]] || lacking+=("postgresql-$pg_major-$name")
	done
	/usr/bin/python3 -c 'import psycopg2' 2> /dev/null || lacking+=(python3-psycopg2)
	if [[ ${#lacking[@]} -eq 0 ]]; then return 0; fi
	# Where apt does not offer the server either, it has no lists yet.
	apt_offers "postgresql-$pg_major" || apt_get update || return 0
	for name in "${lacking[@]}"; do
		if apt_offers "$name"; then echo "$name"; fi
	done
}

apt_offers()
{
	[[ -n $(apt-cache madison "$1" 2> /dev/null) ]]
}

# Installs packages that can be done without.
install_wanted()
{
	[[ $# -gt 0 ]] || return 0
	say "installing by apt: $*"
	guard_services
	apt_get install "$@" || say "could not install $*"
	packages_clean_up
}

# Installs packages, unless there are none to install.
install_packages()
{
	[[ $# -gt 0 ]] || return 0
	if [[ -n ${PG_CONFIG:-} && $PG_CONFIG != /usr/lib/postgresql/* && $* == *postgresql-* ]]; then
		die "the PostgreSQL of $PG_CONFIG lacks what these packages hold: $*"
	fi
	need_apt "$@"
	say "installing by apt: $*"
	guard_services
	# The first attempt fails where the package lists are missing or old.
	apt_get install "$@" || { apt_update && apt_get install "$@"; } || apt_failed
	packages_clean_up
}

# Fetches the package lists, once.
apt_update()
{
	[[ -z ${apt_updated:-} ]] || return 0
	say "fetching apt's package lists"
	apt_get update || apt_failed
	apt_updated=yes
}

# Runs apt-get and keeps what it says for the case that it fails.
apt_get()
{
	apt_said=$(as_root env DEBIAN_FRONTEND=noninteractive LC_ALL=C \
		apt-get -q -y --no-install-recommends "$@" 2>&1)
}

apt_failed()
{
	tail -n 20 <<< "$apt_said" >&2
	die "apt-get failed"
}

# While packages are installed, no service is started.  The server's package makes
# its cluster as ever: it would not make it later, when somebody wants one.
guard_services()
{
	local policy=/usr/sbin/policy-rc.d

	[[ ! -e $policy ]] || return 0
	apt_guards+=("$policy")
	printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" > /dev/null
	as_root chmod 755 "$policy"
}

# Takes that guard away again.
packages_clean_up()
{
	[[ ${#apt_guards[@]} -gt 0 ]] || return 0
	as_root rm -f "${apt_guards[@]}"
	apt_guards=()
}
