// SPDX-License-Identifier: PostgreSQL
#include "apply/worker.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "base/failpoint.h"
#include "checkpoint/bookkeeping.h"

namespace walferry {

namespace {

// Answers that may be outstanding before they are read: bounds libpq's memory.
constexpr std::size_t owed_max = 1024;

const char *to_string(ChangeKind kind) {
    switch (kind) {
        case ChangeKind::insert:
            return "INSERT";
        case ChangeKind::update:
            return "UPDATE";
        case ChangeKind::remove:
            return "DELETE";
        case ChangeKind::truncate:
            return "TRUNCATE";
    }
    return "";
}

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

Worker::Worker(pq::ConnectOptions options, std::string task, Lsn checkpoint, Ring<Group> &groups, Doorbell &bell,
               Positions &positions)
    : options_(std::move(options)),
      task_(std::move(task)),
      checkpoint_(checkpoint),
      groups_(groups),
      bell_(bell),
      positions_(positions) {}

Worker::~Worker() = default;

Result<void> Worker::run(const StopFlag &stop) {
    WF_TRY(connect());
    while (!stop.requested()) {
        const auto seen = bell_.count();
        group_ = groups_.try_pop();
        if (group_) {
            WF_TRY(apply(*group_));
        } else if (!stop.requested()) {
            bell_.wait(seen);
        }
    }
    return {};
}

Result<void> Worker::connect() {
    owed_.clear();
    session_.reset();
    WF_ASSIGN(auto connection, pq::Connection::open(options_));
    session_ = std::make_unique<Session>(std::move(connection));
    WF_TRY(session_->pipeline.enter());
    // A predecessor's backend may not have ended yet, and may still commit: see wait_for_workers().
    WF_TRY(session_->pipeline.send(lock_worker_sql, std::vector<pq::Param>{task_}));
    WF_TRY(session_->pipeline.prepare("checkpoint", advance_checkpoint_sql, {}));
    WF_TRY(session_->pipeline.sync());
    for (int answers = 0; answers < 3; ++answers) WF_TRY(session_->pipeline.read());
    return {};
}

Result<void> Worker::apply(const Group &group) {
    const std::size_t count = group.transactions.size();
    auto applied = apply_transactions(group, 0, count, group.first_piece, group.last_piece);
    if (applied || !group.whole() || count == 1 || applied.error().kind != ErrorKind::conflict) return applied;

    spdlog::debug("a group of {} transactions failed, applying them one by one", count);
    for (std::size_t i = 0; i < count; ++i) {
        WF_TRY(connect());
        WF_TRY(apply_transactions(group, i, i + 1, true, true));
    }
    return {};
}

Result<void> Worker::apply_transactions(const Group &group, std::size_t first, std::size_t last, bool begin,
                                        bool commit_too) {
    if (begin) {
        WF_TRY(session_->pipeline.send("BEGIN"));
        owed_.push_back({});
        changes_sent_ = 0;
    }
    for (std::size_t i = first; i < last; ++i) {
        const GroupTransaction &transaction = group.transactions[i];
        for (std::size_t at = transaction.first_change; at < group.end_of(i); ++at) {
            const Change &change = group.changes[at].change;
            auto sent = change.kind == ChangeKind::truncate ? send_truncate(change, transaction)
                                                            : send_change(change, transaction);
            if (!sent) return sent;
            ++changes_sent_;
            if (owed_.size() >= owed_max) WF_TRY(read_owed(owed_max / 2));
        }
    }
    WF_TRY(read_owed(0));
    if (!commit_too) return {};
    WF_TRY(commit(group.transactions[last - 1]));
    positions_.transactions.fetch_add(last - first, std::memory_order_relaxed);
    return {};
}

Result<void> Worker::send_change(const Change &change, const GroupTransaction &transaction) {
    auto table = find_table(*change.relation);
    if (!table) return fail(explain(std::move(table).error(), change, transaction));
    if (change.kind != ChangeKind::insert && !finds_row(change, (*table)->destination.match)) {
        const std::string name = change.relation->qualified_name();
        return fail(explain(
            Error{
                ErrorKind::conflict,
                Side::source,
                {},
                "table " + name + " has no replica identity",
                fmt::format("Without one, the source's log does not tell which row this {} changed.",
                            to_string(change.kind)),
                "At the source, add a primary key or run ALTER TABLE ... REPLICA IDENTITY FULL, so that later changes "
                "can be replicated. This one can't be: begin the task anew (walferry cleanup, empty the "
                "destination, walferry run), or exclude the table.",
                {}},
            change, transaction));
    }
    values_.split(change);
    WF_ASSIGN(const Prepared *prepared, find_statement(change, **table, transaction));
    params_.clear();
    for (const ParamSource &source : prepared->statement.params) {
        const Value &value = source.old_tuple ? values_.old_row[source.column] : values_.new_row[source.column];
        params_.add(value.null() ? nullptr : value.data, value.null() ? 0 : value.length,
                    change.relation->columns[source.column].binary);
    }
    WF_TRY(session_->pipeline.send_prepared(prepared->name, params_));
    owed_.push_back({&change, &transaction, true});
    return {};
}

Result<void> Worker::send_truncate(const Change &change, const GroupTransaction &transaction) {
    // The source names every table that it emptied, those reached by CASCADE too, so no cascade is asked for here.
    std::string names;
    for (const Relation *relation : change.truncate->relations) {
        auto table = find_table(*relation);
        if (!table) return fail(explain(std::move(table).error(), change, transaction));
        if (!names.empty()) names += ", ";
        names += "ONLY " + (*table)->destination.name;
    }
    WF_TRY(session_->pipeline.send(
        fmt::format("TRUNCATE {} {} IDENTITY", names, change.truncate->restart_identity ? "RESTART" : "CONTINUE")));
    owed_.push_back({&change, &transaction, false});
    return {};
}

Result<Worker::Table *> Worker::find_table(const Relation &relation) {
    const auto found = session_->tables.find(&relation);
    if (found != session_->tables.end()) return &found->second;
    WF_TRY(read_owed(0));
    WF_ASSIGN(auto destination, find_destination_table(session_->connection, session_->pipeline, relation));
    return &session_->tables.emplace(&relation, Table{std::move(destination), {}}).first->second;
}

Result<Worker::Prepared *> Worker::find_statement(const Change &change, Table &table,
                                                  const GroupTransaction &transaction) {
    shape_.clear();
    append_shape(shape_, change, table.destination, values_);
    const auto found = table.statements.find(shape_);
    if (found != table.statements.end()) return &found->second;
    Prepared prepared{make_statement(change, table.destination, values_),
                      "s" + std::to_string(session_->next_statement++)};
    WF_TRY(session_->pipeline.prepare(prepared.name, prepared.statement.sql, prepared.statement.types));
    owed_.push_back({&change, &transaction, false});
    return &table.statements.emplace(shape_, std::move(prepared)).first->second;
}

Result<void> Worker::read_owed(std::size_t leave) {
    if (owed_.size() <= leave) return {};
    WF_TRY(session_->pipeline.flush());
    while (owed_.size() > leave) {
        const Owed owed = owed_.front();
        auto rows = session_->pipeline.read();
        if (!rows) {
            Error error = std::move(rows).error();
            if (owed.change == nullptr) return fail(std::move(error));
            if (error.kind == ErrorKind::server) error.kind = ErrorKind::conflict;
            return fail(explain(std::move(error), *owed.change, *owed.transaction));
        }
        if (owed.counts_row && rows->affected().value_or(1) != 1) {
            const auto count = *rows->affected();
            return fail(
                explain(Error{ErrorKind::conflict,
                              Side::destination,
                              {},
                              count == 0 ? "the row that the source changed does not exist here"
                                         : fmt::format("{} rows answer to the one row that the source changed", count),
                              "The destination was written to by somebody else, or a trigger there interferes.",
                              "Make the row as the source had it before this change, and start again.",
                              {}},
                        *owed.change, *owed.transaction));
        }
        owed_.pop_front();
    }
    return {};
}

Result<void> Worker::commit(const GroupTransaction &last) {
    const Transaction &transaction = last.transaction;
    const std::string old_lsn = checkpoint_.text();
    const std::string new_lsn = transaction.end_lsn.text();
    const std::string time = std::to_string(transaction.commit_time);
    params_.clear();
    for (const std::string *value : {&task_, &old_lsn, &new_lsn, &time}) {
        params_.add(value->data(), static_cast<int>(value->size()), false);
    }
    failpoint("before_checkpoint");
    WF_TRY(session_->pipeline.send_prepared("checkpoint", params_));
    WF_TRY(session_->pipeline.send("COMMIT"));
    WF_TRY(session_->pipeline.sync());
    failpoint("after_commit_sent");
    auto advanced = session_->pipeline.read();
    if (!advanced) {
        Error error = std::move(advanced).error();
        if (error.sqlstate != "23502") return fail(explain_commit(std::move(error), last));
        return fail(
            ErrorKind::state,
            "the task's checkpoint at the destination is no longer " + old_lsn + ": another process moved it",
            "See that only one `walferry run` of this task runs, then start it again. Nothing was applied twice.");
    }
    if (advanced->affected().value_or(0) != 1) {
        return fail(
            ErrorKind::state, "the task's checkpoint at the destination is gone",
            "Somebody has cleaned up while the task ran: begin it anew (walferry cleanup, empty the destination, "
            "walferry run).");
    }
    if (auto committed = session_->pipeline.read(); !committed) {
        return fail(explain_commit(std::move(committed).error(), last));
    }
    WF_TRY(session_->pipeline.read());  // sync
    failpoint("after_commit");
    checkpoint_ = transaction.end_lsn;
    positions_.applied_lsn.raise(transaction.end_lsn);
    positions_.applied_commit_time.store(transaction.commit_time, std::memory_order_relaxed);
    positions_.changes.fetch_add(changes_sent_, std::memory_order_relaxed);
    return {};
}

// A deferred check may speak up only now.
Error Worker::explain_commit(Error error, const GroupTransaction &last) {
    if (error.kind == ErrorKind::server) error.kind = ErrorKind::conflict;
    return std::move(error).with_context(fmt::format("COMMIT of source transaction {} committed at {}",
                                                     last.transaction.xid, last.transaction.commit_lsn.text()));
}

Error Worker::explain(Error error, const Change &change, const GroupTransaction &transaction) {
    std::string where = fmt::format("{} of table {}", to_string(change.kind), change.relation->qualified_name());
    if (error.kind == ErrorKind::conflict) where += describe_key(change);
    where += fmt::format(", source transaction {} committed at {}", transaction.transaction.xid,
                         transaction.transaction.commit_lsn.text());
    return std::move(error).with_context(where);
}

// The key in words, printed by the destination, on a connection of its own: ours has failed. Best effort.
std::string Worker::describe_key(const Change &change) {
    if (change.kind == ChangeKind::truncate) return {};
    const auto table = session_->tables.find(change.relation);
    if (table == session_->tables.end()) return {};
    values_.split(change);
    const bool from_old = change.old_kind != OldTuple::none;
    std::string items;
    std::vector<Oid> types;
    params_.clear();
    const auto &columns = change.relation->columns;
    for (std::size_t i = 0; i < columns.size(); ++i) {
        if (!columns[i].key && !columns[i].primary_key) continue;
        if (change.kind == ChangeKind::remove && !from_old) return {};
        const Value &value = from_old ? values_.old_row[i] : values_.new_row[i];
        types.push_back(table->second.destination.columns[i].type);
        params_.add(value.null() ? nullptr : value.data, value.null() ? 0 : value.length, columns[i].binary);
        if (!items.empty()) items += " || ', ' || ";
        items += fmt::format("{} || pg_catalog.quote_nullable(${}::text)",
                             session_->connection.quote_literal(columns[i].name + " = "), types.size());
    }
    if (types.empty()) return {};
    auto connection = pq::Connection::open(options_);
    if (!connection) return {};
    const pq::Rows rows(PQexecParams(connection->raw(), ("SELECT " + items).c_str(), static_cast<int>(types.size()),
                                     types.data(), params_.values.data(), params_.lengths.data(),
                                     params_.formats.data(), 0));
    return rows.count() == 1 ? " (" + rows.text(0, 0) + ")" : std::string{};
}

}  // namespace walferry
