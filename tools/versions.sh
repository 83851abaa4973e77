#!/usr/bin/env bash
# Everything on newer PostgreSQL majors than Debian 12 has, in a Debian that has that major: the plugin is built without a
# warning and passes its regress tests, and tasks run between servers of different majors.
#
#   versions.sh [check] [WHAT ...]   tests; ends with a table of how many passed; 1 if one failed
#   versions.sh chroot MAJOR         makes the chroot if it is not there; prints its folder
#   versions.sh pg_config MAJOR      of a PostgreSQL of that major whose programs run outside of the chroot (PG_CONFIG)
#
# WHAT is a MAJOR, a pair FROM:TO, which takes its majors with it, or the guide (docs/upgrade.md, from 15 to 18). Default: all
# of 17 18 15:17 17:18 15:18 17:15 18:15 guide. Columns after a slash leave out the others, and a pair's majors: 18/regress,
# 15:18/types,DDL. Majors have regress and own, pairs types, DDL, crash, verify and own.
#
# Pairs take the program, the tests and, of 15, the plugin that `make check-versions` has built and installed before.
# A chroot is made once (debootstrap, about 600 MB) and kept in VERSIONS_DIR, default /var/cache/walferry-chroots: remove a
# folder in it and the next run makes it anew, from what Debian has then. MIRROR names another Debian mirror.
# As root, or by sudo.
set -euo pipefail

top=$(realpath "$(dirname "$0")/..")
cache=${VERSIONS_DIR:-/var/cache/walferry-chroots}
mirror=${MIRROR:-http://deb.debian.org/debian}
scratch=

die() {
	echo "versions.sh: $*" >&2
	exit 1
}

usage() {
	sed -n '5,7s/^#   //p' "$0" >&2
	exit 1
}

suite_of() { # MAJOR
	case $1 in
	16) die "no Debian release has PostgreSQL 16" ;;
	17) echo trixie ;;
	18) echo forky ;;
	*) die "don't know which Debian has PostgreSQL $1: 17 and 18 are known" ;;
	esac
}

# Whatever is mounted or left running in there is gone with the command.
in_chroot() { # ROOT COMMAND...
	# shellcheck disable=SC2016 # expanded by the bash inside
	unshare --mount --pid --fork --kill-child bash -c '
		mount --make-rprivate /
		mount -t proc proc "$1/proc"
		mount --rbind /dev "$1/dev"
		mount -t tmpfs -o mode=1777 tmpfs "$1/tmp"
		exec chroot "$1" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
			DEBIAN_FRONTEND=noninteractive "${@:2}"' in_chroot "$@"
}

# What must not start in a chroot: services, and the cluster that Debian makes for every new major. A mirror may stand still,
# and testing's lists are taken for expired after a week.
configure() { # ROOT
	printf '#!/bin/sh\nexit 101\n' >"$1/usr/sbin/policy-rc.d"
	chmod 755 "$1/usr/sbin/policy-rc.d"
	mkdir -p "$1/etc/postgresql-common"
	echo 'create_main_cluster = false' >"$1/etc/postgresql-common/createcluster.conf"
	cat >"$1/etc/apt/apt.conf.d/walferry" <<-'END'
		APT::Sandbox::User "root";
		Acquire::Check-Valid-Until "false";
	END
}

# postgresql-server-dev asks for clang and LLVM, over a gigabyte, for bitcode that the plugin doesn't have: its files are enough.
install_postgresql() { # ROOT MAJOR
	# shellcheck disable=SC2016 # expanded in the chroot
	in_chroot "$1" bash -ec '
		apt-get -q update
		apt-get -q -y --no-install-recommends install gcc make libc6-dev libicu-dev "postgresql-$1" "postgresql-client-$1"
		cd /tmp
		apt-get -q download "postgresql-server-dev-$1"
		dpkg -x postgresql-server-dev-*.deb /
		apt-get clean' bash "$2"
}

make_chroot() { # MAJOR: prints the folder
	local major=$1 suite root log script
	suite=$(suite_of "$major")
	root=$cache/$suite
	if [ ! -d "$root" ]; then
		command -v debootstrap >/dev/null || die "debootstrap is missing: tools/deps.sh versions installs it"
		mkdir -p "$cache"
		log=$cache/$suite.log
		rm -rf -- "$root.part"
		echo "versions.sh: making $root from $mirror; what it does stands in $log" >&2
		# An older debootstrap may not know the suite's name; all of them are made in the same way.
		script=/usr/share/debootstrap/scripts/$suite
		[ -e "$script" ] || script=/usr/share/debootstrap/scripts/sid
		if ! {
			debootstrap --variant=minbase "$suite" "$root.part" "$mirror" "$script" &&
				configure "$root.part" &&
				install_postgresql "$root.part" "$major"
		} >"$log" 2>&1; then
			tail -n 20 "$log" >&2
			die "no chroot with PostgreSQL $major could be made. Is the mirror reached (MIRROR=$mirror), and has $suite that major?"
		fi
		mv "$root.part" "$root"
	fi
	echo "$root"
}

