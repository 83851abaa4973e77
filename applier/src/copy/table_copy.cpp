// SPDX-License-Identifier: PostgreSQL
#include "copy/table_copy.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <deque>
#include <utility>

#include "apply/fold.h"
#include "base/failpoint.h"
#include "checkpoint/conflicts.h"
#include "checkpoint/source_columns.h"
#include "checkpoint/table_settings.h"
#include "config/connections.h"
#include "copy/mix_rows.h"
#include "pq/array.h"
#include "pq/error.h"

namespace walferry {

namespace {

using std::chrono::milliseconds;

// Below, an index grows as fast as it is built.
constexpr std::uint64_t large_table_bytes = std::uint64_t{8} << 20;
// Below, freezing the rows is not worth a TRUNCATE, which makes new files of the table and each of its indexes, and flushes
// them one by one.
constexpr std::uint64_t frozen_table_bytes = std::uint64_t{1} << 20;
// Kept changes are applied beside the stream until so few of them are left; then it waits for the rest.
constexpr std::size_t last_changes = 1000;
constexpr int rounds_max = 20;
constexpr std::size_t batch_changes = 65536;
constexpr std::size_t batch_bytes = std::size_t{8} << 20;
constexpr milliseconds look_again{20};
constexpr int missing_max = 20;

struct Statements {
    std::string copy_out;
    std::string columns;  // quoted, with commas
    std::string copy_in;  // what follows COPY and a table
};

// Binary where every column allows it; then the rows pass through untouched. Else text, in which xml goes as what is
// stored: its output function would drop the encoding declaration.
Statements copy_statements(const pq::Connection &connection, const Table &table, bool freeze) {
    const std::string name = connection.quote_qualified(table.schema, table.name);
    std::string columns;
    std::string destination_columns;
    bool plain = table.condition.empty();
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
        columns += (i > 0 ? ", " : "") + connection.quote_identifier(table.columns[i]);
        destination_columns += (i > 0 ? ", " : "") + connection.quote_identifier(table.destination_columns[i]);
        plain = plain && table.stored_casts[i].empty() && (!table.has_settings() || table.expressions[i].empty());
    }
    const std::string format = table.binary ? "FORMAT binary" : "FORMAT text";
    // A table without columns has no column list to copy by name.
    const std::string from =
        plain && !columns.empty() ? name + " (" + columns + ")" : "(" + source_rows_sql(connection, table) + ")";
    return {"COPY " + from + " TO STDOUT (" + format + ")", destination_columns,
            (columns.empty() ? "" : " (" + destination_columns + ")") + " FROM STDIN (" + format +
                (freeze ? ", FREEZE)" : ")")};
}

}  // namespace

Result<std::unique_ptr<TableCopy>> TableCopy::open(CopyContext &context, std::size_t number) {
    const std::string purpose = "copy " + std::to_string(number + 1);
    WF_ASSIGN(auto source, open_for_snapshot(context.task, purpose, context.encoding, &context.stop));
    WF_ASSIGN(const pq::Rows pid, source.exec("SELECT pg_backend_pid()"));
    auto apply = worker_connection(context.task, purpose, context.encoding, &context.stop);
    apply.settings.emplace_back("lock_timeout", "2s");  // while the source's lock is held
    WF_ASSIGN(auto session, Session::open(std::move(apply), context.task.name, context.task.names));
    return std::unique_ptr<TableCopy>(
        new TableCopy(context, number, std::move(source), std::move(session), static_cast<int>(pid.integer(0, 0))));
}

Result<CopyEnd> TableCopy::copy(const std::vector<PendingTable> &pending) {
    yield_ = false;
    auto end = attempt(pending);
    if (end && *end == CopyEnd::ready) return end;
    if (claim_) context_.handover.release(*claim_);
    claim_.reset();
    if (!end && !may_pass(end.error())) {
        std::string what;
        for (const Table &table : tables_) what += (what.empty() ? "" : ", ") + table.schema + "." + table.name;
        return fail(std::move(end).error().with_context("copying " + what));
    }
    if (!end) spdlog::debug("copy: {}", end.error().message);
    WF_TRY(give_up());
    return CopyEnd::again;
}

// The definitions have moved on since they were read, or somebody holds a lock for long.
bool TableCopy::may_pass(const Error &error) {
    if (pq::is_lock(error)) return true;
    if (!pq::is_missing(error)) return false;
    // Here it may be a rename that has come between; for ever it isn't.
    return error.side == Side::source || ++missing_here_ < missing_max;
}

