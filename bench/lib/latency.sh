# shellcheck shell=bash disable=SC2154,SC2034 # part of run.sh, whose variables it uses
# Live latency: from a commit's return at the source until its row is visible at the destination, at a steady rate; and
# with one transaction a second beside heavy writes that nobody asked for, to another database and to another schema.

latency_rate=200
busy_rate=1
busy_rows_rate=10000 # to each of the two

measure_latency() {
	local run
	line "latency at $latency_rate transactions a second, and at $busy_rate beside heavy writes elsewhere"
	workload_parameter=
	# shellcheck source=bench/workloads/probe.sh
	. "$top/bench/workloads/probe.sh"
	make_initial_data
	make_slots
	for ((run = 1; run <= runs; run++)); do
		latency_of "$run" native "$latency_rate"
		latency_of "$run" walferry "$latency_rate"
	done
	start_busy_writers
	latency_of 1 native "$busy_rate" beside
	latency_of 1 walferry "$busy_rate" beside
	end_busy_writers
	drop_backlog
}

start_busy_writers() {
	local where
	echo "INSERT INTO busy.page SELECT n, repeat('x', 100) FROM generate_series(1, 100) n" >"$work/busy.sql"
	source_admin -c "CREATE DATABASE busy"
	busy_writers=()
	for where in "$source_server dbname=busy" "$source"; do
		sql "$where" -c "CREATE SCHEMA busy" -c "CREATE TABLE busy.page (n int, text text)"
		PGOPTIONS="-c synchronous_commit=off" pgbench -n -c 1 -T 100000 -R $((busy_rows_rate / 100)) -f "$work/busy.sql" \
			"$where" >/dev/null 2>&1 &
		busy_writers+=("$!")
		remember "$!"
	done
}

end_busy_writers() {
	local writer
	for writer in "${busy_writers[@]}"; do
		kill "$writer"
		wait "$writer" || true # by our signal
		forget "$writer"
	done
	source_admin -c "DROP DATABASE busy WITH (FORCE)"
}

latency_of() { # RUN CONTENDER RATE [FORM]
	local answer rows p50 p90 p99 worst
	source_sql -c "TRUNCATE probe"
	quiet_down
	"follow_$2"
	answer=$("$latency_program" "$source" "$destination" "$3" "$latency_seconds") || fail "latency of $2"
	read -r rows p50 p90 p99 worst <<<"$answer"
	line "run $1: $2${4:+ $4} p50 $p50 ms, p99 $p99 ms, worst $worst ms"
	save_latency "$2" "${4:-}" "$1" "$rows" "$p50" "$p90" "$p99" "$worst"
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
