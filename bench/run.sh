#!/usr/bin/env bash
# The benchmark: `walferry run --until now` against native logical replication, from the same WAL, between the
# same two throwaway servers, in turns. Needs build/release/walferry and the installed plugin: `make bench` sees to both.
# Every destination is compared with the source after it has drained: a difference ends the run with an error.
#
# WORKLOADS="bulk huge tpcb10 tpcb50 updates deletes wide mix hot"   which ones; tpcbN is pgbench at scale N
# BENCH_SCALE=1    size of the backlogs: 1 takes about an hour, 0.1 about a tenth (SCALE means the same)
# RUNS=3           drains of each contender, whose medians count
# DECODE_RUNS=1    how often the backlog is decoded to /dev/null by each output plugin; 0: never
# LATENCY_SECONDS=20   how long each contender's latency is measured, RUNS times; 0: not at all
# WORKERS=N        apply.workers of walferry; as many as it takes by itself if not given
# FAR_WORKLOAD=tpcb10   which workload is also drained through a proxy that delays each way by FAR_MS=5, with
#                  FAR_WORKERS=4, and without it; an empty name: none
# DRAIN_SECONDS_MAX=1800   a drain that takes longer is an error
# BENCH_SVG=1      draw docs/bench.svg (needs gnuplot)
# KEEP=1           leave the folder with servers and logs, and say where
set -euo pipefail

top=$(realpath "$(dirname "$0")/..")
# shellcheck source=bench/lib/begin.sh
. "$top/bench/lib/begin.sh"
# shellcheck source=bench/lib/subscription.sh
. "$top/bench/lib/subscription.sh"
# shellcheck source=bench/lib/backlog.sh
. "$top/bench/lib/backlog.sh"
# shellcheck source=bench/lib/drain.sh
. "$top/bench/lib/drain.sh"
# shellcheck source=bench/lib/decode.sh
. "$top/bench/lib/decode.sh"
# shellcheck source=bench/lib/latency.sh
. "$top/bench/lib/latency.sh"

decode_runs=${DECODE_RUNS:-1}
latency_seconds=${LATENCY_SECONDS:-20}
workers=${WORKERS:-}
far_workload=${FAR_WORKLOAD-tpcb10}
far_ms=${FAR_MS:-5}
far_workers=${FAR_WORKERS:-4}
drain_seconds_max=${DRAIN_SECONDS_MAX:-1800}
read -ra workloads <<<"${WORKLOADS-bulk huge tpcb10 tpcb50 updates deletes wide mix hot}"

latency_program=$top/build/bench/latency
proxy_program=$top/build/bench/delay_proxy
results=$top/build/bench/results.json

check_arguments() {
	local name
	check_common_arguments
	for name in "${workloads[@]}"; do
		[ -f "$(workload_file "$name")" ] || fail "there is no workload $name"
	done
}

measure_workload() { # NAME
	local run
	line "$1: generating the backlog"
	make_backlog "$1"
	line "$1: $changes changes, $wal_mb MB of WAL"
	for ((run = 1; run <= runs; run++)); do
		((run > decode_runs)) || decode_in_turns "$1" "$run"
		drain_in_turns "$1" "$run"
	done
	drop_backlog
	write_json "$results"
}

check_arguments
create_servers
start_proxies
create_results "$top/bench/results.sql"
for name in "${workloads[@]}"; do
	measure_workload "$name"
done
((latency_seconds == 0)) || measure_latency
write_json "$results"
print_report
[ "${BENCH_SVG:-0}" != 1 ] || draw "$top/docs/bench.svg"
