#!/usr/bin/env bash
# What the recording of DDL costs a source in which none runs: pgbench on two databases of one throwaway server, in turns, one with
# the extension and its library in every session, one that knows nothing of walferry. Of TPC-B the BEGIN and END pass the
# library's hook, of select-only nothing does. Needs the installed plugin: `make bench-capture` sees to it.
#
# RUNS=5                 turns, whose medians count
# TRANSACTIONS=20000     of TPC-B in each turn; of select-only five times as many
# KEEP=1                 leave the folder with server and logs, and say where
set -euo pipefail

RUNS=${RUNS:-5}
top=$(realpath "$(dirname "$0")/..")
# shellcheck source=bench/lib/begin.sh
. "$top/bench/lib/begin.sh"

transactions=${TRANSACTIONS:-20000}
clients=2

make_databases() {
	local database
	for database in without recorded; do
		source_admin -c "CREATE DATABASE $database"
		pgbench -qi -s 10 "$source_server dbname=$database" >"$work/pgbench.log" 2>&1 || fail "pgbench -i"
	done
	source_admin -c "ALTER DATABASE recorded SET session_preload_libraries = 'walferry'"
	sql "$source_server dbname=recorded" -c "CREATE EXTENSION walferry"
	destination_admin -c "CREATE TABLE turn (script text, database text, run int, tps float8, cpu_ms int)"
}

turn() { # SCRIPT DATABASE RUN TRANSACTIONS
	local before tps
	source_admin -c CHECKPOINT
	before=$(children_ms "$source_postmaster")
	PGOPTIONS="-c synchronous_commit=off" pgbench -n -b "$1" --random-seed=1 -c "$clients" -t $(($4 / clients)) \
		"$source_server dbname=$2" >"$work/pgbench.log" 2>&1 || fail "pgbench: $(tail -n 3 "$work/pgbench.log")"
	sleep 0.3 # sessions that are about to end
	tps=$(sed -n 's/^tps = \([0-9.]*\).*/\1/p' "$work/pgbench.log")
	destination_admin -c "INSERT INTO turn VALUES ('$1', '$2', $3, $tps, $(($(children_ms "$source_postmaster") - before)))"
}

check_common_arguments
[[ $transactions =~ ^[1-9][0-9]*$ ]] || fail "TRANSACTIONS=$transactions is not a number from 1 on"
# The library is loaded where it is asked for alone; results are kept in the same server.
source_server=$("$cluster" create "$work/source" "${server_settings[@]}")
destination_server=$source_server
source_postmaster=$(head -n 1 "$work/source/data/postmaster.pid")
make_databases
for ((run = 1; run <= runs; run++)); do
	line "turn $run of $runs"
	for database in without recorded; do
		turn tpcb-like "$database" "$run" "$transactions"
		turn select-only "$database" "$run" $((5 * transactions))
	done
done

echo
echo "pgbench at a source without the extension and with it: medians of $runs; the ratios are with it by without"
destination_admin -c "
	CREATE VIEW capture_report AS
	SELECT script, round(t[1]) AS \"tps without\", round(t[2]) AS \"with\", round(t[2] / t[1], 3) AS ratio,
		round(c[1], 3) AS \"CPU seconds without\", round(c[2], 3) AS \"with it\", round(c[2] / c[1], 3) AS \"CPU ratio\"
	FROM (SELECT script, array_agg(tps::numeric ORDER BY database DESC) AS t, array_agg(cpu::numeric ORDER BY database DESC) AS c
	      FROM (SELECT script, database, percentile_cont(0.5) WITHIN GROUP (ORDER BY tps) AS tps,
	                   percentile_cont(0.5) WITHIN GROUP (ORDER BY cpu_ms) / 1000 AS cpu
	            FROM turn GROUP BY script, database) m
	      GROUP BY script) s
	ORDER BY script DESC"
table capture_report
