#!/usr/bin/env bash
# Runs the suites named (unit, regress, integration) and ends with "N passed, N failed" over all of
# them; exits 1 if one failed. A suite that ends badly without naming a failure counts as one.
# Everything is built and the plugin installed already: see the Makefile.
# TESTS=pattern: only these GoogleTest tests.
# JOBS=N: GoogleTest's run in N parts at once, told apart by their lines' beginning; default: the number of processors.
set -euo pipefail

passed=0
failed=0
skipped=0
top=$(realpath "$(dirname "$0")/..")
build=$(realpath -m "${BUILD_DIR:-$top/build/test}")
scratch=$(mktemp -d /tmp/walferry-check.XXXXXX)
chmod 711 "$scratch" # the server may run as another user
cluster=$scratch/cluster

clean_up() {
	"$top/tools/cluster.sh" destroy "$cluster"
	rm -rf -- "$scratch"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Sums what a sed expression finds in the suite's output: N, or N M for N - M.
count() {
	sed -E 's/^[0-9]+\| //' "$scratch/output" | sed -nE "$1" | awk '{ sum += $1 - $2 } END { print sum + 0 }'
}

# Runs a suite's command, shows and keeps its output, adds up what it says of itself.
run_suite() { # NAME PASSED-EXPRESSION FAILED-EXPRESSION COMMAND...
	local name=$1 suite_passed suite_failed status=0
	echo "== $name"
	"${@:4}" 2>&1 | tee "$scratch/output" || status=$?
	suite_passed=$(count "$2")
	suite_failed=$(count "$3")
	if [ "$status" -ne 0 ] && [ "$suite_failed" -eq 0 ]; then
		echo "$name: ended with status $status and named no failed test"
		suite_failed=1
	fi
	if [ $((suite_passed + suite_failed)) -eq 0 ]; then
		echo "$name: ran no test"
		suite_failed=1
	fi
	passed=$((passed + suite_passed))
	failed=$((failed + suite_failed))
	skipped=$((skipped + $(count 's/^\[  SKIPPED \] ([0-9]+) tests?, listed below:.*/\1/p')))
}

# A part that ends badly without naming a failure is made to name one. An interrupt is for the parts too, though the shell
# would have it ignored by what runs in the background.
in_parts() { # COMMAND...
	local parts=${JOBS:-$(nproc)} part status failed=0 pids=()
	trap 'kill "${pids[@]}" 2>/dev/null' INT TERM
	for ((part = 0; part < parts; part++)); do
		: >"$scratch/part$part" # before tail looks for it
		GTEST_TOTAL_SHARDS=$parts GTEST_SHARD_INDEX=$part env --default-signal=INT,QUIT "$@" \
			>>"$scratch/part$part" 2>&1 &
		pids+=($!)
		tail --pid=$! -s 0.2 -n +1 -f "$scratch/part$part" | sed -u "s/^/$part| /" &
	done
	for ((part = 0; part < parts; part++)); do
		status=0
		wait "${pids[part]}" || status=$?
		[ "$status" -ne 0 ] || continue
		failed=1
		grep -qE '^\[  FAILED  \] [0-9]+ tests?, listed below:' "$scratch/part$part" ||
			printf '%s| [  FAILED  ] 1 test, listed below:\nnone was named, but the part ended with status %s\n' "$part" "$status"
	done
	return "$failed"
}

gtest() { # NAME PROGRAM
	run_suite "$1" 's/^\[  PASSED  \] ([0-9]+) tests?\..*/\1/p' 's/^\[  FAILED  \] ([0-9]+) tests?, listed below:.*/\1/p' \
		in_parts "$build/$2" --gtest_filter="${TESTS:-*}"
}

# pg_regress (and the isolation tester's twin) close with one of:
#   All 5 tests passed.
#   2 of 5 tests failed.
pg_regress() {
	local conninfo host port user
	conninfo=$("$top/tools/cluster.sh" create "$cluster" max_prepared_transactions=10 \
		session_preload_libraries=walferry)
	read -r host port user <<<"$conninfo"
	run_suite regress 's/^[ #]*All ([0-9]+) tests passed.*/\1/p; s/^[ #]*([0-9]+) of ([0-9]+) tests failed.*/\2 \1/p' \
		's/^[ #]*([0-9]+) of [0-9]+ tests failed.*/\1/p' \
		env PGHOST="${host#*=}" PGPORT="${port#*=}" PGUSER="${user#*=}" \
		make -C "$top/plugin" --no-print-directory installcheck
	show_differences
	"$top/tools/cluster.sh" destroy "$cluster"
}

# pg_regress only says where the differences are; who reads a log from afar needs them in it.
show_differences() {
	local file
	while IFS= read -r file; do
		echo "-- $file"
		cat "$file"
	done < <(find "$top/build" "$top/plugin" "$top/regress" -name regression.diffs -newer "$cluster/cluster")
}

for suite in "$@"; do
	case $suite in
	unit) gtest unit unit_tests ;;
	regress) pg_regress ;;
	# Tests call psql and its kin a thousand times: the programs themselves, without Debian's wrapper before them.
	integration) PATH=$("${PG_CONFIG:-pg_config}" --bindir):$PATH gtest integration integration_tests ;;
	*)
		echo "check.sh: no suite $suite" >&2
		exit 1
		;;
	esac
done

echo
if [ "$skipped" -gt 0 ]; then
	echo "$passed passed, $failed failed, $skipped skipped"
else
	echo "$passed passed, $failed failed"
fi
[ "$failed" -eq 0 ]