Result<void> TableCopy::give_up() {
    for (const auto &table : copied_) {
        context_.progress.rows.fetch_sub(table.rows, std::memory_order_relaxed);
        context_.progress.bytes.fetch_sub(table.bytes, std::memory_order_relaxed);
    }
    copied_.clear();
    context_.progress.table_bytes_done.fetch_sub(std::exchange(table_bytes_done_, 0), std::memory_order_relaxed);
    {
        const std::lock_guard lock(job_.mutex);
        job_.step.clear();
        for (TableState &table : job_.tables) table = {table.relid, table.schema, table.name, "pending", {}, {}, 0, 0};
    }
    if (reading_) return {};
    WF_TRY(source_.exec("ROLLBACK"));
    return session_->roll_back();
}

Result<CopyEnd> TableCopy::attempt(const std::vector<PendingTable> &pending) {
    copied_.clear();
    analyzing_ = {};
    WF_TRY(session_->forget_tables());
    resolver_.forget_tables();
    WF_ASSIGN(const bool claimed, take_snapshot(pending));
    if (!claimed) return CopyEnd::again;
    WF_TRY(lock_destination());
    WF_ASSIGN(const bool begun, context_.handover.begin(*claim_, context_.stop));
    if (!begun) return CopyEnd::again;
    WF_TRY(look_for_rows());
    WF_ASSIGN(const bool copied, copy_rows());
    if (!copied) return CopyEnd::again;
    failpoint("copy_rows_copied");
    WF_TRY(catch_up());
    WF_TRY(finish(pending));
    return CopyEnd::ready;
}

// False: it is not to be had now.
Result<bool> TableCopy::take_snapshot(const std::vector<PendingTable> &pending) {
    std::vector<std::uint32_t> relids;
    for (const PendingTable &table : pending) relids.push_back(table.relid);
    WF_ASSIGN(const auto listed, list_selected(source_, context_.task, &relids, Sizes::leave_zero));
    names_ = quoted_names(source_, listed);
    WF_ASSIGN(snapshot_, begin_snapshot(source_, names_));
    // At once: what the stream leaves out from the snapshot on would make it useless.
    const auto snapshot = Snapshot::parse(snapshot_.text).value_or(Snapshot{});
    claim_ = context_.handover.claim(relids, snapshot, snapshot_.lsn);
    if (!claim_) return false;
    // What was locked are these tables, and they are as the snapshot sees them.
    WF_ASSIGN(tables_, selected_tables(source_, context_.task, &relids, Sizes::leave_zero));
    if (quoted_names(source_, tables_) != names_) return false;
    for (Table &table : tables_) {
        const auto at = std::find(relids.begin(), relids.end(), table.relid) - relids.begin();
        table.bytes = pending[static_cast<std::size_t>(at)].bytes;
    }
    std::sort(tables_.begin(), tables_.end(), [](const Table &a, const Table &b) { return a.bytes > b.bytes; });
    names_ = quoted_destinations(source_, tables_);
    failpoint("copy_claimed");
    return wait_for_ddl();
}

// Until the stream has brought what the snapshot sees of DDL.
Result<bool> TableCopy::wait_for_ddl() {
    {
        const std::lock_guard lock(context_.ddl_mutex);
        if (context_.ddl_state == snapshot_.ddl_state) return true;
    }
    WF_TRY(context_.flush_source());
    while (context_.positions.applied_lsn.get() < snapshot_.lsn) {
        if (context_.stop.wait_for(look_again)) return fail(ErrorKind::interrupted, "stopped by request");
        if (yield_.load(std::memory_order_relaxed)) return false;
    }
    const std::lock_guard lock(context_.ddl_mutex);
    context_.ddl_state = snapshot_.ddl_state;
    return true;
}

Result<void> TableCopy::lock_destination() {
    WF_TRY(session_->send("BEGIN"));
    std::vector<std::string> own;
    std::vector<std::string> merged;
    for (std::size_t i = 0; i < tables_.size(); ++i) (tables_[i].part.empty() ? own : merged).push_back(names_[i]);
    const char *const mode = context_.task.schema_stage ? "ACCESS EXCLUSIVE" : "SHARE ROW EXCLUSIVE";
    if (!own.empty()) WF_TRY(session_->query("LOCK TABLE " + only_tables(own) + " IN " + mode + " MODE"));
    // Others may write their rows meanwhile.
    if (!merged.empty()) WF_TRY(session_->query("LOCK TABLE " + only_tables(merged) + " IN ROW EXCLUSIVE MODE"));
    if (tables_.empty()) return {};
    WF_ASSIGN(const pq::Rows types, session_->query(column_types_sql, destination_arrays(tables_)));
    return fit_column_types(types, tables_);
}

