// Applies changes that wait in quarantine (checkpoint/conflicts.h), when the operator asks for it: each as the stream would have
// done it, in a transaction of its own that also writes down that it is done. It may go on beside the stream.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "base/error.h"
#include "base/stop.h"
#include "checkpoint/conflicts.h"
#include "config/task.h"

namespace walferry {

// One of them, or all in the order in which they came, up to the first that can't be applied: that one is the error, and waits on.
// Calls `replayed` for each. Errors: ErrorKind::conflict; ErrorKind::state if `id` doesn't wait in quarantine.
Result<void> replay_quarantined(const Task &task, std::optional<std::int64_t> id, const StopFlag &stop,
                                const std::function<void(const Conflict &)> &replayed);

}  // namespace walferry
