// SPDX-License-Identifier: PostgreSQL
#include "verify/table_shape.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "pq/array.h"

namespace walferry {

namespace {

// Per table and column, in order; a table that isn't there has no row. $1 schemas, $2 names. The last column says what orders the
// values in the key's index: the operator class, and of texts all that tells one collation from another, whose names differ between
// versions; NULL where the operators can't be had by their names alone.
const std::string columns_sql = std::string(R"(
SELECT w.place, a.attname, pg_catalog.format_type(a.atttypid, -1), )") +
                                stored_cast_sql + R"(,
       (WITH RECURSIVE base (type, next) AS (
            SELECT oid, typbasetype FROM pg_catalog.pg_type WHERE oid = a.atttypid
            UNION ALL SELECT t.oid, t.typbasetype FROM base JOIN pg_catalog.pg_type t ON t.oid = base.next)
        SELECT type = 'pg_catalog.bytea'::pg_catalog.regtype FROM base WHERE next = 0), )" +
                                equality_operator_sql + R"(,
       k.place, pg_catalog.format('%I.%I', n.nspname, c.relname), a.attgenerated = '',
       pg_catalog.pg_relation_filenode(c.oid),
       (SELECT pg_catalog.concat_ws(' ', o.opcname, (
            SELECT pg_catalog.concat_ws(' ', s->>'collprovider', s->>'collcollate', s->>'colliculocale', s->>'colllocale',
                                        s->>'collversion', d->>'encoding', d->>'datlocprovider', d->>'datcollate',
                                        d->>'daticulocale', d->>'datlocale', d->>'datcollversion')
            FROM pg_catalog.pg_collation c, pg_catalog.to_jsonb(c) AS s, pg_catalog.pg_database b, pg_catalog.to_jsonb(b) AS d
            WHERE c.oid = (key.indcollation::pg_catalog.oid[])[k.place - 1]
              AND b.datname = pg_catalog.current_database()))
        FROM pg_catalog.pg_opclass o JOIN pg_catalog.pg_am m ON m.oid = o.opcmethod
        WHERE o.oid = (key.indclass::pg_catalog.oid[])[k.place - 1] AND o.opcdefault AND m.amname = 'btree'
          AND o.opcnamespace = 'pg_catalog'::pg_catalog.regnamespace)
FROM unnest($1::pg_catalog.text[], $2::pg_catalog.text[]) WITH ORDINALITY AS w (schema_name, table_name, place)
JOIN pg_catalog.pg_namespace n ON n.nspname = w.schema_name
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = w.table_name AND c.relkind = 'r'
LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN LATERAL (
    SELECT i.indkey, i.indnkeyatts, i.indclass, i.indcollation FROM pg_catalog.pg_index i
    WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indimmediate AND i.indpred IS NULL
      AND i.indexprs IS NULL
      AND NOT EXISTS (SELECT FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, place)
                      JOIN pg_catalog.pg_attribute ka ON ka.attrelid = i.indrelid AND ka.attnum = k.attnum
                      WHERE k.place <= i.indnkeyatts AND NOT ka.attnotnull)
    ORDER BY i.indisprimary DESC, i.indisreplident DESC, i.indnkeyatts, i.indexrelid LIMIT 1) key ON true
LEFT JOIN LATERAL (
    SELECT k.place::pg_catalog.int4 FROM unnest(key.indkey::int2[]) WITH ORDINALITY AS k (attnum, place)
    WHERE k.attnum = a.attnum AND k.place <= key.indnkeyatts LIMIT 1) k ON true
ORDER BY w.place, a.attnum)";

struct ColumnShape {
    std::string value;
    std::string output;
    KeyColumn key;
    std::int64_t key_place = 0;  // from 1; 0: not in the key
    std::string key_order;       // what orders it in the key's index; empty: something that is not known everywhere
};

// Per table that exists: its columns by name, and their order.
struct Read {
    std::string display;
    std::string file;
    std::vector<std::string> order;
    std::map<std::string, ColumnShape> columns;
};

Result<std::map<std::size_t, Read>> read_side(pq::Connection &connection, const std::vector<QualifiedName> &tables) {
    WF_ASSIGN(const pq::Rows rows, connection.exec(columns_sql, name_arrays(tables)));
    std::map<std::size_t, Read> out;
    for (int row = 0; row < rows.count(); ++row) {
        Read &read = out[static_cast<std::size_t>(rows.integer(row, 0)) - 1];
        read.display = rows.text(row, 7);
        read.file = rows.text(row, 9);
        if (rows.null(row, 1)) continue;
        const std::string column = "t." + connection.quote_identifier(rows.view(row, 1));
        ColumnShape shape;
        // A large value of bytes may have a text that is larger than any text may be.
        shape.output = rows.boolean(row, 8) ? column + rows.text(row, 3) : "";
        shape.value = rows.boolean(row, 4) ? "pg_catalog.sha256(" + column + ")" : column + rows.text(row, 3);
        shape.key = {column, rows.text(row, 2), rows.text(row, 5)};
        shape.key_place = rows.integer(row, 6);
        shape.key_order = rows.text(row, 10);
        read.order.push_back(rows.text(row, 1));
        read.columns.emplace(rows.text(row, 1), std::move(shape));
    }
    return out;
}

