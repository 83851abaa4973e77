// SPDX-License-Identifier: PostgreSQL
#include "schema/derived.h"

#include "schema/tables.h"

namespace walferry {

namespace {

const char *const materialized_views_sql = R"(
SELECT n.nspname, c.relname
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'm' AND c.relispopulated AND n.nspname <> 'walferry'
  AND walferry.selects(c.oid, pg_catalog.convert_from(pg_catalog.decode($1, 'hex'), 'UTF8'),
                       pg_catalog.convert_from(pg_catalog.decode($2, 'hex'), 'UTF8'))
ORDER BY c.oid)";

}  // namespace

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
