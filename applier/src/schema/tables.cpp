// SPDX-License-Identifier: PostgreSQL
#include "schema/tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>
#include <unordered_map>

#include "base/hex.h"
#include "pq/array.h"
#include "schema/sections.h"

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
SELECT c.oid, n.nspname, c.relname, CASE WHEN $4::bool THEN pg_catalog.pg_table_size(c.oid) END, c.relreplident,
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
ORDER BY 4 DESC NULLS LAST, 1)";

const std::string columns_sql =
    std::string("SELECT a.attrelid, a.attname, t.binary, tn.nspname, t.typname, ") + stored_cast_sql + R"(
FROM pg_catalog.pg_attribute a
JOIN (SELECT oid, typnamespace, typname, walferry.sends_binary(oid) AS binary FROM pg_catalog.pg_type) t ON t.oid = a.atttypid
JOIN pg_catalog.pg_namespace tn ON tn.oid = t.typnamespace
WHERE a.attrelid = ANY ($1::oid[]) AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
ORDER BY a.attrelid, a.attnum)";

// Which of the tables $1 have settings in the option $2, in hexadecimal.
const char *const settings_sql = R"(
SELECT t.oid, s.name, s.settings
FROM unnest($1::oid[]) AS t (oid),
     walferry.table_settings(t.oid, pg_catalog.convert_from(pg_catalog.decode($2, 'hex'), 'UTF8')) AS s
WHERE s.name IS NOT NULL)";

// A column that is only sent has no place in the table.
const std::string sent_sql = std::string(R"(
SELECT t.oid, r.condition, a.attname, walferry.sends_binary(a.atttypid), tn.nspname, ty.typname, )") +
                             stored_cast_sql + R"(, a.expression,
       own.attrelid IS NULL, pg_catalog.format('%I %s', a.attname, pg_catalog.format_type(a.atttypid, NULL)),
       CASE WHEN own.atttypmod <> -1 AND a.expression IS NOT NULL
            THEN '::' || pg_catalog.format_type(own.atttypid, own.atttypmod) END
FROM unnest($1::oid[]) AS t (oid)
CROSS JOIN LATERAL walferry.sent_rows(t.oid, pg_catalog.convert_from(pg_catalog.decode($2, 'hex'), 'UTF8')) AS r
CROSS JOIN LATERAL unnest(r.columns, r.types, r.expressions) WITH ORDINALITY AS a (attname, atttypid, expression, place)
JOIN pg_catalog.pg_type ty ON ty.oid = a.atttypid
JOIN pg_catalog.pg_namespace tn ON tn.oid = ty.typnamespace
LEFT JOIN pg_catalog.pg_attribute own ON own.attrelid = t.oid AND own.attname = a.attname AND NOT own.attisdropped
ORDER BY t.oid, a.place)";

// What settings name may be missing, and that is no passing state of the table.
Error as_settings_error(Error error) {
    if (error.kind != ErrorKind::server) return error;
    error.kind = ErrorKind::state;
    error.sqlstate.clear();
    return error;
}

using ByRelid = std::unordered_map<std::int64_t, Table *>;

// What the tables with settings send, in the place of all their columns.
Result<void> read_settings(pq::Connection &source, const Task &task, const std::string &relids, ByRelid &by_relid) {
    if (task.tables.empty()) return {};
    const std::string option = to_hex(tables_option(task.tables));
    auto found = source.exec(settings_sql, {relids, option});
    if (!found) return fail(as_settings_error(std::move(found).error()));
    const pq::Rows with_settings = std::move(*found);
    std::vector<std::string> oids;
    for (int row = 0; row < with_settings.count(); ++row) {
        Table &table = *by_relid.at(with_settings.integer(row, 0));
        table.settings_name = with_settings.text(row, 1);
        table.settings = with_settings.text(row, 2);
        table.binary = true;
        table.columns.clear();
        table.types.clear();
        table.stored_casts.clear();
        oids.push_back(with_settings.text(row, 0));
    }
    auto sent = source.exec(sent_sql, {pq::array_literal(oids), option});
    if (!sent) return fail(as_settings_error(std::move(sent).error()));
    const pq::Rows rows = std::move(*sent);
    for (int row = 0; row < rows.count(); ++row) {
        Table &table = *by_relid.at(rows.integer(row, 0));
        table.condition = rows.text(row, 1);
        table.columns.push_back(rows.text(row, 2));
        table.binary = table.binary && rows.boolean(row, 3);
        table.types.emplace_back(rows.text(row, 4), rows.text(row, 5));
        table.stored_casts.push_back(rows.text(row, 6));
        table.expressions.push_back(rows.text(row, 7));
        table.column_casts.push_back(rows.text(row, 10));
        if (rows.boolean(row, 8)) table.added_columns.push_back(rows.text(row, 9));
    }
    return {};
}

