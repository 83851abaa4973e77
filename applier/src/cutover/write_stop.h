// No more writes at the source: its database is made read-only for every role, and the sessions that began before end.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/stop.h"
#include "config/task.h"
#include "pq/connection.h"

namespace walferry {

// What keeps the account from stopping writes, or would let writes pass; in words, with what to do. None: it can be done.
Result<std::vector<std::string>> write_stop_obstacles(pq::Connection &source);

// Whether the database is read-only by a setting of its own.
Result<bool> is_read_only(pq::Connection &connection);

// The statements of stop_writes and allow_writes, for being shown.
std::string stop_writes_sql(const pq::Connection &source);
std::string allow_writes_sql(const pq::Connection &connection);

// When it returns, every session that could write is gone, walferry's own apart. Errors: ErrorKind::state if one doesn't end.
Result<void> stop_writes(pq::Connection &source, const StopFlag &stop);
Result<void> allow_writes(pq::Connection &connection);

// Sessions of others that have written in a transaction that is open; in words.
Result<std::vector<std::string>> writers(pq::Connection &source);

}  // namespace walferry
