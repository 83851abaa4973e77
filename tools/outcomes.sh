#!/usr/bin/env bash
# Does loading the plugin change the outcome of ordinary statements? PostgreSQL's own regression suite runs on throwaway
# servers: twice without walferry, to know what differs by itself, and once with it: library and extension in the
# database, DDL recorded. The outputs must be equal. Ends with "N passed, N failed".
#
# The suite comes from Debian's source package (DEBIAN_MIRROR names another mirror), and is kept in build/outcomes.
# The plugin is installed already: see the Makefile.
set -euo pipefail

# Tests that list what is installed in the database, walferry's objects among it: what their other lines say is compared.
lists_objects() {
	case $1 in
	event_trigger) ;; # all event triggers
	opr_sanity) ;;    # all functions that are SECURITY DEFINER
	*) false ;;
	esac
}

top=$(realpath "$(dirname "$0")/..")
work=$top/build/outcomes
mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
pg_config=${PG_CONFIG:-pg_config}
version=$("$pg_config" --version | sed -E 's/^PostgreSQL ([0-9]+).*/\1/')
pg_regress=$(dirname "$("$pg_config" --pgxs)")/../test/regress/pg_regress
scratch=$(mktemp -d /tmp/walferry-outcomes.XXXXXX)
cluster=$scratch/cluster
server_user=postgres

die() {
	echo "outcomes: $*" >&2
	exit 1
}

clean_up() {
	"$top/tools/cluster.sh" destroy "$cluster"
	rm -rf -- "$scratch"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# The tests write beside the server, so they run as its account.
as_server() {
	if [ "$(id -u)" -eq 0 ]; then
		runuser -u "$server_user" -- "$@"
	else
		"$@"
	fi
}

# An apt of its own: the machine's lists stay as they are.
apt() {
	apt-get -q -o Dir::Etc::SourceList="$scratch/apt/sources.list" -o Dir::Etc::SourceParts=/dev/null \
		-o Dir::State::Lists="$scratch/apt/lists" -o Dir::Cache="$scratch/apt/cache" -o APT::Sandbox::User= "$@"
}

fetch_source() {
	local codename
	[ ! -d "$work/source" ] || return 0
	command -v apt-get >/dev/null || die "the sources come with apt-get, which is not here"
	codename=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
	mkdir -p "$scratch/apt/lists/partial" "$scratch/apt/cache/archives/partial" "$scratch/unpacked" "$work"
	echo "deb-src $mirror $codename main" >"$scratch/apt/sources.list"
	(cd "$scratch" && apt update && apt source --download-only "postgresql-$version") ||
		die "can't get the sources of postgresql-$version from $mirror; DEBIAN_MIRROR names another mirror"
	tar -xf "$scratch/postgresql-${version}_"*.orig.tar.* -C "$scratch/unpacked" --strip-components=1
	mv "$scratch/unpacked" "$work/source"
}

# The C functions of the tests, against the installed server.
build_modules() {
	mkdir "$scratch/modules"
	cp "$work/source/src/test/regress/regress.c" "$scratch/modules"
	cat >"$scratch/modules/Makefile" <<-END
		MODULES = regress
		override with_llvm = no
		PGXS = $("$pg_config" --pgxs)
		include \$(PGXS)
	END
	make -s -C "$scratch/modules" PG_CONFIG="$pg_config" || die "can't build regress.so"
	cp "$("$pg_config" --pkglibdir)"/{autoinc,refint}.so "$scratch/modules"
	chmod -R a+rX "$scratch" "$scratch/modules"
}

run_suite() { # NAME [SETTING | OPTION]...
	local name=$1 conninfo host port user settings=() options=() argument
	for argument in "${@:2}"; do
		case $argument in
		--*) options+=("$argument") ;;
		*) settings+=("$argument") ;;
		esac
	done
	echo "== $name"
	conninfo=$("$top/tools/cluster.sh" create "$cluster" "${settings[@]}")
	read -r host port user <<<"$conninfo"
	mkdir "$scratch/$name"
	[ "$(id -u)" -ne 0 ] || chown "$server_user" "$scratch/$name"
	# What it expects is another server's; what counts is whether the runs agree.
	(cd "$scratch/$name" && as_server env PATH="$("$pg_config" --bindir):$PATH" "$pg_regress" \
		--host="${host#*=}" --port="${port#*=}" --user="${user#*=}" --no-locale --encoding=UTF8 --max-concurrent-tests=20 \
		--inputdir="$scratch/input" --outputdir="$scratch/$name" --dlpath="$scratch/modules" \
		--schedule="$scratch/input/parallel_schedule" "${options[@]}") >"$scratch/$name.log" 2>&1 || true
	grep -E '^ (All )?[0-9]+ .*tests' "$scratch/$name.log" || die "the suite has not run: $(tail -n 5 "$scratch/$name.log")"
	[ ${#options[@]} -eq 0 ] || count_records "$conninfo"
	"$top/tools/cluster.sh" destroy "$cluster"
}

# That the statements were recorded is what the runs are compared for.
count_records() { # CONNINFO
	local records
	records=$("$("$pg_config" --bindir)/psql" -AtX "$1 dbname=regression" -c "SELECT count(*) FROM walferry.ddl_log")
	echo " $records DDL statements recorded"
	[ "$records" -gt 1000 ] || die "the run with walferry has not recorded its DDL"
}

# A test's output with what is this run's own. Of a list of objects walferry's go, with the widths of columns and the counts.
normalised() { # RUN TEST
	sed "s,$scratch/$1,RUN,g" "$scratch/$1/results/$2.out" | if lists_objects "$2"; then
		sed -E '/walferry|prune_ddl_log|ddl_state/d; /^\([0-9]+ rows?\)$/d; s/ +/ /g; s/^ //; s/ $//; /^[-+]+$/d'
	else
		cat
	fi
}

compare_runs() {
	local file test passed=0 failed=0 unsteady=0
	mkdir -p "$work/differences"
	rm -f "$work/differences"/*
	for file in "$scratch/without/results"/*.out; do
		test=$(basename "$file" .out)
		if diff <(normalised without "$test") <(normalised with "$test") >"$scratch/difference" 2>&1; then
			passed=$((passed + 1))
		elif ! cmp -s <(normalised without "$test") <(normalised again "$test"); then
			echo "$test: differs without walferry too"
			unsteady=$((unsteady + 1))
		else
			cp "$scratch/difference" "$work/differences/$test.diff"
			echo "-- $test"
			cat "$scratch/difference"
			failed=$((failed + 1))
		fi
	done
	echo
	echo "$passed passed, $failed failed$([ $unsteady -eq 0 ] || echo ", $unsteady skipped")"
	[ "$failed" -eq 0 ]
}

chmod 711 "$scratch"
fetch_source
build_modules
cp -r "$work/source/src/test/regress" "$scratch/input"
chmod -R a+rX "$scratch/input"
run_suite without
run_suite again
run_suite with session_preload_libraries=walferry --load-extension=walferry
compare_runs
