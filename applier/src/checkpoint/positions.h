// How far each stage has come; written by the stages, read by the others and by the progress display.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <atomic>
#include <cstdint>
#include <limits>

#include "base/lsn.h"

namespace walferry {

// An LSN that only moves forward. Thread: any.
class RisingLsn {
public:
    Lsn get() const { return Lsn{value_.load(std::memory_order_acquire)}; }
    void raise(Lsn lsn) {
        auto current = value_.load(std::memory_order_relaxed);
        while (current < lsn.value() && !value_.compare_exchange_weak(current, lsn.value(), std::memory_order_release,
                                                                      std::memory_order_relaxed)) {
        }
    }

private:
    std::atomic<std::uint64_t> value_{0};
};

struct Positions {
    RisingLsn source_lsn;    // receiver: end of the source's WAL, as last heard
    RisingLsn received_lsn;  // receiver: end of what has arrived
    RisingLsn applied_lsn;   // worker, and the receiver when nothing is under way: all before is committed
    RisingLsn flushed_lsn;   // checkpointer: all before is on the destination's disk; what we confirm to the slot

    // For display; relaxed.
    // Receiver: what the source's clock shows more than ours, microseconds. What it has sent was under way for a while, so
    // the largest that was seen comes closest.
    std::atomic<std::int64_t> source_clock_ahead{std::numeric_limits<std::int64_t>::min()};
    std::atomic<std::int64_t> applied_commit_time{0};  // worker: of the last applied transaction; since 2000-01-01
    std::atomic<std::uint64_t> changes{0};             // worker: applied
    std::atomic<std::uint64_t> transactions{0};        // worker: applied
    std::atomic<std::uint64_t> groups{0};              // worker: applied
    std::atomic<std::uint64_t> collisions{0};          // worker: groups that something unseen was in the way of
    std::atomic<std::uint64_t> replays{0};             // worker: groups that were applied exactly
};

}  // namespace walferry