Result<void> TableCopy::look_for_rows() {
    hold_rows_.assign(names_.size(), false);
    std::string sql;
    for (std::size_t i = 0; i < names_.size(); ++i) {
        sql += (i > 0 ? " UNION ALL SELECT " : "SELECT ") + std::to_string(i) + " WHERE EXISTS (SELECT FROM ONLY " +
               names_[i] + part_clause("WHERE", tables_[i].part) + ")";
    }
    if (sql.empty()) return {};
    WF_ASSIGN(const pq::Rows rows, session_->query(sql));
    for (int row = 0; row < rows.count(); ++row) {
        const auto at = static_cast<std::size_t>(rows.integer(row, 0));
        hold_rows_[at] = true;
        const Table &table = tables_[at];
        if (table.conflict.existing_rows != ExistingRows::refuse) continue;
        return fail(Error{ErrorKind::state,
                          Side::destination,
                          {},
                          "table " + table.schema + "." + table.name + " holds rows already",
                          {},
                          "Empty it, or exclude it from the task; or say with conflict.existing_rows what becomes of "
                          "them.",
                          {}});
    }
    return {};
}

// False: it has yielded.
Result<bool> TableCopy::copy_rows() {
    {
        const std::lock_guard lock(job_.mutex);
        job_.tables.clear();
        job_.step.clear();
        for (const Table &table : tables_) {
            job_.tables.push_back({table.relid, table.schema, table.name, "copying", {}, {}, 0, 0});
        }
    }
    LoadPlan plan;
    std::vector<LoadTable> loaded;
    std::vector<std::size_t> loaded_at;  // parallel to it
    std::vector<bool> frozen(tables_.size());
    for (std::size_t i = 0; i < tables_.size(); ++i) {
        if (!context_.task.schema_stage || !tables_[i].part.empty()) continue;  // somebody else's
        loaded.push_back({names_[i], !hold_rows_[i] && tables_[i].bytes >= large_table_bytes});
        loaded_at.push_back(i);
    }
    if (!loaded.empty()) {
        WF_ASSIGN(plan, plan_load(*session_, loaded));
        for (const auto &statement : plan.before) WF_TRY(session_->query(statement));
        std::vector<std::string> truncated;  // which is what FREEZE asks for
        for (std::size_t n = 0; n < loaded.size(); ++n) {
            const std::size_t i = loaded_at[n];
            frozen[i] = !hold_rows_[i] && tables_[i].bytes >= frozen_table_bytes && !loaded[n].referenced;
            if (frozen[i]) truncated.push_back(names_[i]);
        }
        if (!truncated.empty()) WF_TRY(session_->query("TRUNCATE " + only_tables(truncated)));
    }
    for (std::size_t i = 0; i < tables_.size(); ++i) {
        WF_ASSIGN(const bool copied, copy_table(i, frozen[i]));
        if (!copied) return false;
    }
    WF_TRY(source_.exec("COMMIT"));
    WF_TRY(give_back(plan.after));
    return true;
}

Result<bool> TableCopy::copy_table(std::size_t at, bool freeze) {
    const Statements statements = copy_statements(source_, tables_[at], freeze);
    if (!hold_rows_[at]) return read_table(at, statements.copy_out, "COPY " + names_[at] + statements.copy_in);
    const MixedTable table{names_[at], statements.columns, tables_[at].part};
    const ExistingRows policy = tables_[at].conflict.existing_rows;
    WF_ASSIGN(const std::string room, make_room(*session_, table));
    WF_ASSIGN(const bool read, read_table(at, statements.copy_out, "COPY " + room + statements.copy_in));
    if (!read) return false;
    WF_ASSIGN(const std::uint64_t met, mix_rows(*session_, table, room, policy));
    if (met == 0) return true;
    spdlog::warn("{} rows of {} were there already: {}", met, names_[at], to_string(policy));
    WF_TRY(session_->query(count_conflicts_sql,
                           {context_.task.name, "existing_row", to_string(policy), std::to_string(met)}));
    return true;
}

