// A task's phases, one function each. Each leaves the destination such that it can be begun again after a crash, and
// moves the phase on in the transaction that completes its work, or after it where doing it twice does no harm.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <string>

#include "base/error.h"
#include "base/stop.h"
#include "checkpoint/bookkeeping.h"
#include "config/task.h"
#include "observe/progress.h"
#include "pq/connection.h"

namespace walferry {

// What a phase works with: the task's control connections, which speak the source's encoding.
struct TaskSession {
    const Task &task;
    pq::Connection source;
    pq::Connection destination;
    std::string encoding;  // of the source database
    TaskRecord record;
    const StopFlag &stop;
    ProgressDisplay &display;
    bool progressed = false;  // changes were applied
};

// Have the source flush its WAL, and return an LSN at which everything that has committed by now is behind. Without it an idle
// source could leave the last bytes unflushed, and so unsent, for many seconds.
Result<Lsn> flush_source_wal(pq::Connection &source);

Result<void> make_slot(TaskSession &session);
Result<void> make_schema(TaskSession &session);
Result<void> copy_data(TaskSession &session);
Result<void> make_indexes(TaskSession &session);
Result<void> catch_up(TaskSession &session);
Result<void> make_constraints(TaskSession &session);
// `until` as PipelineOptions has it.
Result<void> stream_changes(TaskSession &session, Lsn until);

// Undo make_slot and what was noted before it: after a task could not begin.
Result<void> forget_task(TaskSession &session);

}  // namespace walferry
