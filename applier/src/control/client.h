// Asks a running task, as the program's own verbs do.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>

#include "base/error.h"
#include "config/task.h"

namespace walferry {

// The answer to a request; nothing if no process of the task is found on this machine. Errors: what the process refuses
// (ErrorKind::state); one that doesn't answer in a few seconds.
Result<std::optional<nlohmann::ordered_json>> ask(const Task &task, const nlohmann::ordered_json &request);

}  // namespace walferry
