// SPDX-License-Identifier: PostgreSQL
#include "receive/heartbeat.h"

#include <algorithm>

namespace walferry {

namespace {

using Clock = Heartbeat::Clock;
using std::chrono::microseconds;

constexpr std::chrono::seconds busy_interval{1};
// After one that took longer the next comes soon: it may be the last that changes were in the way of.
constexpr std::int64_t slow_us = 50'000;

constexpr const char *prefix = "heartbeat ";

microseconds between(Clock::rep from, Clock::time_point to) {
    return std::chrono::duration_cast<microseconds>(to.time_since_epoch() - Clock::duration(from));
}

}  // namespace

bool Heartbeat::due(Clock::time_point now, bool busy, std::chrono::seconds idle_interval) const {
    if (under_way()) return false;
    const Clock::rep last = came_through_.load(std::memory_order_relaxed);
    if (last == 0) return true;
    const bool was_slow = lag_us_.load(std::memory_order_relaxed) > slow_us;
    if (busy || was_slow) return between(last, now) >= busy_interval;
    return idle_interval.count() > 0 && between(last, now) >= idle_interval;
}

std::string Heartbeat::send(Clock::time_point now) {
    const auto number = number_.load(std::memory_order_relaxed) + 1;
    number_.store(number, std::memory_order_relaxed);
    sent_.store(now.time_since_epoch().count(), std::memory_order_release);
    return prefix + std::to_string(number);
}

bool Heartbeat::is(std::string_view content) const {
    return under_way() && content == prefix + std::to_string(number_.load(std::memory_order_relaxed));
}

void Heartbeat::came_through(Clock::time_point now) {
    lag_us_.store(away(now).count(), std::memory_order_relaxed);
    came_through_.store(now.time_since_epoch().count(), std::memory_order_relaxed);
    sent_.store(0, std::memory_order_release);
}

microseconds Heartbeat::away(Clock::time_point now) const {
    const Clock::rep sent = sent_.load(std::memory_order_acquire);
    return sent == 0 ? microseconds(0) : between(sent, now);
}

microseconds Heartbeat::lag(Clock::time_point now) const {
    return std::max(away(now), microseconds(lag_us_.load(std::memory_order_relaxed)));
}

bool Heartbeat::late(Clock::time_point now) const {
    return away(now).count() > lag_us_.load(std::memory_order_relaxed);
}

}  // namespace walferry
