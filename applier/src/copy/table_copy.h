// One copy: a large table, or some small ones together, from the snapshot to the hand-over to the stream.
//
//   source       BEGIN REPEATABLE READ; LOCK TABLE ACCESS SHARE; snapshot S, WAL insert position L
//   handover     claim under S (schedule/handover.h)
//                until the stream has brought all DDL that S sees, so that both definitions agree
//   destination  BEGIN; LOCK TABLE; empty (else copy/mix_rows.h), without what would be in the way (copy/load.h)
//   both         COPY
//   source       COMMIT: lock and snapshot are let go
//   destination  what was taken away; ANALYZE; the changes that the stream has kept meanwhile, while there are many;
//                the last of them with the stream's commits held up; table_state := ready, S, L; COMMIT
//
// The lock comes before the snapshot, so that definition and rows agree. A crash at any point before the last COMMIT leaves
// nothing.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "apply/conflict_resolver.h"
#include "apply/session.h"
#include "base/error.h"
#include "base/stop.h"
#include "base/throttle.h"
#include "checkpoint/bookkeeping.h"
#include "checkpoint/positions.h"
#include "config/task.h"
#include "copy/load.h"
#include "copy/progress.h"
#include "copy/summary.h"
#include "pq/connection.h"
#include "schedule/handover.h"
#include "schema/source_snapshot.h"
#include "schema/tables.h"

namespace walferry {

// What all copies of a task have in common. References must outlive them.
struct CopyContext {
    const Task &task;
    std::string encoding;  // the source's
    Handover &handover;
    const Positions &positions;
    CopyProgress &progress;
    CopySummary &summary;
    Throttle &throttle;
    std::function<Result<void>()> flush_source;  // has an idle source send what its WAL holds; thread: any
    const StopFlag &stop;

    // walferry.ddl_state() at the source whose DDL the stream has brought.
    std::mutex ddl_mutex;
    std::string ddl_state;
};

// A table to be copied, as it was listed.
struct PendingTable {
    std::uint32_t relid = 0;
    std::uint64_t bytes = 0;  // on the source's disk
};

enum class CopyEnd {
    ready,
    again,  // something came between: nothing was copied, later it can be
};

// Thread: its own, but for what is said to be any's.
class TableCopy {
public:
    // Opens connections. `number` tells the copies at a time apart.
    static Result<std::unique_ptr<TableCopy>> open(CopyContext &context, std::size_t number);

    // Copy the tables, which are pending; those that the source has dropped meanwhile, or that don't belong to the task any
    // more, are ready without rows. Errors: ErrorKind::state for a destination table that holds rows, unless the task says what to do.
    Result<CopyEnd> copy(const std::vector<PendingTable> &pending);

    // Whether it may copy again: the connections are not in the middle of something.
    bool usable() const { return !reading_; }

    // Thread: any. The backend whose lock others at the source may wait for.
    int source_pid() const { return source_pid_; }
    // Thread: any. Somebody waits for the lock who shall not wait longer: copy() ends with `again`, if it still holds it.
    void yield() { yield_ = true; }

private:
    TableCopy(CopyContext &context, std::size_t number, pq::Connection source, std::unique_ptr<Session> session,
              int source_pid)
        : context_(context),
          job_(context.progress.jobs[number]),
          source_(std::move(source)),
          session_(std::move(session)),
          resolver_(context.task, context.encoding, context.stop),
          source_pid_(source_pid) {}
    Result<CopyEnd> attempt(const std::vector<PendingTable> &pending);
    Result<bool> take_snapshot(const std::vector<PendingTable> &pending);
    Result<bool> wait_for_ddl();
    Result<void> lock_destination();
    Result<void> look_for_rows();
    Result<bool> copy_rows();
    Result<bool> copy_table(std::size_t at, bool freeze);
    Result<bool> read_table(std::size_t at, const std::string &copy_out, const std::string &copy_in);
    Result<void> give_back(const std::vector<LoadPlan::Statement> &statements);
    Result<void> analyze();
    Result<void> wait_for_rates();
    void show_rows(std::size_t at, std::uint64_t rows, std::uint64_t bytes);
    void show_step(std::string step, const char *state);
    CopySummary::Duration lap();
    Result<void> catch_up();
    Result<std::size_t> apply(Spool &spool);
    Result<void> apply(std::vector<Change> changes);
    Result<void> finish(const std::vector<PendingTable> &pending);
    bool may_pass(const Error &error);
    Result<void> give_up();

    CopyContext &context_;
    CopyJob &job_;
    pq::Connection source_;
    std::unique_ptr<Session> session_;
    ConflictResolver resolver_;
    const int source_pid_;
    std::atomic<bool> yield_{false};  // set by the copier, read while rows are read

    bool reading_ = false;  // rows
    int missing_here_ = 0;  // how often in a row a table was not at the destination

    // Of the copy under way.
    std::vector<Table> tables_;
    std::vector<std::string> names_;          // quoted and qualified, parallel to tables_
    std::vector<bool> hold_rows_;             // at the destination, before; likewise
    std::vector<CopySummary::Table> copied_;  // parallel to tables_, as far as they are read
    CopySummary::Duration analyzing_{};
    std::chrono::steady_clock::time_point lap_begun_;
    std::uint64_t table_bytes_done_ = 0;  // that progress counts
    SourceSnapshot snapshot_;
    std::shared_ptr<Handover::Claim> claim_;
};

}  // namespace walferry
