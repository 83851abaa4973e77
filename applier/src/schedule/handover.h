// Joins the copies of tables to the stream, while both run.
//
// A table is copied under a snapshot of its own. The copy holds exactly the transactions that the snapshot sees, so the
// stream leaves out, for that table, exactly those, by transaction id, the rule that made the snapshot. (Comparing LSNs would
// not do: a transaction becomes visible some time after its commit record is written.) A table goes through these states:
//
//   pending   nothing of it is copied: its changes are left out, the snapshot to come will see them
//   claimed   a copy has its snapshot, and waits until the destination's definition of the table is the snapshot's
//   copying   the copy goes on in an open destination transaction
//   ready     that has committed: the changes are applied like those of any table
//
// While a table is claimed or copying, changes that the snapshot doesn't see are kept in a spool. The copy applies them in
// its own transaction, at last with the stream's commits of such changes held up, and commits. So the spool needs no more
// life than the process: a crash before that commit costs the copy, and the table is copied anew.
//
// What a change of a table that is not ready comes to is decided at its group's turn, when all before has been committed,
// and its table's state can't change until the group is. So is what follows it of that table in the group, or it would be
// applied first. Of a transaction in pieces nothing is kept, as it would be before its
// commit: it waits until the copy is ready, or takes the claim away.
//
// Invariants:
//   1. A claim's snapshot sees every transaction of which a change was left out as the table was pending. (It may not: a
//      transaction is in the stream before it is visible, for as long as it waits for a synchronous standby.)
//   2. A group's changes are in a spool if and only if the group commits before the copy does.
//   3. From the LSN on that was read after the snapshot, no commit is in the copy.
//   4. A table that is not among those to be copied has all its changes in the stream if it was created behind the schema's
//      snapshot. One of which that snapshot sees a change was gone by then, or another task's: such changes are left out.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/error.h"
#include "base/lsn.h"
#include "base/stop.h"
#include "checkpoint/bookkeeping.h"
#include "decode/change.h"
#include "schedule/group.h"
#include "schedule/snapshot.h"
#include "spool/spools.h"

namespace walferry {

class Handover {
public:
    // `tables`: those that were ever to be copied; nothing: none is, all changes are the stream's. `schema`: the snapshot that
    // the destination's definitions were made from, if they were, and that `tables` were listed under.
    // `spool_options.bytes_max` bounds what is kept, but for the last group. Errors: a bad snapshot.
    static Result<std::unique_ptr<Handover>> from(const std::optional<std::vector<TableState>> &tables,
                                                  const SchemaState &schema, SpoolOptions spool_options);
    Handover() : Handover(SpoolOptions{}) {}
    Handover(const Handover &) = delete;
    Handover &operator=(const Handover &) = delete;
    ~Handover();

    // --- Thread: the planner's.

    enum class Fate { apply, leave_out, undecided };
    // Of a change of the transaction to the table.
    Fate fate(std::uint32_t relid, const Transaction &transaction) const;
    // All tables are ready, and no transaction that commits from `lsn` on is in a copy of any: they agree with each other.
    bool agrees(Lsn lsn) const;
    // The DDL of the transaction was seen by those who made the destination's definitions.
    bool in_schema(const Transaction &transaction) const;
    // A transaction's commit is met in the stream.
    void meet(std::uint64_t xid);

    // --- Thread: the worker whose turn it is.

    struct Decision {
        std::vector<const PlannedChange *> late;  // in source order: the table is ready by now, they are to be applied
        std::unique_lock<std::mutex> hold;        // if something was kept: until the group is committed
    };
    // What becomes of a group's undecided changes. Waits while there is no room for more.
    Result<Decision> decide(const Group &group, const StopFlag &stop);
    // Until no table is being copied, for DDL that no lock of a copy keeps away. None begins until the result is gone.
    Result<std::shared_ptr<void>> wait_for_copies(const StopFlag &stop);

    // --- Thread: a copy's.