Result<bool> TableCopy::read_table(std::size_t at, const std::string &copy_out, const std::string &copy_in) {
    copied_.push_back({tables_[at].schema + "." + tables_[at].name, 0, 0, {}, {}});
    CopySummary::Table &done = copied_.back();
    lap();
    WF_TRY(source_.start_copy_out(copy_out));
    reading_ = true;
    std::uint64_t rows = 0;
    std::uint64_t bytes = 0;
    auto copied = session_->copy_in(copy_in, [&](pq::Connection &destination) -> Result<void> {
        while (true) {
            WF_ASSIGN(const auto row, source_.copy_row());
            if (!row) return {};
            WF_TRY(destination.put_copy(row->view()));
            bytes += row->size;
            ++rows;
            context_.throttle.spend(1, row->size);
            const bool waits = context_.throttle.debt().count() > 0;
            if (!waits && (rows & 1023) != 0) continue;
            show_rows(at, rows, bytes);
            if (waits) WF_TRY(wait_for_rates());
            if (yield_.load(std::memory_order_relaxed))
                return fail(ErrorKind::transient, "the lock is wanted by others");
        }
    });
    const bool yielded = !copied && yield_.load(std::memory_order_relaxed);
    if (yielded) return false;
    if (!copied) return fail(std::move(copied).error());
    reading_ = false;
    // Of a binary copy, the header and the trailer may have come as pieces of their own.
    show_rows(at, *copied, bytes);
    done.reading = lap();
    return true;
}

// The operator may have set some; others that wait for the lock go first.
Result<void> TableCopy::wait_for_rates() {
    while (context_.throttle.debt().count() > 0 && !yield_.load(std::memory_order_relaxed)) {
        if (context_.stop.wait_for(look_again)) return fail(ErrorKind::interrupted, "stopped by request");
    }
    return {};
}

// So many so far.
void TableCopy::show_rows(std::size_t at, std::uint64_t rows, std::uint64_t bytes) {
    CopySummary::Table &done = copied_[at];
    CopyProgress &progress = context_.progress;
    progress.rows.fetch_add(rows - done.rows, std::memory_order_relaxed);
    progress.bytes.fetch_add(bytes - done.bytes, std::memory_order_relaxed);
    const auto size = tables_[at].bytes;
    const auto table_bytes = std::min(bytes, size) - std::min(done.bytes, size);
    progress.table_bytes_done.fetch_add(table_bytes, std::memory_order_relaxed);
    table_bytes_done_ += table_bytes;
    done.rows = rows;
    done.bytes = bytes;
    const std::lock_guard lock(job_.mutex);
    job_.tables[at].rows = rows;
    job_.tables[at].bytes = bytes;
}

// `state`: of all tables from here on.
void TableCopy::show_step(std::string step, const char *state) {
    const std::lock_guard lock(job_.mutex);
    job_.step = std::move(step);
    job_.step_phase.clear();
    job_.step_done = job_.step_total = 0;
    job_.step_pid = session_->backend_pid();
    for (TableState &table : job_.tables) table.state = state;
}

// Since the last call.
CopySummary::Duration TableCopy::lap() {
    const auto now = std::chrono::steady_clock::now();
    return now - std::exchange(lap_begun_, now);
}

Result<void> TableCopy::give_back(const std::vector<LoadPlan::Statement> &statements) {
    lap();
    for (std::size_t i = 0; i < statements.size(); ++i) {
        show_step(fmt::format("{}, {} of {}", statements[i].what, i + 1, statements.size()), "building indexes");
        WF_TRY(session_->query(statements[i].sql));
    }
    if (!copied_.empty()) copied_[0].indexing = lap();  // others with indexes that are worth it are not beside it
    return analyze();
}

// The planner's statistics: applying changes by key needs them as much as the users will.
Result<void> TableCopy::analyze() {
    std::vector<std::string> own;  // of another one, copies of two tasks would wait for each other
    for (std::size_t i = 0; i < tables_.size(); ++i) {
        if (tables_[i].part.empty()) own.push_back(names_[i]);
    }
    if (own.empty()) return {};
    show_step("statistics", "analyzing");
    WF_TRY(session_->query(fmt::format("ANALYZE {}", fmt::join(own, ", "))));
    analyzing_ = lap();
    return {};
}

// While much was kept, beside the stream, which keeps more meanwhile.
Result<void> TableCopy::catch_up() {
    show_step("", "catching up");
    for (int round = 0; round < rounds_max; ++round) {
        std::unique_ptr<Spool> spool;
        {
            const auto hold = context_.handover.hold();
            spool = context_.handover.take(*claim_);
        }
        if (!spool) return {};
        WF_ASSIGN(const std::size_t changes, apply(*spool));
        if (changes <= last_changes) return {};
    }
    return {};
}

