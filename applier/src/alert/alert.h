// What an operator is told without asking.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "base/error.h"

namespace walferry {

enum class AlertKind {
    failure,     // the task has stopped, and will not go on by itself
    conflict,    // likewise, as a change can't be applied
    lag,         // it has been above its threshold for a time
    slot,        // the slot keeps more WAL than it should, or is in danger of losing it
    difference,  // verify has found one
    quarantine,  // changes wait there
};
const char *to_string(AlertKind kind);

struct Alert {
    AlertKind kind = AlertKind::failure;
    std::string message;  // one line
    std::string detail;   // more, and what to do; may be empty
};

Alert alert_of(const Error &error);

// For the operator's command or webhook: {"task", "kind", "message", "detail", "time", "host"}, one line.
std::string alert_as_json(const std::string &task, const Alert &alert, std::chrono::system_clock::time_point time);

}  // namespace walferry
