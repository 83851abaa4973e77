// Is everything in place for a task? Looks at both servers and the tools, changes nothing.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "base/stop.h"
#include "config/task.h"
#include "precheck/finding.h"

namespace walferry {

// All checks, in a fixed order. A server that can't be reached is a finding; checks that need it are left out, and a
// last finding says which. Those that `ignored` names count for nothing. Fails only when interrupted, and with
// ErrorKind::usage for a name there that is no check's, or one that the task needs. `stop` may be null.
Result<std::vector<Finding>> precheck(const Task &task, const StopFlag *stop = nullptr,
                                      const std::vector<std::string> &ignored = {});

// The gate before a task begins: warnings go to the log; a failed check is ErrorKind::state whose detail names every
// failed check and whose hint the remedies; an unreachable server is that connection's own error.
Result<void> precheck_or_refuse(const Task &task, const StopFlag *stop = nullptr,
                                const std::vector<std::string> &ignored = {});

}  // namespace walferry
