// SPDX-License-Identifier: PostgreSQL
#include "apply/conflict_replay.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <deque>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "apply/session.h"
#include "base/bytes.h"
#include "config/connections.h"
#include "decode/change.h"
#include "schema/tables.h"
#include "wire.h"

namespace walferry {

namespace {

using json = nlohmann::ordered_json;

const char *const take_sql =
    "SELECT FROM walferry.conflict WHERE task = $1::text AND id = $2::text::int8 AND outcome = 'quarantined' FOR UPDATE";
const char *const done_sql =
    "UPDATE walferry.conflict SET outcome = 'replayed' WHERE task = $1::text AND id = $2::text::int8";

// The columns, in quotes, that an UPDATE can't set.
const char *const identity_sql = R"(
SELECT '"' || pg_catalog.replace(a.attname, '"', '""') || '"' FROM pg_catalog.pg_attribute a
WHERE a.attrelid = pg_catalog.to_regclass($1::text) AND a.attidentity = 'a')";

// A record made a change again, as it came from the source, with all values as text.
struct Recorded {
    Relation relation;
    std::string old_tuple;
    std::string new_tuple;
    Change change;  // views into the others
    Transaction transaction;
};

json parse(const std::string &text) { return text.empty() ? json::object() : json::parse(text); }

void append_value(std::string &tuple, const json &values, const std::string &column) {
    const auto found = values.find(column);
    if (found == values.end() || found->is_null()) {
        append_integer(tuple, static_cast<std::int32_t>(found == values.end() ? WF_LENGTH_UNCHANGED : WF_LENGTH_NULL));
        return;
    }
    const auto &text = found->get_ref<const std::string &>();
    append_integer(tuple, static_cast<std::int32_t>(text.size()));
    tuple += text;
}

// What tells the table's rows from others' that are merged into the same one, which a record of a key alone doesn't hold. `merged`: the
// tables that are.
void add_part(const std::vector<Table> &merged, Relation &relation) {
    const auto found = std::find_if(merged.begin(), merged.end(), [&](const Table &table) {
        return table.schema == relation.schema && table.name == relation.name;
    });
    if (found == merged.end()) return;
    for (std::size_t i = 0; i < found->part.size(); ++i) {
        const std::string &name = found->columns[found->part_columns[i]];
        auto column = std::find_if(relation.columns.begin(), relation.columns.end(),
                                   [&](const Column &other) { return other.name == name; });
        if (column == relation.columns.end()) {
            Column added;
            added.name = name;
            added.binary = false;
            column = relation.columns.insert(relation.columns.end(), std::move(added));
        }
        column->part = found->part[i].value;
    }
}

Result<std::unique_ptr<Recorded>> as_change(Session &session, const Conflict &conflict,
                                            const std::vector<Table> &merged) {
    auto recorded = std::make_unique<Recorded>();
    Relation &relation = recorded->relation;
    relation.schema = conflict.schema;
    relation.name = conflict.table;
    relation.omits_columns = true;  // large values that an update has left alone
    const json key_columns = json::parse(conflict.key_columns);
    const json old_values = parse(conflict.old_values);
    const json new_values = parse(conflict.new_values);
    const auto add_column = [&](const std::string &name) {
        for (const Column &other : relation.columns) {
            if (other.name == name) return;
        }
        Column column;
        column.name = name;
        column.binary = false;
        column.key = std::find(key_columns.begin(), key_columns.end(), name) != key_columns.end();
        column.primary_key = column.key;
        if (column.key) ++relation.key_columns;
        relation.columns.push_back(std::move(column));
    };
    for (const json *values : {&new_values, &old_values}) {
        for (const auto &[name, value] : values->items()) add_column(name);
    }
    add_part(merged, relation);
    relation.replica_identity = relation.key_columns > 0 ? 'd' : 'f';
    WF_ASSIGN(const DestinationTable *table, session.find_table(relation));
    WF_ASSIGN(const pq::Rows identities, session.query(identity_sql, {table->name}));
    for (int row = 0; row < identities.count(); ++row) {
        for (std::size_t i = 0; i < relation.columns.size(); ++i) {
            if (table->columns[i].name == identities.view(row, 0)) relation.columns[i].identity_always = true;
        }
    }
    Change &change = recorded->change;
    change.relation = &relation;
    change.kind = conflict.operation == "INSERT"   ? ChangeKind::insert
                  : conflict.operation == "UPDATE" ? ChangeKind::update
                                                   : ChangeKind::remove;
    if (change.kind != ChangeKind::remove) {
        append_integer(recorded->new_tuple, static_cast<std::int16_t>(relation.columns.size()));
        bool lacks_values = false;
        for (const Column &column : relation.columns) {
            append_value(recorded->new_tuple, new_values, column.name);
            lacks_values = lacks_values || !new_values.contains(column.name);
        }
        change.new_tuple = Tuple(recorded->new_tuple, lacks_values);
    }
    if (change.kind != ChangeKind::insert) {
        const bool whole_row = relation.key_columns == 0;
        change.old_kind = whole_row ? OldTuple::row : OldTuple::key;
        append_integer(recorded->old_tuple,
                       static_cast<std::int16_t>(whole_row ? relation.columns.size() : relation.key_columns));
        for (const Column &column : relation.columns) {
            if (whole_row || column.key) append_value(recorded->old_tuple, old_values, column.name);
        }
        change.old_tuple = Tuple(recorded->old_tuple);
    }
    std::from_chars(conflict.xid.data(), conflict.xid.data() + conflict.xid.size(), recorded->transaction.xid);
    recorded->transaction.commit_lsn = Lsn::parse(conflict.lsn).value_or(Lsn{});
    return recorded;
}

// A table that the source hasn't any more may have been one of them: nobody can tell.
Result<std::vector<Table>> merged_tables(const Task &task, const std::vector<Conflict> &conflicts,
                                         const StopFlag &stop) {
    std::vector<Table> tables;
    if (!task.merges()) return tables;
    WF_ASSIGN(auto source, pq::Connection::open(control_connection(task, Side::source, "quarantine", &stop)));
    WF_ASSIGN(tables, selected_tables(source, task, nullptr, Sizes::leave_zero));
    for (const Conflict &conflict : conflicts) {
        const bool there = std::any_of(tables.begin(), tables.end(), [&](const Table &table) {
            return table.schema == conflict.schema && table.name == conflict.table;
        });
        if (there) continue;
        return fail(
            ErrorKind::state,
            fmt::format("the source has no table {}.{} any more, by which to tell its rows from others' that may "
                        "be merged with them",
                        conflict.schema, conflict.table),
            fmt::format("Drop the record: walferry quarantine drop {} {}", task.file, conflict.id));
    }
    return tables;
}

// False: it doesn't wait any more.
Result<bool> replay(Session &session, const std::string &task, const Conflict &conflict,
                    const std::vector<Table> &merged, std::deque<std::unique_ptr<Recorded>> &kept) {
    const std::string id = std::to_string(conflict.id);
    WF_TRY(session.send("BEGIN"));
    WF_ASSIGN(const pq::Rows taken, session.query(take_sql, {task, id}));
    if (taken.count() == 0) {
        WF_TRY(session.query("ROLLBACK"));
        return false;
    }
    WF_ASSIGN(auto recorded, as_change(session, conflict, merged));
    kept.push_back(std::move(recorded));  // the session knows the relation by its address
    WF_TRY(session.send_explained(kept.back()->change, kept.back()->transaction));
    WF_TRY(session.settle());
    WF_TRY(session.query(done_sql, {task, id}));
    WF_TRY(session.query("COMMIT"));
    return true;
}

}  // namespace

Result<void> replay_quarantined(const Task &task, std::optional<std::int64_t> id, const StopFlag &stop,
                                const std::function<void(const Conflict &)> &replayed) {
    auto options = apply_connection(task, "quarantine", "UTF8", &stop);
    WF_ASSIGN(auto destination, pq::Connection::open(options));
    WF_ASSIGN(const auto conflicts, list_conflicts(destination, task.name, WhichConflicts::quarantined, id));
    if (id && conflicts.empty()) {
        return fail(ErrorKind::state,
                    fmt::format("change {} of task \"{}\" does not wait in quarantine", *id, task.name),
                    "\"walferry quarantine list FILE\" shows those that do.");
    }
    WF_ASSIGN(const std::vector<Table> merged, merged_tables(task, conflicts, stop));
    WF_ASSIGN(const auto session, Session::open(options, task.name, task.names));
    std::deque<std::unique_ptr<Recorded>> kept;
    for (const Conflict &conflict : conflicts) {
        auto done = replay(*session, task.name, conflict, merged, kept);
        if (!done) {
            return fail(std::move(done).error().with_context(fmt::format("change {} in quarantine", conflict.id)));
        }
        if (*done) replayed(conflict);
    }
    return {};
}

}  // namespace walferry
