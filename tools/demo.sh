#!/usr/bin/env bash
# The demonstration: two throwaway servers, a busy source, walferry copying and streaming, kill -9 in
# the middle, and at the end the proof. Needs build/release/walferry and the installed plugin: `make demo`
# sees to both. Leaves nothing behind. Exits 0 only if both sides are equal.
#
# SCALE=10     pgbench scale: 100,000 accounts each
# SECONDS_STREAMING=20   how long the load goes on after the copy
# RATE=1500    transactions a second at the source; 0: as many as it can
# CLIENTS=4    sessions that write at the source
# KEEP=1       leave the folder with servers and logs, and say where
set -euo pipefail

scale=${SCALE:-10}
streaming_seconds=${SECONDS_STREAMING:-20}
rate=${RATE:-1500}
clients=${CLIENTS:-4}
copy_seconds_max=600

top=$(realpath "$(dirname "$0")/..")
walferry=${WALFERRY:-$top/build/release/walferry}
cluster=$top/tools/cluster.sh
work=$(mktemp -d /tmp/walferry-demo.XXXXXX)
chmod 711 "$work" # the servers may run as another user
applier=
load=

# --- ends ------------------------------------------------------------------------------------------

end_process() { # PID SIGNAL
	[ -n "$1" ] || return 0
	kill "-$2" "$1" 2>/dev/null || return 0
	wait "$1" 2>/dev/null || return 0
}

