#!/usr/bin/env bash
# The benchmark of the initial copy: walferry, native logical replication, pgcopydb, and pg_dump with pg_restore copy
# the same database between the same two throwaway servers, in turns, while nothing is written at the source. Needs
# build/release/walferry, the installed plugin and pgcopydb: `make bench-copy` sees to all three.
# Every destination is compared with the source afterwards, rows and definitions: a difference ends the run with an error.
#
# The clock runs from the first command until everything is at the destination and its indexes are valid. That includes
# planner statistics for walferry and pgcopydb, which make them; the others leave that to autovacuum, which is off here.
#
# BENCH_SCALE=1    1 is pgbench at scale 50 and a wide table of half the size of pgbench_accounts
# RUNS=3           copies by each contender, whose medians count
# CONTENDERS="walferry native pgcopydb pg_dump"   which ones
# COPY_JOBS=N      copy.jobs of walferry; its default if not given
# PEER_JOBS=2      jobs of pgcopydb (tables and indexes, each), pg_dump, pg_restore; sync workers of native
# COPY_SECONDS_MAX=1800   a copy that takes longer is an error
# KEEP=1           leave the folder with servers and logs, and say where
set -euo pipefail

top=$(realpath "$(dirname "$0")/..")
# shellcheck source=bench/lib/begin.sh
. "$top/bench/lib/begin.sh"
# shellcheck source=bench/lib/subscription.sh
. "$top/bench/lib/subscription.sh"
# shellcheck source=bench/lib/copy.sh
. "$top/bench/lib/copy.sh"
# shellcheck source=bench/workloads/tpcb.sh
. "$top/bench/workloads/tpcb.sh"

read -ra contenders <<<"${CONTENDERS:-walferry native pgcopydb pg_dump}"
copy_jobs=${COPY_JOBS:-}
peer_jobs=${PEER_JOBS:-2}
copy_seconds_max=${COPY_SECONDS_MAX:-1800}
results=$top/build/bench/copy.json

check_arguments() {
	local name
	check_common_arguments
	[[ $peer_jobs =~ ^[1-9][0-9]*$ ]] || fail "PEER_JOBS=$peer_jobs is not a number from 1 on"
	for name in "${contenders[@]}"; do
		declare -F "copy_$name" >/dev/null || fail "there is no contender $name"
	done
	[[ " ${contenders[*]} " != *" pgcopydb "* ]] || command -v pgcopydb >/dev/null ||
		fail "there is no pgcopydb: run make bench-copy, which installs it, or name other CONTENDERS"
}

make_data() {
	line "generating the data"
	source_admin -c "CREATE DATABASE bench TEMPLATE template0"
	workload_parameter=$(scaled 50)
	initial "$source"
	source_sql -v rows="$(scaled 670000)" -f "$top/bench/copy_data.sql"
	keep_data copy
}

# The order changes from run to run, as what comes later finds warmer caches.
copy_in_turns() { # RUN
	local i
	for i in "${!contenders[@]}"; do
		copy copy "$1" "${contenders[(i + $1 - 1) % ${#contenders[@]}]}"
	done
}

print_copy_report() {
	echo
	echo "Initial copy: medians of $runs; ratio is how many times as long as walferry; spread is the slowest run by the fastest"
	table copy_report
	line "all destinations were equal to the source; $results has every number"
}

check_arguments
server_settings+=(max_sync_workers_per_subscription="$peer_jobs" max_logical_replication_workers=$((peer_jobs + 2)))
create_servers
create_results "$top/bench/copy_results.sql"
make_data
for ((run = 1; run <= runs; run++)); do
	copy_in_turns "$run"
	write_json "$results"
done
print_copy_report
