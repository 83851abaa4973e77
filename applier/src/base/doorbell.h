// Wakes one thread that has run out of work, without a lock and without polling.
//
// Use: take the count, look for work and for the wish to stop, and if there was neither wait for the count to change. A
// ring between the look and the wait changes the count, so it is never lost.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <atomic>
#include <cstdint>

namespace walferry {

class Doorbell {
public:
    // Thread: the sleeper.
    std::uint32_t count() const { return count_.load(std::memory_order_acquire); }
    void wait(std::uint32_t seen) const { count_.wait(seen, std::memory_order_acquire); }

    // Thread: any. What was written before the ring is seen by the thread that it wakes.
    void ring() {
        count_.fetch_add(1, std::memory_order_release);
        count_.notify_one();
    }

private:
    // Written by every ringer (release), read by the one sleeper (acquire).
    alignas(64) std::atomic<std::uint32_t> count_{0};
};

}  // namespace walferry
