// The initial copy: every table under a short snapshot of its own, several at once.
//
// One table:
//
//   source       BEGIN REPEATABLE READ; LOCK TABLE ACCESS SHARE; snapshot S; WAL insert position L; COPY TO; COMMIT
//   destination  BEGIN; empty?; COPY FROM; table_state := copied, S, L; COMMIT
//
// The lock comes before the snapshot, so that definition and rows agree. S and L are committed with the rows: the stream
// knows exactly what the copy has brought (schedule/copy_filter.h), and a crash costs only the tables under way.
//
// Requires: the slot exists, and every transaction that was running when it was made has ended. (One that committed before
// the slot's first LSN, but was not yet out of the list of running ones when S was taken, would be in neither.)
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/stop.h"
#include "checkpoint/bookkeeping.h"
#include "config/task.h"
#include "schema/tables.h"

namespace walferry {

// How far the copy is; read by the progress display while it runs. Thread: any.
struct CopyProgress {
    std::atomic<std::uint64_t> tables_done{0};
    std::atomic<std::uint64_t> rows{0};
    std::atomic<std::uint64_t> bytes{0};  // of COPY data
    std::uint64_t tables = 0;             // set before the copy starts
    std::uint64_t table_bytes = 0;        // on the source's disk, of the tables to copy; set before
    std::atomic<std::uint64_t> table_bytes_done{0};
};

struct CopyOptions {
    std::string encoding;     // the source's
    bool own_tables = false;  // we have made the tables: they may be truncated, and written frozen
};

// Copy `tables` with task.copy_jobs pairs of connections, in the given order. Blocks until all are done, one has failed
// or stop is requested, and calls `tick` all the while, from the caller's thread. Errors: ErrorKind::state for a destination table that holds rows.
Result<void> copy_tables(const Task &task, const std::vector<Table> &tables, const CopyOptions &options,
                         CopyProgress &progress, const StopFlag &stop, const std::function<void()> &tick);

}  // namespace walferry
