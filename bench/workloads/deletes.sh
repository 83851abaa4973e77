# shellcheck shell=bash disable=SC2154 # part of ../run.sh, whose functions it uses
# 1 M deletes by key, 100 in a transaction, in random order; the table has 1.2 M rows.

initial() {
	sql "$1" -c "CREATE TABLE item (id bigint PRIMARY KEY, value int NOT NULL, note text NOT NULL)" \
		-c "INSERT INTO item SELECT id, 0, 'note ' || id FROM generate_series(1, $(scaled 1200000)) id"
}

load() {
	source_sql -v transactions="$(scaled 10000)" <<-'SQL'
		CREATE TEMPORARY TABLE victim AS SELECT row_number() OVER (ORDER BY hashint8(id), id) AS place, id FROM item;
		CREATE INDEX ON victim (place);
		ANALYZE victim;
		SELECT format('DELETE FROM item USING victim WHERE item.id = victim.id AND place BETWEEN %s AND %s',
			n * 100 + 1, n * 100 + 100)
		FROM generate_series(0, :transactions - 1) n
		\gexec
	SQL
}
