// SPDX-License-Identifier: PostgreSQL
#include "schema/derived.h"

#include "pq/array.h"
#include "schema/tables.h"

namespace walferry {

namespace {

// A view reads what its rule depends on; whoever reads a partitioned table reads its partitions.
const char *const materialized_views_sql = R"(
WITH RECURSIVE reads (oid) AS (
    SELECT unnest($3::oid[])
    UNION
    SELECT reader.oid
    FROM reads
    CROSS JOIN LATERAL (
        SELECT r.ev_class
        FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_rewrite r ON r.oid = d.objid
        WHERE d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = reads.oid
          AND d.classid = 'pg_catalog.pg_rewrite'::regclass
        UNION ALL
        SELECT i.inhparent FROM pg_catalog.pg_inherits i WHERE i.inhrelid = reads.oid) AS reader (oid)
)
SELECT n.nspname, c.relname
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'm' AND c.relispopulated AND n.nspname <> 'walferry'
  AND ($3::oid[] IS NULL OR c.oid IN (SELECT oid FROM reads))
  AND walferry.selects(c.oid, pg_catalog.convert_from(pg_catalog.decode($1, 'hex'), 'UTF8'),
                       pg_catalog.convert_from(pg_catalog.decode($2, 'hex'), 'UTF8'))
ORDER BY c.oid)";

}  // namespace

Result<std::size_t> refresh_materialized_views(pq::Connection &source, pq::Connection &destination, const Task &task,
                                               const std::optional<std::vector<std::uint32_t>> &tables) {
    pq::Param wanted;
    if (tables) {
        std::vector<std::string> texts;
        for (const auto relid : *tables) texts.push_back(std::to_string(relid));
        wanted = pq::array_literal(texts);
    }
    WF_ASSIGN(const pq::Rows rows,
              source.exec(materialized_views_sql, {hex_patterns(task.include), hex_patterns(task.exclude), wanted}));
    for (int row = 0; row < rows.count(); ++row) {
        const auto [schema, name] = task.names.relation(rows.view(row, 0), rows.view(row, 1));
        WF_TRY(destination.exec("REFRESH MATERIALIZED VIEW " + destination.quote_qualified(schema, name)));
    }
    return static_cast<std::size_t>(rows.count());
}

}  // namespace walferry
