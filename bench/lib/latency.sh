# shellcheck shell=bash disable=SC2154,SC2034 # part of run.sh, whose variables it uses
# Live latency: from a commit's return at the source until its row is visible at the destination, at a steady rate.

latency_rate=200

measure_latency() {
	local run
	line "latency at $latency_rate transactions a second"
	workload_parameter=
	# shellcheck source=bench/workloads/probe.sh
	. "$top/bench/workloads/probe.sh"
	make_initial_data
	make_slots
	for ((run = 1; run <= runs; run++)); do
		latency_of "$run" native
		latency_of "$run" walferry
	done
	drop_backlog
}

latency_of() { # RUN CONTENDER
	local answer rows p50 p90 p99 worst
	source_sql -c "TRUNCATE probe"
	quiet_down
	"follow_$2"
	answer=$("$latency_program" "$source" "$destination" "$latency_rate" "$latency_seconds") || fail "latency of $2"
	read -r rows p50 p90 p99 worst <<<"$answer"
	line "run $1: $2 p50 $p50 ms, p99 $p99 ms"
	save_latency "$2" "$1" "$rows" "$p50" "$p90" "$p99" "$worst"
	"unfollow_$2"
	destination_admin -c "DROP DATABASE bench"
}

follow_native() {
	make_destination bench_initial
	destination_sql -c "SET client_min_messages = warning" -c "CREATE SUBSCRIPTION bench CONNECTION '$source' PUBLICATION bench WITH (copy_data = off)"
}

unfollow_native() {
	remove_native
}

follow_walferry() {
	prepare_walferry
	# Its slot is older than the contenders before it, whose rows mustn't be taken for new ones.
	"$walferry" run --until now "$work/bench.toml" >"$work/walferry.log" 2>&1 || fail "walferry ended with $?"
	"$walferry" run "$work/bench.toml" >"$work/walferry.log" 2>&1 &
	follower=$!
	remember "$follower"
}

unfollow_walferry() {
	kill -TERM "$follower"
	wait "$follower" || fail "walferry ended with $? on SIGTERM"
	forget "$follower"
	remove_walferry
}
