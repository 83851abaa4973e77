// SPDX-License-Identifier: PostgreSQL
#include "schema/tables.h"

#include <algorithm>
#include <unordered_map>

namespace walferry {

const char *const stored_cast_sql = R"((
    WITH RECURSIVE base (type, next) AS (
        SELECT oid, typbasetype FROM pg_catalog.pg_type WHERE oid = a.atttypid
        UNION ALL SELECT t.oid, t.typbasetype FROM base JOIN pg_catalog.pg_type t ON t.oid = base.next)
    SELECT CASE type WHEN 'pg_catalog.xml'::pg_catalog.regtype THEN '::pg_catalog.text'
                     WHEN 'pg_catalog.xml[]'::pg_catalog.regtype THEN '::pg_catalog.text[]' ELSE '' END
    FROM base WHERE next = 0))";

namespace {

// The task file is UTF-8; hex passes through any client encoding, and the server converts to its own.
std::string hex(std::string_view bytes) {
    static constexpr char digits[] = "0123456789abcdef";
    std::string out;
    out.reserve(bytes.size() * 2);
    for (unsigned char c : bytes) {
        out += digits[c >> 4];
        out += digits[c & 15];
    }
    return out;
}

const char *const selected_sql = R"(
SELECT c.oid, n.nspname, c.relname, pg_catalog.pg_table_size(c.oid), c.relreplident,
       c.relreplident = 'f'
       OR EXISTS (SELECT FROM pg_catalog.pg_index i
                  WHERE i.indrelid = c.oid AND i.indisvalid AND i.indimmediate
                    AND CASE c.relreplident WHEN 'd' THEN i.indisprimary WHEN 'i' THEN i.indisreplident ELSE false END)
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND c.relpersistence = 'p'
  AND n.nspname NOT LIKE 'pg\_%' AND n.nspname NOT IN ('information_schema', 'walferry')
  AND walferry.selects(c.oid, pg_catalog.convert_from(pg_catalog.decode($1, 'hex'), 'UTF8'),
                       pg_catalog.convert_from(pg_catalog.decode($2, 'hex'), 'UTF8'))
ORDER BY 4 DESC, 1)";

const std::string columns_sql = std::string("SELECT a.attrelid, a.attname, t.binary, ") + stored_cast_sql + R"(
FROM pg_catalog.pg_attribute a
JOIN (SELECT oid, walferry.sends_binary(oid) AS binary FROM pg_catalog.pg_type) t ON t.oid = a.atttypid
WHERE a.attrelid = ANY ($1::oid[]) AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
ORDER BY a.attrelid, a.attnum)";

}  // namespace

std::string joined_patterns(const std::vector<std::string> &patterns) {
    std::string out;
    for (const auto &pattern : patterns) {
        if (!out.empty()) out += ',';
        out += pattern;
    }
    return out;
}

std::string hex_patterns(const std::vector<std::string> &patterns) { return hex(joined_patterns(patterns)); }

Result<std::vector<Table>> selected_tables(pq::Connection &source, const Task &task) {
    WF_ASSIGN(const pq::Rows rows, source.exec(selected_sql, {hex_patterns(task.include), hex_patterns(task.exclude)}));
    std::vector<Table> tables(static_cast<std::size_t>(rows.count()));
    std::unordered_map<std::int64_t, Table *> by_relid;
    std::string relids = "{";
    for (int row = 0; row < rows.count(); ++row) {
        Table &table = tables[static_cast<std::size_t>(row)];
        table.relid = static_cast<std::uint32_t>(rows.integer(row, 0));
        table.schema = rows.text(row, 1);
        table.name = rows.text(row, 2);
        table.bytes = static_cast<std::uint64_t>(rows.integer(row, 3));
        table.replica_identity = rows.view(row, 4)[0];
        table.has_identity = rows.boolean(row, 5);
        by_relid[rows.integer(row, 0)] = &table;
        if (row > 0) relids += ',';
        relids += rows.view(row, 0);
    }
    WF_ASSIGN(const pq::Rows columns, source.exec(columns_sql, {relids + "}"}));
    for (int row = 0; row < columns.count(); ++row) {
        Table &table = *by_relid.at(columns.integer(row, 0));
        table.columns.push_back(columns.text(row, 1));
        table.stored_casts.push_back(columns.text(row, 3));
        table.binary = table.binary && columns.boolean(row, 2);
    }
    return tables;
}

}  // namespace walferry
