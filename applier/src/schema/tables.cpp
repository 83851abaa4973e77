// SPDX-License-Identifier: PostgreSQL
#include "schema/tables.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <unordered_map>

#include "base/hex.h"
#include "pq/array.h"

namespace walferry {

const char *const stored_cast_sql = R"((
    WITH RECURSIVE base (type, next) AS (
        SELECT oid, typbasetype FROM pg_catalog.pg_type WHERE oid = a.atttypid
        UNION ALL SELECT t.oid, t.typbasetype FROM base JOIN pg_catalog.pg_type t ON t.oid = base.next)
    SELECT CASE type WHEN 'pg_catalog.xml'::pg_catalog.regtype THEN '::pg_catalog.text'
                     WHEN 'pg_catalog.xml[]'::pg_catalog.regtype THEN '::pg_catalog.text[]' ELSE '' END
    FROM base WHERE next = 0))";

const char *const equality_operator_sql = R"(coalesce(
    (SELECT pg_catalog.format('OPERATOR(%I.%s)', opn.nspname, op.oprname)
     FROM pg_catalog.pg_index i,
          unnest(i.indkey::int2[], i.indclass::oid[]) AS k(attnum, opclass)
     JOIN pg_catalog.pg_opclass oc ON oc.oid = k.opclass
     JOIN pg_catalog.pg_am am ON am.oid = oc.opcmethod AND am.amname = 'btree'
     JOIN pg_catalog.pg_amop ao ON ao.amopfamily = oc.opcfamily AND ao.amoplefttype = oc.opcintype
                                AND ao.amoprighttype = oc.opcintype AND ao.amopstrategy = 3
     JOIN pg_catalog.pg_operator op ON op.oid = ao.amopopr
     JOIN pg_catalog.pg_namespace opn ON opn.oid = op.oprnamespace
     WHERE i.indrelid = a.attrelid AND i.indisvalid AND k.attnum = a.attnum
     ORDER BY i.indisprimary DESC, i.indisunique DESC, i.indexrelid
     LIMIT 1),
    (SELECT pg_catalog.format('OPERATOR(%I.%s)', opn.nspname, op.oprname)
     FROM pg_catalog.pg_type ct
     JOIN pg_catalog.pg_opclass oc ON oc.opcdefault
                                   AND oc.opcintype = CASE ct.typtype WHEN 'd' THEN ct.typbasetype ELSE ct.oid END
     JOIN pg_catalog.pg_am am ON am.oid = oc.opcmethod AND am.amname = 'btree'
     JOIN pg_catalog.pg_amop ao ON ao.amopfamily = oc.opcfamily AND ao.amoplefttype = oc.opcintype
                                AND ao.amoprighttype = oc.opcintype AND ao.amopstrategy = 3
     JOIN pg_catalog.pg_operator op ON op.oid = ao.amopopr
     JOIN pg_catalog.pg_namespace opn ON opn.oid = op.oprnamespace
     WHERE ct.oid = a.atttypid
     LIMIT 1),
    'OPERATOR(pg_catalog.=)'))";

namespace {

const char *const selected_sql = R"(
SELECT c.oid, n.nspname, c.relname, pg_catalog.pg_table_size(c.oid), c.relreplident,
       c.relreplident = 'f'
       OR EXISTS (SELECT FROM pg_catalog.pg_index i
                  WHERE i.indrelid = c.oid AND i.indisvalid AND i.indimmediate
                    AND CASE c.relreplident WHEN 'd' THEN i.indisprimary WHEN 'i' THEN i.indisreplident ELSE false END)
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND c.relpersistence = 'p' AND ($3::oid[] IS NULL OR c.oid = ANY ($3::oid[]))
  AND n.nspname NOT LIKE 'pg\_%' AND n.nspname NOT IN ('information_schema', 'walferry')
  AND walferry.selects(c.oid, pg_catalog.convert_from(pg_catalog.decode($1, 'hex'), 'UTF8'),
                       pg_catalog.convert_from(pg_catalog.decode($2, 'hex'), 'UTF8'))
ORDER BY 4 DESC, 1)";

