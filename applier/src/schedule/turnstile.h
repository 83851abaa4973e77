// Lets groups commit in source order, and one that must be alone call the younger ones back.
//
// A worker applies what is free in its group, then waits here until every group before has committed. A group that collides
// with something the planner could not see is rolled back; at its turn it is the oldest, and everything that could be in
// its way is younger. It may then recall those: they roll back, and begin again at their own turn, while no group begins
// early. So the oldest always gets through.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>

#include "base/doorbell.h"
#include "base/lsn.h"
#include "base/stop.h"

namespace walferry {

class Turnstile {
public:
    // `planner` is rung at each commit; it must outlive this. `checkpoint`: the position stored at the destination.
    // `ahead`, if not null: rung at each recall, for the worker that applies ahead, which may be waiting for pieces.
    Turnstile(Doorbell &planner, Lsn checkpoint, Doorbell *ahead = nullptr)
        : planner_(planner), ahead_(ahead), checkpoint_(checkpoint) {}

    // Thread: any. All groups up to this one are committed.
    std::uint64_t committed() const { return committed_.load(std::memory_order_acquire); }

    // Thread: a worker. What to give to wait(): read before anything of the group is applied.
    std::uint64_t recalls() const { return recalls_.load(std::memory_order_acquire); }
    // No group may be begun before its turn. Look after recalls().
    bool closed() const { return closed_.load(std::memory_order_acquire); }

    bool is_turn(std::uint64_t number) const { return committed() + 1 == number; }

    enum class Passage { turn, recalled, stopped };
    // Until all groups before `number` have committed (if it is the group's own number: until its turn); or, if `recalls`
    // is given, until there was a recall since: all that was done for the group must then be rolled back.
    Passage wait(std::uint64_t number, std::optional<std::uint64_t> recalls, const StopFlag &stop) const {
        while (true) {
            const auto seen = bell_.load(std::memory_order_acquire);
            if (stop.requested()) return Passage::stopped;
            if (recalls && recalls_.load(std::memory_order_acquire) != *recalls) return Passage::recalled;
            if (committed() + 1 >= number) return Passage::turn;
            bell_.wait(seen, std::memory_order_acquire);
        }
    }

    // Until no group is alone at work, so that something else may be begun beside the groups; the recalls() of then. Nothing
    // if stop was requested.
    std::optional<std::uint64_t> wait_until_open(const StopFlag &stop) const {
        while (true) {
            const auto recalls = this->recalls();
            const auto before = committed();
            if (!closed()) return recalls;
            // The one at work is the next or a later one.
            if (wait(before + 2, {}, stop) == Passage::stopped) return std::nullopt;
        }
    }

    // Thread: the worker whose turn it is.
    // The stored position, which its commits move.
    Lsn checkpoint() const { return checkpoint_; }
    void move_checkpoint(Lsn lsn) { checkpoint_ = lsn; }
    void recall() {
        closed_.store(true, std::memory_order_release);
        recalls_.fetch_add(1, std::memory_order_acq_rel);
        ring();
        if (ahead_ != nullptr) ahead_->ring();
    }
    // The group is committed; opens the turnstile again.
    void pass(std::uint64_t number) {
        closed_.store(false, std::memory_order_release);
        committed_.store(number, std::memory_order_release);
        ring();
        planner_.ring();
    }

    // Thread: any. Wakes who waits, to look at the stop flag.
    void ring() {
        bell_.fetch_add(1, std::memory_order_release);
        bell_.notify_all();
    }

private:
    Doorbell &planner_;
    Doorbell *const ahead_;
    // Written by the worker whose turn it is (release), read by the planner and the other workers (acquire).
    alignas(64) std::atomic<std::uint64_t> committed_{0};
    std::atomic<std::uint64_t> recalls_{0};
    std::atomic<bool> closed_{false};
    Lsn checkpoint_;  // handed from worker to worker with committed_
    // Counts what a waiting worker should look at.
    std::atomic<std::uint32_t> bell_{0};
};

}  // namespace walferry
