// SPDX-License-Identifier: PostgreSQL
#include "apply/session.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "apply/explain.h"
#include "base/failpoint.h"
#include "checkpoint/bookkeeping.h"
#include "pq/origin.h"

namespace walferry {

namespace {

// Answers that may be outstanding before they are read: bounds libpq's memory.
constexpr std::size_t owed_max = 1024;

// From how many rows on a batch, and then a COPY, is the cheapest form: docs/architecture.md has what was measured. A COPY
// leaves the pipeline besides, which costs two round trips.
constexpr std::size_t batch_min = 5;
constexpr std::size_t copy_min = 2500;
// Where a batch's parameter, and a part of a COPY's data, are cut.
constexpr std::size_t batch_bytes_max = std::size_t{8} << 20;
constexpr std::size_t copy_part = std::size_t{64} << 10;

constexpr Oid int8_type = 20;  // in every cluster: pg_type.dat

// Whether the row that an update or delete is about can be told.
bool finds_row(const Change &change, Match match) {
    switch (match) {
        case Match::none:
            return false;
        case Match::key:
            return change.kind == ChangeKind::update || change.old_kind != OldTuple::none;
        case Match::primary_key:
        case Match::row:
            return change.old_kind == OldTuple::row;
    }
    return false;
}

}  // namespace

Result<std::unique_ptr<Session>> Session::open(pq::ConnectOptions options, std::string task, const NameMap &names) {
    WF_ASSIGN(auto connection, pq::Connection::open(options));
    std::unique_ptr<Session> session(new Session(std::move(options), std::move(task), names, std::move(connection)));
    WF_TRY(session->set_up());
    return session;
}

Result<void> Session::set_up() {
    WF_TRY(pipeline_.enter());
    WF_TRY(pipeline_.send(lock_worker_sql, std::vector<pq::Param>{task_}));
    WF_TRY(prepare());
    WF_TRY(pipeline_.sync());
    for (int answers = 0; answers < 1 + prepared_answers() + 1; ++answers) WF_TRY(pipeline_.read());
    return {};
}

// What every session needs: owes prepared_answers().
Result<void> Session::prepare() {
    WF_TRY(pipeline_.prepare("checkpoint", advance_checkpoint_sql, {}));
    if (has_origin()) WF_TRY(pipeline_.prepare("origin", pq::set_transaction_origin_sql, {}));
    return prepare_find_destination_table(pipeline_);
}

int Session::prepared_answers() const { return has_origin() ? 5 : 4; }

Result<const DestinationTable *> Session::find_table(const Relation &relation) {
    WF_ASSIGN(Table * table, table_of(relation));
    return &table->destination;
}

Result<FoldedGroup> Session::fold_group(const Group &group, const std::function<bool(const Relation &)> &exact) {
    std::optional<Error> error;
    auto folded = fold(group, [&](const Relation &relation) {
        if (error) return true;
        auto table = find_table(relation);
        if (table) return (*table)->fires_triggers || exact(relation);
        error = std::move(table).error();
        return true;
    });
    if (error) return fail(std::move(*error));
    return folded;
}

Result<Session::Table *> Session::table_of(const Relation &relation) {
    const auto found = tables_.find(&relation);
    if (found != tables_.end()) return &found->second;
    WF_TRY(settle());
    WF_ASSIGN(auto destination, find_destination(relation));
    return &tables_.emplace(&relation, Table{std::move(destination), {}, {}}).first->second;
}

Result<DestinationTable> Session::find_destination(const Relation &relation) {
    if (relation.kind == RelationKind::table)
        return find_destination_table(connection_, pipeline_, task_, names_, relation);
    Relation staged = relation;
    staged.name = "walferry_rewrite_" + std::to_string(relation.relid);
    std::string definitions;
    std::string columns;
    for (const Column &column : relation.columns) {
        if (!columns.empty()) {
            definitions += ", ";
            columns += ", ";
        }
        const auto name = connection_.quote_identifier(column.name);
        columns += name;
        const auto type = names_.relation(column.type_schema, column.type_name);
        definitions += name + " " + connection_.quote_qualified(type.schema, type.name);
    }
    WF_TRY(query("CREATE TEMPORARY TABLE IF NOT EXISTS " + connection_.quote_identifier(staged.name) + " (" +
                 definitions + ") ON COMMIT DROP"));
    WF_ASSIGN(const pq::Rows schema,
              query("SELECT nspname FROM pg_catalog.pg_namespace WHERE oid = pg_catalog.pg_my_temp_schema()"));
    staged.schema = schema.text(0, 0);
    WF_ASSIGN(auto table, find_destination_table(connection_, pipeline_, task_, NameMap{}, staged));
    const bool known = std::any_of(staged_rows_.begin(), staged_rows_.end(),
                                   [&](const StagedRows &rows) { return rows.name == table.name; });
    if (!known) staged_rows_.push_back({relation.rewrites, table.name, columns});
    return table;
}

Result<pq::Rows> Session::query(const std::string &sql, std::span<const pq::Param> params) {
    WF_TRY(settle());
    WF_TRY(pipeline_.send(sql, params));
    WF_TRY(pipeline_.flush());
    return pipeline_.read();
}

Result<pq::Rows> Session::query(const std::string &sql, const std::vector<Oid> &types, const pq::RawParams &params) {
    WF_TRY(settle());
    WF_TRY(pipeline_.prepare("", sql, types));
    WF_TRY(pipeline_.send_prepared("", params));
    WF_TRY(pipeline_.flush());
    WF_TRY(pipeline_.read());
    return pipeline_.read();
}

Result<pq::Rows> Session::query_outside(const std::string &sql, std::span<const pq::Param> params) {
    WF_TRY(leave_pipeline());
    auto rows = params.empty() ? connection_.exec(sql) : connection_.exec(sql, params);
    if (!rows) return rows;  // roll_back() enters the pipeline again
    WF_TRY(pipeline_.enter());
    return rows;
}

Result<void> Session::forget_tables() {
    WF_TRY(settle());
    tables_.clear();
    WF_TRY(pipeline_.send("DEALLOCATE ALL"));
    WF_TRY(prepare());
    WF_TRY(pipeline_.flush());
    for (int answers = 0; answers < 1 + prepared_answers(); ++answers) WF_TRY(pipeline_.read());
    return {};
}

Result<void> Session::drop_staged_rows(std::uint32_t relid) {
    for (const StagedRows &rows : staged_rows_) {
        if (rows.relid == relid) WF_TRY(send("DROP TABLE IF EXISTS " + rows.name));
    }
    std::erase_if(staged_rows_, [relid](const StagedRows &rows) { return rows.relid == relid; });
    return settle();
}

Result<void> Session::send(const std::string &sql) {
    WF_TRY(pipeline_.send(sql));
    return owe({});
}

Result<void> Session::send_change(const Change &change, RowCheck check) {
    return change.kind == ChangeKind::truncate ? send_truncate(change, nullptr) : send_single(change, nullptr, check);
}

Result<void> Session::send_explained(const Change &change, const Transaction &transaction) {
    return change.kind == ChangeKind::truncate ? send_truncate(change, &transaction)
                                               : send_single(change, &transaction, RowCheck::answer);
}

Result<void> Session::send_single(const Change &change, const Transaction *transaction, RowCheck check) {
    Owed owed{change.relation, &change, transaction, 1, nullptr};
    auto table = table_of(*change.relation);
    if (!table) return fail(explain(std::move(table).error(), owed));
    if (change.kind != ChangeKind::insert && !finds_row(change, (*table)->destination.match)) {
        return fail(explain(no_identity(change), owed));
    }
    values_.split(change);
    WF_ASSIGN(const Prepared *prepared, find_statement(change, **table, check));
    params_.clear();
    for (const ParamSource &source : prepared->statement.params) {
        const Value &value = source.old_tuple ? values_.old_row[source.column] : values_.new_row[source.column];
        params_.add(value.null() ? nullptr : value.data, value.null() ? 0 : value.length,
                    change.relation->columns[source.column].binary);
    }
    WF_TRY(pipeline_.send_prepared(prepared->name, params_));
    if (prepared->self_checking) owed.rows.reset();
    return owe(owed);
}

Result<std::optional<std::string>> Session::find_row(const Change &change) {
    WF_ASSIGN(Table * table, table_of(*change.relation));
    values_.split(change);
    const Statement lookup = make_lookup(change, table->destination, values_);
    pq::RawParams params;
    for (const ParamSource &source : lookup.params) {
        const Value &value = values_.new_row[source.column];
        params.add(value.null() ? nullptr : value.data, value.null() ? 0 : value.length,
                   change.relation->columns[source.column].binary);
    }
    WF_ASSIGN(const pq::Rows rows, query(lookup.sql, lookup.types, params));
    if (rows.count() == 0) return std::nullopt;
    return rows.text(0, 0);
}

Result<void> Session::send_truncate(const Change &change, const Transaction *transaction) {
    // The source names every table that it emptied, those reached by CASCADE too, so no cascade is asked for here. But
    // where only some of them are emptied, a foreign key of one that isn't here would forbid to truncate them.
    const Owed owed{change.relation, &change, transaction, {}, nullptr};
    std::string names;
    for (const Relation *relation : change.truncate->relations) {
        auto table = table_of(*relation);
        if (!table) return fail(explain(std::move(table).error(), owed));
        const DestinationTable &here = (*table)->destination;
        if (change.truncate->partial || !here.part.empty()) {
            WF_TRY(pipeline_.send("DELETE FROM ONLY " + here.name + part_clause("WHERE", here.part)));
            WF_TRY(owe(owed));
            continue;
        }
        names += (names.empty() ? "ONLY " : ", ONLY ") + here.name;
    }
    if (names.empty()) return {};
    WF_TRY(pipeline_.send(
        fmt::format("TRUNCATE {} {} IDENTITY", names, change.truncate->restart_identity ? "RESTART" : "CONTINUE")));
    return owe(owed);
}

// All that goes through the pipeline first: a COPY has to leave it.
Result<void> Session::send_net(const std::vector<FoldedTable> &tables, NetChanges FoldedTable::*part, RowCheck check) {
    std::vector<const NetChanges *> to_copy;
    for (const FoldedTable &table : tables) {
        const NetChanges &changes = table.*part;
        WF_TRY(send_list(changes.removes, check));
        WF_TRY(send_list(changes.updates, check));
        if (changes.inserts.size() >= copy_min) {
            WF_ASSIGN(const DestinationTable *here, find_table(*table.relation));
            if (can_copy(*table.relation, *here)) {
                to_copy.push_back(&changes);
                continue;
            }
        }
        WF_TRY(send_list(changes.inserts, check));
    }
    return to_copy.empty() ? Result<void>{} : copy(to_copy);
}

// Changes of one kind and table: those of one shape together.
Result<void> Session::send_list(const std::vector<Change> &changes, RowCheck check) {
    if (changes.empty()) return {};
    WF_ASSIGN(Table * table, table_of(*changes.front().relation));
    std::vector<const Change *> complete;
    std::map<std::string, std::vector<const Change *>> lacking;  // values that an update left alone, by shape
    for (const Change &change : changes) {
        if (!change.new_tuple.lacks_values()) {
            complete.push_back(&change);
            continue;
        }
        values_.split(change);
        shape_.clear();
        append_shape(shape_, change, table->destination, values_);
        lacking[shape_].push_back(&change);
    }
    WF_TRY(send_shape(complete, *table, check));
    for (const auto &[shape, alike] : lacking) WF_TRY(send_shape(alike, *table, check));
    return {};
}

Result<void> Session::send_shape(std::span<const Change *const> changes, Table &table, RowCheck check) {
    if (changes.size() >= batch_min) {
        values_.split(*changes.front());
        if (can_batch(*changes.front(), table.destination, values_)) {
            WF_ASSIGN(const PreparedBatch *batch, find_batch(*changes.front(), table, check));
            for (std::size_t at = 0; at < changes.size();) {
                const std::size_t first = at;
                array_.begin(table.destination, batch->statement.needs);
                while (at < changes.size() && array_.bytes() < batch_bytes_max) {
                    values_.split(*changes[at]);
                    array_.add(values_, *changes[at++]);
                }
                WF_TRY(send_batch(*batch, at - first, *changes.front()->relation));
            }
            return {};
        }
    }
    for (const Change *change : changes) WF_TRY(send_single(*change, nullptr, check));
    return {};
}

Result<void> Session::send_batch(const PreparedBatch &batch, std::uint64_t rows, const Relation &relation) {
    const std::string &array = array_.finish();
    params_.clear();
    params_.add(array.data(), static_cast<int>(array.size()), true);
    if (batch.self_checking) params_.add_text(std::to_string(rows));
    WF_TRY(pipeline_.send_prepared(batch.name, params_));
    return owe({&relation, nullptr, nullptr, batch.self_checking ? std::nullopt : std::optional(rows), nullptr});
}

// Requires: values_ holds the change's.
Result<Session::PreparedBatch *> Session::find_batch(const Change &change, Table &table, RowCheck check) {
    shape_ = check == RowCheck::statement ? "c" : "";
    append_shape(shape_, change, table.destination, values_);
    const auto found = table.batches.find(shape_);
    if (found != table.batches.end()) return &found->second;
    PreparedBatch &batch = table.batches[shape_];
    batch.statement = make_batch_statement(change, table.destination, values_);
    batch.name = "b" + std::to_string(next_statement_++);
    batch.self_checking = check == RowCheck::statement;
    std::vector<Oid> types = {table.destination.row_array_type};
    if (batch.self_checking) {
        batch.statement.sql = self_checking(batch.statement.sql, "$2");
        types.push_back(int8_type);
    }
    WF_TRY(pipeline_.prepare(batch.name, batch.statement.sql, types));
    WF_TRY(owe({change.relation, nullptr, nullptr, {}, &batch.confirmed}));
    return &batch;
}

Result<void> Session::copy(std::span<const NetChanges *const> tables) {
    WF_TRY(leave_pipeline());
    for (const NetChanges *changes : tables) {
        if (auto copied = copy_rows(changes->inserts); !copied) {
            failed_relation_ = changes->inserts.front().relation;
            return copied;
        }
    }
    return pipeline_.enter();
}

Result<void> Session::copy_rows(const std::vector<Change> &inserts) {
    const Relation &relation = *inserts.front().relation;
    WF_TRY(connection_.start_copy_in(copy_sql(relation, tables_.at(&relation).destination)));
    copy_data_.clear();
    append_copy_header(copy_data_);
    for (const Change &insert : inserts) {
        append_copy_row(copy_data_, insert, values_);
        if (copy_data_.size() < copy_part) continue;
        WF_TRY(connection_.put_copy(copy_data_));
        copy_data_.clear();
    }
    append_copy_trailer(copy_data_);
    WF_TRY(connection_.put_copy(copy_data_));
    WF_ASSIGN(const auto rows, connection_.finish_copy_in());
    if (rows != inserts.size()) return fail(wrong_row_count(rows));
    return {};
}

Result<void> Session::leave_pipeline() {
    WF_TRY(settle());
    WF_TRY(pipeline_.sync());
    WF_TRY(pipeline_.read());
    return pipeline_.leave();
}

Result<std::uint64_t> Session::copy_in(const std::string &sql,
                                       const std::function<Result<void>(pq::Connection &)> &put) {
    WF_TRY(leave_pipeline());
    WF_TRY(connection_.start_copy_in(sql));
    WF_TRY(put(connection_));
    WF_ASSIGN(const auto rows, connection_.finish_copy_in());
    WF_TRY(pipeline_.enter());
    return rows;
}

Result<Session::Prepared *> Session::find_statement(const Change &change, Table &table, RowCheck check) {
    shape_ = check == RowCheck::statement ? "c" : "";
    append_shape(shape_, change, table.destination, values_);
    const auto found = table.statements.find(shape_);
    if (found != table.statements.end()) return &found->second;
    Prepared &prepared = table.statements[shape_];
    prepared.statement = make_statement(change, table.destination, values_);
    prepared.name = "s" + std::to_string(next_statement_++);
    if (check == RowCheck::statement) {
        auto checking = self_checking(prepared.statement.sql, "1");
        prepared.self_checking = !checking.empty();
        if (prepared.self_checking) prepared.statement.sql = std::move(checking);
    }
    WF_TRY(pipeline_.prepare(prepared.name, prepared.statement.sql, prepared.statement.types));
    WF_TRY(owe({change.relation, nullptr, nullptr, {}, &prepared.confirmed}));
    return &prepared;
}

Result<void> Session::owe(Owed owed) {
    owed_.push_back(owed);
    if (owed_.size() < owed_max) return {};
    WF_TRY(pipeline_.flush());
    return read_owed(owed_max / 2);
}

Result<void> Session::settle() {
    if (owed_.empty()) return {};
    WF_TRY(pipeline_.flush());
    return read_owed(0);
}

// Requires: the server was asked to send the answers.
Result<void> Session::read_owed(std::size_t leave) {
    while (owed_.size() > leave) {
        const Owed owed = owed_.front();
        owed_.pop_front();
        auto rows = pipeline_.read();
        if (!rows) return fail(explain(std::move(rows).error(), owed));
        if (owed.confirms != nullptr) *owed.confirms = true;
        if (!owed.rows) continue;
        const auto count = rows->affected().value_or(*owed.rows);
        if (count != *owed.rows) return fail(explain(wrong_row_count(count), owed));
    }
    return {};
}

Error Session::explain(Error error, const Owed &owed) {
    failed_relation_ = owed.relation;
    if (owed.change == nullptr || owed.transaction == nullptr) return error;
    const auto table = tables_.find(owed.relation);
    return explain_change(std::move(error), *owed.change, *owed.transaction,
                          table == tables_.end() ? nullptr : &table->second.destination, options_);
}

Result<void> Session::commit(Lsn old_lsn, const Transaction &transaction) {
    if (std::any_of(owed_.begin(), owed_.end(), [](const Owed &owed) { return owed.rows.has_value(); }))
        WF_TRY(settle());
    const std::string old_text = old_lsn.text();
    const std::string new_text = transaction.end_lsn.text();
    const std::string time = std::to_string(transaction.commit_time);
    if (has_origin()) {
        params_.clear();
        for (const std::string *value : {&new_text, &time}) params_.add_text(*value);
        WF_TRY(pipeline_.send_prepared("origin", params_));
        WF_TRY(owe({}));
    }
    params_.clear();
    for (const std::string *value : {&task_, &old_text, &new_text, &time}) {
        params_.add_text(*value);
    }
    failpoint("before_checkpoint");
    WF_TRY(pipeline_.send_prepared("checkpoint", params_));
    WF_TRY(pipeline_.send("COMMIT"));
    WF_TRY(pipeline_.sync());
    failpoint("after_commit_sent");
    WF_TRY(read_owed(0));
    auto advanced = pipeline_.read();
    if (!advanced) {
        Error error = std::move(advanced).error();
        if (error.sqlstate != "23502") return fail(explain_commit(std::move(error), transaction));
        return fail(
            ErrorKind::state,
            "the task's checkpoint at the destination is no longer " + old_text + ": another process moved it",
            "See that only one `walferry run` of this task runs, then start it again. Nothing was applied twice.");
    }
    if (advanced->affected().value_or(0) != 1) {
        return fail(
            ErrorKind::state, "the task's checkpoint at the destination is gone",
            "Somebody has cleaned up while the task ran: begin it anew (walferry cleanup, empty the destination, "
            "walferry run).");
    }
    auto committed = pipeline_.read();
    if (!committed) return fail(explain_commit(std::move(committed).error(), transaction));
    WF_TRY(pipeline_.read());  // sync
    staged_rows_.clear();      // dropped at the commit
    failpoint("after_commit");
    return {};
}

Result<void> Session::roll_back(const std::string &sql) {
    owed_.clear();
    if (pipeline_.entered()) {
        WF_TRY(pipeline_.recover());
    } else {
        WF_TRY(pipeline_.enter());
    }
    // A temporary table may have gone with what is undone, and is made again.
    std::erase_if(tables_, [](const auto &entry) { return entry.first->kind == RelationKind::rewrite; });
    for (auto &[relation, table] : tables_) {
        const auto unknown = [](const auto &entry) { return !entry.second.confirmed; };
        std::erase_if(table.statements, unknown);
        std::erase_if(table.batches, unknown);
    }
    WF_TRY(pipeline_.send(sql));
    WF_TRY(pipeline_.flush());
    WF_TRY(pipeline_.read());
    return {};
}

}  // namespace walferry
