// SPDX-License-Identifier: PostgreSQL
#include "copy/copy_tables.h"

#include <spdlog/spdlog.h>

#include <chrono>
#include <mutex>
#include <optional>
#include <thread>

#include "base/failpoint.h"
#include "config/connections.h"

namespace walferry {

namespace {

constexpr std::chrono::milliseconds tick_interval{50};

struct Statements {
    std::string copy_out;
    std::string copy_in;
};

// Binary where every column allows it; then the rows pass through untouched. Else text, in which xml goes as what is
// stored: its output function would drop the encoding declaration.
Statements copy_statements(pq::Connection &connection, const Table &table, bool freeze) {
    const std::string name = connection.quote_qualified(table.schema, table.name);
    std::string columns;
    std::string items;
    bool plain = true;
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
        const std::string column = connection.quote_identifier(table.columns[i]);
        columns += (i > 0 ? ", " : "") + column;
        items += (i > 0 ? ", " : "") + column + table.stored_casts[i];
        plain = plain && table.stored_casts[i].empty();
    }
    const std::string format = table.binary ? "FORMAT binary" : "FORMAT text";
    const std::string list = columns.empty() ? "" : " (" + columns + ")";
    // A table without columns has no column list to copy by name.
    const std::string from = plain && !columns.empty() ? name + list : "(SELECT " + items + " FROM ONLY " + name + ")";
    return {"COPY " + from + " TO STDOUT (" + format + ")",
            "COPY " + name + list + " FROM STDIN (" + format + (freeze ? ", FREEZE)" : ")")};
}

class TableCopy {
public:
    TableCopy(pq::Connection &source, pq::Connection &destination, const Task &task, const CopyOptions &options,
              CopyProgress &progress)
        : source_(source), destination_(destination), task_(task), options_(options), progress_(progress) {}

    // Leaves both connections outside a transaction when it succeeds.
    Result<void> copy(const Table &table) {
        TableState state;
        state.relid = table.relid;
        WF_TRY(begin_at_source(table, state));
        WF_ASSIGN(const bool pending, begin_at_destination(table));
        if (pending) {
            WF_TRY(copy_rows(table, state));
            WF_TRY(set_copied(destination_, task_.name, state));
        }
        WF_TRY(source_.exec("COMMIT"));
        failpoint("copy_before_commit");
        WF_TRY(destination_.exec("COMMIT"));
        progress_.tables_done.fetch_add(1, std::memory_order_relaxed);
        progress_.table_bytes_done.fetch_add(table.bytes, std::memory_order_relaxed);
        spdlog::debug("copied table {}.{}: {} rows", table.schema, table.name, state.rows);
        return {};
    }

private:
    Result<void> begin_at_source(const Table &table, TableState &state) {
        WF_TRY(source_.exec("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"));
        WF_TRY(source_.exec("LOCK TABLE ONLY " + source_.quote_qualified(table.schema, table.name) +
                            " IN ACCESS SHARE MODE"));
        WF_ASSIGN(const pq::Rows snapshot, source_.exec("SELECT pg_current_snapshot()"));
        state.snapshot = snapshot.text(0, 0);
        WF_ASSIGN(const pq::Rows lsn, source_.exec("SELECT pg_current_wal_insert_lsn()"));
        state.copy_lsn = Lsn::parse(lsn.view(0, 0)).value_or(Lsn{});
        return {};
    }

    // False: a killed predecessor's backend has copied the table after all, while we waited for its lock.
    Result<bool> begin_at_destination(const Table &table) {
        const std::string name = destination_.quote_qualified(table.schema, table.name);
        WF_TRY(destination_.exec("BEGIN"));
        WF_TRY(destination_.exec("LOCK TABLE ONLY " + name + " IN SHARE ROW EXCLUSIVE MODE"));
        WF_ASSIGN(const pq::Rows state,
                  destination_.exec("SELECT state FROM walferry.table_state WHERE task = $1 AND relid = $2",
                                    {task_.name, std::to_string(table.relid)}));
        if (state.count() == 1 && state.view(0, 0) == "copied") return false;
        WF_ASSIGN(const pq::Rows rows, destination_.exec("SELECT EXISTS (SELECT FROM ONLY " + name + ")"));
        if (rows.boolean(0, 0)) {
            return fail(Error{ErrorKind::state,
                              Side::destination,
                              {},
                              "table " + table.schema + "." + table.name + " holds rows already",
                              {},
                              "Empty it, or exclude it from the task; walferry doesn't mix its rows with others.",
                              {}});
        }
        if (options_.own_tables) WF_TRY(destination_.exec("TRUNCATE ONLY " + name));  // what FREEZE asks for
        return true;
    }

    Result<void> copy_rows(const Table &table, TableState &state) {
        const Statements statements = copy_statements(destination_, table, options_.own_tables);
        WF_TRY(source_.start_copy_out(statements.copy_out));
        WF_TRY(destination_.start_copy_in(statements.copy_in));
        while (true) {
            WF_ASSIGN(const auto row, source_.copy_row());
            if (!row) break;
            WF_TRY(destination_.put_copy(row->view()));
            state.bytes += row->size;
            progress_.rows.fetch_add(1, std::memory_order_relaxed);
            progress_.bytes.fetch_add(row->size, std::memory_order_relaxed);
        }
        WF_ASSIGN(state.rows, destination_.finish_copy_in());
        return {};
    }

    pq::Connection &source_;
    pq::Connection &destination_;
    const Task &task_;
    const CopyOptions &options_;
    CopyProgress &progress_;
};

}  // namespace

Result<void> copy_tables(const Task &task, const std::vector<Table> &tables, const CopyOptions &options,
                         CopyProgress &progress, const StopFlag &stop, const std::function<void()> &tick) {
    std::atomic<std::size_t> next{0};  // taken by each job; relaxed, it orders nothing
    StopFlag halt;                     // the operator's wish, or a job has failed
    std::mutex error_mutex;
    std::optional<Error> first_error;

    const auto job = [&](std::size_t number) -> Result<void> {
        const std::string purpose = "copy " + std::to_string(number);
        WF_ASSIGN(auto source,
                  pq::Connection::open(data_connection(task, Side::source, purpose, options.encoding, &halt)));
        WF_ASSIGN(auto destination, pq::Connection::open(apply_connection(task, purpose, options.encoding, &halt)));
        TableCopy copy(source, destination, task, options, progress);
        while (!halt.requested()) {
            const std::size_t at = next.fetch_add(1, std::memory_order_relaxed);
            if (at >= tables.size()) break;
            if (auto copied = copy.copy(tables[at]); !copied) {
                return fail(std::move(copied).error().with_context("copying table " + tables[at].schema + "." +
                                                                   tables[at].name));
            }
        }
        return {};
    };

    const auto jobs = std::min<std::size_t>(static_cast<std::size_t>(task.copy_jobs), tables.size());
    std::atomic<std::size_t> running{jobs};  // counted down by each job as it ends, read below
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < jobs; ++i) {
        threads.emplace_back([&, i]() noexcept {
            if (auto done = job(i + 1); !done) {
                const std::lock_guard lock(error_mutex);
                if (!first_error) first_error = std::move(done).error();
                halt.request();
            }
            running.fetch_sub(1, std::memory_order_release);
        });
    }
    while (running.load(std::memory_order_acquire) > 0) {
        std::this_thread::sleep_for(tick_interval);
        if (stop.requested()) halt.request();
        tick();
    }
    threads.clear();  // joins
    if (first_error) return fail(std::move(*first_error));
    return {};
}

}  // namespace walferry
