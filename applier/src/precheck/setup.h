// `walferry setup`: runs what precheck proposes, where that is plainly what the task needs.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/stop.h"
#include "config/task.h"
#include "precheck/finding.h"

namespace walferry {

struct SetupOptions {
    bool dry_run = false;
    // Who runs the statements: an administrator, as the task's own accounts may not do most of it. Empty: the task's.
    std::string source_conninfo;
    std::string destination_conninfo;
    std::vector<std::string> ignored;  // checks
};

// Runs the statements of findings that are `automatic`, prints each before, and again as long as that uncovers more: some checks
// look only when others are good. No statement waits for a lock for longer than 5 s. One that fails is printed with the reason, and the rest goes on.
// Returns the findings that are left; of a dry run, all of them.
Result<std::vector<Finding>> set_up(const Task &task, const SetupOptions &options, const StopFlag &stop,
                                    const std::function<void(const std::string &)> &print);

}  // namespace walferry
