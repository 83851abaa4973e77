# shellcheck shell=bash disable=SC2154,SC2034 # part of copy.sh and tables.sh, whose variables it uses
# One initial copy, from the command until all is at the destination, and the proof that it is. For each contender
#
#   prepare_NAME   what is a condition rather than a part of the copy
#   copy_NAME      the copy, a process whose end is the copy's end
#   remove_NAME    leaves the source as it was

# Nothing writes to the source from here on: what it holds is computed once.
keep_data() { # WORKLOAD; sets tables and mb
	source_sql -c "VACUUM ANALYZE"
	keep_source rows
	keep_source definitions
	read -r tables mb < <(source_sql -F ' ' -c "
		SELECT count(*), (sum(pg_total_relation_size(oid)) / 1000000)::int FROM pg_class
		WHERE relkind = 'r' AND oid >= 16384")
	line "$1: $tables tables, $mb MB with their indexes"
}

copy() { # WORKLOAD RUN CONTENDER
	local source_before destination_before began copier client_cpu_ms client_kb copy_ms
	destination_admin -c "CREATE DATABASE bench TEMPLATE template0"
	"prepare_$3"
	quiet_down
	read_server_cpu
	source_before=$source_cpu_ms
	destination_before=$destination_cpu_ms
	rm -f "$work/client" "$work/client.pid"
	began=$(milliseconds)
	watched "$work/client" "$copy_seconds_max" "copy_$3" >"$work/$3.log" 2>&1 &
	copier=$!
	remember_watched "$copier" "$work/client"
	wait "$copier" || fail "$3: $(tail -n 5 "$work/$3.log")"
	copy_ms=$(($(milliseconds) - began))
	forget_watched "$copier" "$work/client"
	read -r client_cpu_ms client_kb <"$work/client"
	[ "$3" = walferry ] || client_kb=NULL
	[ "$3" != native ] || stop_subscription # its sessions' CPU time is counted when they have ended
	read_server_cpu
	expect_equal "$1, run $2, $3" rows
	expect_equal "$1, run $2, $3" definitions
	line "$1, run $2: $3 $(seconds_of "$copy_ms") s"
	destination_admin -c "INSERT INTO copy VALUES ('$1', $2, '$3', $tables, $mb, $copy_ms,
		$((source_cpu_ms - source_before)), $client_cpu_ms, $((destination_cpu_ms - destination_before)), $client_kb)"
	"remove_$3"
	destination_admin -c "DROP DATABASE bench"
}

# --- walferry: with the defaults of everything ------------------------------------------------------------

# The others would copy the extension, or fail to.
prepare_walferry() {
	source_sql -c "CREATE EXTENSION walferry"
	cat >"$work/bench.toml" <<-TOML
		[source]
		conninfo = "$source"

		[destination]
		conninfo = "$destination"
		${copy_jobs:+
		[copy]
		jobs = $copy_jobs}
	TOML
}

copy_walferry() {
	exec "$walferry" run --until now "$work/bench.toml" # so that the peak is walferry's
}

remove_walferry() {
	"$walferry" cleanup "$work/bench.toml" >"$work/cleanup.log" 2>&1 || fail "walferry cleanup: $(tail -n 5 "$work/cleanup.log")"
	source_sql -c "DROP EXTENSION walferry"
}

# --- native: the tables' definitions by pg_dump, keys and indexes too, then a subscription ----------------

prepare_native() {
	source_sql -c "CREATE PUBLICATION bench FOR ALL TABLES"
}

copy_native() {
	pg_dump --schema-only --no-publications --no-subscriptions -d "$source" >"$work/schema.sql"
	destination_sql -f "$work/schema.sql"
	destination_sql -c "CREATE SUBSCRIPTION bench CONNECTION '$source' PUBLICATION bench WITH (copy_data = on)"
	wait_until "$destination" "NOT EXISTS (SELECT FROM pg_subscription_rel WHERE srsubstate <> 'r')" "$copy_seconds_max"
}

remove_native() {
	drop_subscription
	source_sql -c "DROP PUBLICATION bench"
}

# --- pgcopydb: clone, without follow ----------------------------------------------------------------------

prepare_pgcopydb() {
	rm -rf -- "$work/pgcopydb"
}

copy_pgcopydb() {
	pgcopydb clone --source "$source" --target "$destination" --dir "$work/pgcopydb" \
		--table-jobs "$peer_jobs" --index-jobs "$peer_jobs"
}

remove_pgcopydb() {
	rm -rf -- "$work/pgcopydb"
}

# --- pg_dump: through a folder, in parallel --------------------------------------------------------------

prepare_pg_dump() {
	rm -rf -- "$work/dump"
}

copy_pg_dump() {
	pg_dump -Fd -j "$peer_jobs" -f "$work/dump" -d "$source"
	pg_restore -j "$peer_jobs" --exit-on-error -d "$destination" "$work/dump"
}

remove_pg_dump() {
	rm -rf -- "$work/dump"
}
