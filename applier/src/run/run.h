// `walferry run`: takes a task from wherever it is to where it should be, and keeps it there.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/stop.h"
#include "config/task.h"

namespace walferry {

struct RunOptions {
    // End when everything up to this LSN of the source is applied and durable, and the sequences are set; "now" is the
    // source's end of WAL when the program first reaches it. Nothing: go on for ever.
    std::optional<std::string> until;
    std::vector<std::string> ignored_checks = {};  // of precheck, which comes before the first life of a task
};

// Blocks until the task is done, `options.until` is reached or stop is requested (all: success), or something fails that
// trying again doesn't mend (run/retry.h). `stop`: requested when the operator asks for it through the control socket, too.
Result<void> run_task(const Task &task, const RunOptions &options, StopFlag &stop);

}  // namespace walferry
