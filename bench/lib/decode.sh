# shellcheck shell=bash disable=SC2154,SC2034 # part of run.sh, whose variables it uses
# The output plugins alone: the backlog is read and thrown away, what pgoutput makes by pg_recvlogical, as native replication reads it,
# what walferry makes by the server's SQL function, whose loop is like that of walferry.stream(). "gathering" is what the server does for any
# plugin: ours, with no table selected.

decode_in_turns() { # WORKLOAD RUN
	local protocol
	protocol=$(awk '$2 == "WF_PROTOCOL_VERSION" { print $3 }' "$top/plugin/wire.h")
	decode "$1" "$2" walferry walferry by_function protocol="$protocol" include='public.*'
	decode "$1" "$2" pgoutput pgoutput by_walsender proto_version=1 publication_names=bench
	decode "$1" "$2" gathering walferry by_function protocol="$protocol" include=none.none
}

by_walsender() { # SLOT OPTION=VALUE...
	local slot=$1 option options=()
	shift
	for option in "$@"; do
		options+=(-o "$option")
	done
	exec timeout "$drain_seconds_max" pg_recvlogical --no-loop --start --slot="$slot" --dbname="$source" \
		--file=/dev/null --endpos="$backlog_end" "${options[@]}"
}

by_function() { # SLOT OPTION=VALUE...
	local slot=$1 option arguments=
	shift
	for option in "$@"; do
		arguments+=", '${option%%=*}', '${option#*=}'"
	done
	exec timeout "$drain_seconds_max" psql -XqAt -v ON_ERROR_STOP=1 "$source" -o /dev/null -c "
		SELECT count(*) FROM pg_logical_slot_get_binary_changes('$slot', '$backlog_end', NULL$arguments)"
}

decode() { # WORKLOAD RUN CONTENDER PLUGIN HOW OPTIONS...
	local workload=$1 run=$2 contender=$3 plugin=$4 how=$5 began decode_ms source_before reader
	shift 5
	copy_slot "$plugin"
	quiet_down
	read_server_cpu
	source_before=$source_cpu_ms
	began=$(milliseconds)
	"$how" "bench_$plugin" "$@" 2>"$work/decode.log" &
	reader=$!
	remember "$reader"
	wait "$reader" || fail "decoding with $plugin: $(tail -n 3 "$work/decode.log")"
	forget "$reader"
	decode_ms=$(($(milliseconds) - began))
	read_server_cpu
	line "$workload: $contender decodes it in $(seconds_of "$decode_ms") s"
	save_decode "$workload" "$run" "$contender" "$decode_ms" $((source_cpu_ms - source_before))
	drop_slot "bench_$plugin"
}
