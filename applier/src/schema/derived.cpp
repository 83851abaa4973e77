// SPDX-License-Identifier: PostgreSQL
#include "schema/derived.h"

#include <string>

#include "schema/tables.h"

namespace walferry {

namespace {

const char *const sequences_sql = R"(
SELECT s.schemaname, s.sequencename, coalesce(s.last_value, s.start_value), s.last_value IS NOT NULL,
       pg_catalog.has_sequence_privilege(c.oid, 'SELECT, USAGE')
FROM pg_catalog.pg_sequences s
JOIN pg_catalog.pg_namespace n ON n.nspname = s.schemaname
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = s.sequencename
LEFT JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid
                                AND d.deptype IN ('a', 'i') AND d.refclassid = 'pg_catalog.pg_class'::regclass
WHERE c.relpersistence <> 't' AND s.schemaname <> 'walferry'
  AND walferry.selects(coalesce(d.refobjid, c.oid), pg_catalog.convert_from(pg_catalog.decode($1, 'hex'), 'UTF8'),
                       pg_catalog.convert_from(pg_catalog.decode($2, 'hex'), 'UTF8')))";

const char *const materialized_views_sql = R"(
SELECT n.nspname, c.relname
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'm' AND c.relispopulated AND n.nspname <> 'walferry'
  AND walferry.selects(c.oid, pg_catalog.convert_from(pg_catalog.decode($1, 'hex'), 'UTF8'),
                       pg_catalog.convert_from(pg_catalog.decode($2, 'hex'), 'UTF8'))
ORDER BY c.oid)";

}  // namespace

Result<std::size_t> copy_sequences(pq::Connection &source, pq::Connection &destination, const Task &task) {
    WF_ASSIGN(const pq::Rows rows,
              source.exec(sequences_sql, {hex_patterns(task.include), hex_patterns(task.exclude)}));
    std::string values;
    for (int row = 0; row < rows.count(); ++row) {
        if (!rows.boolean(row, 4)) {  // the view would then show no value, as if the sequence had never been used
            const std::string sequence = source.quote_qualified(rows.view(row, 0), rows.view(row, 1));
            return fail(Error{ErrorKind::state,
                              Side::source,
                              "42501",
                              "permission denied for sequence " + sequence,
                              {},
                              "GRANT SELECT ON SEQUENCE " + sequence + " TO the account of source.conninfo.",
                              {}});
        }
        if (!values.empty()) values += ", ";
        const std::string name = destination.quote_qualified(rows.view(row, 0), rows.view(row, 1));
        values += "(" + destination.quote_literal(name) + ", " + rows.text(row, 2) + ", " +
                  (rows.boolean(row, 3) ? "true" : "false") + ")";
    }
    if (values.empty()) return std::size_t{0};
    WF_ASSIGN(const pq::Rows set,
              destination.exec("SELECT count(setval(to_regclass(name), value, is_called)) FROM (VALUES " + values +
                               ") AS v(name, value, is_called) WHERE to_regclass(name) IS NOT NULL"));
    return static_cast<std::size_t>(set.integer(0, 0));
}

Result<std::size_t> refresh_materialized_views(pq::Connection &source, pq::Connection &destination, const Task &task) {
    WF_ASSIGN(const pq::Rows rows,
              source.exec(materialized_views_sql, {hex_patterns(task.include), hex_patterns(task.exclude)}));
    for (int row = 0; row < rows.count(); ++row) {
        WF_TRY(destination.exec("REFRESH MATERIALIZED VIEW " +
                                destination.quote_qualified(rows.view(row, 0), rows.view(row, 1))));
    }
    return static_cast<std::size_t>(rows.count());
}

}  // namespace walferry
