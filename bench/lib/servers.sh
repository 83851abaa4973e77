# shellcheck shell=bash disable=SC2154,SC2034 # part of the benchmarks, whose variables it uses
# The two servers, and how they are asked. Each workload of run.sh has the database bench on both sides; the destination
# has also the templates bench_initial, and bench_task with walferry's bookkeeping in it.

cluster=$top/tools/cluster.sh
# The last one of server_settings: a server that has just started a subscription's worker would wait 5 s before it starts the next.
source_settings=()
server_settings=(shared_buffers=1GB fsync=on autovacuum=off max_wal_size=16GB wal_retrieve_retry_interval=10ms)

create_servers() {
	source_server=$("$cluster" create "$work/source" "${server_settings[@]}" "${source_settings[@]}" session_preload_libraries=walferry)
	destination_server=$("$cluster" create "$work/destination" "${server_settings[@]}")
	source="$source_server dbname=bench"
	destination="$destination_server dbname=bench"
	source_postmaster=$(head -n 1 "$work/source/data/postmaster.pid")
	destination_postmaster=$(head -n 1 "$work/destination/data/postmaster.pid")
}

# Starts what stands between walferry and a server that is far away; prints the conninfo that goes through it.
far_conninfo() { # NAME CONNINFO
	local host port rest
	read -r host port rest <<<"$2"
	mkdir "$work/far_$1"
	echo "host=$work/far_$1 $port $rest"
}

start_proxies() {
	local name host port socket
	far_source=$(far_conninfo source "$source")
	far_destination=$(far_conninfo destination "$destination")
	for name in source destination; do
		read -r host port _ <<<"${!name}"
		socket=.s.PGSQL.${port#port=}
		"$proxy_program" "$work/far_$name/$socket" "${host#host=}/$socket" "$far_ms" &
		remember "$!"
	done
}

destroy_servers() {
	"$cluster" destroy "$work/source"
	"$cluster" destroy "$work/destination"
}

sql() { # CONNINFO psql's arguments
	psql -XqAt -v ON_ERROR_STOP=1 "$@"
}

source_sql() {
	sql "$source" "$@"
}

destination_sql() {
	sql "$destination" "$@"
}

# Statements outside of the databases that come and go.
source_admin() {
	sql "$source_server dbname=postgres" "$@"
}

destination_admin() {
	sql "$destination_server dbname=postgres" "$@"
}

# Every drain begins with nothing to write from before it, and with the same full-page images ahead of it.
quiet_down() {
	source_admin -c CHECKPOINT
	destination_admin -c CHECKPOINT
	sleep 0.5
}

# Sets what the sessions that have ended by now have used on each server: walsenders and our few at the source,
# those that apply at the destination. Checkpointer, WAL writer and the like go on and aren't in it.
read_server_cpu() {
	sleep 0.3 # sessions that are about to end
	source_cpu_ms=$(children_ms "$source_postmaster")
	destination_cpu_ms=$(children_ms "$destination_postmaster")
}

# Returns when CONDITION holds at the server. Commits all the time, or it would keep dead rows from being pruned. A
# subscription that has failed ends it with an error; that is looked at once a second.
wait_until() { # CONNINFO CONDITION SECONDS_MAX
	sql "$1" -c "SET statement_timeout = '${3}s'" -c "
		DO \$\$
		BEGIN
			FOR look IN 1..2147483647 LOOP
				EXIT WHEN $2;
				IF look % 100 = 0 AND
					EXISTS (SELECT FROM pg_stat_subscription_stats WHERE apply_error_count + sync_error_count > 0) THEN
					RAISE 'the subscription has failed';
				END IF;
				COMMIT;
				PERFORM pg_sleep(0.01);
				COMMIT;
			END LOOP;
		END \$\$"
}
