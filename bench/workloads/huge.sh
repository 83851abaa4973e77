# shellcheck shell=bash disable=SC2154 # part of ../run.sh, whose functions it uses
# One transaction of 3 M inserts.

initial() {
	sql "$1" -c "CREATE TABLE item (id bigint PRIMARY KEY, value int NOT NULL, note text NOT NULL)"
}

load() {
	source_sql -c "INSERT INTO item SELECT id, id % 1000, 'note ' || id FROM generate_series(1, $(scaled 3000000)) id"
}
