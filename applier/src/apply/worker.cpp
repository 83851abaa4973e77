// SPDX-License-Identifier: PostgreSQL
#include "apply/worker.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "apply/copy_again.h"
#include "base/failpoint.h"
#include "checkpoint/bookkeeping.h"
#include "config/connections.h"
#include "pq/array.h"
#include "pq/error.h"

namespace walferry {

namespace {

// How often an exact replay is begun again when another session was in its way. Younger groups have rolled back by then, so
// it is somebody else's.
constexpr int replay_attempts_max = 20;

// Up to how many changes a group that is applied alone goes in one round trip, its commit included.
constexpr std::size_t checking_max = 256;

constexpr const char *begin = "BEGIN";
constexpr const char *roll_back = "ROLLBACK";
constexpr const char *wait_for_locks = "SET LOCAL lock_timeout = 0";
// Around a piece of a big transaction.
constexpr const char *set_savepoint = "SAVEPOINT piece";
constexpr const char *release_savepoint = "RELEASE SAVEPOINT piece";
constexpr const char *back_to_savepoint = "ROLLBACK TO SAVEPOINT piece";

// Whether another way of applying the same changes could succeed.
bool is_collision(const Error &error) {
    return error.kind == ErrorKind::conflict || error.kind == ErrorKind::server || pq::is_lock(error);
}

// Without a lock that a copy's would keep away.
bool renames_what_copies_use(const std::string &tag) {
    return tag == "ALTER SCHEMA" || tag == "ALTER TYPE" || tag == "ALTER DOMAIN" || tag == "ALTER EXTENSION";
}

}  // namespace

Worker::Worker(pq::ConnectOptions options, const Task &task, std::string encoding, bool applies_ahead,
               Ring<Group> &groups, Doorbell &bell, Turnstile &turnstile, Handover &handover, ExactTables &exact_tables,
               Positions &positions)
    : options_(std::move(options)),
      task_(task),
      encoding_(std::move(encoding)),
      applies_ahead_(applies_ahead),
      groups_(groups),
      bell_(bell),
      turnstile_(turnstile),
      handover_(handover),
      exact_tables_(exact_tables),
      positions_(positions) {}

Result<void> Worker::run(const StopFlag &stop) {
    stop_ = &stop;
    if (!applies_ahead_) WF_TRY(open_session());
    while (!stop.requested()) {
        const auto seen = bell_.count();
        group_ = groups_.try_pop();
        if (group_) {
            WF_TRY(apply(*group_));
            continue;
        }
        if (ahead_ && turnstile_.recalls() != recalls_) return fail(recalled());
        if (!stop.requested()) bell_.wait(seen);
    }
    return {};
}

Result<void> Worker::open_session() {
    WF_ASSIGN(session_, Session::open(options_, task_.name, task_.names));
    resolver_.emplace(task_, encoding_, *stop_);
    return {};
}

Result<void> Worker::apply(const Group &group) {
    if (!session_) WF_TRY(open_session());
    if (group.first_piece) earlier_changes_ = 0;
    WF_TRY(pass_ddl(group));
    if (group.gives_up) return fail(recalled());  // the place of its DDL among the others is not known
    if (group.ddl) {
        WF_TRY(apply_ddl_piece(group));
    } else {
        WF_TRY(group.ahead() ? apply_piece_ahead(group) : ahead_ ? end_ahead(group) : apply_at_turn(group));
    }
    decision_.reset();
    earlier_changes_ += group.changes.size();
    if (!group.last_piece) return {};
    positions_.groups.fetch_add(1, std::memory_order_relaxed);
    no_copies_.reset();
    // No group may follow that was planned otherwise.
    if (copies_again_) return fail(ErrorKind::transient, "tables are copied again");
    failpoint("between_commits");
    turnstile_.pass(group.number);
    return {};
}

// Until all groups before `number` have committed.
Result<void> Worker::wait_for_turn(std::uint64_t number) {
    if (turnstile_.wait(number, {}, *stop_) != Turnstile::Passage::stopped) return {};
    return fail(ErrorKind::interrupted, "stopped by request");
}

// The DDL before it is committed, and what was known of tables is forgotten.
Result<void> Worker::pass_ddl(const Group &group) {
    if (group.ddl_before == ddl_before_) return {};
    WF_TRY(wait_for_turn(group.ddl_before + 1));
    ddl_before_ = group.ddl_before;
    resolver_->forget_tables();
    return session_->forget_tables();
}

Result<void> Worker::apply_ddl_piece(const Group &group) {
    WF_TRY(wait_for_turn(group.number));
    const Ddl &ddl = *group.ddl;
    if (renames_what_copies_use(ddl.tag) && !no_copies_) {
        WF_ASSIGN(no_copies_, handover_.wait_for_copies(*stop_));
    }
    const bool agree = handover_.agrees(group.transactions.back().transaction.commit_lsn);
    const bool left_out = !agree && ddl.tag == "REFRESH MATERIALIZED VIEW";
    return apply_ddl(*session_, ddl, !group.first_piece,
                     {task_.name, task_.file, task_.ddl, task_.names, *stop_, [this] { turnstile_.recall(); },
                      [this] { return handover_.copying(); },
                      [this, agree, &ddl]() -> Result<bool> {
                          if (agree) return false;
                          WF_ASSIGN(const bool emptied, copy_again(*session_, task_, encoding_, *stop_, ddl.objects));
                          copies_again_ |= emptied;
                          return emptied;
                      },
                      left_out ? "it is filled when all tables are copied" : nullptr});
}

// All that committed before it came must be applied; what commits later has nothing in common with it.
Result<void> Worker::apply_piece_ahead(const Group &group) {
    if (group.first_piece) {
        WF_TRY(begin_ahead(group));
    } else {
        WF_TRY(wait_ahead(group.after + 1));
    }
    if (ahead_error_) return {};
    const auto apply = [&]() -> Result<void> {
        WF_ASSIGN(const Attempt attempt, apply_alone(group, group.first_piece ? begin : set_savepoint));
        if (attempt == Attempt::applied) return {};
        positions_.replays.fetch_add(1, std::memory_order_relaxed);
        return replay_piece(group);
    };
    auto applied = apply();
    failpoint("applied_ahead");
    if (applied || applied.error().kind != ErrorKind::conflict) return applied;
    ahead_error_ = std::move(applied).error();
    return session_->roll_back();
}

Result<void> Worker::begin_ahead(const Group &group) {
    (void)turnstile_.wait(group.after + 1, {}, *stop_);
    const auto recalls = turnstile_.wait_until_open(*stop_);
    if (stop_->requested() || !recalls) return fail(ErrorKind::interrupted, "stopped by request");
    recalls_ = *recalls;
    ahead_ = true;
    ahead_error_.reset();
    return {};
}

Result<void> Worker::end_ahead(const Group &group) {
    WF_TRY(wait_ahead(group.number));
    if (ahead_error_) return fail(*ahead_error_);
    WF_TRY(apply_at_turn(group));
    ahead_ = false;
    return {};
}

Result<void> Worker::wait_ahead(std::uint64_t number) {
    switch (turnstile_.wait(number, recalls_, *stop_)) {
        case Turnstile::Passage::turn:
            return {};
        case Turnstile::Passage::stopped:
            return fail(ErrorKind::interrupted, "stopped by request");
        case Turnstile::Passage::recalled:
            break;
    }
    return fail(recalled());
}

// Ends the stream, which knows by recalled_ahead() that it has only to begin again.
Error Worker::recalled() {
    recalled_ahead_ = true;
    return Error{ErrorKind::transient, Side::destination, {}, "a transaction applied ahead was recalled", {}, {}, {}};
}

// The group from its beginning to its commit; of one in pieces, what its piece has of that.
Result<void> Worker::apply_at_turn(const Group &group) {
    WF_ASSIGN(const Attempt attempt, group.first_piece ? apply_first(group) : apply_alone(group, set_savepoint));
    if (attempt != Attempt::applied) {
        positions_.replays.fetch_add(1, std::memory_order_relaxed);
        failpoint("exact_replay");
        turnstile_.recall();
        WF_TRY(group.whole() ? replay(group) : replay_piece(group));
    }
    if (!group.whole() && group.last_piece) {
        WF_TRY(resolver_->complete(*session_, group.transactions.back().transaction));
        WF_TRY(commit(group, earlier_changes_ + group.changes.size()));
    }
    return {};
}

Result<Worker::Attempt> Worker::apply_first(const Group &group) {
    if (!turnstile_.is_turn(group.number)) {
        WF_ASSIGN(const Attempt attempt, apply_early(group));
        if (attempt == Attempt::applied) return attempt;
        WF_TRY(wait_for_turn(group.number));
    }
    return apply_alone(group, begin);
}

// The free part beside the groups before, the rest at its turn.
Result<Worker::Attempt> Worker::apply_early(const Group &group) {
    const auto recalls = turnstile_.recalls();
    if (turnstile_.closed()) return Attempt::recalled;
    const auto apply = [&]() -> Result<Attempt> {
        WF_ASSIGN(const FoldedGroup folded, fold_group(group));
        WF_TRY(session_->send(begin));
        WF_TRY(session_->send_net(folded.tables, &FoldedTable::free, RowCheck::answer));
        WF_TRY(session_->settle());
        failpoint("free_part_done");
        switch (turnstile_.wait(group.number, recalls, *stop_)) {
            case Turnstile::Passage::turn:
                break;
            case Turnstile::Passage::recalled:
                WF_TRY(session_->roll_back(roll_back));
                return Attempt::recalled;
            case Turnstile::Passage::stopped:
                return fail(ErrorKind::interrupted, "stopped by request");
        }
        WF_TRY(decide(group));
        WF_TRY(send_held(folded, RowCheck::statement));
        WF_TRY(end_attempt(group));
        return Attempt::applied;
    };
    auto attempt = apply();
    if (attempt) return attempt;
    if (session_->failed_relation() != nullptr && !pq::is_lock(attempt.error())) {
        exact_tables_.note_collision(session_->failed_relation()->relid);
    }
    return collided(std::move(attempt).error(), roll_back);
}

// All of it, at its turn; `begin_with` a transaction, or a savepoint in the open one.
Result<Worker::Attempt> Worker::apply_alone(const Group &group, const char *begin_with) {
    WF_TRY(decide(group));
    const auto apply = [&]() -> Result<void> {
        WF_ASSIGN(const FoldedGroup folded, fold_group(group));
        const auto check = group.changes.size() <= checking_max ? RowCheck::statement : RowCheck::answer;
        WF_TRY(session_->send(begin_with));
        WF_TRY(session_->send_net(folded.tables, &FoldedTable::free, check));
        WF_TRY(send_held(folded, check));
        if (begin_with == set_savepoint) WF_TRY(session_->send(release_savepoint));
        return end_attempt(group);
    };
    auto applied = apply();
    if (applied) return Attempt::applied;
    if (session_->failed_relation() != nullptr && !pq::is_lock(applied.error())) {
        exact_tables_.note_failure(session_->failed_relation()->relid);
    }
    return collided(std::move(applied).error(), begin_with == begin ? roll_back : back_to_savepoint);
}

Result<void> Worker::send_held(const FoldedGroup &folded, RowCheck check) {
    WF_TRY(session_->send_net(folded.tables, &FoldedTable::held, check));
    for (const PlannedChange *planned : folded.ordered) WF_TRY(session_->send_change(planned->change, check));
    if (!decision_) return {};
    for (const PlannedChange *planned : decision_->late) WF_TRY(session_->send_change(planned->change, check));
    return {};
}

// Once a group, at its turn: what is kept for a copy is kept, however often the group is tried.
Result<void> Worker::decide(const Group &group) {
    if (!group.undecided || decision_) return {};
    WF_ASSIGN(decision_, handover_.decide(group, *stop_));
    return {};
}

// A big transaction's commit comes later, as it can't be tried again.
Result<void> Worker::end_attempt(const Group &group) {
    return group.whole() ? commit(group, group.changes.size()) : session_->settle();
}

Result<Worker::Attempt> Worker::collided(Error error, const char *undo) {
    if (!is_collision(error)) return fail(std::move(error));
    spdlog::debug("collided: {}", error.text());
    positions_.collisions.fetch_add(1, std::memory_order_relaxed);
    WF_TRY(session_->roll_back(undo));
    return Attempt::collided;
}

Result<void> Worker::commit(const Group &group, std::size_t changes) {
    return commit(group.transactions.back().transaction, group.transactions.size(), changes);
}

Result<void> Worker::commit(const Transaction &last, std::size_t transactions, std::size_t changes) {
    WF_TRY(session_->commit(turnstile_.checkpoint(), last));
    turnstile_.move_checkpoint(last.end_lsn);
    positions_.applied_lsn.raise(last.end_lsn);
    positions_.applied_commit_time.store(last.commit_time, std::memory_order_relaxed);
    positions_.transactions.fetch_add(transactions, std::memory_order_relaxed);
    positions_.changes.fetch_add(changes, std::memory_order_relaxed);
    return {};
}

// Each source transaction as one of its own, so that the destination ends exactly before one that can't be applied.
Result<void> Worker::replay(const Group &group) {
    for (std::size_t i = 0; i < group.transactions.size(); ++i) {
        WF_TRY(replay_exactly(roll_back, [&](bool settle_conflicts) -> Result<void> {
            WF_TRY(session_->send(begin));
            WF_TRY(send_exactly(group, i, settle_conflicts));
            return commit(group.transactions[i].transaction, 1, group.end_of(i) - group.transactions[i].first_change);
        }));
    }
    return {};
}

Result<void> Worker::replay_piece(const Group &group) {
    if (group.first_piece) WF_TRY(session_->send(begin));
    return replay_exactly(back_to_savepoint, [&](bool settle_conflicts) -> Result<void> {
        WF_TRY(session_->send(set_savepoint));
        WF_TRY(send_exactly(group, 0, settle_conflicts));
        WF_TRY(session_->send(release_savepoint));
        return session_->settle();
    });
}

// Once as it is, which is all for most; then, if it meets a conflict, with what the operator has said about such.
template <class Work>
Result<void> Worker::replay_exactly(const char *undo, Work &&work) {
    auto done = insist(undo, [&] { return work(false); });
    if (done || !resolver_->may_settle(done.error())) return done;
    WF_TRY(session_->roll_back(undo));
    return insist(undo, [&] { return work(true); });
}

Result<void> Worker::send_exactly(const Group &group, std::size_t transaction, bool settle_conflicts) {
    WF_TRY(session_->send(wait_for_locks));
    const GroupTransaction &sent = group.transactions[transaction];
    const auto is_late = [&](const PlannedChange &planned) {
        return decision_ && std::binary_search(decision_->late.begin(), decision_->late.end(), &planned);
    };
    for (std::size_t at = sent.first_change; at < group.end_of(transaction); ++at) {
        const PlannedChange &planned = group.changes[at];
        if (planned.undecided && !is_late(planned)) continue;
        WF_TRY(settle_conflicts ? resolver_->apply(*session_, planned.change, sent.transaction)
                                : session_->send_explained(planned.change, sent.transaction));
    }
    return {};
}

// Do it, and again after a deadlock, whose other side has then ended.
template <class Work>
Result<void> Worker::insist(const char *undo, Work &&work) {
    for (int attempt = 1;; ++attempt) {
        auto done = work();
        if (done || !pq::is_lock(done.error()) || attempt == replay_attempts_max) return done;
        WF_TRY(session_->roll_back(undo));
    }
}

// Requires: no transaction is open, or nothing in it has failed.
Result<FoldedGroup> Worker::fold_group(const Group &group) {
    return session_->fold_group(group,
                                [&](const Relation &relation) { return exact_tables_.contains(relation.relid); });
}

}  // namespace walferry
