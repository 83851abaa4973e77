// SPDX-License-Identifier: PostgreSQL
#include "apply/destination_table.h"

#include <algorithm>
#include <unordered_map>

#include "schema/tables.h"

namespace walferry {

namespace {

const std::string columns_sql = std::string("SELECT a.attname, a.atttypid, ") + equality_operator_sql + R"(,
       tn.nspname, t.typname,
       EXISTS (SELECT FROM pg_catalog.pg_index i
               JOIN pg_catalog.pg_class ic ON ic.oid = i.indexrelid
               JOIN pg_catalog.pg_am am ON am.oid = ic.relam AND am.amname = 'btree'
               WHERE i.indrelid = c.oid AND i.indisvalid AND i.indpred IS NULL AND i.indkey[0] = a.attnum),
       t.typtype <> 'd', t.typreceive <> 0,
       a.attgenerated = '' AND EXISTS (SELECT FROM walferry.source_column s
                                       WHERE s.task = $3 AND s.relid = c.oid AND s.attnum = a.attnum)
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
JOIN pg_catalog.pg_namespace tn ON tn.oid = t.typnamespace
WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p')
ORDER BY a.attnum)";

const char *const table_sql = R"(
SELECT c.oid IS NOT NULL,
       EXISTS (SELECT FROM pg_catalog.pg_trigger t
               WHERE t.tgrelid = c.oid AND NOT t.tgisinternal AND t.tgenabled IN ('R', 'A')),
       t.oid, t.typarray
FROM (SELECT to_regclass($1)) name (oid)
LEFT JOIN pg_catalog.pg_class c USING (oid)
LEFT JOIN pg_catalog.pg_type t ON t.oid = c.reltype)";

// The columns of each unique index that no two rows can share at any moment.
const char *const unique_sql = R"(
SELECT i.indexrelid, a.attname
FROM pg_catalog.pg_index i
CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS k(attnum, place)
LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
WHERE i.indrelid = to_regclass($1) AND i.indisunique AND i.indisvalid AND i.indimmediate AND i.indpred IS NULL
  AND i.indexprs IS NULL AND k.place <= i.indnkeyatts)";

// By their names at the source; those that are its.
Result<std::vector<QualifiedName>> read_lineage(pq::Pipeline &pipeline, const NameMap &names,
                                                const std::string &qualified) {
    if (!names.has_columns()) return std::vector<QualifiedName>{};
    WF_TRY(pipeline.send(lineage_sql, std::vector<pq::Param>{qualified}));
    WF_TRY(pipeline.flush());
    WF_ASSIGN(const pq::Rows rows, pipeline.read());
    return source_names(rows, names);
}

// Whether some unique index has no column beside those by which a row is found, or the task's rows are told from others. `columns`: the relation's, by their names here.
bool is_unique(const Relation &relation, const std::vector<std::string> &columns, Match match,
               const pq::Rows &indexes) {
    std::unordered_map<std::string_view, bool> covered;  // by index
    for (int row = 0; row < indexes.count(); ++row) {
        bool matched = false;
        for (std::size_t i = 0; i < columns.size(); ++i) {
            const bool told = in_match(relation.columns[i], match) || !relation.columns[i].part.empty();
            matched = matched || (told && columns[i] == indexes.view(row, 1));
        }
        const auto [index, first] = covered.try_emplace(indexes.view(row, 0), true);
        index->second = index->second && matched;
    }
    return std::any_of(covered.begin(), covered.end(), [](const auto &index) { return index.second; });
}

}  // namespace

const char *const lineage_sql = R"(
WITH RECURSIVE above (relid, depth) AS (
    SELECT to_regclass($1)::oid, 0
    UNION ALL SELECT i.inhparent, depth + 1 FROM above JOIN pg_catalog.pg_inherits i ON i.inhrelid = above.relid
)
SELECT n.nspname, c.relname
FROM above
JOIN pg_catalog.pg_class c ON c.oid = above.relid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
ORDER BY depth)";

std::vector<QualifiedName> source_names(const pq::Rows &lineage, const NameMap &names) {
    std::vector<QualifiedName> out;
    for (int row = 0; row < lineage.count(); ++row) {
        auto source = names.source_relation(lineage.view(row, 0), lineage.view(row, 1));
        if (source) out.push_back(std::move(*source));
    }
    return out;
}

Match match_of(const Relation &relation) {
    if (relation.key_columns > 0) return Match::key;
    if (relation.replica_identity != 'f') return Match::none;
    const bool has_primary_key =
        std::any_of(relation.columns.begin(), relation.columns.end(), [](const Column &c) { return c.primary_key; });
    return has_primary_key ? Match::primary_key : Match::row;
}

bool in_match(const Column &column, Match match) {
    return match == Match::key ? column.key : match == Match::primary_key && column.primary_key;
}

Result<void> prepare_find_destination_table(pq::Pipeline &pipeline) {
    WF_TRY(pipeline.prepare("columns", columns_sql, {}));
    WF_TRY(pipeline.prepare("table", table_sql, {}));
    return pipeline.prepare("unique", unique_sql, {});
}

