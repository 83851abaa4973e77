// Applies groups to the destination, each as one destination transaction, beside the other workers and yet in source order.
//
// The timeline of a group:
//
//   fold                    the net effect of its changes
//   BEGIN, the free part    beside the groups before it
//   the turnstile           until they have committed
//   the held part           what touches the same rows as they do; then tables that keep their order
//   checkpoint, COMMIT      in the same round trip; the checkpoint's compare-and-set fails if somebody else has moved it
//   COMMIT's answer         only now is applied_lsn raised, the turnstile passed on and the frames let go
//
// What the planner can't see may make this collide: with another group, or with the folding itself. Then it is rolled back,
// and goes on at the group's turn: folded once more, alone; and if that collides too, exactly: each change by itself in
// source order, each source transaction by itself, the younger groups recalled. What fails then is a real conflict. Where the
// operator has said what to do about such (apply/conflict_resolver.h) the transaction is replayed once more with that; else the
// destination ends exactly before the transaction that can't be applied.
//
// A transaction too big for a group comes in pieces; after the first, each is tried under a savepoint.
//
// A DDL statement is a piece of its own (apply/ddl.h), at its turn.
//
// What becomes of changes of tables that are being copied is decided at the group's turn (schedule/handover.h); those that
// are to be applied come last.
//
// One worker applies ahead of commits: pieces of a transaction whose own commit is still to come, beside the groups that
// commit before it. A change that can't be applied is told at the commit's turn, when all before is applied. What a younger
// group finds in its way it recalls, as ever; but the pieces are gone, so the task has to go back to its checkpoint, and
// goes on without applying ahead.
//
// Invariants:
//   1. The checkpoint moves in the transaction that holds the changes up to it: a crash at any point loses and repeats
//      nothing.
//   2. Nothing is committed before everything older is.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apply/conflict_resolver.h"
#include "apply/ddl.h"
#include "apply/exact_tables.h"
#include "apply/fold.h"
#include "apply/session.h"
#include "base/error.h"
#include "base/ring.h"
#include "base/stop.h"
#include "checkpoint/positions.h"
#include "config/task.h"
#include "pq/connection.h"
#include "schedule/group.h"
#include "schedule/handover.h"
#include "schedule/turnstile.h"

namespace walferry {

// Thread: its own for run(). References must outlive it.
class Worker {
public:
    // `options`: a worker_connection(), in `encoding`, the source's. The one that applies ahead opens it when it is needed:
    // most of the time it has nothing to do.
    Worker(pq::ConnectOptions options, const Task &task, std::string encoding, bool applies_ahead, Ring<Group> &groups,
           Doorbell &bell, Turnstile &turnstile, Handover &handover, ExactTables &exact_tables, Positions &positions);

    // Until stop is requested (ring the doorbell and the turnstile then; what is not committed is rolled back), or a change
    // can't be applied: ErrorKind::conflict, with the change in its context; or a transaction applied ahead was recalled.
    Result<void> run(const StopFlag &stop);

    // Why run() has ended, if it has: the task has to go back to its checkpoint.
    bool recalled_ahead() const { return recalled_ahead_; }
    // The same: tables are to be copied again.
    bool copies_again() const { return copies_again_; }

private:
    // How an attempt to apply a group folded ended. After a collision or a recall nothing is left of it.
    enum class Attempt { applied, collided, recalled };

    Result<void> open_session();
    Result<void> apply(const Group &group);
    Result<void> wait_for_turn(std::uint64_t number);
    Result<void> pass_ddl(const Group &group);
    Result<void> apply_ddl_piece(const Group &group);
    Result<void> apply_piece_ahead(const Group &group);
    Result<void> begin_ahead(const Group &group);
    Result<void> end_ahead(const Group &group);
    Result<void> wait_ahead(std::uint64_t number);
    Error recalled();
    Result<void> apply_at_turn(const Group &group);
    Result<Attempt> apply_first(const Group &group);
    Result<Attempt> apply_early(const Group &group);
    Result<Attempt> apply_alone(const Group &group, const char *begin);
    Result<void> decide(const Group &group);
    Result<void> send_held(const FoldedGroup &folded, RowCheck check);
    Result<Attempt> collided(Error error, const char *roll_back);

    Result<void> replay(const Group &group);
    Result<void> replay_piece(const Group &group);
    Result<void> send_exactly(const Group &group, std::size_t transaction, bool settle_conflicts);
    template <class Work>
    Result<void> replay_exactly(const char *undo, Work &&work);
    template <class Work>
    Result<void> insist(const char *undo, Work &&work);

    Result<FoldedGroup> fold_group(const Group &group);
    Result<void> end_attempt(const Group &group);
    Result<void> commit(const Group &group, std::size_t changes);
    Result<void> commit(const Transaction &last, std::size_t transactions, std::size_t changes);

    const pq::ConnectOptions options_;
    const Task &task_;
    const std::string encoding_;
    const bool applies_ahead_;
    Ring<Group> &groups_;
    Doorbell &bell_;
    Turnstile &turnstile_;
    Handover &handover_;
    ExactTables &exact_tables_;
    Positions &positions_;
    const StopFlag *stop_ = nullptr;

    // Being applied. When that fails it stays: its frames say that something is not applied, until all threads have ended.
    std::unique_ptr<const Group> group_;
    std::optional<Handover::Decision> decision_;  // about its undecided changes, from its turn on
    std::shared_ptr<void> no_copies_;             // begin, until the transaction is committed
    std::unique_ptr<Session> session_;
    std::optional<ConflictResolver> resolver_;  // from when the session is open on
    std::size_t earlier_changes_ = 0;           // of the pieces before this one
    std::uint64_t ddl_before_ = 0;              // the group with DDL before which nothing is known of tables any more

    // Of the transaction that is being applied ahead.
    bool ahead_ = false;
    std::uint64_t recalls_ = 0;         // when it was begun
    std::optional<Error> ahead_error_;  // told at its turn
    bool recalled_ahead_ = false;
    bool copies_again_ = false;
};

}  // namespace walferry
