// Performs what the operator has asked for single tables (checkpoint/table_requests.h), while no change is applied.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <functional>

#include "base/error.h"
#include "base/lsn.h"
#include "run/phases.h"

namespace walferry {

// One that can't be performed is noted with the reason, and the task goes on. `stream_until`: streams, with the task's present
// tables, until everything up to the LSN is applied.
//
// A table is added like this: it is locked at the source, and its definition read under a snapshot; the stream, that knows nothing
// of it, goes on until it is behind that snapshot; then the table is made here, pending, and from here on the stream has its
// changes and its DDL.
Result<void> perform_table_requests(TaskSession &session, const std::function<Result<void>(Lsn)> &stream_until);

// The task with the tables that were added and removed since it began.
Task with_requested_tables(Task task, const TaskRecord &record);

}  // namespace walferry
