#!/usr/bin/env bash
# What the recording of DDL costs a source in which none runs: pgbench on three databases of one throwaway server, one with the
# extension and its library in every session, two that know nothing of walferry. How far those two are apart is what this machine
# can't measure. Every statement passes one of the library's hooks: BEGIN and END that of utilities, the others that of the
# executor. Needs the installed plugin: `make bench-capture` sees to it.
#
# RUNS=12                rounds, each of a turn for every database, in an order that changes; the medians count
# TRANSACTIONS=20000     of TPC-B in each turn; of select-only five times as many
# KEEP=1                 leave the folder with server and logs, and say where
set -euo pipefail

RUNS=${RUNS:-12}
top=$(realpath "$(dirname "$0")/..")
# shellcheck source=bench/lib/begin.sh
. "$top/bench/lib/begin.sh"

transactions=${TRANSACTIONS:-20000}
clients=2
databases=(without control recorded)

make_databases() {
	local database
	for database in "${databases[@]}"; do
		source_admin -c "CREATE DATABASE $database"
		pgbench -qi -s 10 "$source_server dbname=$database" >"$work/pgbench.log" 2>&1 || fail "pgbench -i"
	done
	source_admin -c "ALTER DATABASE recorded SET session_preload_libraries = 'walferry'"
	sql "$source_server dbname=recorded" -c "CREATE EXTENSION walferry"
	destination_admin -c "CREATE TABLE turn (script text, database text, run int, tps float8, cpu_us float8)"
}

turn() { # SCRIPT DATABASE RUN TRANSACTIONS
	local before tps
	source_admin -c CHECKPOINT
	before=$(children_ms "$source_postmaster")
	PGOPTIONS="-c synchronous_commit=off" pgbench -n -b "$1" --random-seed=1 -c "$clients" -t $(($4 / clients)) \
		"$source_server dbname=$2" >"$work/pgbench.log" 2>&1 || fail "pgbench: $(tail -n 3 "$work/pgbench.log")"
	sleep 0.3 # sessions that are about to end
	tps=$(sed -n 's/^tps = \([0-9.]*\).*/\1/p' "$work/pgbench.log")
	destination_admin -c "INSERT INTO turn VALUES ('$1', '$2', $3, $tps, $(($(children_ms "$source_postmaster") - before)) * 1000.0 / $4)"
}

check_common_arguments
[[ $transactions =~ ^[1-9][0-9]*$ ]] || fail "TRANSACTIONS=$transactions is not a number from 1 on"
# The library is loaded where it is asked for alone; results are kept in the same server.
source_server=$("$cluster" create "$work/source" "${server_settings[@]}")
destination_server=$source_server
source_postmaster=$(head -n 1 "$work/source/data/postmaster.pid")
make_databases
for ((run = 1; run <= runs; run++)); do
	line "round $run of $runs"
	for script in tpcb-like select-only; do
		amount=$transactions
		[ "$script" = tpcb-like ] || amount=$((5 * transactions))
		for ((place = 0; place < 3; place++)); do
			turn "$script" "${databases[(run + place * (1 + run / 3 % 2)) % 3]}" "$run" "$amount"
		done
	done
done

echo
echo "pgbench at a source without the extension, twice, and with it: medians of $runs rounds; the ratios are by the first without"
destination_admin -c "
	CREATE VIEW capture_report AS
	SELECT script, round(median[1]) AS \"tps without\", round(median[2]) AS \"without, again\", round(median[3]) AS \"with\",
		round(ratio[2], 3) AS \"again / without\", round(ratio[3], 3) AS \"with / without\",
		round(cpu[1]) AS \"CPU µs a transaction without\", round(cpu[2]) AS \"again\", round(cpu[3]) AS \"with it\"
	FROM (SELECT script, array_agg(tps::numeric ORDER BY place) AS median, array_agg(ratio::numeric ORDER BY place) AS ratio,
	             array_agg(cpu::numeric ORDER BY place) AS cpu
	      FROM (SELECT script, array_position('{without,control,recorded}'::text[], t.database) AS place,
	                   percentile_cont(0.5) WITHIN GROUP (ORDER BY t.tps) AS tps,
	                   percentile_cont(0.5) WITHIN GROUP (ORDER BY t.tps / first.tps) AS ratio,
	                   percentile_cont(0.5) WITHIN GROUP (ORDER BY t.cpu_us) AS cpu
	            FROM turn t JOIN turn first USING (script, run)
	            WHERE first.database = 'without'
	            GROUP BY script, place) m
	      GROUP BY script) s
	ORDER BY script DESC"
table capture_report