    class Claim;
    // The tables are claimed for a copy under the snapshot. Null: it doesn't see what it would have to; take a new one, after a
    // while. `lsn`: the source's WAL insert position after it was taken. Requires: the tables are pending.
    std::shared_ptr<Claim> claim(const std::vector<std::uint32_t> &relids, const Snapshot &snapshot, Lsn lsn);
    // From claimed to copying. False: the claim was taken away, or somebody was in wait_for_copies() since it was made. Waits
    // for who is in there.
    Result<bool> begin(Claim &claim, const StopFlag &stop);
    // While it is held, nobody commits a change to the tables that take() has not given.
    std::unique_lock<std::mutex> hold() { return std::unique_lock(mutex_); }
    // What was kept since the last call; null if nothing was. Requires: hold().
    std::unique_ptr<Spool> take(Claim &claim);
    // The copy is committed. Requires: hold().
    void finish(Claim &claim);
    // The copy is given up: the tables are pending.
    void release(Claim &claim);

    // --- Thread: any.

    std::vector<std::uint32_t> pending() const;
    // All tables are ready; last_copy_lsn() won't rise.
    bool complete() const { return unready_.load(std::memory_order_acquire) == 0; }
    bool copying() const { return copying_.load(std::memory_order_acquire) > 0; }
    Lsn last_copy_lsn() const { return Lsn{last_copy_lsn_.load(std::memory_order_acquire)}; }
    // Transactions that were running when this process began, and may have been in the stream before: no snapshot is good
    // enough that doesn't see them, until they are met in the stream.
    void suspect(const Snapshot &snapshot);
    // Every snapshot from now on sees the transactions before: they need not be remembered.
    void forget_before(std::uint64_t xid);

private:
    enum class State : std::uint8_t { pending, claimed, copying, ready };
    struct Table {
        // Written under mutex_; read by the planner, for which what else is here is constant once it is ready.
        std::atomic<State> state{State::pending};
        Snapshot snapshot;
        Lsn copy_lsn;
        Claim *claim = nullptr;

        bool copied(const Transaction &transaction) const {
            return transaction.commit_lsn < copy_lsn && snapshot.sees(transaction.xid);
        }
    };

    explicit Handover(SpoolOptions spool_options) : spool_options_(std::move(spool_options)) {}
    Table *find(std::uint32_t relid) const;
    Result<void> make_room(std::unique_lock<std::mutex> &lock, const StopFlag &stop);
    Result<bool> decide_one(const Group &group, const PlannedChange &planned, const Transaction &transaction,
                            std::unique_lock<std::mutex> &lock, bool &kept, const StopFlag &stop);
    Result<void> keep(Claim &claim, const Change &change, std::uint64_t xid);
    void give_up(Claim &claim);
    template <class Condition>
    Result<void> wait(std::unique_lock<std::mutex> &lock, const StopFlag &stop, Condition condition);

    const SpoolOptions spool_options_;
    std::optional<Snapshot> schema_snapshot_;
    Lsn schema_lsn_;
    bool copies_ = false;  // there is a list of tables

    // Built before the threads begin; its entries stay where they are.
    std::unordered_map<std::uint32_t, std::unique_ptr<Table>> tables_;
    std::atomic<std::size_t> unready_{0};          // tables
    std::atomic<std::uint64_t> last_copy_lsn_{0};  // raised before unready_ falls
    std::atomic<std::size_t> copying_{0};          // claims
    std::atomic<bool> suspecting_{false};          // suspects_ holds something

    // Held from keeping a change to its commit, and from a copy's last look into its spool to its commit.
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::uint64_t kept_bytes_ = 0;
    int waiting_for_copies_ = 0;
    std::uint64_t waits_for_copies_ = 0;  // so far
    std::unordered_set<std::uint64_t>
        left_out_;  // transactions of which a change was left out as its table was pending
    mutable std::mutex suspects_mutex_;
    std::unordered_set<std::uint64_t> suspects_;
};

// Tables that are copied together. Thread: its copy's, but for what Handover does with it.
class Handover::Claim {
    friend class Handover;
    std::vector<Table *> tables_;
    Lsn lsn_;
    std::unique_ptr<Spool> spool_;
    std::uint64_t spool_bytes_ = 0;    // of it, that count
    std::vector<std::uint64_t> kept_;  // transactions of which a change was kept
    bool lost_ = false;
    bool copying_ = false;
    std::uint64_t waits_for_copies_ = 0;  // when it was made
};

}  // namespace walferry
