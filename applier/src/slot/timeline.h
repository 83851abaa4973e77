// Which of the source's timelines the destination holds: the table walferry.source_timeline.
//
// A standby that is promoted begins a new timeline, where the old one ends for it. What the old primary wrote behind that end is
// not part of the new one. A destination that holds some of it has left the source's history, whatever the positions say: they
// count on over the same numbers.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/lsn.h"
#include "base/stop.h"
#include "config/task.h"
#include "pq/connection.h"

namespace walferry {

// For create_bookkeeping.
extern const char *const create_source_timeline_sql;

// Before changes are read: the source's timeline is the one remembered, or one that left it at `held` or later, and is then
// remembered; `held` is up to where the destination holds changes. Asks for the history over a replication connection of its own.
// Errors: ErrorKind::state when the destination holds changes that the source doesn't have any more.
Result<void> follow_timeline(pq::Connection &source, pq::Connection &destination, const Task &task, Lsn held,
                             const StopFlag *stop);

// Where `timeline` ends according to a timeline history file; nothing if it isn't in there.
std::optional<Lsn> end_of_timeline(std::string_view history, std::int64_t timeline);

}  // namespace walferry
