// SPDX-License-Identifier: PostgreSQL
#include "schedule/planner.h"

#include <algorithm>
#include <iterator>
#include <thread>
#include <utility>

namespace walferry {

namespace {

using std::chrono::milliseconds;

// With more to come, a group that is not full waits so long for it: since the last frame came, and in all.
constexpr milliseconds gather_pause_max{15};
constexpr milliseconds gather_max{200};
constexpr std::chrono::microseconds gather_step{500};

Error spool_is_full() {
    return Error{ErrorKind::state,
                 Side::none,
                 {},
                 "transactions that the source streams before their commit take more disk than apply.spool_mb allows",
                 {},
                 "Raise apply.spool_mb, or set apply.streaming = false: then the source keeps them until they commit.",
                 {}};
}

}  // namespace

GroupLimits group_limits(std::size_t workers, std::size_t budget_bytes) {
    // Two groups for each worker, the one being filled, and one more for frames that wait.
    GroupLimits limits;
    limits.bytes = std::min(limits.bytes, budget_bytes / (2 * workers + 2));
    return limits;
}

Planner::Planner(Ring<Frame> &frames, std::vector<Ring<Group> *> workers, const Turnstile &turnstile, Doorbell &bell,
                 CopyFilter filter, Lsn applied_lsn, GroupLimits limits, SpoolOptions spool_options,
                 ByteBudget &budget)
    : frames_(frames),
      workers_(std::move(workers)),
      turnstile_(turnstile),
      bell_(bell),
      filter_(std::move(filter)),
      applied_lsn_(applied_lsn),
      limits_(limits),
      spool_options_(std::move(spool_options)),
      budget_(budget),
      group_(std::make_unique<Group>()) {}

Result<void> Planner::run(const StopFlag &stop) {
    while (!stop.requested()) {
        const auto seen = bell_.count();
        WF_ASSIGN(const bool worked, step(stop));
        if (worked || stop.requested()) continue;
        if (complete_transactions() > 0 && worker_waits()) {
            std::this_thread::sleep_for(gather_step);  // gathering: a doorbell's wait has no end of its own
        } else {
            bell_.wait(seen);
        }
    }
    return {};
}

Result<bool> Planner::step(const StopFlag &stop) {
    stop_ = &stop;
    frame_ = frames_.try_pop();
    const bool worked = frame_ != nullptr;
    if (worked) {
        last_frame_ = Clock::now();
        more_to_come_ = !frame_->closing();
        WF_TRY(decoder_.decode(frame_->bytes(), *this));
        if (error_) return fail(*error_);
        frame_.reset();
        cut_by_bytes();
    }
    if (frames_.empty() && worker_waits() && !gathering()) hand_on_complete();
    return worked;
}

// Whether it is worth waiting for more before a group that is not full is handed on.
bool Planner::gathering() const {
    const auto now = Clock::now();
    return more_to_come_ && now - last_frame_ < gather_pause_max && now - group_begun_ < gather_max;
}

void Planner::on_begin(const Transaction &transaction) {
    in_transaction_ = true;
    skipping_ = transaction.end_lsn <= applied_lsn_;
    if (skipping_) return;
    open_frame_ = group_->frames.size();
    if (open_frame_ > 0 && group_->frames.back() == frame_) --open_frame_;
    group_->transactions.push_back({transaction, group_->changes.size()});
}

void Planner::on_change(Change change) {
    if (skipping_) return;
    const Transaction &transaction = group_->transactions.back().transaction;
    if (change.truncate) {
        std::erase_if(change.truncate->relations,
                      [&](const Relation *relation) { return filter_.copied(relation->relid, transaction); });
        if (change.truncate->relations.empty()) return;
        change.relation = change.truncate->relations.front();
    } else if (filter_.copied(change.relation->relid, transaction)) {
        return;
    }
    hold_frame();
    group_->changes.push_back({std::move(change), false});
    if (group_->changes.size() < limits_.changes) return;
    hand_on_complete();
    if (group_->changes.size() >= limits_.changes) hand_on_piece(false);
}

void Planner::on_commit() {
    in_transaction_ = false;
    if (skipping_) {
        skipping_ = false;
        return;
    }
    // The commit's frame counts until it is applied, be there changes with it or not: by the budget the receiver knows
    // that something is still under way.
    hold_frame();
    plan_transaction();
    if (!group_->first_piece) {
        hand_on_piece(true);
    } else if (group_->transactions.size() >= limits_.changes) {
        hand_on_complete();
    }
}

void Planner::on_heartbeat(Lsn, std::string_view) {}

void Planner::on_stream_change(std::uint64_t xid, std::uint32_t subxid, Change change) {
    if (error_) return;
    if (auto spooled = spool(xid, subxid, change); !spooled) error_ = std::move(spooled).error();
}

Result<void> Planner::spool(std::uint64_t xid, std::uint32_t subxid, const Change &change) {
    auto &spool = spools_[xid];
    if (!spool) {
        WF_ASSIGN(spool, Spool::create(spool_options_.folder));
    }
    const auto before = spool->bytes();
    WF_TRY(spool->add(subxid, change));
    spooled_bytes_ += spool->bytes() - before;
    if (spooled_bytes_ <= spool_options_.bytes_max) return {};
    return fail(spool_is_full());
}

void Planner::on_stream_abort(std::uint64_t xid, std::uint32_t subxid) {
    const auto found = spools_.find(xid);
    if (error_ || found == spools_.end()) return;
    Spool &spool = *found->second;
    const auto before = spool.bytes();
    if (static_cast<std::uint32_t>(xid) == subxid) {
        spooled_bytes_ -= before;
        spools_.erase(found);
    } else if (auto aborted = spool.abort(subxid); aborted) {
        spooled_bytes_ -= before - spool.bytes();
    } else {
        error_ = std::move(aborted).error();
    }
}

void Planner::on_stream_commit(const Transaction &transaction) {
    const auto spool = spools_.extract(transaction.xid);
    if (error_ || spool.empty()) return;
    spooled_bytes_ -= spool.mapped()->bytes();
    on_begin(transaction);
    if (!skipping_) {
        if (auto replayed = replay(*spool.mapped()); !replayed) error_ = std::move(replayed).error();
    }
    on_commit();
}

// The transaction's changes, as if they had come in frames of their own.
Result<void> Planner::replay(Spool &spool) {
    const auto commit_frame = frame_;
    while (!stop_->requested()) {
        WF_ASSIGN(auto records, spool.read());
        if (records.empty()) break;
        frame_ = std::make_shared<Frame>(std::move(records), budget_);
        Spool::decode(frame_->bytes(), [this](Change change) { on_change(std::move(change)); });
        cut_by_bytes();
    }
    frame_ = commit_frame;
    return {};
}

// Finds which changes of the last transaction have to wait. Not before it is known which group it belongs to.
void Planner::plan_transaction() {
    for (std::size_t at = group_->transactions.back().first_change; at < group_->changes.size(); ++at) {
        PlannedChange &planned = group_->changes[at];
        planned.held = write(planned.change) > turnstile_.committed();
    }
}

// Notes what the change writes; the newest earlier group that it must not be reordered with.
std::uint64_t Planner::write(const Change &change) {
    std::uint64_t before = 0;
    const auto wait_for = [&before](std::uint64_t number) { before = std::max(before, number); };
    if (change.truncate) {
        for (const Relation *relation : change.truncate->relations) {
            TableWriters &table = tables_[relation->relid];
            wait_for(table.any.before(number_));
            table.any.write(number_);
            table.barrier.write(number_);
        }
        return before;
    }
    TableWriters &table = tables_[change.relation->relid];
    // Rows that can't be told apart: inserts commute with each other, all else keeps its order.
    const bool barrier = change.keys.identity == 0 && change.kind != ChangeKind::insert;
    wait_for(barrier ? table.any.before(number_) : table.barrier.before(number_));
    table.any.write(number_);
    if (barrier) table.barrier.write(number_);
    wait_for(write_keys(change));
    return before;
}

std::uint64_t Planner::write_keys(const Change &change) {
    // A table's keys are numbered: 0 the identity, then its other unique indexes.
    const auto of = [relid = std::uint64_t{change.relation->relid}](std::size_t key) { return (relid << 16) | key; };
    const ConflictKeys &keys = change.keys;
    std::uint64_t before = 0;
    if (keys.identity != 0) before = keys_.write(of(0), keys.identity, number_);
    if (keys.new_identity != 0 && keys.new_identity != keys.identity) {
        before = std::max(before, keys_.write(of(0), keys.new_identity, number_));
    }
    for (std::size_t i = 0; i < keys.unique_count(); ++i) {
        const auto hash = keys.unique_at(i);
        if (hash != 0) before = std::max(before, keys_.write(of(i + 1), hash, number_));
    }
    return before;
}

// Between frames: a huge one, all of one row perhaps, must not make a group of each small change beside it.
void Planner::cut_by_bytes() {
    if (group_->bytes >= limits_.bytes) hand_on_complete();
    if (group_->bytes >= limits_.bytes) hand_on_piece(false);
}

std::size_t Planner::complete_transactions() const {
    const bool open = in_transaction_ && !skipping_;
    return group_->transactions.size() - (open ? 1 : 0);
}

void Planner::hold_frame() {
    if (!group_->frames.empty() && group_->frames.back() == frame_) return;
    if (group_->frames.empty()) group_begun_ = last_frame_;
    group_->frames.push_back(frame_);
    group_->bytes += frame_->size();
}

void Planner::hand_on_complete() {
    const std::size_t complete = complete_transactions();
    if (complete == 0 || !group_->first_piece) return;
    auto rest = std::make_unique<Group>();
    if (complete < group_->transactions.size()) {  // the open transaction moves to the next group
        GroupTransaction open = std::move(group_->transactions.back());
        group_->transactions.pop_back();
        const auto first = group_->changes.begin() + static_cast<std::ptrdiff_t>(open.first_change);
        std::move(first, group_->changes.end(), std::back_inserter(rest->changes));
        group_->changes.erase(first, group_->changes.end());
        rest->frames.assign(group_->frames.begin() + static_cast<std::ptrdiff_t>(open_frame_), group_->frames.end());
        for (const auto &frame : rest->frames) rest->bytes += frame->size();
        open.first_change = 0;
        rest->transactions.push_back(std::move(open));
        open_frame_ = 0;
    }
    hand_on(std::exchange(group_, std::move(rest)));
    ++number_;
}

void Planner::hand_on_piece(bool last) {
    if (!last) plan_transaction();
    auto rest = std::make_unique<Group>();
    if (!last) {
        rest->first_piece = false;
        rest->transactions.push_back({group_->transactions.back().transaction, 0});
    }
    group_->last_piece = last;
    open_frame_ = 0;
    hand_on(std::exchange(group_, std::move(rest)));
    if (last) ++number_;
}

void Planner::hand_on(std::unique_ptr<Group> group) {
    group->number = number_;
    Ring<Group> &worker = *workers_[number_ % workers_.size()];
    while (true) {
        const auto seen = bell_.count();  // before the flag is looked at, or its ring could be missed
        if (stop_->requested() || worker.try_push(group)) return;
        bell_.wait(seen);
    }
}

}  // namespace walferry
