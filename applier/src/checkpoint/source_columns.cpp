// SPDX-License-Identifier: PostgreSQL
#include "checkpoint/source_columns.h"

#include "pq/array.h"

namespace walferry {

const char *const create_source_columns_sql = R"(
CREATE TABLE IF NOT EXISTS walferry.source_column (
    task text NOT NULL,
    relid oid NOT NULL,
    attnum smallint NOT NULL,
    PRIMARY KEY (task, relid, attnum)
);
)";

// A generated column's values are made here and don't come.
const char *const add_source_columns_sql = R"(
INSERT INTO walferry.source_column (task, relid, attnum)
SELECT $1::text, a.attrelid, a.attnum
FROM (SELECT type, names::text[] AS names FROM unnest($2::text[], $3::text[]) AS o (type, names)) o
JOIN pg_catalog.pg_attribute a
  ON a.attrelid = pg_catalog.to_regclass(pg_catalog.format('%I.%I', names[1], names[2]))
 AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
 AND (type = 'table' OR type = 'table column' AND a.attname = names[3])
ON CONFLICT DO NOTHING)";

const char *const remove_source_columns_sql = R"(
DELETE FROM walferry.source_column s
USING (SELECT type, names::text[] AS names FROM unnest($2::text[], $3::text[]) AS o (type, names)) o
JOIN pg_catalog.pg_attribute a
  ON a.attrelid = pg_catalog.to_regclass(pg_catalog.format('%I.%I', names[1], names[2]))
 AND type = 'table column' AND a.attname = names[3]
WHERE s.task = $1::text AND s.relid = a.attrelid AND s.attnum = a.attnum)";

std::vector<pq::Param> source_column_params(const std::string &task, const std::vector<Table> &tables) {
    std::vector<std::string> types;
    std::vector<std::string> names;
    for (const Table &table : tables) {
        for (const std::string &column : table.destination_columns) {
            types.emplace_back("table column");
            names.push_back(pq::array_literal({table.destination.schema, table.destination.name, column}));
        }
    }
    return {task, pq::array_literal(types), pq::array_literal(names)};
}

}  // namespace walferry
