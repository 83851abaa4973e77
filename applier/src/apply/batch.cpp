// SPDX-License-Identifier: PostgreSQL
#include "apply/batch.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"

namespace walferry {

namespace {

void add_item(std::string &list, const std::string &item, const char *separator = ", ") {
    if (!list.empty()) list += separator;
    list += item;
}

// Columns whose values the statement writes, and those that tell it the row.
bool is_written(const Change &change, const ChangeValues &values, std::size_t column) {
    switch (change.kind) {
        case ChangeKind::insert:
            return !change.relation->columns[column].generated;
        case ChangeKind::update:
            return is_set(change, values, column);
        default:
            return false;
    }
}

bool is_matched(const Change &change, const DestinationTable &table, std::size_t column) {
    return change.kind != ChangeKind::insert && in_match(change.relation->columns[column], table.match);
}

std::vector<bool> needed_columns(const Change &change, const DestinationTable &table, const ChangeValues &values) {
    std::vector<bool> needs(change.relation->columns.size());
    for (std::size_t i = 0; i < needs.size(); ++i) {
        needs[i] = is_written(change, values, i) || is_matched(change, table, i);
    }
    return needs;
}

// One row of the table is looked up for each of the array's, whatever the server believes of their numbers: `= ANY` can't be
// turned round. With `=` it could: of a table that was analysed when it was empty, it reads the whole index, and for each row of that
// the whole array, which goes on for hours when both have grown.
std::string match_condition(const Change &change, const DestinationTable &table) {
    std::string condition;
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
        if (!is_matched(change, table, i)) continue;
        const DestinationColumn &column = table.columns[i];
        add_item(condition, fmt::format("t.{0} {1} ANY (ARRAY[n.{0}])", column.name, column.equals), " AND ");
    }
    return condition + part_clause("AND", table.part, "t");
}

void append_bytes(std::string &out, const Value &value) {
    append_integer(out, value.length);
    if (value.length > 0) out.append(value.data, static_cast<std::size_t>(value.length));
}

constexpr std::size_t array_rows_offset = 3 * sizeof(std::int32_t);

}  // namespace

bool can_batch(const Change &change, const DestinationTable &table, const ChangeValues &values) {
    if (table.row_array_type == 0) return false;
    if (change.kind == ChangeKind::update && needs_replacement(change, values)) return false;
    if (change.kind != ChangeKind::insert && !table.match_is_unique) return false;
    const auto needs = needed_columns(change, table, values);
    if (std::find(needs.begin(), needs.end(), true) == needs.end()) return false;
    for (std::size_t i = 0; i < needs.size(); ++i) {
        if (needs[i] && !change.relation->columns[i].binary) return false;
    }
    // The server checks also those that are NULL here.
    return std::all_of(table.attributes.begin(), table.attributes.end(), [&](const DestinationAttribute &attribute) {
        const bool needed = attribute.column >= 0 && needs[static_cast<std::size_t>(attribute.column)];
        return needed || attribute.accepts_null;
    });
}

BatchStatement make_batch_statement(const Change &change, const DestinationTable &table, const ChangeValues &values) {
    BatchStatement statement{{}, needed_columns(change, table, values)};
    std::string columns;
    std::string items;
    std::string sets;
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
        if (!is_written(change, values, i)) continue;
        add_item(columns, table.columns[i].name);
        add_item(items, "n." + table.columns[i].name);
        add_item(sets, fmt::format("{0} = n.{0}", table.columns[i].name));
    }
    static constexpr const char *rows = "pg_catalog.unnest($1) AS n";
    if (change.kind == ChangeKind::insert) {
        statement.sql = fmt::format("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE SELECT {} FROM {}", table.name,
                                    columns, items, rows);
        return statement;
    }
    const std::string condition = match_condition(change, table);
    if (change.kind == ChangeKind::remove) {
        statement.sql = fmt::format("DELETE FROM ONLY {} AS t USING {} WHERE {}", table.name, rows, condition);
    } else if (sets.empty()) {  // the rows must be there all the same
        statement.sql = fmt::format("SELECT FROM ONLY {} AS t, {} WHERE {}", table.name, rows, condition);
    } else {
        statement.sql = fmt::format("UPDATE ONLY {} AS t SET {} FROM {} WHERE {}", table.name, sets, rows, condition);
    }
    return statement;
}

void RowArray::begin(const DestinationTable &table, const std::vector<bool> &needs) {
    table_ = &table;
    needs_ = &needs;
    rows_ = 0;
    bytes_.clear();
    append_integer<std::int32_t>(bytes_, 1);  // dimensions
    append_integer<std::int32_t>(bytes_, 0);  // no element is NULL
    append_integer<std::uint32_t>(bytes_, table.row_type);
    append_integer<std::int32_t>(bytes_, 0);  // rows: see finish()
    append_integer<std::int32_t>(bytes_, 1);  // lower bound
}

void RowArray::add(const ChangeValues &values, const Change &change) {
    const std::size_t start = bytes_.size();
    append_integer<std::int32_t>(bytes_, 0);
    append_integer(bytes_, static_cast<std::int32_t>(table_->attributes.size()));
    for (const DestinationAttribute &attribute : table_->attributes) {
        append_integer<std::uint32_t>(bytes_, attribute.type);
        const auto column = static_cast<std::size_t>(attribute.column);
        if (attribute.column < 0 || !(*needs_)[column]) {
            append_integer<std::int32_t>(bytes_, -1);
            continue;
        }
        // Of a row that is changed the key is the old one, which has not changed but may not be in the new row.
        const bool old = change.old_kind != OldTuple::none && is_matched(change, *table_, column);
        append_bytes(bytes_, old ? values.old_row[column] : values.new_row[column]);
    }
    overwrite_integer(bytes_, start, static_cast<std::int32_t>(bytes_.size() - start - sizeof(std::int32_t)));
    ++rows_;
}

const std::string &RowArray::finish() {
    overwrite_integer(bytes_, array_rows_offset, static_cast<std::int32_t>(rows_));
    return bytes_;
}

bool can_copy(const Relation &relation, const DestinationTable &table) {
    return !relation.columns.empty() && !table.widens &&
           std::all_of(relation.columns.begin(), relation.columns.end(), [](const Column &c) { return c.binary; });
}

std::string copy_sql(const Relation &relation, const DestinationTable &table) {
    std::string columns;
    for (std::size_t i = 0; i < relation.columns.size(); ++i) {
        if (!relation.columns[i].generated) add_item(columns, table.columns[i].name);
    }
    return fmt::format("COPY {} ({}) FROM STDIN (FORMAT binary)", table.name, columns);
}

void append_copy_header(std::string &out) {
    static constexpr std::string_view signature("PGCOPY\n\377\r\n\0", 11);
    out += signature;
    append_integer<std::int32_t>(out, 0);  // flags
    append_integer<std::int32_t>(out, 0);  // no header extension
}

void append_copy_row(std::string &out, const Change &insert, ChangeValues &values) {
    const auto &columns = insert.relation->columns;
    const auto is_generated = [](const Column &column) { return column.generated; };
    const auto generated = std::count_if(columns.begin(), columns.end(), is_generated);
    if (generated == 0) {
        out += insert.new_tuple.bytes();
        return;
    }
    values.split(insert);
    append_integer(out, static_cast<std::int16_t>(columns.size() - static_cast<std::size_t>(generated)));
    for (std::size_t i = 0; i < columns.size(); ++i) {
        if (!columns[i].generated) append_bytes(out, values.new_row[i]);
    }
}

void append_copy_trailer(std::string &out) { append_integer<std::int16_t>(out, -1); }

}  // namespace walferry
