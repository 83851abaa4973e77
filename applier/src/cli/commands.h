// What each verb does: calls the part that does it, prints its report, chooses the exit code.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include "base/stop.h"
#include "cli/arguments.h"
#include "cli/exit_code.h"

namespace walferry {

// Reports go to stdout; errors come back.
Result<ExitCode> perform(const Arguments &arguments, StopFlag &stop);

}  // namespace walferry
