// The log: one line an event on stderr, for people and for journald alike.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <string>

namespace walferry {

// The names that --log-level takes: trace, debug, info, warn, error.
bool is_log_level(const std::string &level);

// Sets spdlog's default logger. Synchronous: nothing is lost when the process dies.
// Requires: is_log_level(level). Thread: main, before others start.
void start_log(const std::string &level);

}  // namespace walferry
