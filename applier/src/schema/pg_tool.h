// Where PostgreSQL's own programs are: pg_dump, pg_restore.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "config/task.h"

namespace walferry {

// The full path of `tool`, of major version `min_major` or newer: in the folder pg_bin of the task, if it is set; else
// in PATH, else in the newest /usr/lib/postgresql/*/bin. Runs `tool --version` on what it finds.
// Errors: ErrorKind::config with pg_bin set, else ErrorKind::state; the message says what was found instead.
Result<std::string> find_pg_tool(const Task &task, const std::string &tool, int min_major);

// 15 from "pg_dump (PostgreSQL) 15.20 (Debian ...)"; nothing if the text isn't such.
std::optional<int> parse_tool_major(std::string_view version_text);

}  // namespace walferry
