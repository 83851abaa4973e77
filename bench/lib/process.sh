# shellcheck shell=bash disable=SC2154 # part of the benchmarks, whose variables it uses
# Messages, and what the kernel knows of processes.

line() {
	echo "  $*"
}

fail() {
	echo "bench: $*" >&2
	if [ -s "$work/walferry.log" ]; then
		echo "walferry's last lines:" >&2
		tail -n 20 "$work/walferry.log" >&2
	fi
	exit 1
}

milliseconds() {
	echo $((${EPOCHREALTIME/./} / 1000))
}

seconds_of() { # MILLISECONDS
	printf '%d.%03d' $(($1 / 1000)) $(($1 % 1000))
}

scaled() { # NUMBER -> the number at this scale, at least 1
	awk -v number="$1" -v scale="$scale" 'BEGIN { n = int(number * scale); print n < 1 ? 1 : n }'
}

# What has to be ended if the run ends early. Only what was started here is in the list.
remember() {
	processes[$1]=1
}

forget() {
	unset "processes[$1]"
}

end_processes() {
	local pid
	for pid in "${!processes[@]}"; do
		kill -KILL "$pid" 2>/dev/null || continue
		wait "$pid" 2>/dev/null || true
	done
}

# A command run by watched(): the shell that watches, and the command itself.
remember_watched() { # PID FILE
	remember "$1"
	until [ -s "$2.pid" ] || ! kill -0 "$1" 2>/dev/null; do
		sleep 0.02
	done
	[ ! -s "$2.pid" ] || remember "$(<"$2.pid")"
}

forget_watched() { # PID FILE
	forget "$1"
	forget "$(<"$2.pid")"
}

# CPU time of those children of a process that have ended and were waited for.
children_ms() { # PID
	local stat fields
	stat=$(<"/proc/$1/stat")
	read -ra fields <<<"${stat##*) }"
	echo $(((fields[13] + fields[14]) * 1000 / $(getconf CLK_TCK)))
}

# Sets peak_kb to the most memory that a process has had, while it lives.
read_peak() { # PID
	local key value
	while read -r key value _; do
		[ "$key" != VmHWM: ] || peak_kb=$value
	done 2>/dev/null <"/proc/$1/status" || return 0
}

# Runs a command, then writes its CPU time in ms and its peak memory in kB to FILE. For the background; FILE.pid is
# the command's. It is the only child of this shell, so that the CPU time is the command's alone.
watched() { # FILE SECONDS_MAX COMMAND...
	local file=$1 deadline=$((SECONDS + $2)) self=$BASHPID pid peak_kb=0 status=0 never
	shift 2
	exec {never}<> <(:)
	"$@" &
	pid=$!
	echo "$pid" >"$file.pid"
	while kill -0 "$pid" 2>/dev/null; do
		read_peak "$pid"
		((SECONDS <= deadline)) || kill -KILL "$pid"
		read -rt 0.05 <&"$never" || true # sleeps without a process
	done
	wait "$pid" || status=$?
	echo "$(children_ms "$self") $peak_kb" >"$file"
	return "$status"
}
