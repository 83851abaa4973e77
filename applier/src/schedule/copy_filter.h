// Joins the initial copy to the stream: which changes a table's copy has already brought.
//
// A table is copied under a snapshot of its own, taken after the slot was made. The copy holds exactly the transactions
// that the snapshot sees, so the stream skips, for that table, exactly those: by transaction id, the rule that made the
// snapshot. (Comparing LSNs would not do: a transaction becomes visible some time after its commit record is written.)
// What commits behind the WAL position that was read after the snapshot can't be in it: there the filter rests.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/error.h"
#include "base/lsn.h"
#include "checkpoint/bookkeeping.h"
#include "decode/change.h"

namespace walferry {

// PostgreSQL's pg_snapshot in its text form, xmin:xmax:xip,...
struct Snapshot {
    std::uint64_t xmin = 0;              // all before are over
    std::uint64_t xmax = 0;              // none from here on has begun
    std::vector<std::uint64_t> running;  // in between, sorted

    static std::optional<Snapshot> parse(std::string_view text);
    bool sees(std::uint64_t xid) const;
};

class CopyFilter {
public:
    // Tables of which nothing is known pass everything. Errors: a table that is not copied, a bad snapshot.
    static Result<CopyFilter> from(const std::vector<TableState> &tables);

    bool copied(std::uint32_t relid, const Transaction &transaction) const {
        if (transaction.commit_lsn >= last_copy_lsn_) return false;
        const auto found = tables_.find(relid);
        return found != tables_.end() && transaction.commit_lsn < found->second.copy_lsn &&
               found->second.snapshot.sees(transaction.xid);
    }

    // From here on every table agrees with every other.
    Lsn last_copy_lsn() const { return last_copy_lsn_; }

private:
    struct Entry {
        Snapshot snapshot;
        Lsn copy_lsn;
    };
    std::unordered_map<std::uint32_t, Entry> tables_;
    Lsn last_copy_lsn_;
};

}  // namespace walferry
