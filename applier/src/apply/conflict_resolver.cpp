// SPDX-License-Identifier: PostgreSQL
#include "apply/conflict_resolver.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "apply/explain.h"
#include "apply/row_key.h"
#include "checkpoint/conflicts.h"
#include "config/connections.h"
#include "pq/array.h"
#include "schema/sections.h"

namespace walferry {

namespace {

constexpr const char *set_savepoint = "SAVEPOINT change";
constexpr const char *release_savepoint = "RELEASE SAVEPOINT change";
constexpr const char *back_to_savepoint = "ROLLBACK TO SAVEPOINT change";

constexpr Oid text_type = 25;  // in every cluster: pg_type.dat
constexpr Oid text_array_type = 1009;

// The columns of a tuple as a JSON object of texts, in SQL over parameters that it adds.
class ValuesAsJson {
public:
    ValuesAsJson(const DestinationTable &table, const Relation &relation, std::vector<Oid> &types,
                 pq::RawParams &params)
        : table_(table), relation_(relation), types_(types), params_(params) {}

    // `wanted`: whether a column has a value there.
    template <class Wanted>
    std::string sql(const std::vector<Value> &values, Wanted wanted) {
        std::vector<std::string> names;
        std::string items;
        for (std::size_t i = 0; i < relation_.columns.size(); ++i) {
            const Value &value = values[i];
            if (value.unchanged() || !wanted(relation_.columns[i])) continue;
            names.push_back(relation_.columns[i].name);
            if (!items.empty()) items += ", ";
            // By the type's output function: a cast to text says otherwise for some.
            items += value.null()
                         ? "NULL"
                         : "pg_catalog.format('%s', " +
                               param(table_.columns[i].type, value.data, value.length, relation_.columns[i].binary) +
                               ")";
        }
        const std::string list = pq::array_literal(names);
        return "pg_catalog.jsonb_object(" + param(text_array_type, list.data(), static_cast<int>(list.size()), false) +
               ", ARRAY[" + items + "]::text[])";
    }

private:
    std::string param(Oid type, const char *data, int length, bool binary) {
        types_.push_back(type);
        params_.add(data, length, binary);
        return "$" + std::to_string(types_.size());
    }

