#!/usr/bin/env bash
# Throwaway PostgreSQL clusters for regress, integration tests, demo and bench.
#
#   cluster.sh create DIR [--encoding ENC] [NAME=VALUE ...]   initdb, settings, start; prints the conninfo
#   cluster.sh standby DIR PRIMARY-DIR [NAME=VALUE ...]       by pg_basebackup, with a slot "standby", start; conninfo
#   cluster.sh start DIR | restart DIR                        the port stays the same
#   cluster.sh stop DIR [smart|fast|immediate]                default fast
#   cluster.sh conninfo DIR                                   host=<socket dir> port=<port> user=postgres
#   cluster.sh destroy DIR                                    stop immediate, remove; no error if it is gone
#
# The superuser is postgres, trusted on the socket; 127.0.0.1 is served too and asks for a password.
# DIR belongs to the account that runs the server and is closed to others. A server refuses to run
# as root, so root runs it as the user postgres. NAME=VALUE comes last in postgresql.conf and wins.
# PG_CONFIG names another PostgreSQL than the one in the PATH, for create: a cluster remembers its own.
set -euo pipefail

server_user=postgres
port_tries=20

die() {
	echo "cluster.sh: $*" >&2
	exit 1
}

usage() {
	sed -n '4,9s/^#   //p' "$0" >&2
	exit 1
}

# Runs a command as the account that owns the server. REQUIRES: absolute paths, as the folder is /.
as_server() {
	if [ "$(id -u)" -eq 0 ]; then
		runuser -u "$server_user" -- "$@"
	else
		"$@"
	fi
}

