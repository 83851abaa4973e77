// The unit that goes from the planner to a worker: a run of whole, consecutive source transactions that becomes one
// destination transaction; or a piece of one transaction that is too big for a group: its pieces follow each other to the
// same worker, and the last one commits.
//
// A piece may also come ahead of its transaction's commit, whose place among the groups is then still unknown.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "decode/change.h"
#include "decode/ddl.h"
#include "receive/frame.h"

namespace walferry {

struct GroupTransaction {
    Transaction transaction;
    std::size_t first_change = 0;  // index of its first change in this group
};

struct PlannedChange {
    Change change;
    // An earlier group that is not committed may touch the same row or key: this one has to wait for it. What is not
    // held is free: it may be applied beside the earlier groups.
    bool held = false;
    // What becomes of it is known at its turn alone (schedule/handover.h); until then it is left alone.
    bool undecided = false;
};

struct Group {
    std::uint64_t number = 0;                          // 1, 2, ...: the order in which groups commit; pieces share one;
                                                       // 0: ahead of its commit
    std::uint64_t after = 0;                           // ahead: all groups up to this one must have committed before
    std::vector<std::shared_ptr<const Frame>> frames;  // what the changes are views into
    std::vector<PlannedChange> changes;                // in source order
    std::vector<GroupTransaction> transactions;        // in source order; of a piece: the one
    std::size_t bytes = 0;                             // of the frames

    // The number of the last group before it that holds a DDL statement: it can't be begun before that one has committed,
    // nor with what was known of tables before.
    std::uint64_t ddl_before = 0;
    std::unique_ptr<const Ddl> ddl;  // of a piece that is nothing but this statement
    bool gives_up = false;           // ahead, and with DDL: there it can't stay
    bool undecided = false;          // some of its changes are

    bool first_piece = true;  // begins a destination transaction
    bool last_piece = true;   // commits it

    bool ahead() const { return number == 0; }
    bool whole() const { return first_piece && last_piece; }
    // Index behind the last change of transaction `i`.
    std::size_t end_of(std::size_t i) const {
        return i + 1 < transactions.size() ? transactions[i + 1].first_change : changes.size();
    }
};

}  // namespace walferry