    const DestinationTable &table_;
    const Relation &relation_;
    std::vector<Oid> &types_;
    pq::RawParams &params_;
};

const char *outcome_of(ConflictAction action) {
    switch (action) {
        case ConflictAction::overwrite:
            return "overwritten";
        case ConflictAction::quarantine:
            return "quarantined";
        case ConflictAction::skip:
        case ConflictAction::stop:
            break;
    }
    return "skipped";
}

}  // namespace

Result<const ConflictPolicy *> ConflictResolver::policy_of(Session &session, const Relation &relation) {
    if (!task_.has_destination_sections()) return &task_.conflict;
    const auto found = policies_.find(relation.relid);
    if (found != policies_.end()) return &found->second;
    WF_ASSIGN(auto source, pq::Connection::open(data_connection(task_, Side::source, "conflict", encoding_, &stop_)));
    WF_ASSIGN(const TableSections sections, find_sections(source, task_, {relation.relid}));
    const auto found_section = sections.find(relation.relid);
    const TableSettings *section = found_section == sections.end() ? nullptr : found_section->second;
    if (found_section == sections.end()) {  // it is gone there, but not yet here
        const QualifiedName here = task_.names.relation(relation.schema, relation.name);
        WF_ASSIGN(const pq::Rows above, session.query(lineage_sql, {session.quote_qualified(here.schema, here.name)}));
        WF_ASSIGN(section, find_section(source, task_, source_names(above, task_.names)));
    }
    return &policies_.emplace(relation.relid, conflict_policy(task_, section)).first->second;
}

// The relation with columns by which a row is found: those of its replica identity, else its primary key. Null: it has none.
const Relation *ConflictResolver::with_key(const Relation &relation) {
    if (relation.key_columns > 0) return &relation;
    std::unique_ptr<const Relation> &kept = with_primary_key_[&relation];
    if (!kept) {
        auto keyed = std::make_unique<Relation>(relation);
        for (Column &column : keyed->columns) {
            column.key = column.primary_key;
            if (column.key) ++keyed->key_columns;
        }
        kept = std::move(keyed);
    }
    return kept->key_columns > 0 ? kept.get() : nullptr;
}

Result<void> ConflictResolver::apply(Session &session, const Change &change, const Transaction &transaction) {
    if (change.kind == ChangeKind::truncate || change.relation->kind != RelationKind::table) {
        return session.send_explained(change, transaction);
    }
    WF_ASSIGN(const ConflictPolicy *policy, policy_of(session, *change.relation));
    if (policy->only_stops()) return session.send_explained(change, transaction);
    std::vector<Met> overwritten;
    for (Change tried = change;;) {
        auto applied = try_change(session, tried);
        if (applied) break;
        WF_ASSIGN(auto met, classify(session, tried, applied.error()));
        const auto refuse = [&](Error error) { return fail(session.explained(std::move(error), change, transaction)); };
        if (!met) return refuse(std::move(applied).error());
        const ConflictAction action = policy->action(met->kind);
        if (action == ConflictAction::stop) return refuse(std::move(met->error));
        if (action != ConflictAction::overwrite) return record(session, change, transaction, *met, action);
        const auto next = overwriting(tried, met->kind);
        if (!next) {
            return refuse(std::move(met->error)
                              .with_detail("It can't be inserted in its place: the update has left large values alone, "
                                           "which therefore didn't come with it."));
        }
        // Somebody makes and removes the row faster than we look.
        const bool again = std::any_of(overwritten.begin(), overwritten.end(),
                                       [&](const Met &other) { return other.kind == met->kind; });
        if (again) return refuse(std::move(met->error));
        overwritten.push_back(std::move(*met));
        tried = *next;
    }
    for (const Met &met : overwritten) {
        WF_TRY(record(session, change, transaction, met, ConflictAction::overwrite));
    }
    return {};
}

// After an error nothing is left of it, if it may be a conflict.
Result<void> ConflictResolver::try_change(Session &session, const Change &change) {
    const auto apply = [&]() -> Result<void> {
        WF_TRY(session.send(set_savepoint));
        WF_TRY(session.send_change(change, RowCheck::answer));
        return session.settle();  // what was about no row has not failed for the server
    };
    auto applied = apply();
    if (applied) return session.send(release_savepoint);
    if (applied.error().kind != ErrorKind::server && applied.error().kind != ErrorKind::conflict) return applied;
    WF_TRY(session.roll_back(back_to_savepoint));
    WF_TRY(session.send(release_savepoint));
    return applied;
}

Result<std::optional<ConflictResolver::Met>> ConflictResolver::classify(Session &session, const Change &change,
                                                                        const Error &error) {
    const std::string &state = error.sqlstate;
    if (state == no_such_row) {
        if (change.kind == ChangeKind::insert) return std::nullopt;
        const bool update = change.kind == ChangeKind::update;
        return Met{update ? ConflictKind::update_missing : ConflictKind::delete_missing, {}, error};
    }
    if (!state.starts_with("23")) return std::nullopt;  // integrity constraint violation
    if (state == "23505" && change.kind == ChangeKind::insert) {
        if (const Relation *relation = with_key(*change.relation)) {
            Change keyed = change;
            keyed.relation = relation;
            WF_ASSIGN(auto row, session.find_row(keyed));
            if (row) return Met{ConflictKind::insert_exists, std::move(*row), error};
        }
    }
    return Met{ConflictKind::constraint_violation, {}, error};
}

// What makes the destination's row the source's. Nothing: the change doesn't know all of it.
std::optional<Change> ConflictResolver::overwriting(const Change &change, ConflictKind kind) {
    Change other = change;
    other.old_kind = OldTuple::none;
    if (kind == ConflictKind::insert_exists) {
        other.kind = ChangeKind::update;
        other.relation = with_key(*change.relation);
        return other;
    }
    if (change.new_tuple.lacks_values()) return std::nullopt;
    other.kind = ChangeKind::insert;
    return other;
}

Result<void> ConflictResolver::record(Session &session, const Change &change, const Transaction &transaction,
                                      const Met &met, ConflictAction action) {
    const Relation &relation = *change.relation;
    WF_ASSIGN(const DestinationTable *table, session.find_table(relation));
    ChangeValues values;
    values.split(change);
    std::vector<std::string> key_columns;
    for (const Column &column : relation.columns) {
        if (tells_rows_apart(relation, column)) key_columns.push_back(column.name);
    }
    const std::string key_list = pq::array_literal(key_columns);
    const std::string xid = std::to_string(transaction.xid);
    const std::string lsn = transaction.commit_lsn.text();
    const std::string time = std::to_string(transaction.commit_time);
    std::vector<Oid> types;
    pq::RawParams params;
    const auto add = [&](std::string_view text, bool known = true) {
        types.push_back(text_type);
        known ? params.add_text(text) : params.add(nullptr, 0, false);
    };
    const bool committed = transaction.commit_lsn.valid();
    add(task_.name);
    add(lsn, committed);
    add(xid, transaction.xid != 0);
    add(time, committed);
    add(relation.schema);
    add(relation.name);
    add(operation_name(change.kind));
    add(to_string(met.kind));
    add(outcome_of(action));
    add(key_list);
    add(met.local_row, !met.local_row.empty());
    add(met.error.sqlstate);
    add(met.error.message);
    ValuesAsJson json(*table, relation, types, params);
    const bool has_new = change.kind != ChangeKind::remove;
    std::string old_values = "NULL::jsonb";
    if (change.old_kind != OldTuple::none) {
        old_values = json.sql(values.old_row,
                              [&](const Column &column) { return change.old_kind == OldTuple::row || column.key; });
    } else if (change.kind == ChangeKind::update) {  // which has left its key alone
        old_values = json.sql(values.new_row, [](const Column &column) { return column.key; });
    }
    const std::string new_values =
        has_new ? json.sql(values.new_row, [](const Column &column) { return !column.generated; }) : "NULL::jsonb";
    WF_TRY(session.query(
        "INSERT INTO walferry.conflict (task, lsn, xid, commit_time, schema_name, table_name, operation, kind, outcome,"
        " key_columns, local_row, sqlstate, reason, old_values, new_values)"
        " VALUES ($1, $2::pg_lsn, $3::xid8,"
        " '2000-01-01 00:00:00+00'::timestamptz + $4::float8 * interval '1 microsecond',"
        " $5, $6, $7, $8, $9, $10::text[], $11, $12, $13, " +
            old_values + ", " + new_values + ")",
        types, params));
    WF_TRY(session.query(count_conflicts_sql, {task_.name, to_string(met.kind), to_string(action), "1"}));
    lacks_lsn_ = lacks_lsn_ || (transaction.xid != 0 && !committed);
    spdlog::warn("conflict ({}) of an {} in {}.{}: {}", to_string(met.kind), operation_name(change.kind),
                 relation.schema, relation.name, outcome_of(action));
    return {};
}

Result<void> ConflictResolver::complete(Session &session, const Transaction &transaction) {
    if (!std::exchange(lacks_lsn_, false)) return {};
    WF_TRY(session.query(complete_conflicts_sql,
                         {task_.name, std::to_string(transaction.xid), transaction.commit_lsn.text(),
                          std::to_string(transaction.commit_time)}));
    return {};
}

}  // namespace walferry
