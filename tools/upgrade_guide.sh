#!/usr/bin/env bash
# Runs the commands of docs/upgrade.md as they stand there, between two throwaway servers and while pgbench writes, and proves
# that nothing was lost on either way. The plugin is installed in both.
#
#   upgrade_guide.sh FROM-PG_CONFIG TO-PG_CONFIG
#
# WALFERRY=program under test, default build/test/walferry.
# Ends with "N passed, N failed", 1 if one failed, after how long writes were stopped.
set -euo pipefail

top=$(realpath "$(dirname "$0")/..")
walferry=${WALFERRY:-$top/build/test/walferry}
clients=4
work=$(mktemp -d /tmp/walferry-upgrade.XXXXXX)
chmod 711 "$work" # the servers may run as another user
load=
passed=0
failed=0

clean_up() {
	local status=$?
	trap - EXIT
	[ -z "$load" ] || kill -KILL "$load" 2>/dev/null || true
	for file in "$work/guide"/*.toml; do
		[ ! -e "$file" ] || "$walferry" stop "$file" >/dev/null 2>&1 || true
	done
	"$top/tools/cluster.sh" destroy "$work/old"
	"$top/tools/cluster.sh" destroy "$work/new"
	rm -rf -- "$work"
	exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

make_server() { # NAME PG_CONFIG
	local conninfo
	conninfo=$(PG_CONFIG=$2 "$top/tools/cluster.sh" create "$work/$1")
	printf '[%s]\n%s\ndbname=shop\n' "$1" "${conninfo// /$'\n'}" >>"$PGSERVICEFILE"
}

value() { # SERVICE SQL
	psql -XAtq --dbname="service=$1" -c "$2"
}

make_shop() {
	psql -Xq --dbname="service=old dbname=postgres" -c "CREATE DATABASE shop" -c "CREATE ROLE keeper LOGIN PASSWORD 'secret'" \
		-c "CREATE ROLE clerk IN ROLE keeper"
	pgbench -i -q -s 5 "service=old" 2>/dev/null
	psql -Xq --dbname=service=old -v ON_ERROR_STOP=1 <<-'END'
		ALTER TABLE pgbench_history ADD COLUMN id bigserial PRIMARY KEY;
		CREATE EXTENSION citext;
		CREATE EXTENSION pg_trgm;
		CREATE TYPE mood AS ENUM ('sad', 'glad');
		CREATE TABLE customer (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name citext UNIQUE, mood mood, seen tstzrange,
			longer text GENERATED ALWAYS AS (name || '!') STORED);
		INSERT INTO customer (name, mood) SELECT 'customer ' || n, 'glad' FROM generate_series(1, 1000) n;
		CREATE INDEX ON customer USING gin (longer gin_trgm_ops);
		CREATE STATISTICS of_both ON aid, bid FROM pgbench_accounts;
		CREATE VIEW glad AS SELECT id, name FROM customer WHERE mood = 'glad';
		ALTER TABLE customer OWNER TO keeper;
		GRANT SELECT ON customer TO clerk;
	END
}

# The commands of the document: what is indented under its headings.
commands() { # FROM-HEADING
	awk -v heading="## $1" '/^## / { on = ($0 == heading) } on && /^        / { sub(/^ +/, ""); print }' "$top/docs/upgrade.md"
}

# In this shell, as a reader's: it waits for what it has started.
follow() { # HEADING
	local command
	while IFS= read -r command <&3; do
		echo "\$ $command"
		eval "$command" || return 1
	done 3< <(commands "$1")
}

show_and_follow() { # HEADING OUTPUT-FILE
	local status=0
	follow "$1" >"$2" 2>&1 || status=$?
	cat "$2"
	if [ "$status" -ne 0 ]; then
		tail -n 20 ./*.log
		exit 1
	fi
}

start_load() { # SERVICE
	(cd "$work" && exec pgbench -n -c "$clients" -j 1 -T 600 -R 300 -l --log-prefix="$work/$1.log" -b tpcb-like "service=$1") \
		>"$work/$1.load" 2>&1 &
	load=$!
	disown "$load"
}

expect() { # WHAT EXPECTED FOUND
	if [ "$2" = "$3" ]; then
		echo "ok: $1"
		passed=$((passed + 1))
	else
		echo "FAILED: $1: expected \"$2\", found \"$3\""
		failed=$((failed + 1))
	fi
}

# pgbench logs a transaction when its commit was acknowledged; of what its sessions were ended in, each may have been committed too.
expect_nothing_lost() { # SERVICE-OF-LOAD ROWS-BEFORE
	local logged rows sums='SELECT concat_ws(chr(32), (SELECT sum(abalance) FROM pgbench_accounts), (SELECT sum(tbalance) FROM
		pgbench_tellers), (SELECT sum(bbalance) FROM pgbench_branches), (SELECT sum(delta) FROM pgbench_history))'
	while kill -0 "$load" 2>/dev/null; do sleep 0.1; done
	load=
	logged=$(cat "$work/$1.log".* | wc -l)
	rows=$(($(value new 'SELECT count(*) FROM pgbench_history') - $2))
	expect "the $logged transactions that $1 has acknowledged are at the new side ($rows rows)" yes \
		"$([ "$logged" -gt 100 ] && [ "$rows" -ge "$logged" ] && [ "$rows" -le $((logged + clients)) ] && echo yes || echo no)"
	expect "the bank's sums agree" "$(value old "$sums")" "$(value new "$sums")"
	expect "all of them" 1 "$(value new "$sums" | tr ' ' '\n' | sort -u | wc -l)"
	for table in pgbench_history customer; do
		local digest="SELECT md5(string_agg(t::text, ',' ORDER BY id)) FROM $table t"
		expect "rows of $table" "$(value old "$digest")" "$(value new "$digest")"
	done
}

[ $# -eq 2 ] || {
	sed -n '5s/^#   //p' "$0" >&2
	exit 1
}
export PGSERVICEFILE=$work/pg_service.conf XDG_RUNTIME_DIR=$work
newer=$(dirname "$2")
PATH=$newer:$(dirname "$walferry"):$PATH
make_server old "$1"
make_server new "$2"
make_shop
mkdir "$work/guide"
cd "$work/guide"

[ "$(commands "The ten commands" | wc -l)" -eq 11 ] || { # and the one that makes the old side follow
	echo "upgrade_guide.sh: docs/upgrade.md does not have the commands that it says" >&2
	exit 1
}
start_load old
show_and_follow "The ten commands" "$work/there"
expect_nothing_lost old 0
expect "roles came with their rights" "keeper t" \
	"$(value new "SELECT concat(tableowner, ' ', has_table_privilege('clerk', 'customer', 'SELECT')) FROM pg_tables WHERE tablename = 'customer'")"
expect "a sequence goes on" 1001 "$(value new "INSERT INTO customer (name, mood) VALUES ('of the new side', 'sad') RETURNING id")"
expect "the old side takes no writes" on "$(value old 'SHOW default_transaction_read_only')"

before=$(value new 'SELECT count(*) FROM pgbench_history')
start_load new
while [ "$(value new 'SELECT count(*) FROM pgbench_history')" -lt $((before + 500)) ]; do sleep 0.2; done
show_and_follow "The way back" "$work/back"
expect_nothing_lost new "$before"
expect "the old side takes writes" off "$(value old 'SHOW default_transaction_read_only')"

echo
grep -h "writes were stopped for" "$work/there" "$work/back"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