# PostgreSQL finds its files from where its program is, so a folder laid out as in the chroot, with a script for each
# program that runs it with the chroot's libraries, is an installation like any other: same users, paths and ports as outside.
make_outside() { # MAJOR: prints the path of its pg_config
	local major=$1 suite root outside bin program
	suite=$(suite_of "$major")
	root=$(make_chroot "$major")
	outside=$cache/$suite.outside
	bin=$outside/usr/lib/postgresql/$major/bin
	if [ ! -x "$bin/pg_config" ]; then
		mkdir -p "$bin" "$outside/usr/share/postgresql"
		ln -sfn "$root/usr/lib/postgresql/$major/lib" "$outside/usr/lib/postgresql/$major/lib"
		ln -sfn "$root/usr/share/postgresql/$major" "$outside/usr/share/postgresql/$major"
		for program in "$root/usr/lib/postgresql/$major/bin"/*; do
			program=$(basename "$program")
			cat >"$bin/$program" <<-END
				#!/bin/sh
				exec $root/lib64/ld-linux-x86-64.so.2 --library-path $root/usr/lib/x86_64-linux-gnu \\
					--argv0 "\$0" $root/usr/lib/postgresql/$major/bin/$program "\$@"
			END
			chmod 755 "$bin/$program"
		done
	fi
	echo "$bin/pg_config"
}

pg_config_of() { # MAJOR
	case $1 in
	15) echo /usr/lib/postgresql/15/bin/pg_config ;;
	*) make_outside "$1" ;;
	esac
}

# In the chroot, as that has the compiler for it.
install_plugin() { # MAJOR
	local root
	root=$(make_chroot "$1")
	rm -rf -- "$root/walferry"
	mkdir "$root/walferry"
	tar -C "$top" --exclude='*.o' --exclude='*.so' -c plugin sql regress tools | tar -C "$root/walferry" -x --no-same-owner
	# shellcheck disable=SC2016 # expanded in the chroot
	in_chroot "$root" bash -ec '
		export PG_CONFIG=/usr/lib/postgresql/$1/bin/pg_config
		make -s -C /walferry/plugin
		make -s -C /walferry/plugin install' bash "$1"
}

regress() { # MAJOR
	if [ "$1" = 15 ]; then
		PG_CONFIG=$(pg_config_of 15) "$top/tools/check.sh" regress
	else
		# shellcheck disable=SC2016 # expanded in the chroot
		in_chroot "$(make_chroot "$1")" env PG_CONFIG="/usr/lib/postgresql/$1/bin/pg_config" /walferry/tools/check.sh regress
	fi
}

# A part of the integration tests, between servers of two majors. pg_dump, psql and pgbench are the newer one's.
integration() { # FROM TO PATTERN
	local newer=$1
	[ "$2" -le "$1" ] || newer=$2
	env WALFERRY_SOURCE_PG_CONFIG="$(pg_config_of "$1")" WALFERRY_DESTINATION_PG_CONFIG="$(pg_config_of "$2")" \
		PATH="$(dirname "$(pg_config_of "$newer")"):$PATH" TESTS="$3" "$top/tools/check.sh" integration
}

# Runs a suite, shows it, and keeps its last line's counts: "19", or "18, 1 failed, 2 skipped".
counted() { # RESULT-FILE COMMAND...
	local status=0 counts
	"${@:2}" 2>&1 | tee "$scratch/output" || status=$?
	counts=$(tail -n 1 "$scratch/output" | sed -nE '/^[0-9]+ passed, /{s/ passed//; s/, 0 failed//; p}')
	echo "${counts:-failed}" >"$scratch/$1"
	[ "$status" -eq 0 ]
}

# What of the integration tests each pair goes through. What depends on versions, and failovers, each major also by itself.
declare -rA patterns=(
	[types]='Smoke.*:Types.*:Shapes.*:Encoding.*:LargeObjects.OwnersAndGrants'
	[DDL]='DdlMatrix/*.ResultIsEqual/Plainly:DdlMatrix/*.ResultIsEqual/InTransaction:DdlRandom.*:*/CopyDdl.*'
	[crash]='Crash.KilledTwentyTimes:Crash/*.NothingLostNothingTwice/*commit*:ServerCrash.*'
	[verify]='Verify.*:Repair.*:Cutover.ThereAndBackUnderLoad'
	[own]='Versions.*'
)
readonly columns_of_major=(regress own) columns_of_pair=(types DDL crash verify own)

