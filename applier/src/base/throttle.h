// How fast the operator lets work go: not at all (paused), at a rate of rows or bytes, or freely. Set while the work goes on.
//
// Work is paid for when it is done, and whoever does it waits, before the next piece, until what was paid is earned: so a rate is
// kept on average, whatever the size of the pieces. What could have been done and was not is not made up for later.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>

#include "base/stop.h"

namespace walferry {

struct Rates {
    std::uint64_t rows = 0;   // a second; 0: no limit
    std::uint64_t bytes = 0;  // likewise

    bool operator==(const Rates &) const = default;
};

// Thread: any, several at a time, who then share the rates.
class Throttle {
public:
    using Clock = std::chrono::steady_clock;

    void set_rates(const Rates &rates);
    Rates rates() const;
    void set_paused(bool paused) { paused_.store(paused, std::memory_order_relaxed); }
    bool paused() const { return paused_.load(std::memory_order_relaxed); }

    // So much was done, or is about to be. Cheap without a limit.
    void spend(std::uint64_t rows, std::uint64_t bytes);
    // How long to wait before more is done, by the rates; nothing while there is less to wait for than is worth it.
    Clock::duration debt() const;
    // Waits for that. A change of the rates is seen at once.
    void wait_for_rates(const StopFlag &stop) const;

private:
    // When what was spent is earned.
    struct Earned {
        Clock::time_point rows{};
        Clock::time_point bytes{};
    };

    std::atomic<bool> paused_{false};   // set by the operator's commands, read by who works
    std::atomic<bool> limited_{false};  // likewise; a hint that saves the lock
    mutable std::mutex mutex_;          // of what follows
    Rates rates_;
    Earned earned_;
};

}  // namespace walferry
