#!/usr/bin/env bash
# The initial copy of many small tables by walferry, time and memory: of one number of tables, and of four times as many,
# which shows what grows faster than the number. Needs build/release/walferry and the installed plugin: `make bench-tables`
# sees to both. Every destination is compared with the source afterwards: a difference ends the run with an error.
#
# BENCH_SCALE=1    1 is TABLES
# TABLES="5000 20000"   how many, in 40 schemas
# RUNS=1           copies of each, whose medians count
# COPY_JOBS=N      copy.jobs of walferry; its default if not given
# COPY_SECONDS_MAX=1800   a copy that takes longer is an error
# LOCKS=256        max_locks_per_transaction of the source: pg_dump locks all tables at once, which the default of 64
#                  doesn't let it do with 20,000. The destination has the default
# KEEP=1           leave the folder with servers and logs, and say where
set -euo pipefail

RUNS=${RUNS:-1} # as these copies are long
top=$(realpath "$(dirname "$0")/..")
# shellcheck source=bench/lib/begin.sh
. "$top/bench/lib/begin.sh"
# shellcheck source=bench/lib/copy.sh
. "$top/bench/lib/copy.sh"

read -ra counts <<<"${TABLES:-5000 20000}"
copy_jobs=${COPY_JOBS:-}
copy_seconds_max=${COPY_SECONDS_MAX:-1800}
locks=${LOCKS:-256}
results=$top/build/bench/tables.json

check_arguments() {
	local count
	check_common_arguments
	for count in "${counts[@]}"; do
		[[ $count =~ ^[1-9][0-9]*$ ]] || fail "TABLES: $count is not a number from 1 on"
	done
}

copy_tables() { # NUMBER
	local run
	line "generating $1 tables"
	source_admin -c "CREATE DATABASE bench TEMPLATE template0"
	PGOPTIONS="-c synchronous_commit=off" source_sql -v tables="$1" -f "$top/bench/tables_data.sql"
	keep_data "$1 tables"
	for ((run = 1; run <= runs; run++)); do
		copy "$1 tables" "$run" walferry
	done
	source_admin -c "DROP DATABASE bench"
	write_json "$results"
}

check_arguments
source_settings+=(max_locks_per_transaction="$locks")
create_servers
create_results "$top/bench/copy_results.sql"
for count in "${counts[@]}"; do
	copy_tables "$(scaled "$count")"
done

echo
echo "Initial copy of many small tables: medians of $runs; times: as many as in the first line"
table tables_report
line "all destinations were equal to the source; $results has every number"
