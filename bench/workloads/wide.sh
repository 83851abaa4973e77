# shellcheck shell=bash disable=SC2154 # part of ../run.sh, whose functions it uses
# 200,000 inserts of rows with 20 columns of many types, 100 a transaction.

initial() {
	sql "$1" <<-'SQL'
		CREATE TABLE wide (
			id bigint PRIMARY KEY, small smallint, number int, big bigint, ratio float8,
			price numeric(12,2), exact numeric, flag boolean, code char(8), name varchar(40), note text,
			day date, moment timestamp, instant timestamptz, span interval, key uuid, bytes bytea,
			document jsonb, numbers int[], words text[])
	SQL
}

load() {
	source_sql -v transactions="$(scaled 2000)" <<-'SQL'
		SELECT format($$
			INSERT INTO wide
			SELECT g, g %% 30000, g * 7, g * 1000003::bigint, g / 7.0,
				(g %% 1000000) * 1.25, g / 13::numeric, g %% 3 = 0, 'code ' || g %% 1000, 'name ' || g, repeat('some words ', (g %% 9)::int),
				date '2020-01-01' + (g %% 3000)::int, timestamp '2020-01-01' + g * interval '1 minute',
				timestamptz '2020-01-01 00:00+00' + g * interval '1 second', g * interval '1 second', md5(g::text)::uuid, sha256(g::text::bytea),
				jsonb_build_object('id', g, 'name', 'name ' || g, 'tags', jsonb_build_array('a', g %% 10, NULL)),
				ARRAY[g, g + 1, g + 2]::int[], ARRAY['one', NULL, 'number ' || g]
			FROM generate_series(%s, %s) g$$, n * 100 + 1, n * 100 + 100)
		FROM generate_series(0, :transactions - 1) n
		\gexec
	SQL
}