const std::string columns_sql =
    std::string("SELECT a.attrelid, a.attname, t.binary, tn.nspname, t.typname, ") + stored_cast_sql + R"(
FROM pg_catalog.pg_attribute a
JOIN (SELECT oid, typnamespace, typname, walferry.sends_binary(oid) AS binary FROM pg_catalog.pg_type) t ON t.oid = a.atttypid
JOIN pg_catalog.pg_namespace tn ON tn.oid = t.typnamespace
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

std::string hex_patterns(const std::vector<std::string> &patterns) { return to_hex(joined_patterns(patterns)); }

Result<std::vector<Table>> selected_tables(pq::Connection &source, const Task &task,
                                           const std::vector<std::uint32_t> *only) {
    pq::Param wanted;
    if (only != nullptr) {
        std::vector<std::string> texts;
        for (const auto relid : *only) texts.push_back(std::to_string(relid));
        wanted = pq::array_literal(texts);
    }
    WF_ASSIGN(const pq::Rows rows,
              source.exec(selected_sql, {hex_patterns(task.include), hex_patterns(task.exclude), wanted}));
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
        table.types.emplace_back(columns.text(row, 3), columns.text(row, 4));
        table.stored_casts.push_back(columns.text(row, 5));
        table.binary = table.binary && columns.boolean(row, 2);
    }
    return tables;
}

std::vector<std::string> quoted_names(const pq::Connection &connection, const std::vector<Table> &tables) {
    std::vector<std::string> names;
    for (const Table &table : tables) names.push_back(connection.quote_qualified(table.schema, table.name));
    return names;
}

bool same_type(std::string_view schema, std::string_view name, std::string_view other_schema,
               std::string_view other_name) {
    return name == other_name && (schema == "pg_catalog") == (other_schema == "pg_catalog");
}

Result<void> check_column_types(pq::Connection &destination, const std::vector<Table> &tables) {
    std::vector<std::string> schemas;
    std::vector<std::string> names;
    for (const Table &table : tables) {
        schemas.push_back(table.schema);
        names.push_back(table.name);
    }
    WF_ASSIGN(const pq::Rows rows,
              destination.exec("SELECT n.nspname, c.relname, a.attname, tn.nspname, t.typname"
                               " FROM unnest($1::text[], $2::text[]) AS wanted (schema_name, table_name)"
                               " JOIN pg_namespace n ON n.nspname = wanted.schema_name"
                               " JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = wanted.table_name"
                               " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
                               " JOIN pg_type t ON t.oid = a.atttypid JOIN pg_namespace tn ON tn.oid = t.typnamespace",
                               {pq::array_literal(schemas), pq::array_literal(names)}));
    std::map<std::tuple<std::string_view, std::string_view, std::string_view>, int> by_column;
    for (int row = 0; row < rows.count(); ++row) {
        by_column[{rows.view(row, 0), rows.view(row, 1), rows.view(row, 2)}] = row;
    }
    for (const Table &table : tables) {
        if (!table.binary) continue;
        for (std::size_t i = 0; i < table.columns.size(); ++i) {
            const auto found = by_column.find({table.schema, table.name, table.columns[i]});
            if (found == by_column.end()) continue;  // COPY will say so
            const auto &[type_schema, type_name] = table.types[i];
            const int row = found->second;
            if (same_type(type_schema, type_name, rows.view(row, 3), rows.view(row, 4))) continue;
            return fail(Error{ErrorKind::state,
                              Side::destination,
                              "42804",
                              "column \"" + table.columns[i] + "\" of table " + table.schema + "." + table.name +
                                  " is of type " + rows.text(row, 3) + "." + rows.text(row, 4) +
                                  ", at the source it is " + type_schema + "." + type_name,
                              {},
                              "Make the destination's tables as the source's are, or let the schema stage make them.",
                              {}});
        }
    }
    return {};
}

}  // namespace walferry
