# shellcheck shell=bash disable=SC2154,SC2034 # part of the benchmarks, which set top before
# What every benchmark begins with, and how it ends: no process, server or file is left behind.

runs=${RUNS:-3}
scale=${BENCH_SCALE:-${SCALE:-1}}
walferry=${WALFERRY:-$top/build/release/walferry}
work=$(mktemp -d /tmp/walferry-bench.XXXXXX)
chmod 711 "$work" # the servers may run as another user
declare -A processes=()

# shellcheck source=bench/lib/process.sh
. "$top/bench/lib/process.sh"
# shellcheck source=bench/lib/servers.sh
. "$top/bench/lib/servers.sh"
# shellcheck source=bench/lib/equal.sh
. "$top/bench/lib/equal.sh"
# shellcheck source=bench/lib/report.sh
. "$top/bench/lib/report.sh"

clean_up() {
	local status=$?
	trap - EXIT INT TERM
	end_processes
	if [ "${KEEP:-0}" = 1 ]; then
		echo "kept: $work"
	else
		destroy_servers
		rm -rf -- "$work"
	fi
	exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

check_common_arguments() {
	[ -x "$walferry" ] || fail "there is no $walferry: run make build, or the benchmark's make target, which builds first"
	[[ $runs =~ ^[1-9][0-9]*$ ]] || fail "RUNS=$runs is not a number from 1 on"
	[[ $scale =~ ^[0-9]*\.?[0-9]+$ ]] || fail "BENCH_SCALE=$scale is not a number"
}
