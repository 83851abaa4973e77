# shellcheck shell=bash disable=SC2154,SC2034 # part of run.sh, whose variables it uses
# A workload's backlog: the same initial data on both sides, then, behind slots that stay where they are, the load.
# Each drain reads from a copy of such a slot, so the WAL is generated once.
#
# A workload is a file that defines
#   initial CONNINFO   makes and fills the tables, the same on both sides
#   load               changes the source; its sessions don't wait for the disk
# and may define
#   settings           prints sections [[tables]], with which it is drained as well: row filters that every row passes, transforms
#                      that leave each value as it is, so that all that they cost is theirs

kept_plugins=(walferry pgoutput)

workload_file() { # NAME; tpcb50 -> .../tpcb.sh
	echo "$top/bench/workloads/${1%%[0-9]*}.sh"
}

has_settings() {
	declare -F settings >/dev/null
}

make_backlog() { # NAME
	local began
	workload_parameter=${1##*[a-z]}
	unset -f settings
	# shellcheck source=/dev/null
	. "$(workload_file "$1")"
	make_initial_data
	make_slots
	source_sql -c "SELECT pg_stat_reset()" >/dev/null
	began=$(source_sql -c "SELECT pg_current_wal_flush_lsn()")
	PGOPTIONS="-c synchronous_commit=off" load
	changes=$(source_sql -c "SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_user_tables")
	source_sql -c "INSERT INTO bench_end VALUES (1)" # and waits for the disk: all before it is decoded as well
	backlog_end=$(source_sql -c "SELECT pg_current_wal_flush_lsn()")
	wal_mb=$(source_sql -c "SELECT (('$backlog_end'::pg_lsn - '$began') / 1000000)::int")
	keep_source rows
}

make_initial_data() {
	source_admin -c "CREATE DATABASE bench"
	source_sql -c "CREATE TABLE bench_end (id int PRIMARY KEY)"
	initial "$source"
	source_sql -c "VACUUM ANALYZE" -c "CREATE EXTENSION walferry" -c "CREATE PUBLICATION bench FOR TABLES IN SCHEMA public"

	destination_admin -c "CREATE DATABASE bench"
	destination_sql -c "CREATE TABLE bench_end (id int PRIMARY KEY)"
	initial "$destination"
	destination_sql -c "VACUUM ANALYZE"
	destination_admin -c "ALTER DATABASE bench RENAME TO bench_initial"
}

write_task() { # FILE SOURCE DESTINATION [WORKERS]
	cat >"$1" <<-TOML
		[task]
		name = "bench"
		stages = ["stream"]

		[source]
		conninfo = "$2"
		slot = "bench_walferry"

		[destination]
		conninfo = "$3"

		[objects]
		include = ["public.*"]
		${4:+
		[apply]
		workers = $4}
	TOML
}

# The walferry task begins here: its slot and its bookkeeping are made, and it ends with nothing to do.
make_slots() {
	write_task "$work/bench.toml" "$source" "$destination" "$workers"
	write_task "$work/bench_near.toml" "$source" "$destination" "$far_workers"
	write_task "$work/bench_far.toml" "$far_source" "$far_destination" "$far_workers"
	if has_settings; then
		write_task "$work/bench_settings.toml" "$source" "$destination" "$workers"
		settings >>"$work/bench_settings.toml"
	fi
	make_destination bench_initial
	"$walferry" run --until now "$work/bench.toml" >"$work/walferry.log" 2>&1 || fail "the task did not begin"
	destination_admin -c "ALTER DATABASE bench RENAME TO bench_task"
	source_sql -c "SELECT pg_copy_logical_replication_slot('bench_walferry', 'kept_walferry')" >/dev/null
	drop_slot bench_walferry
	source_sql -c "SELECT pg_create_logical_replication_slot('kept_pgoutput', 'pgoutput')" >/dev/null
}

# For workloads: TRANSACTIONS in all, by so many CLIENTS, the same ones each time (but for how clients overtake each other).
run_pgbench() { # CLIENTS TRANSACTIONS pgbench's arguments
	local clients=$1 each=$((($2 + $1 - 1) / $1))
	shift 2
	pgbench -n --random-seed=1 -c "$clients" -t "$each" "$@" "$source" >"$work/pgbench.log" 2>&1 ||
		fail "pgbench: $(tail -n 3 "$work/pgbench.log")"
}

make_destination() { # TEMPLATE
	destination_admin -c "CREATE DATABASE bench TEMPLATE $1 STRATEGY file_copy"
}

copy_slot() { # PLUGIN -> bench_PLUGIN, at the backlog's begin
	source_sql -c "SELECT pg_copy_logical_replication_slot('kept_$1', 'bench_$1')" >/dev/null
}

drop_slot() { # NAME
	source_sql -c "SELECT pg_drop_replication_slot('$1')" >/dev/null
}

drop_backlog() {
	local plugin
	for plugin in "${kept_plugins[@]}"; do
		drop_slot "kept_$plugin"
	done
	source_admin -c "DROP DATABASE bench"
	destination_admin -c "DROP DATABASE bench_initial" -c "DROP DATABASE bench_task"
	quiet_down
}