// The tables above those of $1 (OIDs), with themselves; nearest first.
const char *const lineage_sql = R"(
WITH RECURSIVE above (oid, relid, depth) AS (
    SELECT t, t, 0 FROM unnest($1::oid[]) AS u (t)
    UNION
    SELECT above.oid, i.inhparent, depth + 1 FROM above JOIN pg_catalog.pg_inherits i ON i.inhrelid = above.relid
)
SELECT above.oid, n.nspname, c.relname
FROM above
JOIN pg_catalog.pg_class c ON c.oid = above.relid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
ORDER BY above.oid, depth)";

const char *const taken_names_sql = R"(
SELECT n.nspname, c.relname
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND c.relpersistence <> 't'
  AND n.nspname NOT LIKE 'pg\_%' AND n.nspname NOT IN ('information_schema', 'walferry')
  AND walferry.selects(c.oid, pg_catalog.convert_from(pg_catalog.decode($1, 'hex'), 'UTF8'),
                       pg_catalog.convert_from(pg_catalog.decode($2, 'hex'), 'UTF8'))
UNION ALL
SELECT nspname, '' FROM pg_catalog.pg_namespace n
WHERE $3::bool AND nspname NOT LIKE 'pg\_%' AND nspname NOT IN ('information_schema', 'walferry')
  -- every database has this one, which need not hold anything
  AND NOT (nspname = 'public' AND NOT EXISTS (
      SELECT FROM pg_catalog.pg_depend d
      WHERE d.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass AND d.refobjid = n.oid))
ORDER BY 1, 2)";

Result<void> read_destination_columns(pq::Connection &source, const Task &task, const std::string &relids,
                                      std::vector<Table> &tables) {
    std::unordered_map<std::int64_t, std::vector<QualifiedName>> lineages;
    if (task.names.has_columns()) {
        WF_ASSIGN(const pq::Rows rows, source.exec(lineage_sql, {relids}));
        for (int row = 0; row < rows.count(); ++row) {
            lineages[rows.integer(row, 0)].push_back({rows.text(row, 1), rows.text(row, 2)});
        }
    }
    for (Table &table : tables) {
        table.lineage = std::move(lineages[table.relid]);
        for (const std::string &column : table.columns) {
            table.destination_columns.push_back(task.names.column(table.lineage, column));
        }
    }
    return {};
}

// Requires: the table's columns are known.
Result<void> read_part(const pq::Connection &connection, const TableSections &sections, Table &table) {
    const auto section = sections.find(table.relid);
    if (section == sections.end() || section->second == nullptr) return {};
    for (const auto &[name, expression] : section->second->merge) {
        const auto found = std::find(table.columns.begin(), table.columns.end(), name);
        if (found == table.columns.end()) {  // as of a name that the source's encoding writes otherwise
            return fail(ErrorKind::state,
                        fmt::format("table {}.{} does not send column \"{}\", by which its rows are merged",
                                    table.schema, table.name, name),
                        "Give the column in \"merge\" another name.");
        }
        const auto at = static_cast<std::size_t>(found - table.columns.begin());
        table.part_columns.push_back(at);
        table.part.push_back({connection.quote_identifier(table.destination_columns[at]), table.expressions[at]});
    }
    return {};
}

