# shellcheck shell=bash
# shellcheck disable=SC2154  # $top and others are of the script that sources this
#
# roots.sh: folders with a Debian release in them, for what tests on releases
# other than this machine's. Who sources it has $top, say and die.

cache=${XDG_CACHE_HOME:-$HOME/.cache}/pg-matrix
layer=

# The Debian release that ships a version.
suite_of()
{
	local override=CRM_SUITE_$1

	case ${!override:-$1} in
		13) echo bullseye ;;
		15) echo bookworm ;;
		17) echo trixie ;;
		18) echo sid ;;
		[0-9]*) die "no Debian release is known for PostgreSQL $1; name one with $override" ;;
		*) echo "${!override}" ;;
	esac
}

# The mirror that apt takes Debian from here; elsewhere CRM_MIRROR names one.
find_mirror()
{
	local mirror=${CRM_MIRROR:-}

	if [[ -z $mirror ]]; then
		# shellcheck disable=SC2016  # apt's own placeholders
		mirror=$(apt-get indextargets --format '$(LABEL)|$(COMPONENT)|$(REPO_URI)' \
			'Created-By: Packages' 2> /dev/null |
			awk -F'|' '$1 == "Debian" && $2 == "main" && !found { print $3; found = 1 }')
	fi
	[[ -n $mirror ]] || die "apt names no mirror of Debian here; name one with CRM_MIRROR"
	printf '%s\n' "${mirror%/}"
}

# Runs a command in a root folder; its processes and mounts end with it.
in_root()
{
	local root=$1

	shift
	# shellcheck disable=SC2016  # for the inner shell
	env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 HOME=/root \
		${http_proxy:+http_proxy="$http_proxy"} ${https_proxy:+https_proxy="$https_proxy"} \
		unshare --mount --pid --fork --kill-child --propagation private sh -c '
			mount -t proc proc "$0/proc" &&
			mkdir -p "$0/dev/shm" && mount -t tmpfs -o mode=1777 tmpfs "$0/dev/shm" &&
			exec chroot "$0" "$@"' "$root" "$@"
}

# apt finds the same network inside as outside.
copy_network_settings()
{
	local root=$1

	cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
	apt-config dump | grep -E '^Acquire::(https?::Proxy|Check-Valid-Until|Check-Date|Retries)[^ ]* ' \
		> "$root/etc/apt/apt.conf.d/90network" || true
	if [[ -s /etc/ssl/certs/ca-certificates.crt ]]; then
		mkdir -p "$root/etc/ssl/certs"
		cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
	fi
}

# A root folder of a version's release with nothing installed.
bootstrap()
{
	local version=$1 root=$2 suite mirror

	suite=$(suite_of "$version")
	mirror=$(find_mirror)
	say "PostgreSQL $version: bootstrapping $suite"
	rm -rf --one-file-system "$root.part"
	mkdir -p "$cache/debs-$suite"
	unshare --mount --propagation private \
		debootstrap --variant=minbase --cache-dir="$cache/debs-$suite" "$suite" "$root.part" "$mirror" \
		> "$root.log" 2>&1 || die "debootstrap of $suite failed: $(tail -n 1 "$root.log") (see $root.log)"
	copy_network_settings "$root.part"
	mv "$root.part" "$root"
}

# A copy of the sources as /crm of a root folder.
copy_sources()
{
	mkdir -p "$1/crm"
	tar -C "$top" --exclude=./.git --exclude='*.o' --exclude='*.so' -cf - . | tar -C "$1/crm" -xf -
}

# A throw-away layer above a root folder, in $layer/root.
make_layer()
{
	layer=$(mktemp -d "$cache/layer.XXXXXX")
	mkdir "$layer/upper" "$layer/work" "$layer/root"
	mount -t overlay overlay -o "lowerdir=$1,upperdir=$layer/upper,workdir=$layer/work" "$layer/root" ||
		return
	copy_network_settings "$layer/root"
}

remove_layer()
{
	if [[ -n $layer ]]; then
		umount -l "$layer/root" 2> /dev/null || true
		rm -rf --one-file-system "$layer"
	fi
	layer=
}

# Stops unless the machine can do this.
need_roots()
{
	local program

	[[ $EUID -eq 0 ]] || die "needs root, for debootstrap, mount and chroot (try: sudo -E $0)"
	for program in debootstrap unshare chroot tar; do
		command -v "$program" > /dev/null || die "$program is missing (apt-get install debootstrap)"
	done
	mkdir -p "$cache"
}
