# shellcheck shell=bash
#
# lib.sh: what scripts/test, scripts/demo and bench/run share.
#
# Everything happens in one temporary folder, $work: a copy of the sources, a
# copy of the chosen PostgreSQL into which the extension is installed, and the
# server's data.  Nothing outside is changed but the packages that
# packages.sh installs; the folder and every process in it go on any exit.

set -euo pipefail
export LC_ALL=C.UTF-8

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
me=$(basename "$0")
work=
child=
user=

# shellcheck source=scripts/packages.sh
source "$top/scripts/packages.sh"

say() { printf '%s: %s\n' "$me" "$*" >&2; }
die() { say "$*"; exit 2; }

# Runs a command as the unprivileged user that the server runs as.
as_user()
{
	if [[ $EUID -eq 0 ]]; then
		setpriv --reuid="$user" --regid="$(id -g "$user")" --init-groups \
			env HOME="$work" USER="$user" LOGNAME="$user" "$@"
	else
		env HOME="$work" "$@"
	fi
}

# Runs a command as that user in a process group of its own, so that an
# interrupt ends all of it at once; returns its exit status.
run()
{
	local status=0

	set -m
	as_user "$@" < /dev/null &
	child=$!
	set +m
	wait "$child" || status=$?
	child=
	return "$status"
}

# Runs a command with its output in a log of $work; shows the end of it if it fails.
quietly()
{
	local log=$work/$1.log

	shift
	run "$@" > "$log" 2>&1 && return
	tail -n 40 "$log" >&2
	die "this failed: $*"
}

# Makes $work, readable by the unprivileged user only.
make_work()
{
	local parent=${TMPDIR:-/tmp}

	user=$(id -un)
	if [[ $EUID -eq 0 ]]; then
		user=postgres
		id "$user" > /dev/null 2>&1 || user=nobody
	fi
	# A socket's path is limited to 107 bytes, and the user must reach it.
	if [[ ${#parent} -gt 60 ]] || ! as_user test -w "$parent" -a -x "$parent"; then
		parent=/tmp
	fi
	trap clean_up EXIT
	trap 'exit 129' HUP
	trap 'exit 130' INT
	trap 'exit 143' TERM
	work=$(mktemp -d "$parent/crm.XXXXXX")
	chown "$user" "$work"
}

# Ends what runs in $work, each server by its own lock file, and removes it.
clean_up()
{
	local status=$? lock

	trap - EXIT
	trap '' HUP INT TERM
	if [[ -n $child ]]; then kill -TERM -- "-$child" 2> /dev/null || true; fi
	if [[ -n $work ]]; then
		while IFS= read -r lock; do
			stop_server "$(dirname "$lock")"
		done < <(find "$work" -name postmaster.pid 2> /dev/null)
		rm -rf --one-file-system "$work"
	fi
	packages_clean_up
	exit "$status"
}

# Stops the server of a data folder and waits until it has gone.
stop_server()
{
	local pid tries=0

	pid=$(head -n 1 "$1/postmaster.pid" 2> /dev/null) || return 0
	[[ $pid =~ ^[0-9]+$ ]] || return 0
	kill -QUIT "$pid" 2> /dev/null || return 0
	while kill -0 "$pid" 2> /dev/null && [[ $tries -lt 100 ]]; do
		sleep 0.1
		tries=$((tries + 1))
	done
}

# Copies the sources to $work/src, without what was built in them.
copy_sources()
{
	mkdir "$work/src"
	tar -C "$top" --exclude=./.git --exclude='*.o' --exclude='*.bc' --exclude='*.so' \
		--exclude='./crm--*.sql' --exclude=./results --exclude=./output_iso \
		--exclude=./tmp_check --exclude=./build -cf - . |
		tar -C "$work/src" -xf -
	chown -R "$user" "$work/src"
}

# Copies the PostgreSQL of $pg_config under $work/pg (it finds its files
# relative to its program folder) and lets $pg_config name the copy.
copy_postgres()
{
	local folder folders=()

	for folder in --bindir --pkglibdir --sharedir --includedir-server; do
		folders+=("$("$pg_config" "$folder")")
	done
	folders+=("$(dirname "$(dirname "$(dirname "$("$pg_config" --pgxs)")")")")
	while IFS= read -r folder; do
		mkdir -p "$work/pg$folder"
		tar -C "$folder" --exclude=./bitcode -cf - . | tar -C "$work/pg$folder" -xf -
	done < <(printf '%s\n' "${folders[@]}" | sort -u | outermost)
	chown -R "$user" "$work/pg"
	pg_bin=$work/pg$("$pg_config" --bindir)
	pg_config=$pg_bin/pg_config
	if [[ $("$pg_config" --bindir) != "$pg_bin" ]]; then wrap_pg_config; fi
	export PATH="$pg_bin:$PATH" PG_CONFIG=$pg_config
}

# Debian's pg_config of PostgreSQL 13 names its first home wherever it stands.
wrap_pg_config()
{
	mv "$pg_config" "$pg_config.plain"
	printf '#!/bin/sh\n"%s" "$@" | sed "s#^\\([A-Z-]* = \\)\\?/#\\1%s/#"\n' \
		"$pg_config.plain" "$work/pg" > "$pg_config"
	chmod 755 "$pg_config"
}

# Of sorted folder names, those that are not inside an earlier one.
outermost()
{
	local folder last=/dev/null

	while IFS= read -r folder; do
		[[ $folder/ == "$last"/* ]] && continue
		last=$folder
		printf '%s\n' "$folder"
	done
}

# Builds and installs the extension into the copy of PostgreSQL.  The bitcode
# for inlining by JIT is left out: it doubles the time and changes no result.
build()
{
	quietly build make -C "$work/src" -s -j "$(nproc)" with_llvm=no PG_CONFIG="$pg_config" all
	quietly install make -C "$work/src" -s with_llvm=no PG_CONFIG="$pg_config" install
}

# Starts a server in $work/data, reachable through a socket in $work only.
# Arguments: further settings, each name=value.
start_server()
{
	local setting

	quietly initdb "$pg_bin/initdb" -D "$work/data" -U postgres -A trust -N \
		--encoding=UTF8 --locale=C
	{
		printf "%s\n" "listen_addresses = ''" "unix_socket_directories = '$work'" \
			"fsync = off" "timezone = 'UTC'" "log_timezone = 'UTC'" "lc_messages = 'C'"
		for setting in "$@"; do printf "%s = '%s'\n" "${setting%%=*}" "${setting#*=}"; done
	} | as_user tee -a "$work/data/postgresql.conf" > /dev/null
	quietly start "$pg_bin/pg_ctl" -D "$work/data" -l "$work/server.log" -w -t 300 -s start
	forget_settings
	export PGHOST=$work PGPORT=5432 PGUSER=postgres PGDATABASE=postgres
}

# Unsets what the caller's environment says to clients of other servers.
forget_settings()
{
	local variable

	for variable in "${!PG@}"; do
		if [[ $variable != PG_CONFIG ]]; then unset "$variable"; fi
	done
}
