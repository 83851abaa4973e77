// The verbs that compare.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include "base/error.h"
#include "base/stop.h"
#include "cli/arguments.h"
#include "cli/exit_code.h"
#include "config/task.h"

namespace walferry {

Result<ExitCode> perform_verify(const Task &task, const Arguments &arguments, StopFlag &stop);
Result<ExitCode> perform_repair(const Task &task, const Arguments &arguments, StopFlag &stop);

}  // namespace walferry
