// SPDX-License-Identifier: PostgreSQL
#include "schedule/handover.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace walferry {

namespace {

// How often who waits here looks at the stop flag.
constexpr std::chrono::milliseconds look_interval{50};

}  // namespace

Handover::~Handover() = default;

Result<std::unique_ptr<Handover>> Handover::from(const std::optional<std::vector<TableState>> &tables,
                                                 const SchemaState &schema, SpoolOptions spool_options) {
    std::unique_ptr<Handover> handover(new Handover(std::move(spool_options)));
    if (!schema.snapshot.empty()) {
        handover->schema_snapshot_ = Snapshot::parse(schema.snapshot);
        if (!handover->schema_snapshot_) return fail(ErrorKind::state, "the task's schema has a bad snapshot");
        handover->schema_lsn_ = schema.lsn;
    }
    if (!tables) return handover;
    handover->copies_ = true;
    std::uint64_t last_copy_lsn = schema.lsn.value();
    std::size_t unready = 0;
    for (const TableState &state : *tables) {
        auto table = std::make_unique<Table>();
        if (state.state == "ready") {
            const auto snapshot = Snapshot::parse(state.snapshot);
            if (!snapshot) {
                return fail(ErrorKind::state, "table " + state.schema + "." + state.name + " has a bad snapshot");
            }
            table->snapshot = *snapshot;
            table->copy_lsn = state.copy_lsn;
            table->state = State::ready;
            last_copy_lsn = std::max(last_copy_lsn, state.copy_lsn.value());
        } else {
            ++unready;
        }
        handover->tables_.emplace(state.relid, std::move(table));
    }
    handover->last_copy_lsn_ = last_copy_lsn;
    handover->unready_ = unready;
    return handover;
}

Handover::Table *Handover::find(std::uint32_t relid) const {
    const auto found = tables_.find(relid);
    return found == tables_.end() ? nullptr : found->second.get();
}

// --- the planner

bool Handover::agrees(Lsn lsn) const { return complete() && lsn >= last_copy_lsn(); }

Handover::Fate Handover::fate(std::uint32_t relid, const Transaction &transaction) const {
    if (agrees(transaction.commit_lsn)) return Fate::apply;
    const Table *table = find(relid);
    if (table == nullptr) return copies_ && in_schema(transaction) ? Fate::leave_out : Fate::apply;
    if (table->state.load(std::memory_order_acquire) != State::ready) return Fate::undecided;
    return table->copied(transaction) ? Fate::leave_out : Fate::apply;
}

bool Handover::in_schema(const Transaction &transaction) const {
    return schema_snapshot_ && transaction.commit_lsn < schema_lsn_ && schema_snapshot_->sees(transaction.xid);
}

void Handover::suspect(const Snapshot &snapshot) {
    const std::lock_guard lock(suspects_mutex_);
    suspects_.insert(snapshot.running.begin(), snapshot.running.end());
    suspecting_ = !suspects_.empty();
}

void Handover::meet(std::uint64_t xid) {
    if (!suspecting_.load(std::memory_order_relaxed)) return;
    const std::lock_guard lock(suspects_mutex_);
    suspects_.erase(xid);
    suspecting_ = !suspects_.empty();
}

void Handover::forget_before(std::uint64_t xid) {
    const std::lock_guard lock(mutex_);
    const auto before = [xid](std::uint64_t other) { return other < xid; };
    std::erase_if(left_out_, before);
    for (const auto &[relid, table] : tables_) {
        if (table->claim != nullptr) std::erase_if(table->claim->kept_, before);
    }
}

// --- the worker whose turn it is

template <class Condition>
Result<void> Handover::wait(std::unique_lock<std::mutex> &lock, const StopFlag &stop, Condition condition) {
    while (!condition()) {
        if (stop.requested()) return fail(ErrorKind::interrupted, "stopped by request");
        changed_.wait_for(lock, look_interval);
    }
    return {};
}

Result<Handover::Decision> Handover::decide(const Group &group, const StopFlag &stop) {
    Decision decision;
    std::unique_lock lock(mutex_);
    WF_TRY(make_room(lock, stop));
    bool kept = false;
    for (std::size_t i = 0; i < group.transactions.size(); ++i) {
        const GroupTransaction &of = group.transactions[i];
        for (std::size_t at = of.first_change; at < group.end_of(i); ++at) {
            const PlannedChange &planned = group.changes[at];
            if (!planned.undecided) continue;
            WF_ASSIGN(const bool late, decide_one(group, planned, of.transaction, lock, kept, stop));
            if (late) decision.late.push_back(&planned);
        }
    }
    if (kept) decision.hold = std::move(lock);
    return decision;
}

// A claim that is not copied yet may be waiting for the stream, so it goes first.
Result<void> Handover::make_room(std::unique_lock<std::mutex> &lock, const StopFlag &stop) {
    const auto full = [this] { return kept_bytes_ >= spool_options_.bytes_max; };
    if (tables_.empty() || !full()) return {};
    for (const auto &[relid, table] : tables_) {
        if (table->state == State::claimed) give_up(*table->claim);
    }
    return wait(lock, stop, [&] { return !full() || copying_ == 0; });
}