Result<void> TableCopy::finish(const std::vector<PendingTable> &pending) {
    const auto hold = context_.handover.hold();
    if (const auto spool = context_.handover.take(*claim_)) WF_TRY(apply(*spool));
    std::vector<std::string> ids;
    std::vector<std::string> rows;
    std::vector<std::string> bytes;
    for (const PendingTable &wanted : pending) {
        const auto found = std::find_if(tables_.begin(), tables_.end(),
                                        [&](const Table &table) { return table.relid == wanted.relid; });
        const auto at = static_cast<std::size_t>(found - tables_.begin());
        ids.push_back(std::to_string(wanted.relid));
        rows.push_back(found == tables_.end() ? "0" : std::to_string(copied_[at].rows));
        bytes.push_back(found == tables_.end() ? "0" : std::to_string(copied_[at].bytes));
    }
    WF_TRY(session_->query(add_source_columns_sql, source_column_params(context_.task.name, tables_)));
    WF_TRY(session_->query(set_table_settings_sql, table_settings_params(context_.task.name, tables_)));
    WF_TRY(session_->query(set_ready_sql, {context_.task.name, pq::array_literal(ids), snapshot_.text,
                                           snapshot_.lsn.text(), pq::array_literal(rows), pq::array_literal(bytes)}));
    failpoint("copy_before_commit");
    WF_TRY(session_->query("COMMIT"));
    failpoint("copy_committed");
    context_.handover.finish(*claim_);
    claim_.reset();
    missing_here_ = 0;
    if (tables_.empty()) WF_TRY(source_.exec("COMMIT"));
    context_.progress.tables_done.fetch_add(pending.size(), std::memory_order_relaxed);
    std::uint64_t table_bytes = 0;
    for (const Table &table : tables_) table_bytes += table.bytes;
    context_.progress.table_bytes_done.fetch_add(table_bytes - std::exchange(table_bytes_done_, 0),
                                                 std::memory_order_relaxed);
    context_.summary.add(copied_, analyzing_, lap());
    if (!tables_.empty()) {
        std::uint64_t sum = 0;
        for (const auto &table : copied_) sum += table.rows;
        spdlog::info("copied {}.{}{}: {} rows", tables_[0].schema, tables_[0].name,
                     tables_.size() > 1 ? fmt::format(" and {} smaller tables", tables_.size() - 1) : "", sum);
    }
    const std::lock_guard lock(job_.mutex);
    job_.tables.clear();
    return {};
}

// --- changes that were kept

Result<std::size_t> TableCopy::apply(Spool &spool) {
    std::size_t total = 0;
    std::deque<std::string> records;  // what the changes are views into
    std::size_t bytes = 0;
    std::vector<Change> changes;
    while (true) {
        WF_ASSIGN(auto part, spool.read());
        const bool end = part.empty();
        bytes += part.size();
        records.push_back(std::move(part));
        Spool::decode(records.back(), [&](Change change) { changes.push_back(std::move(change)); });
        if (!end && changes.size() < batch_changes && bytes < batch_bytes) continue;
        total += changes.size();
        if (!changes.empty()) WF_TRY(apply(std::exchange(changes, {})));
        records.clear();
        bytes = 0;
        if (end) return total;
    }
}

// Their net effect; or one by one, should that collide with something that can't be seen in them.
Result<void> TableCopy::apply(std::vector<Change> changes) {
    Group group;
    group.transactions.emplace_back();
    for (Change &change : changes) group.changes.push_back({std::move(change)});
    const auto apply_net = [&]() -> Result<void> {
        WF_ASSIGN(const FoldedGroup folded, session_->fold_group(group, [](const Relation &) { return false; }));
        WF_TRY(session_->send_net(folded.tables, &FoldedTable::free, RowCheck::answer));
        for (const PlannedChange *planned : folded.ordered) {
            WF_TRY(session_->send_change(planned->change, RowCheck::answer));
        }
        return session_->settle();
    };
    WF_TRY(session_->query("SAVEPOINT kept"));
    auto applied = apply_net();
    if (!applied) {
        if (applied.error().kind != ErrorKind::conflict && applied.error().kind != ErrorKind::server) return applied;
        WF_TRY(session_->roll_back("ROLLBACK TO SAVEPOINT kept"));
        for (const PlannedChange &planned : group.changes) {
            WF_TRY(resolver_.apply(*session_, planned.change, group.transactions[0].transaction));
        }
        WF_TRY(session_->settle());
    }
    WF_TRY(session_->query("RELEASE SAVEPOINT kept"));
    return {};
}

}  // namespace walferry
