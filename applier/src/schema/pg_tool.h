// Where PostgreSQL's own programs are: pg_dump, pg_restore.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "config/task.h"
#include "pq/connection.h"

namespace walferry {

// Major versions. pg_dump reads no server that is newer than itself, and writes for servers of its own version and newer ones.
struct PgToolVersion {
    int least = 0;
    int best = 0;  // least or more
};
PgToolVersion tool_version(const pq::Connection &source, const pq::Connection &destination);

// The full path of `tool`: in the folder pg_bin of the task, if it is set; else the one in PATH or /usr/lib/postgresql/*/bin
// of version `best` or, without such a one, of the next newer, or at last of the newest from `least` on. Runs `tool --version`
// on what it finds, up to one of version `best`; Debian's pg_wrapper is no program of a version.
// Errors: ErrorKind::config with pg_bin set, else ErrorKind::state; the message says what was found instead.
Result<std::string> find_pg_tool(const Task &task, const std::string &tool, PgToolVersion version);

// 15 from "pg_dump (PostgreSQL) 15.20 (Debian ...)"; nothing if the text isn't such.
std::optional<int> parse_tool_major(std::string_view version_text);

}  // namespace walferry