# The table's cells: "18 regress", "15:18 types".
cells() { # WHAT...
	local what column known
	for what in "$@"; do
		case $what in
		*/*)
			for column in $(tr , ' ' <<<"${what#*/}"); do
				known="${columns_of_major[*]}"
				[[ $what != *:* ]] || known="${columns_of_pair[*]}"
				[[ " $known " == *" $column "* ]] || die "${what%%/*} has no column $column: these are known: $known"
				echo "${what%%/*} $column"
			done
			;;
		guide) ;;
		*:*)
			cells "${what%:*}" "${what#*:}"
			printf '%s\n' "${columns_of_pair[@]/#/$what }"
			;;
		15) echo "15 regress" ;; # its own are in make check
		*) printf '%s\n' "${columns_of_major[@]/#/$what }" ;;
		esac
	done
}

run_cell() { # MAJOR|FROM:TO COLUMN
	case $1/$2 in
	*:*) integration "${1%:*}" "${1#*:}" "${patterns[$2]}" ;;
	*/own) integration "$1" "$1" "${patterns[own]}:Failover.*" ;;
	*) regress "$1" ;;
	esac
}

# Majors before pairs, each once.
check() { # WHAT...
	local cell what major column of failed=0
	local -a all rows majors
	scratch=$(mktemp -d /tmp/walferry-versions.XXXXXX)
	trap 'rm -rf -- "$scratch"' EXIT
	cells "$@" >"$scratch/cells"
	mapfile -t all < <({ sed /:/d "$scratch/cells" | sort -s -n -k 1,1; sed '/:/!d' "$scratch/cells"; } | awk '!seen[$0]++')
	mapfile -t rows < <(printf '%s\n' "${all[@]}" | awk 'NF && !seen[$1]++ { print $1 }')
	mapfile -t majors < <(printf '%s\n' "${rows[@]}" | tr : '\n' | sort -nu)
	[[ " $* " != *" guide "* ]] || majors+=(18)

	for major in "${majors[@]}"; do
		case $major in "" | 15) ;; *) install_plugin "$major" || die "the plugin can't be built on PostgreSQL $major" ;; esac
	done
	for cell in "${all[@]}"; do
		read -r what column <<<"$cell"
		echo "== PostgreSQL ${what/:/ to }: $column"
		counted "$what.$column" run_cell "$what" "$column" || failed=1
	done
	if [[ " $* " == *" guide "* ]]; then
		echo "== docs/upgrade.md, from 15 to 18"
		counted guide timeout 600 "$top/tools/upgrade_guide.sh" "$(pg_config_of 15)" "$(pg_config_of 18)" || failed=1
		grep "writes were stopped" "$scratch/output" >"$scratch/outage" || true
	fi

	echo
	printf '%-10s' ""
	printf '%-15s ' regress "${columns_of_pair[@]}"
	echo
	for what in "${rows[@]}"; do
		printf '%-10s' "${what/:/ to }"
		for column in regress "${columns_of_pair[@]}"; do
			case $column in regress) of=${what%:*} ;; *) of=$what ;; esac
			printf '%-15s ' "$(cat "$scratch/$of.$column" 2>/dev/null || echo -)"
		done
		echo
	done
	[ ! -e "$scratch/guide" ] || echo "docs/upgrade.md: $(cat "$scratch/guide"); $(tr '\n' ' ' <"$scratch/outage")"
	return "$failed"
}

if [ "$(id -u)" -ne 0 ]; then
	command -v sudo >/dev/null || die "a chroot needs root or sudo"
	exec sudo VERSIONS_DIR="$cache" MIRROR="$mirror" BUILD_DIR="${BUILD_DIR:-}" "$0" "$@"
fi

case ${1:-check} in
check)
	[ $# -eq 0 ] || shift
	[ $# -gt 0 ] || set -- 17 18 15:17 17:18 15:18 17:15 18:15 guide
	check "$@"
	;;
chroot)
	[ $# -eq 2 ] || usage
	make_chroot "$2"
	;;
pg_config)
	[ $# -eq 2 ] || usage
	make_outside "$2"
	;;
[0-9]* | guide) check "$@" ;;
*) usage ;;
esac
