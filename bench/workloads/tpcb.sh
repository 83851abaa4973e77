# shellcheck shell=bash disable=SC2154 # part of ../run.sh, whose functions it uses
# pgbench's TPC-B-like transactions, 160,000 of them; the name's number is pgbench's scale: tpcb10, tpcb50.

initial() {
	pgbench -q -i -s "${workload_parameter:-10}" "$1" >"$work/pgbench.log" 2>&1 || fail "pgbench -i: $(tail -n 3 "$work/pgbench.log")"
}

load() {
	run_pgbench 4 "$(scaled 160000)" -M prepared -b tpcb-like
}
