// SPDX-License-Identifier: PostgreSQL
#include "schedule/planner.h"

#include <algorithm>
#include <iterator>
#include <thread>
#include <utility>

#include "wire.h"

namespace walferry {

namespace {

using std::chrono::milliseconds;

// With more to come, a group that is not full waits so long for it: since the last frame came, and in all.
constexpr milliseconds gather_pause_max{15};
constexpr milliseconds gather_max{200};
constexpr std::chrono::microseconds gather_step{500};
// How soon the end of a pause is seen.
constexpr milliseconds pause_step{20};
// How far ahead of planning the memory that it takes is asked for.
constexpr std::size_t prefetched_changes = 16;

// Tells the keys of all tables apart. A table's are numbered: 0 the identity, then its other unique indexes.
std::uint64_t key_number(const Change &change, std::size_t key) {
    return (std::uint64_t{change.relation->relid} << 16) | key;
}

}  // namespace

GroupLimits group_limits(std::size_t workers, std::size_t budget_bytes) {
    // Two groups for each worker and for the one ahead, those being filled, and one more for frames that wait.
    GroupLimits limits;
    limits.bytes = std::min(limits.bytes, budget_bytes / (2 * (workers + 1) + 3));
    return limits;
}

Planner::Planner(Ring<Frame> &frames, std::vector<Ring<Group> *> workers, Ring<Group> *ahead,
                 const Turnstile &turnstile, Doorbell &bell, Handover &handover, Lsn applied_lsn,
                 const GroupLimits &limits, SpoolOptions spool_options, ByteBudget &budget, Throttle &throttle,
                 Heartbeat &heartbeat)
    : frames_(frames),
      workers_(std::move(workers)),
      ahead_worker_(ahead),
      turnstile_(turnstile),
      bell_(bell),
      handover_(handover),
      applied_lsn_(applied_lsn),
      limits_(limits),
      budget_(budget),
      throttle_(throttle),
      heartbeat_(heartbeat),
      spools_(std::move(spool_options)),
      group_(std::make_unique<Group>()),
      last_commit_lsn_(applied_lsn) {}

Result<void> Planner::run(const StopFlag &stop) {
    while (!stop.requested()) {
        const auto seen = bell_.count();
        if (pauses()) {
            look_at_heartbeat();
            (void)stop.wait_for(pause_step);
            continue;
        }
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

// Between transactions, for those of which something was handed on.
bool Planner::pauses() const { return throttle_.paused() && group_->first_piece && ahead_xid_ == 0; }

Result<bool> Planner::step(const StopFlag &stop) {
    stop_ = &stop;
    frame_ = frames_.try_pop();
    const bool worked = frame_ != nullptr;
    if (worked) {
        last_frame_ = Clock::now();
        more_to_come_ = !frame_->closing();
        pace(0, frame_->size());
        WF_TRY(decoder_.decode(frame_->bytes(), *this));
        if (error_) return fail(*error_);
        frame_.reset();
        cut_by_bytes();
    }
    if (frames_.empty() && worker_waits() && !gathering()) hand_on_complete();
    look_at_heartbeat();
    return worked;
}

// Whether it is worth waiting for more before a group that is not full is handed on.
bool Planner::gathering() const {
    const auto now = Clock::now();
    return more_to_come_ && now - last_frame_ < gather_pause_max && now - group_begun_ < gather_max;
}

void Planner::on_begin(const Transaction &transaction) {
    in_transaction_ = true;
    has_ddl_ = muted_ = false;
    last_commit_lsn_ = transaction.commit_lsn;
    skipping_ = transaction.end_lsn <= applied_lsn_;
    if (skipping_) return;
    handover_.meet(transaction.xid);
    open_frame_ = group_->frames.size();
    if (open_frame_ > 0 && group_->frames.back() == frame_) --open_frame_;
    group_->transactions.push_back({transaction, group_->changes.size()});
}

void Planner::on_change(Change change) {
    if (skipping_) return;
    if (change.relation->kind == RelationKind::ddl_log) {
        on_ddl(std::move(change));
        return;
    }
    if (muted_) return;
    const Transaction &transaction = group_->transactions.back().transaction;
    if (change.truncate) {
        on_truncate(std::move(change), transaction);
        return;
    }
    const auto fate = this->fate(change.relation->table_relid(), transaction);
    if (fate != Handover::Fate::leave_out) add(std::move(change), fate == Handover::Fate::undecided);
}

// A copy may be committed while a group is filled. What is decided about a change of its table at the group's turn, when all the
// others are sent, must come first: so what follows waits for that turn too.
Handover::Fate Planner::fate(std::uint32_t relid, const Transaction &transaction) const {
    const auto fate = handover_.fate(relid, transaction);
    const bool follows = fate == Handover::Fate::apply && !undecided_.empty() && undecided_.contains(relid);
    return follows ? Handover::Fate::undecided : fate;
}

// Together for those that are ready; for each of the others one of its own.
void Planner::on_truncate(Change change, const Transaction &transaction) {
    std::vector<const Relation *> ready;
    std::vector<const Relation *> undecided;
    for (const Relation *relation : change.truncate->relations) {
        const auto fate = this->fate(relation->relid, transaction);
        if (fate == Handover::Fate::apply) ready.push_back(relation);
        if (fate == Handover::Fate::undecided) undecided.push_back(relation);
    }
    const auto truncate = [&](std::vector<const Relation *> relations, bool is_undecided) {
        Change part = change;
        part.relation = relations.front();
        part.truncate = std::make_shared<Truncate>(*change.truncate);
        part.truncate->partial = relations.size() < change.truncate->relations.size();
        part.truncate->relations = std::move(relations);
        add(std::move(part), is_undecided);
    };
    if (!ready.empty()) truncate(std::move(ready), false);
    for (const Relation *relation : undecided) truncate({relation}, true);
}

// What is whole goes on before the wait.
void Planner::pace(std::uint64_t rows, std::uint64_t bytes) {
    throttle_.spend(rows, bytes);
    if (throttle_.debt().count() == 0) return;
    hand_on_complete();
    throttle_.wait_for_rates(*stop_);
}

void Planner::add(Change change, bool undecided) {
    pace(1, 0);
    hold_frame(*group_);
    group_->changes.push_back({std::move(change), false, undecided});
    if (undecided) undecided_.insert(group_->changes.back().change.relation->table_relid());
    const auto changes = group_->changes.size();
    if (changes < limits_.changes && (changes < limits_.changes_waited_for || !worker_waits())) return;
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
    hold_frame(*group_);
    plan_transaction();
    if (!group_->first_piece) {
        hand_on_piece(true);
        if (has_ddl_) ddl_number_ = number_ - 1;
    } else if (group_->transactions.size() >= limits_.changes) {
        hand_on_complete();
    }
}

// Alone in its piece; what its transaction did before is one of its own.
void Planner::on_ddl(Change change) {
    auto ddl = read_ddl(change);
    if (!ddl) {
        keep(fail(std::move(ddl).error()));
        return;
    }
    if ((ddl->flags & (WF_DDL_MUTE | WF_DDL_UNMUTE)) != 0) {
        muted_ = (ddl->flags & WF_DDL_MUTE) != 0;
        return;
    }
    if (handover_.in_schema(group_->transactions.back().transaction)) return;
    hand_on_complete();
    if (!group_->changes.empty()) hand_on_piece(false);
    hold_frame(*group_);
    group_->changes.push_back({std::move(change)});
    group_->ddl = std::make_unique<const Ddl>(std::move(*ddl));
    hand_on_piece(false);
    has_ddl_ = true;
}

// All that committed before it is in groups up to this one.
void Planner::on_heartbeat(Lsn, std::string_view content) {
    if (heartbeat_.is(content)) heartbeat_number_ = complete_transactions() > 0 ? number_ : number_ - 1;
}

// At each commit a worker rings the planner's bell.
void Planner::look_at_heartbeat() {
    if (!heartbeat_number_ || turnstile_.committed() < *heartbeat_number_) return;
    heartbeat_.came_through(Clock::now());
    heartbeat_number_.reset();
}

// Of one applied ahead everything must be the stream's own: before all tables are ready, and the stream has passed their
// copies, a commit LSN would be needed to tell.
void Planner::on_stream_start(std::uint64_t xid, bool committed) {
    if (error_) return;
    if (ahead_worker_ != nullptr && ahead_xid_ == 0 && committed && !throttle_.paused() &&
        handover_.agrees(last_commit_lsn_) && !spools_.contains(xid)) {
        ahead_xid_ = xid;
        ahead_ = std::make_unique<Group>();
        ahead_->transactions.push_back({});
        ahead_->transactions.back().transaction.xid = xid;
    }
    if (ahead_xid_ != xid) return;
    hand_on_complete();
    ahead_->after = number_ - 1;
}

void Planner::on_stream_change(std::uint64_t xid, std::uint32_t subxid, Change change) {
    if (error_) return;
    if (xid != ahead_xid_) {
        keep(spools_.add(xid, subxid, change));
        return;
    }
    pace(1, 0);
    // The stream begins again without it.
    ahead_->gives_up |= change.relation->kind != RelationKind::table;
    hold_frame(*ahead_);
    ahead_->changes.push_back({std::move(change)});
    if (ahead_->gives_up || ahead_->changes.size() >= limits_.changes) hand_on_ahead();
}

void Planner::on_stream_abort(std::uint64_t xid, std::uint32_t subxid) {
    if (error_) return;
    if (xid != ahead_xid_) {
        keep(spools_.abort(xid, subxid));
    } else {
        keep(fail(ErrorKind::protocol, "the source aborts a transaction that it had called committed"));
    }
}

void Planner::on_stream_commit(const Transaction &transaction) {
    if (error_) return;
    if (transaction.xid == ahead_xid_) {
        commit_ahead(transaction);
        return;
    }
    const auto spool = spools_.take(transaction.xid);
    if (spool == nullptr) return;
    on_begin(transaction);
    if (!skipping_) keep(replay(*spool));
    on_commit();
}

// Its place is behind all that is complete.
void Planner::commit_ahead(const Transaction &transaction) {
    hand_on_complete();
    hold_frame(*ahead_);
    ahead_->transactions.back().transaction = transaction;
    if (ahead_->first_piece) {  // nothing of it was handed on: it is an ordinary group, that was not planned
        for (PlannedChange &planned : ahead_->changes) planned.held = true;
    }
    ahead_->number = ahead_number_ = number_++;
    ahead_->ddl_before = ddl_number_;
    push(*ahead_worker_, std::exchange(ahead_, nullptr));
    ahead_xid_ = 0;
    last_commit_lsn_ = transaction.commit_lsn;
}

// For the decoder's calls, which take no error: step() looks after each frame.
void Planner::keep(Result<void> result) {
    if (!result) error_ = std::move(result).error();
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
        if (at + prefetched_changes < group_->changes.size()) prefetch(group_->changes[at + prefetched_changes].change);
        PlannedChange &planned = group_->changes[at];
        planned.held = std::max(write(planned.change), ahead_number_) > turnstile_.committed();
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

void Planner::prefetch(const Change &change) const {
    if (change.keys.identity != 0) keys_.prefetch(key_number(change, 0), change.keys.identity);
}

std::uint64_t Planner::write_keys(const Change &change) {
    const auto of = [&change](std::size_t key) { return key_number(change, key); };
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
    if (ahead_ && ahead_->bytes >= limits_.bytes) hand_on_ahead();
}

std::size_t Planner::complete_transactions() const {
    const bool open = in_transaction_ && !skipping_;
    return group_->transactions.size() - (open ? 1 : 0);
}

void Planner::hold_frame(Group &group) {
    if (!group.frames.empty() && group.frames.back() == frame_) return;
    if (group.frames.empty()) group_begun_ = last_frame_;
    group.frames.push_back(frame_);
    group.bytes += frame_->size();
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

void Planner::hand_on_ahead() {
    auto rest = std::make_unique<Group>();
    rest->first_piece = false;
    rest->after = ahead_->after;
    rest->transactions = ahead_->transactions;
    ahead_->last_piece = false;
    ahead_->ddl_before = ddl_number_;
    push(*ahead_worker_, std::exchange(ahead_, std::move(rest)));
}

void Planner::hand_on(std::unique_ptr<Group> group) {
    group->number = number_;
    group->ddl_before = ddl_number_;
    if (!undecided_.empty()) {
        const auto is_undecided = [](const PlannedChange &planned) { return planned.undecided; };
        group->undecided = std::any_of(group->changes.begin(), group->changes.end(), is_undecided);
        undecided_.clear();
        for (const PlannedChange &planned : group_->changes) {
            if (planned.undecided) undecided_.insert(planned.change.relation->table_relid());
        }
    }
    push(*workers_[number_ % workers_.size()], std::move(group));
}

void Planner::push(Ring<Group> &worker, std::unique_ptr<Group> group) {
    while (true) {
        const auto seen = bell_.count();  // before the flag is looked at, or its ring could be missed
        if (stop_->requested() || worker.try_push(group)) return;
        look_at_heartbeat();
        bell_.wait(seen);
    }
}

}  // namespace walferry
