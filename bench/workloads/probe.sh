# shellcheck shell=bash disable=SC2154 # part of ../run.sh, whose functions it uses
# The table of the latency measurement, which has no backlog.

initial() {
	sql "$1" -c "CREATE TABLE probe (id bigint PRIMARY KEY, note text NOT NULL)"
}

load() {
	fail "probe has no backlog"
}
