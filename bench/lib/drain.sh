# shellcheck shell=bash disable=SC2154,SC2034 # part of run.sh, whose variables it uses
# One drain: from enabling the subscription, or starting walferry, until the backlog's last row is visible at the destination.

# walferry's forms: none is the usual one, near and far are with the same number of workers, without and through a delay, settings
# is with the workload's settings of tables.
contenders=("native text" "native binary" walferry)
far_contenders=("walferry near" "walferry far")

# The order changes from run to run, as what comes later finds warmer caches.
drain_in_turns() { # WORKLOAD RUN
	local i contender form contenders=("${contenders[@]}")
	[ "$1" != "$far_workload" ] || contenders+=("${far_contenders[@]}")
	! has_settings || contenders+=("walferry settings")
	for i in "${!contenders[@]}"; do
		read -r contender form <<<"${contenders[(i + $2 - 1) % ${#contenders[@]}]}"
		drain "$1" "$2" "$contender" "$form"
	done
}

drain() { # WORKLOAD RUN CONTENDER FORM
	local source_before destination_before
	"prepare_$3" "$4"
	quiet_down
	read_server_cpu
	source_before=$source_cpu_ms
	destination_before=$destination_cpu_ms
	(wait_until "$destination" "EXISTS (SELECT FROM bench_end)" "$drain_seconds_max" && milliseconds >"$work/end") &
	waiter=$!
	remember "$waiter"
	sleep 0.3 # it is connected
	"drain_$3" "$4"
	read_server_cpu
	expect_equal "$1, run $2, $3${4:+ $4}" rows
	line "$1, run $2: $3${4:+ $4} $(seconds_of "$drain_ms") s"
	save_drain "$@" "$drain_ms" $((source_cpu_ms - source_before)) "$applier_cpu_ms" \
		$((destination_cpu_ms - destination_before)) "$applier_kb" "$exit_ms"
	"remove_$3"
	destination_admin -c "DROP DATABASE bench"
}

has_arrived() {
	[ -n "$(destination_sql -c "SELECT id FROM bench_end")" ]
}

end_of_wait() { # BEGAN; sets drain_ms
	wait "$waiter" || fail "the backlog did not arrive"
	forget "$waiter"
	drain_ms=$(($(<"$work/end") - $1))
}

# --- native: a subscription, whose work is a walsender's and an apply worker's ---------------------------

prepare_native() { # FORM
	make_destination bench_initial
	copy_slot pgoutput
	destination_sql -c "CREATE SUBSCRIPTION bench CONNECTION '$source' PUBLICATION bench WITH (enabled = off,
		create_slot = off, slot_name = bench_pgoutput, copy_data = off, binary = $([ "$1" = binary ] && echo on || echo off))"
}

drain_native() {
	local began
	began=$(milliseconds)
	destination_sql -c "ALTER SUBSCRIPTION bench ENABLE"
	end_of_wait "$began"
	applier_cpu_ms=NULL # it is a session of the destination
	applier_kb=NULL     # counts the shared buffers that it has touched
	exit_ms=NULL
	stop_subscription
}

remove_native() {
	drop_subscription # and with it bench_pgoutput
}

# --- walferry: a process, with a walsender and sessions at the destination -------------------------------

prepare_walferry() {
	make_destination bench_task
	copy_slot walferry
}

drain_walferry() { # FORM
	local began applier task=$work/bench${1:+_$1}.toml
	rm -f "$work/applier" "$work/applier.pid"
	began=$(milliseconds)
	watched "$work/applier" "$drain_seconds_max" "$walferry" run --until now "$task" >"$work/walferry.log" 2>&1 &
	applier=$!
	remember_watched "$applier" "$work/applier"
	wait "$applier" || fail "walferry ended with $?"
	exit_ms=$(($(milliseconds) - began))
	has_arrived || fail "walferry ended with 0, and the backlog's last row is not at the destination"
	end_of_wait "$began"
	forget_watched "$applier" "$work/applier"
	read -r applier_cpu_ms applier_kb <"$work/applier"
}

remove_walferry() {
	drop_slot bench_walferry
}
