// How long a commit at the source takes until it is visible at the destination: measured by a message that goes the whole way,
// through the source's WAL, the plugin and the pipeline, and has come through when all that committed before it is visible.
//
// One is under way at a time. While it is away for longer than the last one took, the lag grows with it; so a path that
// stands still shows, be the source idle or not.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace walferry {

class Heartbeat {
public:
    using Clock = std::chrono::steady_clock;

    // Thread: the receiver. Whether it is time for one: once a second while there is something to measure (`busy`), else
    // every `idle_interval`; never, if that is zero.
    bool due(Clock::time_point now, bool busy, std::chrono::seconds idle_interval) const;
    // The message's content. Requires: none is under way.
    std::string send(Clock::time_point now);
    bool under_way() const { return sent_.load(std::memory_order_acquire) != 0; }

    // Thread: the planner. Whether the content is that of the one under way: anybody may write such messages.
    bool is(std::string_view content) const;
    // All before it is visible.
    void came_through(Clock::time_point now);

    // Thread: any.
    std::chrono::microseconds lag(Clock::time_point now) const;
    // It takes longer than the last one.
    bool late(Clock::time_point now) const;

private:
    std::chrono::microseconds away(Clock::time_point now) const;

    // Receiver: when the one under way was sent, as a count of Clock; reset by the planner to 0 when it has come through.
    std::atomic<Clock::rep> sent_{0};
    std::atomic<std::uint64_t> number_{0};     // receiver: of the one that was sent last
    std::atomic<std::int64_t> lag_us_{0};      // planner: of the last one that has come through
    std::atomic<Clock::rep> came_through_{0};  // planner: when
};

}  // namespace walferry
