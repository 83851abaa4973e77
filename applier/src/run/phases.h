// A task's phases, one function each. Each leaves the destination such that it can be begun again after a crash, and
// moves the phase on in the transaction that completes its work, or after it where doing it twice does no harm.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/steering.h"
#include "base/stop.h"
#include "checkpoint/bookkeeping.h"
#include "config/task.h"
#include "observe/live.h"
#include "observe/progress.h"
#include "pq/connection.h"

namespace walferry {

// What a phase works with: the task's control connections, which speak the source's encoding.
struct TaskSession {
    Task task;             // with the tables that were added and removed since it began
    const Task &original;  // as the file has it
    pq::Connection source;
    pq::Connection destination;
    std::string encoding;       // of the source database
    std::string tables_option;  // for the plugin, in that encoding
    TaskRecord record;
    const StopFlag &stop;
    ProgressDisplay &display;
    Steering &steering;
    Live &live;
    bool &apply_ahead;          // false from when it was of no use on, for the life of the process
    bool progressed = false;    // changes were applied
    bool made_objects = false;  // some are there
    // The tables that a copy under way is about because the operator has asked for them; nothing: it is the initial one.
    std::optional<std::vector<std::uint32_t>> copied_again = {};
};

Result<void> make_slot(TaskSession &session);
Result<void> read_schema(TaskSession &session);
Result<void> make_objects(TaskSession &session);
// The phases copy and stream. `until` as PipelineOptions has it. False: there is more to do.
Result<bool> stream_changes(TaskSession &session, Lsn until);

// Undo make_slot and what was noted since: after a task could not begin.
Result<void> forget_task(TaskSession &session);

}  // namespace walferry
