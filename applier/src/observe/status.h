// How far a task is: read from the destination's bookkeeping and, when it can be reached, from the source.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/lsn.h"
#include "base/stop.h"
#include "checkpoint/bookkeeping.h"
#include "config/task.h"
#include "slot/slot.h"

namespace walferry {

struct SourceStatus {
    Lsn wal_lsn;               // end of the source's WAL
    std::optional<Slot> slot;  // nothing: it doesn't exist
};

struct Status {
    std::string task;
    TaskRecord record;
    bool running = false;  // a process has the task's connections open at the destination
    std::vector<TableState> tables;
    std::optional<Progress> progress;
    std::optional<SourceStatus> source;
    std::string source_error;  // why `source` is empty

    // Bytes of the source's WAL that are not applied yet; nothing while the source is unknown or nothing was applied.
    std::optional<std::uint64_t> lag_bytes() const;
};

// Errors: ErrorKind::state when the task has never been started; the destination's connection error.
Result<Status> read_status(const Task &task, const StopFlag *stop);

std::string status_as_text(const Status &status);
std::string status_as_json(const Status &status);

}  // namespace walferry
