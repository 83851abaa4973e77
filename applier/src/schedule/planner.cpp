// SPDX-License-Identifier: PostgreSQL
#include "schedule/planner.h"

#include <iterator>
#include <utility>

namespace walferry {

Planner::Planner(Ring<Frame> &frames, Ring<Group> &groups, Doorbell &bell, CopyFilter filter, Lsn applied_lsn)
    : frames_(frames),
      groups_(groups),
      bell_(bell),
      filter_(std::move(filter)),
      applied_lsn_(applied_lsn),
      group_(std::make_unique<Group>()) {}

Result<void> Planner::run(const StopFlag &stop) {
    while (!stop.requested()) {
        const auto seen = bell_.count();
        WF_ASSIGN(const bool worked, step(stop));
        if (!worked && !stop.requested()) bell_.wait(seen);
    }
    return {};
}

Result<bool> Planner::step(const StopFlag &stop) {
    stop_ = &stop;
    frame_ = frames_.try_pop();
    const bool worked = frame_ != nullptr;
    if (worked) WF_TRY(decoder_.decode(frame_->bytes(), *this));
    frame_.reset();
    cut_by_bytes();
    // The worker has taken all there was: what is ready need not wait for more.
    if (groups_.drained()) hand_on_complete();
    return worked;
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
    if (group_->changes.size() < group_changes_max) return;
    hand_on_complete();
    if (group_->changes.size() >= group_changes_max) hand_on_piece(false);
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
    if (!group_->first_piece) {
        hand_on_piece(true);
    } else if (group_->transactions.size() >= group_changes_max) {
        hand_on_complete();
    }
}

void Planner::on_heartbeat(Lsn, std::string_view) {}

// Between frames: a huge one, all of one row perhaps, must not make a group of each small change beside it.
void Planner::cut_by_bytes() {
    if (group_->bytes >= group_bytes_max) hand_on_complete();
    if (group_->bytes >= group_bytes_max) hand_on_piece(false);
}

std::size_t Planner::complete_transactions() const {
    const bool open = in_transaction_ && !skipping_;
    return group_->transactions.size() - (open ? 1 : 0);
}

void Planner::hold_frame() {
    if (!group_->frames.empty() && group_->frames.back() == frame_) return;
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
}

void Planner::hand_on_piece(bool last) {
    auto rest = std::make_unique<Group>();
    if (!last) {
        rest->first_piece = false;
        rest->transactions.push_back({group_->transactions.back().transaction, 0});
    }
    group_->last_piece = last;
    open_frame_ = 0;
    hand_on(std::exchange(group_, std::move(rest)));
}

void Planner::hand_on(std::unique_ptr<Group> group) {
    while (true) {
        const auto seen = bell_.count();  // before the flag is looked at, or its ring could be missed
        if (stop_->requested() || groups_.try_push(group)) return;
        bell_.wait(seen);
    }
}

}  // namespace walferry
