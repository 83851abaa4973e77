# shellcheck shell=bash disable=SC2154,SC2034 # part of run.sh, whose variables it uses
# The output plugins alone: pg_recvlogical reads the backlog and throws it away. "gathering" is what the server does for any
# plugin: ours, with no table selected.

decode_in_turns() { # WORKLOAD RUN
	local protocol
	protocol=$(awk '$2 == "WF_PROTOCOL_VERSION" { print $3 }' "$top/plugin/wire.h")
	decode "$1" "$2" walferry walferry protocol="$protocol" include='public.*'
	decode "$1" "$2" pgoutput pgoutput proto_version=1 publication_names=bench
	decode "$1" "$2" gathering walferry protocol="$protocol" include=none.none
}

decode() { # WORKLOAD RUN CONTENDER PLUGIN OPTIONS...
	local workload=$1 run=$2 contender=$3 plugin=$4 options=() option began decode_ms source_before reader
	shift 4
	for option in "$@"; do
		options+=(-o "$option")
	done
	copy_slot "$plugin"
	quiet_down
	read_server_cpu
	source_before=$source_cpu_ms
	began=$(milliseconds)
	timeout "$drain_seconds_max" pg_recvlogical --no-loop --start --slot="bench_$plugin" --dbname="$source" \
		--file=/dev/null --endpos="$backlog_end" "${options[@]}" 2>"$work/decode.log" &
	reader=$!
	remember "$reader"
	wait "$reader" || fail "pg_recvlogical with $plugin: $(tail -n 3 "$work/decode.log")"
	forget "$reader"
	decode_ms=$(($(milliseconds) - began))
	read_server_cpu
	line "$workload: $contender decodes it in $(seconds_of "$decode_ms") s"
	save_decode "$workload" "$run" "$contender" "$decode_ms" $((source_cpu_ms - source_before))
	drop_slot "bench_$plugin"
}
