// Mends what verify finds: rows one by one beside the stream, tables without a key by copying them again, definitions and sequences by
// statements.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <functional>
#include <string>

#include "base/error.h"
#include "base/stop.h"
#include "config/task.h"
#include "verify/verify.h"

namespace walferry {

struct RepairOptions {
    VerifyOptions verify;
    bool dry_run = false;
};

// Compares, prints everything that is to be done, does it, and returns what a second comparison finds; of a dry run, the first.
// Nothing is changed that was not printed. What can't be mended is printed with the reason, and the rest goes on.
// `task`: as for verify(). Errors: verify's; ErrorKind::state if rows are to be mended and the task doesn't run.
Result<Comparison> repair(const Task &task, const RepairOptions &options, const StopFlag &stop,
                          const std::function<void(const std::string &)> &print);

}  // namespace walferry