// The table that has to be altered for this one to get a column: a partition has what its root has.
const char *const root_sql = R"(
SELECT DISTINCT c.oid, pg_catalog.format('%I.%I', n.nspname, r.relname)
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_class r ON r.oid = CASE WHEN c.relispartition THEN pg_catalog.pg_partition_root(c.oid) ELSE c.oid END
JOIN pg_catalog.pg_namespace n ON n.oid = r.relnamespace
WHERE c.oid = ANY ($1::oid[]))";

// $1 the patterns of [objects] one by one, $2 and $6 the sections of [[tables]] that concern the source and the destination, $3 and
// $4 include and exclude joined, $5 the sections' names.
// A pattern for everything is no mistyped one.
const char *const unmatched_sql = R"(
WITH relation AS (
    SELECT c.oid, c.relkind FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND c.relpersistence <> 't'
      AND n.nspname NOT LIKE 'pg\_%' AND n.nspname NOT IN ('information_schema', 'walferry')
), settings AS (
    SELECT DISTINCT s.name FROM relation r, unnest(ARRAY[$2, $6]) AS sections, walferry.table_settings(r.oid, sections) AS s
    WHERE r.relkind = 'r' AND sections <> '[]' AND walferry.selects(r.oid, $3, $4)
)
SELECT p FROM unnest($1::pg_catalog.text[]) WITH ORDINALITY AS u (p, place)
WHERE p <> '*.*' AND NOT EXISTS (SELECT FROM relation WHERE walferry.selects(oid, p, ''))
UNION ALL
SELECT p FROM unnest($5::pg_catalog.text[]) WITH ORDINALITY AS u (p, place)
WHERE NOT EXISTS (SELECT FROM settings WHERE name = p))";

// A merged table is not the task's to alter.
bool has_columns_to_add(const Table &table) { return !table.added_columns.empty() && table.part.empty(); }

std::string relids_literal(const std::vector<std::uint32_t> &relids) {
    return fmt::format("{{{}}}", fmt::join(relids, ","));
}

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

Result<std::vector<Table>> list_selected(pq::Connection &source, const Task &task,
                                         const std::vector<std::uint32_t> *only, Sizes sizes) {
    pq::Param wanted;
    if (only != nullptr) wanted = relids_literal(*only);
    WF_ASSIGN(const pq::Rows rows, source.exec(selected_sql, {hex_patterns(task.include), hex_patterns(task.exclude),
                                                              wanted, sizes == Sizes::read ? "t" : "f"}));
    std::vector<Table> tables(static_cast<std::size_t>(rows.count()));
    for (int row = 0; row < rows.count(); ++row) {
        Table &table = tables[static_cast<std::size_t>(row)];
        table.relid = static_cast<std::uint32_t>(rows.integer(row, 0));
        table.schema = rows.text(row, 1);
        table.name = rows.text(row, 2);
        table.destination = task.names.relation(table.schema, table.name);
        table.bytes = static_cast<std::uint64_t>(rows.integer(row, 3));
        table.replica_identity = rows.view(row, 4)[0];
        table.has_identity = rows.boolean(row, 5);
    }
    return tables;
}

Result<std::vector<Table>> selected_tables(pq::Connection &source, const Task &task,
                                           const std::vector<std::uint32_t> *only, Sizes sizes) {
    WF_ASSIGN(auto tables, list_selected(source, task, only, sizes));
    ByRelid by_relid;
    std::vector<std::uint32_t> oids;
    for (Table &table : tables) {
        by_relid[table.relid] = &table;
        oids.push_back(table.relid);
    }
    const std::string relids = relids_literal(oids);
    WF_ASSIGN(const pq::Rows columns, source.exec(columns_sql, {relids}));
    for (int row = 0; row < columns.count(); ++row) {
        Table &table = *by_relid.at(columns.integer(row, 0));
        table.columns.push_back(columns.text(row, 1));
        table.types.emplace_back(columns.text(row, 3), columns.text(row, 4));
        table.stored_casts.push_back(columns.text(row, 5));
        table.binary = table.binary && columns.boolean(row, 2);
    }
    WF_TRY(read_settings(source, task, relids, by_relid));
    WF_TRY(read_destination_columns(source, task, relids, tables));
    WF_ASSIGN(const TableSections sections, find_sections(source, task, oids));
    for (Table &table : tables) {
        table.conflict = conflict_policy(task, sections, table.relid);
        WF_TRY(read_part(source, sections, table));
    }
    return tables;
}

