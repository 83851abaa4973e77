// The verbs for a task that runs: what it is at, and how fast it goes.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include "base/error.h"
#include "base/stop.h"
#include "cli/arguments.h"
#include "cli/exit_code.h"
#include "config/task.h"

namespace walferry {

// From the running process, or else from the servers. With arguments.watch again and again, until `stop` is requested.
Result<ExitCode> perform_status(const Task &task, const Arguments &arguments, const StopFlag &stop);

// pause, resume, throttle, stop. Errors: ErrorKind::state if no process of the task runs on this machine.
Result<ExitCode> perform_steering(const Task &task, const Arguments &arguments);

}  // namespace walferry
