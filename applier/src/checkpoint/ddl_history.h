// What became of each DDL statement of the source: the table walferry.ddl of the destination, one row a statement.
//
// `id` is the statement's number in walferry.ddl_log of the source. The states, and who writes them:
//
//   applied, skipped  the worker, in the transaction of the statement
//   failed            the worker, after the failure: the task has stopped in front of the statement
//   skip, done        the operator, in place of failed: what the worker does when it meets the statement again. It
//                     leaves it out, and writes `skipped` or, as the operator has run it by hand, `applied`
//
// A number is a place in the source's WAL, which a source that was set back, or another one, may give again. So a decision
// counts for the statement that it was made about, which its LSN and its text tell.
//
// Invariant: a worker that fails once more doesn't overwrite a decision (record_ddl_sql); a decision doesn't overwrite
// what the worker has settled (decide_ddl).
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "pq/connection.h"

namespace walferry {

// For create_bookkeeping.
extern const char *const create_ddl_history_sql;

// $1 task, $2 id, $3 source LSN, $4 time at the source (microseconds since 2000-01-01), $5 role, $6 tag, $7 statement, $8 state, $9 reason, all text;
// any of $3 to $5 and $9 may be NULL.
extern const char *const record_ddl_sql;

// $1 task, $2 id, $3 source LSN, $4 statement, text; one row with 'skip' or 'done' if the operator has decided, else none.
extern const char *const ddl_decision_sql;

struct DdlStatement {
    std::int64_t id = 0;
    std::string source_lsn;   // empty: unknown, as are the next two
    std::string source_time;  // as the server prints it
    std::string role;         // at the source
    std::string tag;
    std::string statement;
    std::string state;
    std::string reason;
    std::string changed;  // when the state was written
};

// By id. Empty for a task that has met none; ErrorKind::state for one that has not been started.
Result<std::vector<DdlStatement>> list_ddl(pq::Connection &destination, const std::string &task);

enum class DdlDecision { skip, done };
const char *to_string(DdlDecision decision);

// Decide what becomes of a statement that failed, or decide anew before the worker has seen it. Returns the statement
// as it is now. Errors: ErrorKind::state when there is no such statement, or nothing to decide about it.
Result<DdlStatement> decide_ddl(pq::Connection &destination, const std::string &task, std::int64_t id,
                                DdlDecision decision);

}  // namespace walferry
