# shellcheck shell=bash disable=SC2154 # part of ../run.sh, whose functions it uses
# 2 M inserts into a narrow table, 1,000 a transaction.

initial() {
	sql "$1" -c "CREATE TABLE item (id bigint PRIMARY KEY, value int NOT NULL, note text NOT NULL)"
}

load() {
	source_sql -v transactions="$(scaled 2000)" <<-'SQL'
		SELECT format('INSERT INTO item SELECT id, id %% 1000, ''note '' || id FROM generate_series(%s, %s) id',
			n * 1000 + 1, n * 1000 + 1000)
		FROM generate_series(0, :transactions - 1) n
		\gexec
	SQL
}

settings() {
	cat <<-'TOML'
		[[tables]]
		name = "public.item"
		where = "value >= 0 AND note IS NOT NULL"
		set = { note = "note || ''" }
		operations = ["insert"]
	TOML
}