// True: it is to be applied.
Result<bool> Handover::decide_one(const Group &group, const PlannedChange &planned, const Transaction &transaction,
                                  std::unique_lock<std::mutex> &lock, bool &kept, const StopFlag &stop) {
    Table &table = *find(planned.change.relation->table_relid());
    if (!group.whole()) {
        if (table.state == State::claimed && !table.copied(transaction)) give_up(*table.claim);
        if (table.state == State::copying && !table.copied(transaction)) {
            WF_TRY(wait(lock, stop, [&] { return table.state != State::copying; }));
        }
    }
    if (table.state == State::pending) {
        left_out_.insert(transaction.xid);
        return false;
    }
    if (table.copied(transaction)) return false;
    if (table.state == State::ready) return true;
    WF_TRY(keep(*table.claim, planned.change, transaction.xid));
    kept = true;
    return false;
}

Result<void> Handover::keep(Claim &claim, const Change &change, std::uint64_t xid) {
    if (claim.kept_.empty() || claim.kept_.back() != xid) claim.kept_.push_back(xid);
    if (!claim.spool_) {
        WF_ASSIGN(claim.spool_, Spool::create(spool_options_.folder));
    }
    const auto before = claim.spool_->bytes();
    WF_TRY(claim.spool_->add(0, change));
    claim.spool_bytes_ += claim.spool_->bytes() - before;
    kept_bytes_ += claim.spool_->bytes() - before;
    return {};
}

Result<std::shared_ptr<void>> Handover::wait_for_copies(const StopFlag &stop) {
    std::unique_lock lock(mutex_);
    ++waiting_for_copies_;
    ++waits_for_copies_;
    std::shared_ptr<void> keep_out(this, [](Handover *handover) {
        const std::lock_guard end(handover->mutex_);
        --handover->waiting_for_copies_;
    });
    auto waited = wait(lock, stop, [this] { return copying_ == 0; });
    lock.unlock();
    if (!waited) return fail(std::move(waited).error());
    return keep_out;
}

// --- copies

std::shared_ptr<Handover::Claim> Handover::claim(const std::vector<std::uint32_t> &relids, const Snapshot &snapshot,
                                                 Lsn lsn) {
    const std::lock_guard lock(mutex_);
    std::erase_if(left_out_, [&](std::uint64_t xid) { return xid < snapshot.xmin; });
    if (std::any_of(left_out_.begin(), left_out_.end(), [&](std::uint64_t xid) { return !snapshot.sees(xid); })) {
        return nullptr;
    }
    {
        const std::lock_guard suspects_lock(suspects_mutex_);
        std::erase_if(suspects_, [&](std::uint64_t xid) { return snapshot.sees(xid); });
        suspecting_ = !suspects_.empty();
        if (suspecting_) return nullptr;
    }
    auto claim = std::make_shared<Claim>();
    claim->lsn_ = lsn;
    claim->waits_for_copies_ = waits_for_copies_;
    for (const auto relid : relids) {
        Table *table = find(relid);
        table->snapshot = snapshot;
        table->copy_lsn = lsn;
        table->claim = claim.get();
        table->state.store(State::claimed, std::memory_order_release);
        claim->tables_.push_back(table);
    }
    return claim;
}

Result<bool> Handover::begin(Claim &claim, const StopFlag &stop) {
    std::unique_lock lock(mutex_);
    WF_TRY(wait(lock, stop, [&] { return waiting_for_copies_ == 0 || claim.lost_; }));
    if (claim.lost_ || claim.waits_for_copies_ != waits_for_copies_) return false;
    for (Table *table : claim.tables_) table->state.store(State::copying, std::memory_order_release);
    claim.copying_ = true;
    ++copying_;
    return true;
}

std::unique_ptr<Spool> Handover::take(Claim &claim) {
    kept_bytes_ -= std::exchange(claim.spool_bytes_, 0);
    changed_.notify_all();
    return std::exchange(claim.spool_, nullptr);
}

void Handover::finish(Claim &claim) {
    last_copy_lsn_.store(std::max(last_copy_lsn_.load(), claim.lsn_.value()), std::memory_order_release);
    for (Table *table : claim.tables_) {
        table->claim = nullptr;
        table->state.store(State::ready, std::memory_order_release);
    }
    unready_.fetch_sub(claim.tables_.size(), std::memory_order_release);
    claim.tables_.clear();
    --copying_;
    changed_.notify_all();
}

void Handover::release(Claim &claim) {
    const std::lock_guard lock(mutex_);
    give_up(claim);
}

// Requires: mutex_.
void Handover::give_up(Claim &claim) {
    for (Table *table : claim.tables_) {
        table->claim = nullptr;
        table->state.store(State::pending, std::memory_order_release);
    }
    claim.tables_.clear();
    left_out_.insert(claim.kept_.begin(), claim.kept_.end());
    claim.spool_.reset();
    kept_bytes_ -= std::exchange(claim.spool_bytes_, 0);
    claim.lost_ = true;
    if (std::exchange(claim.copying_, false)) --copying_;
    changed_.notify_all();
}

std::vector<std::uint32_t> Handover::pending() const {
    const std::lock_guard lock(mutex_);
    std::vector<std::uint32_t> relids;
    for (const auto &[relid, table] : tables_) {
        if (table->state == State::pending) relids.push_back(relid);
    }
    return relids;
}

}  // namespace walferry
