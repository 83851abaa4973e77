// SPDX-License-Identifier: PostgreSQL
#include "apply/statement.h"

#include <fmt/format.h>

namespace walferry {

namespace {

// Whether the update is known to have left the column as it was. (An update that changed the key sends the old one.)
bool left_alone(const Change &change, const ChangeValues &values, std::size_t column) {
    if (values.new_row[column].unchanged()) return true;
    const Column &definition = change.relation->columns[column];
    switch (change.old_kind) {
        case OldTuple::none:
            return definition.key;
        case OldTuple::key:
            return definition.key && same_bytes(values.old_row[column], values.new_row[column]);
        case OldTuple::row:
            return same_bytes(values.old_row[column], values.new_row[column]);
    }
    return false;
}

class Builder {
public:
    Builder(const Change &change, const DestinationTable &table, const ChangeValues &values)
        : change_(change), relation_(*change.relation), table_(table), values_(values) {}

    Statement insert() {
        std::string columns;
        std::string items;
        for (std::size_t i = 0; i < relation_.columns.size(); ++i) {
            if (relation_.columns[i].generated) continue;
            add_item(columns, table_.columns[i].name);
            add_item(items, param(false, i));
        }
        statement_.sql = columns.empty() ? fmt::format("INSERT INTO {} DEFAULT VALUES", table_.name)
                                         : fmt::format("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE VALUES ({})",
                                                       table_.name, columns, items);
        return std::move(statement_);
    }

    Statement update() {
        std::string sets;
        for (std::size_t i = 0; i < relation_.columns.size(); ++i) {
            if (is_set(change_, values_, i)) add_item(sets, table_.columns[i].name + " = " + param(false, i));
        }
        const std::string where = row_condition();
        // Nothing to set (all columns are key or identity): the row must be there all the same.
        statement_.sql = sets.empty() ? fmt::format("SELECT FROM ONLY {} WHERE {}", table_.name, where)
                                      : fmt::format("UPDATE ONLY {} SET {} WHERE {}", table_.name, sets, where);
        return std::move(statement_);
    }

    Statement replacement() {
        std::string columns;
        std::string items;
        for (std::size_t i = 0; i < relation_.columns.size(); ++i) {
            if (relation_.columns[i].generated) continue;
            add_item(columns, table_.columns[i].name);
            add_item(items, values_.new_row[i].unchanged() ? "gone." + table_.columns[i].name : param(false, i));
        }
        statement_.sql = fmt::format(
            "WITH gone AS (DELETE FROM ONLY {0} WHERE {1} RETURNING *)"
            " INSERT INTO {0} ({2}) OVERRIDING SYSTEM VALUE SELECT {3} FROM gone",
            table_.name, row_condition(), columns, items);
        return std::move(statement_);
    }

    Statement remove() {
        statement_.sql = fmt::format("DELETE FROM ONLY {} WHERE {}", table_.name, row_condition());
        return std::move(statement_);
    }

    Statement lookup() {
        statement_.sql =
            fmt::format("SELECT (found.*)::text FROM ONLY {} AS found WHERE {}", table_.name, key_condition(false));
        return std::move(statement_);
    }

private:
    static void add_item(std::string &list, const std::string &item) {
        if (!list.empty()) list += ", ";
        list += item;
    }

    std::string param(bool old_tuple, std::size_t column) {
        statement_.types.push_back(table_.columns[column].type);
        statement_.params.push_back({old_tuple, column});
        return "$" + std::to_string(statement_.params.size()) + table_.columns[column].cast;
    }

    std::string row_condition() {
        return table_.match == Match::row ? whole_row_condition() : key_condition(change_.old_kind != OldTuple::none);
    }

    std::string key_condition(bool from_old) {
        std::string condition;
        for (std::size_t i = 0; i < relation_.columns.size(); ++i) {
            if (!in_match(relation_.columns[i], table_.match)) continue;
            if (!condition.empty()) condition += " AND ";
            condition += fmt::format("{} {} {}", table_.columns[i].name, table_.columns[i].equals, param(from_old, i));
        }
        return condition + part_clause("AND", table_.part);
    }

