# shellcheck shell=bash disable=SC2154 # part of ../run.sh, whose functions it uses
# 1 M updates by key, 10 in a transaction, of random rows of 1 M.

initial() {
	sql "$1" -c "CREATE TABLE item (id bigint PRIMARY KEY, value int NOT NULL, note text NOT NULL)" \
		-c "INSERT INTO item SELECT id, 0, 'note ' || id FROM generate_series(1, $(scaled 1000000)) id"
}

load() {
	{
		printf '\\set k%d random(1, :rows)\n' {0..9}
		echo 'UPDATE item SET value = value + 1 WHERE id IN (:k0, :k1, :k2, :k3, :k4, :k5, :k6, :k7, :k8, :k9);'
	} >"$work/updates.sql"
	run_pgbench 1 "$(scaled 100000)" -M prepared -D rows="$(scaled 1000000)" -f "$work/updates.sql"
}

settings() {
	cat <<-'TOML'
		[[tables]]
		name = "public.item"
		where = "id > 0"
		set = { value = "abs(value)" }
	TOML
}