Result<DestinationTable> find_destination_table(pq::Connection &connection, pq::Pipeline &pipeline,
                                                const std::string &task, const NameMap &names,
                                                const Relation &relation) {
    const QualifiedName here = names.relation(relation.schema, relation.name);
    const std::string qualified = connection.quote_qualified(here.schema, here.name);
    pq::RawParams params;
    params.add_text(here.schema);
    params.add_text(here.name);
    params.add_text(task);
    WF_TRY(pipeline.send_prepared("columns", params));
    params.clear();
    params.add_text(qualified);
    WF_TRY(pipeline.send_prepared("table", params));
    WF_TRY(pipeline.send_prepared("unique", params));
    WF_TRY(pipeline.flush());
    WF_ASSIGN(const pq::Rows rows, pipeline.read());
    WF_ASSIGN(const pq::Rows found_table, pipeline.read());
    WF_ASSIGN(const pq::Rows indexes, pipeline.read());

    DestinationTable table;
    table.name = qualified;
    table.match = match_of(relation);
    table.fires_triggers = found_table.boolean(0, 1);
    if (!found_table.boolean(0, 0)) {
        return fail(
            Error{ErrorKind::conflict,
                  Side::destination,
                  "42P01",
                  "table " + here.text() + " does not exist",
                  {},
                  "It was created at the source after the task began, or dropped here. Create it here as it was "
                  "at the source when this change was made, and start again; or exclude it in the task file.",
                  {}});
    }
    WF_ASSIGN(const auto lineage, read_lineage(pipeline, names, qualified));
    std::vector<std::string> column_names;
    for (const Column &column : relation.columns) column_names.push_back(names.column(lineage, column.name));
    table.match_is_unique = is_unique(relation, column_names, table.match, indexes);
    table.row_type = static_cast<Oid>(found_table.integer(0, 2));
    table.row_array_type = static_cast<Oid>(found_table.integer(0, 3));
    for (int row = 0; row < rows.count(); ++row) {
        table.attributes.push_back({static_cast<Oid>(rows.integer(row, 1)), -1, rows.boolean(row, 6)});
        if (!rows.boolean(row, 7)) table.row_array_type = 0;
    }
    std::unordered_map<std::string_view, int> by_name;
    for (int row = 0; row < rows.count(); ++row) by_name[rows.view(row, 0)] = row;
    for (const Column &column : relation.columns) {
        const std::string &name = column_names[table.columns.size()];
        const auto found = by_name.find(name);
        if (found == by_name.end()) {
            return fail(Error{ErrorKind::conflict,
                              Side::destination,
                              "42703",
                              "table " + here.text() + " has no column \"" + name + "\"",
                              {},
                              "The table's definition has changed at the source. Change it here in the same way, and "
                              "start again.",
                              {}});
        }
        const int row = found->second;
        // In its binary form one type's value is another one's too, and a wrong one.
        const bool same =
            !column.binary || same_type(column.type_schema, column.type_name, rows.view(row, 3), rows.view(row, 4));
        const bool wider =
            !same && walferry::widens(column.type_schema, column.type_name, rows.view(row, 3), rows.view(row, 4));
        if (!same && !wider) {
            return fail(Error{ErrorKind::conflict,
                              Side::destination,
                              "42804",
                              "column \"" + name + "\" of table " + here.text() + " is of type " + rows.text(row, 3) +
                                  "." + rows.text(row, 4) + ", at the source it is " + column.type_schema + "." +
                                  column.type_name,
                              {},
                              "Change the type here to the source's, and start again.",
                              {}});
        }
        table.attributes[static_cast<std::size_t>(row)].column = static_cast<int>(table.columns.size());
        // PostgreSQL's own types have one OID in all clusters.
        table.columns.push_back({connection.quote_identifier(name),
                                 wider ? column.type : static_cast<Oid>(rows.integer(row, 1)), rows.text(row, 2),
                                 rows.boolean(row, 5), wider ? "::pg_catalog." + rows.text(row, 4) : std::string{}});
        table.widens |= wider;
        if (!column.part.empty()) table.part.push_back({table.columns.back().name, column.part});
    }
    if (table.widens) table.row_array_type = 0;
    // Another source may still have what this one has dropped.
    const bool may_have_others = relation.omits_columns || !table.part.empty();
    for (int row = 0; row < rows.count() && !may_have_others; ++row) {
        if (table.attributes[static_cast<std::size_t>(row)].column >= 0 || !rows.boolean(row, 8)) continue;
        return fail(
            Error{ErrorKind::conflict,
                  Side::destination,
                  "42703",
                  "table " + here.text() + " has a column \"" + rows.text(row, 0) + "\" that the source's has lost",
                  {},
                  "It was dropped at the source, with walferry.capture_ddl off. Drop it here in the same way, "
                  "and start again.",
                  {}});
    }
    return table;
}

}  // namespace walferry