    // One row, identical in every bit: `*=` compares the values' bytes, so it needs no operator of theirs and tells 1.0
    // from 1.00. The cast makes it a comparison of records: ROW() op ROW() would be one of each column. Comparing what
    // leads an index as well lets the server use that index.
    std::string whole_row_condition() {
        std::string condition;
        std::string names;
        std::string params;
        for (std::size_t i = 0; i < relation_.columns.size(); ++i) {
            const DestinationColumn &column = table_.columns[i];
            add_item(names, column.name);
            const std::string old = param(true, i);
            add_item(params, old);
            if (!column.leads_index) continue;
            condition += values_.old_row[i].null() ? fmt::format("{} IS NULL AND ", column.name)
                                                   : fmt::format("{} {} {} AND ", column.name, column.equals, old);
        }
        condition +=
            names.empty() ? "true" : fmt::format("ROW({})::record OPERATOR(pg_catalog.*=) ROW({})", names, params);
        return fmt::format("ctid = (SELECT ctid FROM ONLY {} WHERE {} LIMIT 1)", table_.name, condition);
    }

    const Change &change_;
    const Relation &relation_;
    const DestinationTable &table_;
    const ChangeValues &values_;
    Statement statement_;
};

}  // namespace

// Sets: whatever has a value of its own and is not known to be as it was. A column left alone by its bytes is left out
// only where its shape can't vary from row to row: one statement per table, not one per pattern of changed columns.
bool is_set(const Change &change, const ChangeValues &values, std::size_t column) {
    const Column &definition = change.relation->columns[column];
    if (definition.generated || values.new_row[column].unchanged()) return false;
    if (definition.identity_always) return false;  // else it would be a replacement
    if (!definition.part.empty()) return false;    // by which the row was found
    return !(definition.key && change.old_kind == OldTuple::none);
}

void ChangeValues::split(const Change &change) {
    if (change.kind != ChangeKind::remove) change.new_tuple.split(new_row);
    if (change.old_kind == OldTuple::row) {
        change.old_tuple.split(old_row);
    } else if (change.old_kind == OldTuple::key) {
        change.old_tuple.split(key_);
        const auto &columns = change.relation->columns;
        old_row.assign(columns.size(), Value{nullptr, -1});
        std::size_t next = 0;
        for (std::size_t i = 0; i < columns.size(); ++i) {
            if (columns[i].key) old_row[i] = key_[next++];
        }
    }
}

bool needs_replacement(const Change &update, const ChangeValues &values) {
    for (std::size_t i = 0; i < update.relation->columns.size(); ++i) {
        const Column &column = update.relation->columns[i];
        if (column.identity_always && !left_alone(update, values, i)) return true;
    }
    return false;
}

void append_shape(std::string &shape, const Change &change, const DestinationTable &table, const ChangeValues &values) {
    shape += static_cast<char>('0' + static_cast<int>(change.kind));
    shape += static_cast<char>('0' + static_cast<int>(change.old_kind));
    if (change.kind == ChangeKind::insert) return;
    if (change.kind == ChangeKind::update) {
        shape += needs_replacement(change, values) ? 'r' : 'u';
        for (const Value &value : values.new_row) shape += value.unchanged() ? '1' : '0';
    }
    if (table.match != Match::row) return;
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
        if (table.columns[i].leads_index) shape += values.old_row[i].null() ? '1' : '0';
    }
}

std::string self_checking(const std::string &sql, const std::string &rows) {
    if (sql.starts_with("WITH")) return {};
    const char *returning = sql.starts_with("SELECT") ? "" : " RETURNING 1";
    return fmt::format("WITH done AS ({}{}) SELECT 1 / (pg_catalog.count(*) = {})::int FROM done", sql, returning,
                       rows);
}

Statement make_lookup(const Change &change, const DestinationTable &table, const ChangeValues &values) {
    return Builder(change, table, values).lookup();
}

Statement make_statement(const Change &change, const DestinationTable &table, const ChangeValues &values) {
    Builder builder(change, table, values);
    switch (change.kind) {
        case ChangeKind::insert:
            return builder.insert();
        case ChangeKind::update:
            return needs_replacement(change, values) ? builder.replacement() : builder.update();
        case ChangeKind::remove:
            return builder.remove();
        case ChangeKind::truncate:
            break;
    }
    return {};
}

}  // namespace walferry
