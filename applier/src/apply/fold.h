// The net effect of a group, row by row: what many changes to one row come to, so that each row is written once.
//
// Rows are told apart by ConflictKeys::identity and by the bytes of their key columns. Per row, in source order:
//
//   insert, update      an insert of the last row          update, update     an update to the last row
//   insert, delete      nothing                            update, delete     a delete
//   delete, insert      a delete and an insert (the deletes of a table go first)
//
// A TOAST value that an update left alone is taken from the change before it that had it; if none had, it stays left alone.
//
// Not folded but kept in source order ("ordered"), table by table, are tables where folding could be wrong or rows can't
// be told apart:
//   - tables that the caller calls exact; truncated ones; tables described twice within the group
//   - updates and deletes of a table without a hashed identity (its inserts alone may be batched)
//   - a table where an update changes a key or needs a replacement (see statement.h), where two keys of one hash differ
//     in their bytes, where a change doesn't tell its row, or where no row can go through a sequence of changes
// If any change of a table is ordered, all of its changes in the group are. Undecided changes are left out.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "decode/change.h"
#include "schedule/group.h"

namespace walferry {

// Net changes of one table; each list sorted by the first 128 bytes of the key columns (inserts without a hashed
// identity stay in source order), so that the destination's pages are touched in order. They are views into the group's
// frames, or into FoldedGroup::merged. Every update has OldTuple::none, or OldTuple::key/row with a key that has not changed.
struct NetChanges {
    std::vector<Change> removes;
    std::vector<Change> updates;
    std::vector<Change> inserts;

    bool empty() const { return removes.empty() && updates.empty() && inserts.empty(); }
};

struct FoldedTable {
    const Relation *relation = nullptr;
    NetChanges free;  // rows of which no change is held
    NetChanges held;
};

struct FoldedGroup {
    std::vector<FoldedTable> tables;             // by relid
    std::vector<const PlannedChange *> ordered;  // in source order
    std::deque<std::string> merged;              // bytes of tuples that no single change had
};

// Folds all changes of `group`, which must outlive what is returned.
// `exact` says of a table whether it must not be folded; it is asked once for each table.
// Thread: any.
FoldedGroup fold(const Group &group, const std::function<bool(const Relation &)> &exact);

}  // namespace walferry
