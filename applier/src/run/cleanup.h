// Removes what a task made beside the data: its slot at the source, its bookkeeping at the destination.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <string>

#include "base/error.h"
#include "base/stop.h"
#include "config/task.h"

namespace walferry {

// Returns what was done, in lines for people. May be repeated. Refuses (ErrorKind::state) while a run is alive.
// When one side can't be reached, the other one is cleaned all the same, and the error names what is left.
Result<std::string> cleanup(const Task &task, const StopFlag &stop);

}  // namespace walferry
