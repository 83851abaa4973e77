// Applies changes that may meet a conflict, one by one, each under a savepoint, and does with a conflict what the operator has asked
// for its table (config/conflict_policy.h): the exact replay's last resort, when a source transaction has failed without.
//
//   the change             fails: which kind of conflict is it? (SQLSTATE, row count; for a unique violation, whether
//                          a row with the change's key is here)
//   stop                   the error it was
//   overwrite              an insert becomes an update of the row that is here, an update an insert of the row that is not; that
//                          may meet the next conflict, which is settled likewise
//   skip, quarantine       back to the savepoint
//   walferry.conflict      a record, in the same transaction (checkpoint/conflicts.h)
//
// What is no conflict of these kinds is an error as ever: a missing table or column, a value that doesn't fit its type, a trigger's
// exception, several rows for one key, a constraint that is checked at the commit.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "apply/session.h"
#include "base/error.h"
#include "base/stop.h"
#include "config/task.h"
#include "decode/change.h"

namespace walferry {

// Thread: its worker's.
class ConflictResolver {
public:
    // `encoding`: the session's, which is the source's. References must outlive it.
    ConflictResolver(const Task &task, std::string encoding, const StopFlag &stop)
        : task_(task), encoding_(std::move(encoding)), stop_(stop) {}

    // Whether it could make a difference to a transaction that failed so.
    bool may_settle(const Error &error) const { return error.kind == ErrorKind::conflict && task_.settles_conflicts(); }

    // In the open transaction, in which nothing has failed. Of an error it says which change it was; then something may be left to
    // undo. `transaction` may be empty: not known.
    Result<void> apply(Session &session, const Change &change, const Transaction &transaction);

    // Before the commit of a transaction whose changes may have been recorded when its commit LSN was not known.
    Result<void> complete(Session &session, const Transaction &transaction);

    // A DDL statement has changed something.
    void forget_tables() { policies_.clear(); }

private:
    Result<const ConflictPolicy *> policy_of(Session &session, const Relation &relation);
    const Relation *with_key(const Relation &relation);
    Result<void> try_change(Session &session, const Change &change);
    struct Met {
        ConflictKind kind;
        std::string local_row;
        Error error;
    };
    Result<std::optional<Met>> classify(Session &session, const Change &change, const Error &error);
    std::optional<Change> overwriting(const Change &change, ConflictKind kind);
    Result<void> record(Session &session, const Change &change, const Transaction &transaction, const Met &met,
                        ConflictAction action);

    const Task &task_;
    const std::string encoding_;
    const StopFlag &stop_;
    std::unordered_map<std::uint32_t, ConflictPolicy> policies_;  // by relid
    std::unordered_map<const Relation *, std::unique_ptr<const Relation>>
        with_primary_key_;    // in place of no other key
    bool lacks_lsn_ = false;  // something was recorded without
};

}  // namespace walferry
