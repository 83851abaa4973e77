// The conflicts that a policy has settled: the table walferry.conflict of the destination, one row a change, written in the
// transaction that moves the checkpoint over it; and walferry.conflict_total, which counts them and never goes back.
//
// The outcomes, and who writes them:
//
//   overwritten, skipped  the worker
//   quarantined           the worker: the change waits for the operator
//   replayed              the operator's replay, in place of quarantined, in the transaction that applies the change
//
// Values are kept as their types print them, under the settings of all our connections (config/connections.h), so that they can be
// read back exactly. A TOAST value that an update has left alone is not among them.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "pq/connection.h"

namespace walferry {

// For create_bookkeeping.
extern const char *const create_conflicts_sql;

// $1 task, $2 kind, $3 policy, $4 how many.
extern const char *const count_conflicts_sql;

// Of a transaction that was applied ahead of its commit: $1 task, $2 xid, $3 commit LSN, $4 commit time (microseconds since
// 2000-01-01).
extern const char *const complete_conflicts_sql;

struct ConflictTotal {
    std::string kind;    // a ConflictKind, or existing_row: of the initial copy
    std::string policy;  // a ConflictAction, or an ExistingRows
    std::uint64_t total = 0;
};

struct ConflictTotals {
    std::vector<ConflictTotal> totals;
    std::uint64_t quarantined = 0;  // that wait now
};

// Of a task that has begun. One that an earlier version began has none.
Result<ConflictTotals> find_conflict_totals(pq::Connection &destination, const std::string &task);

struct Conflict {
    std::int64_t id = 0;
    std::string recorded;     // when, as the server prints it
    std::string lsn;          // of the source's commit; empty: it came while the table was copied, as do the next two
    std::string xid;          // of the source, with its epoch
    std::string commit_time;  // at the source
    std::string schema;
    std::string table;
    std::string operation;  // INSERT, UPDATE, DELETE
    std::string kind;
    std::string outcome;
    std::string key_columns;  // by which the row is found, JSON: an array
    std::string old_values;   // JSON: an object of texts and nulls; of an update or delete, the key at least
    std::string new_values;   // likewise; of an insert or update
    std::string local_row;    // that was there
    std::string sqlstate;
    std::string reason;
};

enum class WhichConflicts { all, quarantined };

// By id; `id`: only this one. Errors: ErrorKind::state for a task that has not been started.
Result<std::vector<Conflict>> list_conflicts(pq::Connection &destination, const std::string &task, WhichConflicts which,
                                             std::optional<std::int64_t> id = std::nullopt);

// Forget one, or all. Returns how many.
Result<std::uint64_t> drop_conflicts(pq::Connection &destination, const std::string &task,
                                     std::optional<std::int64_t> id);

}  // namespace walferry