clean_up() {
	local status=$?
	trap - EXIT INT TERM
	end_process "$load" KILL
	end_process "$applier" KILL
	if [ "${KEEP:-0}" = 1 ]; then
		echo "kept: $work"
	else
		"$cluster" destroy "$work/source"
		"$cluster" destroy "$work/destination"
		rm -rf -- "$work"
	fi
	exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# --- output ----------------------------------------------------------------------------------------

if [ -t 1 ]; then
	bold=$'\e[1m' green=$'\e[32m' red=$'\e[31m' dim=$'\e[2m' plain=$'\e[0m' rewind=$'\r\e[K'
else
	bold='' green='' red='' dim='' plain='' rewind=''
fi

phase() {
	echo "${rewind}${bold}$*${plain}"
}

line() {
	echo "${rewind}  $*"
}

# A line that the next one replaces on a terminal. Elsewhere at most every fifth second has one.
live_at=0
live_last=
live() {
	if [ -n "$rewind" ]; then
		printf '%s  %s' "$rewind${dim}" "$*$plain"
	elif ((SECONDS >= live_at + 5)) && [ "$*" != "$live_last" ]; then
		live_at=$SECONDS
		live_last=$*
		echo "  $*"
	fi
}

fail() {
	echo "${rewind}${red}demo: $*${plain}" >&2
	if [ -f "$work/walferry.log" ]; then
		echo "walferry's last lines:" >&2
		tail -n 20 "$work/walferry.log" >&2
	fi
	exit 1
}

group() { # 1234567 -> 1,234,567
	sed -E ':again; s/^(-?[0-9]+)([0-9]{3})/\1,\2/; t again' <<<"$1"
}

milliseconds() {
	echo $((${EPOCHREALTIME/./} / 1000))
}

# --- the two servers -------------------------------------------------------------------------------

source_sql() { # psql's arguments
	psql -XqAt -v ON_ERROR_STOP=1 "$source" "$@"
}

destination_sql() {
	psql -XqAt -v ON_ERROR_STOP=1 "$destination" "$@"
}

create_servers() {
	local version
	phase "1  Two PostgreSQL servers"
	source="$("$cluster" create "$work/source" session_preload_libraries=walferry) dbname=shop"
	destination="$("$cluster" create "$work/destination") dbname=shop"
	createdb --maintenance-db="${source/dbname=shop/dbname=postgres}" shop
	createdb --maintenance-db="${destination/dbname=shop/dbname=postgres}" shop
	version=$(source_sql -c "SHOW server_version")
	line "PostgreSQL ${version%% *}; the destination's database is empty"
}

fill_source() {
	local facts
	phase "2  Data at the source"
	pgbench -q -i -s "$scale" "$source" >"$work/load.log" 2>&1 || fail "pgbench -i: $(tail -n 3 "$work/load.log")"
	source_sql -f "$top/tools/demo/shop.sql"
	source_sql -c "ALTER TABLE pgbench_history REPLICA IDENTITY FULL" -c "CREATE EXTENSION walferry"
	facts=$(source_sql -F ' ' -c "
		SELECT count(*), pg_size_pretty(pg_database_size(current_database()))
		FROM pg_class WHERE relkind = 'r' AND relnamespace IN ('public'::regnamespace, 'shop'::regnamespace)")
	line "pgbench at scale $scale and a shop: ${facts%% *} tables, ${facts#* }"
	cat >"$work/shop.toml" <<-END
		[task]
		name = "shop"

		[source]
		conninfo = "$source"

		[destination]
		conninfo = "$destination"

		[objects]
		include = ["public.*", "shop.*"]
	END
	"$walferry" precheck "$work/shop.toml" >"$work/precheck.log" 2>&1 || fail "precheck: $(cat "$work/precheck.log")"
	line "walferry precheck finds nothing in the way"
}

start_load() {
	local options=(-n -M prepared -c "$clients" -T 3600 --max-tries=10)
	[ "$rate" -eq 0 ] || options+=(-R "$rate")
	pgbench "${options[@]}" -b tpcb-like@2 -f "$top/tools/demo/shop_load.sql@1" "$source" >"$work/load.log" 2>&1 &
	load=$!
	transactions_before=$(source_transactions)
	load_began=$(milliseconds)
}

source_transactions() {
	source_sql -c "SELECT xact_commit FROM pg_stat_database WHERE datname = 'shop'"
}

stop_load() {
	kill -0 "$load" 2>/dev/null || fail "the load ended by itself: $(tail -n 3 "$work/load.log")"
	end_process "$load" TERM
	load=
	load_ms=$(($(milliseconds) - load_began))
	# pgbench is gone, a last statement of its may still be at work.
	while [ "$(source_sql -c "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pgbench'")" -gt 0 ]; do
		sleep 0.1
	done
	source_sql -c "SELECT pg_stat_force_next_flush()" >/dev/null
	transactions=$(($(source_transactions) - transactions_before))
}

# --- the applier -----------------------------------------------------------------------------------

start_applier() { # further options of run
	"$walferry" run "$@" "$work/shop.toml" >>"$work/walferry.log" 2>&1 &
	applier=$!
}

expect_applier() {
	kill -0 "$applier" 2>/dev/null || fail "walferry ended by itself"
}

# Sets what the destination says of the task; its tables come into being while we look.
phase_now=start
tables_copied=0
tables_all=0
changes=0
lag_bytes=0
lag_ms=0
look() {
	local row source_lsn
	[ "$(destination_sql -c "SELECT count(*) FROM pg_tables WHERE schemaname = 'walferry'
		AND tablename IN ('task', 'table_state', 'progress', 'checkpoint')")" -eq 4 ] || return 0
	source_lsn=$(source_sql -c "SELECT pg_current_wal_flush_lsn()")
	row=$(destination_sql -F ' ' -c "
		SELECT t.phase, s.copied, s.tables, coalesce(p.changes, 0),
			coalesce(greatest(pg_wal_lsn_diff('$source_lsn', c.lsn), 0), 0),
			coalesce(round(extract(epoch FROM clock_timestamp() - c.commit_time) * 1000), 0)
		FROM walferry.task t
		LEFT JOIN walferry.progress p ON p.task = t.name
		LEFT JOIN walferry.checkpoint c ON c.task = t.name
		CROSS JOIN (SELECT count(*) FILTER (WHERE state = 'ready') AS copied, count(*) AS tables FROM walferry.table_state) s")
	[ -n "$row" ] || return 0
	read -r phase_now tables_copied tables_all changes lag_bytes lag_ms <<<"$row"
}

copy_tables() {
	local began
	phase "3  Schema and copy, while $clients sessions write"
	start_load
	start_applier
	began=$(milliseconds)
	until [ "$phase_now" = stream ]; do
		expect_applier
		((SECONDS < copy_seconds_max)) || fail "the copy takes more than $copy_seconds_max s"
		live "$phase_now: $tables_copied of $tables_all tables are copied"
		sleep 0.3
		look
	done
	copy_ms=$(($(milliseconds) - began))
	catch_up
	line "$tables_all tables copied in $(seconds_of "$copy_ms") s; $(seconds_of "$catch_up_ms") s later what was written meanwhile is applied too"
}

seconds_of() {
	printf '%d.%d' $(($1 / 1000)) $(($1 % 1000 / 100))
}

# Watches for some seconds, keeps each look's lag, says how fast it went.
watch_stream() { # SECONDS
	local began changes_before
	look
	began=$(milliseconds)
	changes_before=$changes
	while (($(milliseconds) < began + $1 * 1000)); do
		expect_applier
		look
		echo "$lag_ms" >>"$work/lags"
		live "$(group "$changes") changes applied, $(group $((lag_bytes / 1024))) KiB and $lag_ms ms behind"
		sleep 0.3
	done
	look
	line "$(group $(((changes - changes_before) * 1000 / ($(milliseconds) - began)))) changes a second applied, median lag $(median_lag) ms"
}

# How long until the destination has what the source had when this was called.
catch_up() {
	local goal began
	goal=$(source_sql -c "SELECT pg_current_wal_flush_lsn()")
	began=$(milliseconds)
	until [ "$(destination_sql -c "SELECT count(*) FROM walferry.checkpoint WHERE lsn >= '$goal'")" -gt 0 ]; do
		expect_applier
		(($(milliseconds) - began < copy_seconds_max * 1000)) || fail "it does not catch up"
		look
		live "catching up: $(group $((lag_bytes / 1024))) KiB behind"
		sleep 0.1
	done
	catch_up_ms=$(($(milliseconds) - began))
}

# While the load goes on; what no destination could compute by itself.
change_schema() {
	source_sql -c "ALTER TABLE pgbench_tellers ADD COLUMN token uuid DEFAULT gen_random_uuid()" \
		-c "CREATE TABLE branch_totals AS SELECT bid, sum(abalance) AS total, now() AS taken FROM pgbench_accounts GROUP BY bid" \
		-c "CREATE INDEX CONCURRENTLY ON pgbench_history (aid)"
	catch_up
	line "the schema changes: a column of random UUIDs, a table made from a query, an index made concurrently; $(seconds_of "$catch_up_ms") s later they are here too"
}

stream_and_kill() {
	phase "4  Stream, and a crash"
	watch_stream $((streaming_seconds / 2))
	change_schema
	line "one transaction changes $(group $((scale * 20000))) rows"
	source_sql -c "UPDATE pgbench_accounts SET filler = 'changed at once' WHERE aid <= $((scale * 20000))"
	end_process "$applier" KILL
	applier=
	look
	line "${bold}kill -9${plain} hits walferry in the middle of it, $(group $((lag_bytes / 1024))) KiB behind"
	sleep 1
	start_applier
	catch_up
	line "started again, caught up in $(seconds_of "$catch_up_ms") s"
	watch_stream $((streaming_seconds - streaming_seconds / 2))
}

median_lag() {
	sort -n "$work/lags" | awk '{ lag[NR] = $1 } END { print lag[int((NR + 1) / 2)] }'
}

drain() {
	local began status=0
	phase "5  The load stops, the rest drains"
	stop_load
	kill -TERM "$applier"
	wait "$applier" || status=$?
	[ "$status" -eq 0 ] || fail "walferry ended with $status on SIGTERM"
	began=$(milliseconds)
	start_applier --until now
	wait "$applier" || status=$?
	applier=
	[ "$status" -eq 0 ] || fail "walferry run --until now ended with $status"
	line "$(group "$transactions") transactions at the source in $(seconds_of "$load_ms") s, $(group $((transactions * 1000 / load_ms))) a second"
	line "walferry run --until now ended after $(seconds_of $(($(milliseconds) - began))) s"
}

# --- the proof -------------------------------------------------------------------------------------

# Rows and a checksum of each table, and each sequence's next value, asked of one side in plain SQL.
# A partitioned table counts as one. The sum of the rows' hashes doesn't depend on their order.
fingerprint() { # psql function
	"$1" -F $'\t' <<-'END'
		SELECT format('SELECT %L, count(*), coalesce(sum(hashtextextended(t::text, 0)::numeric), 0) FROM %s t',
			c.oid::regclass, c.oid::regclass)
		FROM pg_class c
		WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
			AND c.relnamespace IN ('public'::regnamespace, 'shop'::regnamespace)
		ORDER BY c.relnamespace::regnamespace::text, c.relname
		\gexec
	END
}

sequences() {
	"$1" -c "SELECT schemaname, sequencename, last_value FROM pg_sequences
		WHERE schemaname IN ('public', 'shop') ORDER BY 1, 2"
}

prove() {
	local table rows checksum there_rows there_checksum verdict equal=1 status=0
	phase "6  The proof"
	"$walferry" verify "$work/shop.toml" >"$work/verify.log" 2>&1 || status=$?

	fingerprint source_sql >"$work/source.rows"
	fingerprint destination_sql >"$work/destination.rows"
	printf '  %-24s %14s %14s  %s\n' "rows of" source destination checksums
	while IFS=$'\t' read -r table rows checksum; do
		IFS=$'\t' read -r _ there_rows there_checksum < <(grep -F "$table"$'\t' "$work/destination.rows") ||
			there_rows=none there_checksum=none
		verdict="${green}equal${plain}"
		if [ "$rows $checksum" != "$there_rows $there_checksum" ]; then
			verdict="${red}DIFFERENT${plain}"
			equal=0
		fi
		printf '  %-24s %14s %14s  %s\n' "$table" "$(group "$rows")" "$(group "$there_rows")" "$verdict"
	done <"$work/source.rows"
	sequences source_sql >"$work/source.sequences"
	sequences destination_sql >"$work/destination.sequences"
	verdict="${green}equal${plain}"
	if ! cmp -s "$work/source.sequences" "$work/destination.sequences"; then
		verdict="${red}DIFFERENT${plain}"
		equal=0
	fi
	printf '  %-24s %14s %14s  %s\n' sequences "$(wc -l <"$work/source.sequences")" \
		"$(wc -l <"$work/destination.sequences")" "$verdict"
	line "copied in $(seconds_of "$copy_ms") s, median lag $(median_lag) ms under $(group $((transactions * 1000 / load_ms))) transactions a second, caught up $(seconds_of "$catch_up_ms") s after the kill -9"
	if [ "$status" -ne 0 ]; then
		cat "$work/verify.log"
		fail "walferry verify ended with $status"
	fi
	[ "$equal" -eq 1 ] || fail "walferry verify found no difference and the checksums did"
	line "${green}walferry verify: equal${plain}"
}

[ -x "$walferry" ] || fail "there is no $walferry: run make build"
create_servers
fill_source
copy_tables
stream_and_kill
drain
prove
