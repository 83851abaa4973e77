# shellcheck shell=bash disable=SC2154 # part of the benchmarks, whose variables it uses
# Whether the destination is equal to the source, in what a function of the two below prints of each.

keep_source() { # FUNCTION
	"$1" "$source" >"$work/source.$1"
}

expect_equal() { # WHAT FUNCTION; REQUIRES: keep_source FUNCTION, and no change at the source since then
	"$2" "$destination" >"$work/destination.$2"
	cmp -s "$work/source.$2" "$work/destination.$2" && return
	diff "$work/source.$2" "$work/destination.$2" >&2 || true
	fail "$1: the destination differs from the source in its $2 (< source, > destination)"
}

# One line a table: name, rows, checksum. The sum of the rows' hashes doesn't depend on their order.
rows() { # CONNINFO
	sql "$1" -F $'\t' <<-'SQL'
		SELECT format('SELECT %L, count(*), coalesce(sum(hashtextextended(t::text, 0)::numeric), 0) FROM %s t',
			oid::regclass, oid::regclass)
		FROM pg_class
		WHERE relkind = 'r' AND relnamespace::regnamespace::text <> ALL ('{pg_catalog,information_schema,walferry}')
		ORDER BY oid::regclass::text
		\gexec
	SQL
}

# One line a table, with its options, one a column, one an index, and one a constraint.
definitions() { # CONNINFO
	sql "$1" <<-'SQL'
		WITH mine AS (
			SELECT * FROM pg_class
			WHERE relkind = 'r' AND relnamespace::regnamespace::text <> ALL ('{pg_catalog,information_schema,walferry}'))
		SELECT concat_ws(' ', mine.oid::regclass, relpersistence, relreplident, reloptions) FROM mine
		UNION ALL
		SELECT concat_ws(' ', attrelid::regclass, attname, format_type(atttypid, atttypmod), attnotnull, attstorage)
		FROM pg_attribute JOIN mine ON attrelid = mine.oid WHERE attnum > 0 AND NOT attisdropped
		UNION ALL
		SELECT concat_ws(' ', pg_get_indexdef(indexrelid), indisprimary, 'valid', indisvalid AND indisready AND indislive)
		FROM pg_index JOIN mine ON indrelid = mine.oid
		UNION ALL
		SELECT concat_ws(' ', conrelid::regclass, conname, pg_get_constraintdef(c.oid), convalidated)
		FROM pg_constraint c JOIN mine ON conrelid = mine.oid
		ORDER BY 1
	SQL
}