Result<std::vector<std::string>> unmatched_patterns(pq::Connection &source, const Task &task) {
    std::vector<std::string> patterns = task.include;
    patterns.insert(patterns.end(), task.exclude.begin(), task.exclude.end());
    std::vector<std::string> names;
    for (const TableSettings &table : task.tables) names.push_back(table.name);
    for (const TableNames &table : task.names.tables()) {
        patterns.push_back(source.quote_qualified(table.source.schema, table.source.name));
    }
    WF_ASSIGN(const pq::Rows rows,
              source.exec(unmatched_sql, {pq::array_literal(patterns), tables_option(task.tables),
                                          joined_patterns(task.include), joined_patterns(task.exclude),
                                          pq::array_literal(names), destination_sections_option(task.tables)}));
    std::vector<std::string> unmatched;
    for (int row = 0; row < rows.count(); ++row) unmatched.push_back(rows.text(row, 0));
    return unmatched;
}

std::string source_rows_sql(const pq::Connection &connection, const Table &table, RowsFor purpose) {
    std::string items = purpose == RowsFor::comparison ? "xmin, ctid" : "";
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
        const std::string column = connection.quote_identifier(table.columns[i]);
        const bool computed = table.has_settings() && !table.expressions[i].empty();
        if (!items.empty()) items += ", ";
        items += computed ? "(" + table.expressions[i] + ")" : column;
        if (purpose == RowsFor::copy) {
            items += table.stored_casts[i];
        } else if (computed) {
            items += table.column_casts[i];
        }
        items += " AS " + column;
    }
    return "SELECT " + items + " FROM ONLY " + connection.quote_qualified(table.schema, table.name) +
           (table.condition.empty() ? "" : " WHERE " + table.condition);
}

std::string empty_table_sql(const pq::Connection &connection, const Table &table) {
    return "DELETE FROM ONLY " + connection.quote_qualified(table.destination.schema, table.destination.name) +
           part_clause("WHERE", table.part);
}

Result<std::string> added_columns_sql(pq::Connection &source, const std::vector<Table> &tables) {
    std::vector<std::string> oids;
    for (const Table &table : tables) {
        if (has_columns_to_add(table)) oids.push_back(std::to_string(table.relid));
    }
    if (oids.empty()) return std::string{};
    WF_ASSIGN(const pq::Rows roots, source.exec(root_sql, {pq::array_literal(oids)}));
    std::unordered_map<std::int64_t, std::string> root_of;
    for (int row = 0; row < roots.count(); ++row) root_of[roots.integer(row, 0)] = roots.text(row, 1);
    std::string sql;
    for (const Table &table : tables) {
        if (!has_columns_to_add(table)) continue;
        for (const std::string &definition : table.added_columns) {
            sql += "ALTER TABLE " + root_of.at(table.relid) + " ADD COLUMN IF NOT EXISTS " + definition + ";\n";
        }
    }
    return sql;
}

std::vector<std::string> quoted_names(const pq::Connection &connection, const std::vector<Table> &tables) {
    std::vector<std::string> names;
    for (const Table &table : tables) names.push_back(connection.quote_qualified(table.schema, table.name));
    return names;
}

std::vector<std::string> quoted_destinations(const pq::Connection &connection, const std::vector<Table> &tables) {
    std::vector<std::string> names;
    for (const Table &table : tables) {
        names.push_back(connection.quote_qualified(table.destination.schema, table.destination.name));
    }
    return names;
}