quote_setting() { # NAME=VALUE -> name = 'value'
	local value=${1#*=}
	printf "%s = '%s'\n" "${1%%=*}" "${value//\'/\'\'}"
}

port_is_free() {
	! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

load() { # sets port, socket and bin of an existing cluster
	[ -f "$dir/cluster" ] || die "no cluster in $dir"
	{
		read -r port
		read -r socket
		read -r bin
	} <"$dir/cluster"
}

save() {
	printf '%s\n' "$port" "$socket" "$bin" >"$dir/cluster"
}

print_conninfo() {
	echo "host=$socket port=$port user=postgres"
}

is_running() {
	as_server "$bin/pg_ctl" -D "$dir/data" status >/dev/null 2>&1
}

start_server() {
	as_server "$bin/pg_ctl" -D "$dir/data" -l "$dir/log" -o "-p $port" -w -t 120 -s start \
		</dev/null >/dev/null 2>&1
}

die_with_log() {
	tail -n 20 "$dir/log" >&2 || echo "cluster.sh: there is no log" >&2
	die "$1"
}

make_directories() {
	mkdir -p "$dir"
	if [ -e "$dir/cluster" ] || [ -e "$dir/data" ]; then
		die "$dir holds a cluster already"
	fi
	# The path of a socket may have 107 bytes, and some must remain for the file's name.
	if [ "${#dir}" -le 70 ]; then
		socket=$dir/socket
		mkdir -p "$socket"
	else
		socket=$(mktemp -d /tmp/wf.XXXXXX)
	fi
	port=0
	save
	chmod 700 "$dir" "$socket"
	[ "$(id -u)" -eq 0 ] || return 0
	id "$server_user" >/dev/null 2>&1 ||
		useradd --system --no-create-home --shell /usr/sbin/nologin "$server_user"
	chown "$server_user" "$dir" "$socket"
	as_server test -w "$dir" || die "the user $server_user can't reach $dir: its parent folders must let others through (chmod a+x)"
}

# Newer minor releases load only the output plugins that a setting lists; older ones don't know it
# and would refuse to start with it.
output_plugin_setting() {
	local listed
	if listed=$(as_server "$bin/postgres" -D "$dir/data" -C output_plugin_libraries 2>/dev/null); then
		quote_setting "output_plugin_libraries=$listed, walferry"
	fi
}

write_settings() {
	local setting
	{
		quote_setting "unix_socket_directories=$socket"
		cat <<-'END'
			listen_addresses = '127.0.0.1'
			wal_level = logical
			max_replication_slots = 20
			max_wal_senders = 20
			fsync = off
			log_line_prefix = '%m [%p] %q%a %d '
		END
		output_plugin_setting
		for setting in "$@"; do
			quote_setting "$setting"
		done
	} >"$dir/settings"
	as_server tee -a "$dir/data/postgresql.conf" <"$dir/settings" >/dev/null
	rm "$dir/settings"
}

create() {
	local encoding=UTF8 settings=()
	while [ $# -gt 0 ]; do
		case $1 in
		--encoding)
			[ $# -ge 2 ] || usage
			encoding=$2
			shift
			;;
		[a-zA-Z_]*=*) settings+=("$1") ;;
		*) usage ;;
		esac
		shift
	done

	bin=$("$pg_config" --bindir)
	make_directories
	as_server "$bin/initdb" -D "$dir/data" -U postgres --locale=C --encoding="$encoding" \
		--auth-local=trust --auth-host=scram-sha-256 --no-sync >"$dir/initdb.log" 2>&1 ||
		{
			cat "$dir/initdb.log" >&2
			die "initdb failed"
		}
	write_settings "${settings[@]}"

	start_on_a_free_port
}

# Another process may take the port between the look and the start: then the next one is tried.
start_on_a_free_port() {
	local try
	for ((try = 1; try <= port_tries; try++)); do
		port=$((20000 + (RANDOM * 32768 + RANDOM) % 12000))
		port_is_free "$port" || continue
		save
		if start_server; then
			print_conninfo
			return
		fi
		grep -q "could not create any TCP/IP sockets" "$dir/log" || die_with_log "the server did not start"
		as_server rm -f "$dir/log"
	done
	die "found no free port in $port_tries tries"
}

# PostgreSQL 17 and newer keeps the primary's failover slots here. REQUIRES: as for create.
standby() { # PRIMARY-DIR SETTINGS...
	local primary primary_conninfo setting
	primary=$(realpath -m -- "$1")
	shift
	{
		read -r port
		read -r socket
		read -r bin
	} <"$primary/cluster"
	primary_conninfo="$(print_conninfo) dbname=postgres"
	make_directories
	as_server "$bin/pg_basebackup" -D "$dir/data" -d "$primary_conninfo" --create-slot --slot=standby \
		--checkpoint=fast --wal-method=stream --no-sync
	as_server touch "$dir/data/standby.signal"
	for setting in "unix_socket_directories=$socket" "primary_conninfo=$primary_conninfo" primary_slot_name=standby \
		hot_standby_feedback=on "$@"; do
		quote_setting "$setting"
	done | as_server tee -a "$dir/data/postgresql.conf" >/dev/null
	start_on_a_free_port
}

start() {
	load
	start_server || die_with_log "the server did not start"
	print_conninfo
}

stop() {
	load
	is_running || return 0
	as_server "$bin/pg_ctl" -D "$dir/data" -m "$1" -w -t 120 -s stop >/dev/null
}

destroy() {
	[ -e "$dir" ] || return 0
	stop immediate
	rm -rf -- "$dir" "$socket"
}

if [ $# -lt 2 ] || [ -z "$2" ]; then
	usage
fi
verb=$1
dir=$(realpath -m -- "$2")
shift 2
pg_config=${PG_CONFIG:-pg_config}
unset "${!PG@}"
cd /

case $verb in
create) create "$@" ;;
start) start ;;
standby)
	[ $# -ge 1 ] || usage
	standby "$@"
	;;
restart)
	stop fast
	start
	;;
stop)
	case ${1:-fast} in smart | fast | immediate) stop "${1:-fast}" ;; *) usage ;; esac
	;;
conninfo)
	load
	print_conninfo
	;;
destroy) destroy ;;
*) usage ;;
esac