TableShape source_shape(const pq::Connection &source, const NameMap &names, const Table &table, const Read &read) {
    TableShape shape;
    shape.schema = table.schema;
    shape.name = table.name;
    shape.display = read.display;
    shape.bytes = table.bytes;
    shape.source.file = read.file;
    shape.source.name = source.quote_qualified(table.schema, table.name);
    shape.source.rows = table.has_settings() ? "(" + source_rows_sql(source, table, RowsFor::comparison) + ")"
                                             : "ONLY " + shape.source.name;
    std::map<std::int64_t, std::size_t> key;
    const auto &columns = table.has_settings() ? table.columns : read.order;
    for (std::size_t i = 0; i < columns.size(); ++i) {
        const auto column = read.columns.find(columns[i]);
        if (column == read.columns.end()) {  // settings have added it
            shape.source.values.push_back("t." + source.quote_identifier(columns[i]) + table.stored_casts[i]);
            shape.source.outputs.push_back(shape.source.values.back());
        } else {
            if (column->second.key_place > 0) key[column->second.key_place] = i;
            shape.source.values.push_back(column->second.value);
            shape.source.outputs.push_back(column->second.output);
        }
        shape.columns.push_back(columns[i]);
        shape.destination_columns.push_back(names.column(table.lineage, columns[i]));
    }
    // A key that isn't sent as a whole tells no row.
    if (std::count_if(read.columns.begin(), read.columns.end(),
                      [](const auto &column) { return column.second.key_place > 0; }) != std::ssize(key)) {
        key.clear();
    }
    for (const auto &[order, place] : key) {
        shape.key.push_back(place);
        shape.source.key.push_back(read.columns.at(shape.columns[place]).key);
    }
    return shape;
}

// Whether the key's index has the rows in one order on both sides.
bool is_ordered(const TableShape &shape, const Table &table, const Read &source, const Read &destination) {
    for (std::size_t i = 0; i < shape.key.size(); ++i) {
        const std::size_t place = shape.key[i];
        const ColumnShape &there = source.columns.at(shape.columns[place]);
        const ColumnShape &here = destination.columns.at(shape.destination_columns[place]);
        if (there.key_order.empty() || there.key_order != here.key_order) return false;
        if (here.key_place != static_cast<std::int64_t>(i) + 1) return false;
        if (table.has_settings() && !table.expressions[place].empty()) return false;  // computed: no index has it
    }
    return !shape.key.empty();
}

void add_destination(const pq::Connection &destination, const Table &table, const Read &source, const Read *read,
                     TableShape &shape) {
    if (read == nullptr) {
        shape.problem = "the destination has no such table";
        return;
    }
    shape.destination.name = destination.quote_qualified(table.destination.schema, table.destination.name);
    shape.destination.file = read->file;
    shape.destination.rows = table.part.empty() ? "ONLY " + shape.destination.name
                                                : fmt::format("(SELECT xmin, ctid, * FROM ONLY {}{})",
                                                              shape.destination.name, part_clause("WHERE", table.part));
    auto rest = read->columns;
    std::vector<std::string> missing;
    for (const std::string &column_name : shape.destination_columns) {
        const auto column = read->columns.find(column_name);
        if (column == read->columns.end()) {
            missing.push_back(column_name);
            continue;
        }
        shape.destination.values.push_back(column->second.value);
        shape.destination.outputs.push_back(column->second.output);
        rest.erase(column_name);
    }
    for (const auto &[extra, column] : rest) shape.extra_columns.push_back(extra);
    if (!missing.empty()) {
        shape.problem = fmt::format("the destination lacks columns: {}", fmt::join(missing, ", "));
        return;
    }
    for (const std::size_t place : shape.key) {
        shape.destination.key.push_back(read->columns.at(shape.destination_columns[place]).key);
    }
    shape.ordered = is_ordered(shape, table, source, *read);
}

std::string in_common_encoding(std::string text, bool same_encoding) {
    if (same_encoding) return text;
    return "pg_catalog.encode(pg_catalog.convert_to(" + text + ", 'UTF8'), 'hex')";
}

}  // namespace

Result<std::vector<TableShape>> read_shapes(pq::Connection &source, pq::Connection &destination, const NameMap &names,
                                            const std::vector<Table> &tables) {
    std::vector<QualifiedName> there;
    std::vector<QualifiedName> here;
    for (const Table &table : tables) {
        there.push_back({table.schema, table.name});
        here.push_back(table.destination);
    }
    WF_ASSIGN(const auto at_source, read_side(source, there));
    WF_ASSIGN(const auto at_destination, read_side(destination, here));
    std::vector<TableShape> shapes;
    for (const auto &[place, read] : at_source) {  // one that is gone by now is no table of the task any more
        const auto found = at_destination.find(place);
        TableShape shape = source_shape(source, names, tables[place], read);
        add_destination(destination, tables[place], read, found == at_destination.end() ? nullptr : &found->second,
                        shape);
        shapes.push_back(std::move(shape));
    }
    return shapes;
}

std::string row_text(const SideShape &side, bool same_encoding) {
    return in_common_encoding(fmt::format("ROW({})::pg_catalog.text", fmt::join(side.values, ", ")), same_encoding);
}

std::string key_text(const SideShape &side, bool same_encoding) {
    std::vector<std::string> names;
    for (const KeyColumn &column : side.key) names.push_back(column.name);
    return in_common_encoding(fmt::format("ROW({})::pg_catalog.text", fmt::join(names, ", ")), same_encoding);
}

std::string hash_of(const std::string &text, int seed) {
    return fmt::format("pg_catalog.hashtextextended(({}) COLLATE pg_catalog.\"C\", {})", text, seed);
}

}  // namespace walferry