Result<void> check_names(pq::Connection &source, const Task &task) {
    if (task.names.empty()) return {};
    WF_ASSIGN(const pq::Rows rows, source.exec(taken_names_sql, {hex_patterns(task.include), hex_patterns(task.exclude),
                                                                 task.schema_stage ? "t" : "f"}));
    std::vector<QualifiedName> relations;
    for (int row = 0; row < rows.count(); ++row) relations.push_back({rows.text(row, 0), rows.text(row, 1)});
    const std::string collision = name_collision(task.names, relations);
    if (collision.empty()) return {};
    return fail(ErrorKind::state, collision,
                "Give one of them another name: \"schemas\" in [map], or \"rename\" in [[tables]].");
}

bool same_type(std::string_view schema, std::string_view name, std::string_view other_schema,
               std::string_view other_name) {
    return name == other_name && (schema == "pg_catalog") == (other_schema == "pg_catalog");
}

bool widens(std::string_view schema, std::string_view name, std::string_view wider_schema,
            std::string_view wider_name) {
    static constexpr std::pair<std::string_view, std::string_view> pairs[] = {
        {"int2", "int4"},    {"int2", "int8"},    {"int4", "int8"},   {"int2", "numeric"},
        {"int4", "numeric"}, {"int8", "numeric"}, {"varchar", "text"}};
    return schema == "pg_catalog" && wider_schema == "pg_catalog" &&
           std::find(std::begin(pairs), std::end(pairs), std::pair{name, wider_name}) != std::end(pairs);
}

std::vector<pq::Param> name_arrays(const std::vector<QualifiedName> &tables) {
    std::vector<std::string> schemas;
    std::vector<std::string> names;
    for (const QualifiedName &table : tables) {
        schemas.push_back(table.schema);
        names.push_back(table.name);
    }
    return {pq::array_literal(schemas), pq::array_literal(names)};
}

std::vector<pq::Param> destination_arrays(const std::vector<Table> &tables) {
    std::vector<QualifiedName> names;
    for (const Table &table : tables) names.push_back(table.destination);
    return name_arrays(names);
}

const char *const column_types_sql =
    "SELECT n.nspname, c.relname, a.attname, tn.nspname, t.typname"
    " FROM unnest($1::text[], $2::text[]) AS wanted (schema_name, table_name)"
    " JOIN pg_catalog.pg_namespace n ON n.nspname = wanted.schema_name"
    " JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = wanted.table_name"
    " JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
    " JOIN pg_catalog.pg_type t ON t.oid = a.atttypid JOIN pg_catalog.pg_namespace tn ON tn.oid = t.typnamespace";

Result<void> fit_column_types(const pq::Rows &rows, std::vector<Table> &tables) {
    std::map<std::tuple<std::string_view, std::string_view, std::string_view>, int> by_column;
    for (int row = 0; row < rows.count(); ++row) {
        by_column[{rows.view(row, 0), rows.view(row, 1), rows.view(row, 2)}] = row;
    }
    for (Table &table : tables) {
        if (!table.binary) continue;
        for (std::size_t i = 0; i < table.columns.size(); ++i) {
            const auto found =
                by_column.find({table.destination.schema, table.destination.name, table.destination_columns[i]});
            if (found == by_column.end()) continue;  // COPY will say so
            const auto &[type_schema, type_name] = table.types[i];
            const int row = found->second;
            if (same_type(type_schema, type_name, rows.view(row, 3), rows.view(row, 4))) continue;
            if (widens(type_schema, type_name, rows.view(row, 3), rows.view(row, 4))) {
                table.binary = false;
                continue;
            }
            return fail(Error{ErrorKind::state,
                              Side::destination,
                              "42804",
                              "column \"" + table.destination_columns[i] + "\" of table " + table.destination.text() +
                                  " is of type " + rows.text(row, 3) + "." + rows.text(row, 4) +
                                  ", at the source it is " + type_schema + "." + type_name,
                              {},
                              "Make the destination's tables as the source's are, or let the schema stage make them.",
                              {}});
        }
    }
    return {};
}

Result<void> check_column_types(pq::Connection &destination, std::vector<Table> tables) {
    WF_ASSIGN(const pq::Rows types, destination.exec(column_types_sql, destination_arrays(tables)));
    return fit_column_types(types, tables);
}

}  // namespace walferry
