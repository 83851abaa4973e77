# shellcheck shell=bash disable=SC2154 # part of the benchmarks, whose variables it uses
# What was measured is kept in tables of the destination server, which computes medians and writes the JSON as well.

create_results() { # FILE of tables and views, the last of which is results
	destination_admin -v scale="$scale" -v runs="$runs" -v cores="$(nproc)" -v version="$("$walferry" --version)" <<-'SQL'
		CREATE TABLE machine (cores int, postgres text, walferry text, scale float8, runs int, began timestamptz);
		INSERT INTO machine VALUES (:cores, split_part(current_setting('server_version'), ' ', 1), :'version', :scale, :runs, now());
	SQL
	destination_admin -f "$1"
}

save_drain() { # WORKLOAD RUN CONTENDER FORM, then the columns' numbers
	destination_admin -c "INSERT INTO drain VALUES ('$1', $2, '$3', '$4', $changes, $5, $6, $7, $8, $9, ${10})"
}

save_decode() { # WORKLOAD RUN PLUGIN MILLISECONDS WALSENDER_MS
	destination_admin -c "INSERT INTO decode VALUES ('$1', $2, '$3', $changes, $4, $5)"
}

save_latency() { # CONTENDER FORM RUN ROWS P50 P90 P99 WORST
	destination_admin -c "INSERT INTO latency VALUES ('$1', '$2', $3, $4, $5, $6, $7, $8)"
}

write_json() { # FILE
	mkdir -p "$(dirname "$1")"
	destination_admin -c "SELECT jsonb_pretty(document) FROM results" >"$1.new"
	mv "$1.new" "$1"
}

table() { # RELATION
	psql -X -q -P footer=off -P null=- "$destination_server dbname=postgres" -c "SELECT * FROM $1"
}

print_report() {
	echo
	echo "Draining a backlog: medians of $runs; spread is the slowest run by the fastest"
	table drain_report
	echo "CPU seconds and memory of it"
	table cpu_report
	if [ -n "$far_workload" ]; then
		echo "Through a proxy that delays each way by $far_ms ms, and without it, with $far_workers workers"
		table far_report
	fi
	echo "With row filters and transforms, and without: throughput is that with them by that without"
	table settings_report
	if ((decode_runs > 0)); then
		echo "Decoding alone, changes a second"
		table decode_report
	fi
	if ((latency_seconds > 0)); then
		echo "Latency at $latency_rate transactions a second, ms; beside: at $busy_rate, beside 2 x $busy_rows_rate rows a second of others"
		table latency_report
	fi
	line "all destinations were equal to the source; $results has every number"
}

draw() { # FILE
	command -v gnuplot >/dev/null || fail "BENCH_SVG=1 needs gnuplot (apt-get install gnuplot-nox)"
	destination_admin -F ' ' -c "SELECT workload, native_s, walferry_s, ratio FROM drain_report" >"$work/chart.data"
	gnuplot -e "data='$work/chart.data'; svg='$1'" "$top/bench/chart.gp"
	line "drew $1"
}
