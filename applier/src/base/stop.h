// The wish to stop, seen by every thread: set once, by a signal or by the first stage that fails.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <atomic>

namespace walferry {

class StopFlag {
public:
    // Thread: any; also a signal handler (the atomic is lock-free).
    void request() { requested_.store(true, std::memory_order_release); }
    bool requested() const { return requested_.load(std::memory_order_acquire); }

private:
    // Written by whoever wants to stop, read by all loops; pairs with nothing but itself.
    std::atomic<bool> requested_{false};
    static_assert(std::atomic<bool>::is_always_lock_free);
};

}  // namespace walferry
