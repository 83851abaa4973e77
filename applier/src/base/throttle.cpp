// SPDX-License-Identifier: PostgreSQL
#include "base/throttle.h"

#include <algorithm>

namespace walferry {

namespace {

using std::chrono::milliseconds;
using Clock = Throttle::Clock;

// Shorter waits are put off: waking up costs more than they are worth.
constexpr milliseconds debt_min{5};
// So much that was not done is made up for: a wait that took too long must not lower the rate.
constexpr milliseconds made_up_max{100};
constexpr milliseconds look_interval{20};

Clock::time_point later(Clock::time_point earned, std::uint64_t amount, std::uint64_t rate, Clock::time_point now) {
    if (rate == 0) return earned;
    const std::chrono::duration<double> takes(static_cast<double>(amount) / static_cast<double>(rate));
    return std::max(earned, now - made_up_max) + std::chrono::duration_cast<Clock::duration>(takes);
}

}  // namespace

void Throttle::set_rates(const Rates &rates) {
    const std::lock_guard lock(mutex_);
    rates_ = rates;
    earned_ = {};  // at the old rates
    limited_.store(rates != Rates{}, std::memory_order_relaxed);
}

Rates Throttle::rates() const {
    const std::lock_guard lock(mutex_);
    return rates_;
}

void Throttle::spend(std::uint64_t rows, std::uint64_t bytes) {
    if (!limited_.load(std::memory_order_relaxed)) return;
    const auto now = Clock::now();
    const std::lock_guard lock(mutex_);
    earned_.rows = later(earned_.rows, rows, rates_.rows, now);
    earned_.bytes = later(earned_.bytes, bytes, rates_.bytes, now);
}

Clock::duration Throttle::debt() const {
    if (!limited_.load(std::memory_order_relaxed)) return {};
    const std::lock_guard lock(mutex_);
    const auto debt = std::max(earned_.rows, earned_.bytes) - Clock::now();
    return debt < debt_min ? Clock::duration{} : debt;
}

void Throttle::wait_for_rates(const StopFlag &stop) const {
    while (true) {
        const auto left = std::chrono::ceil<milliseconds>(debt());
        if (left.count() <= 0 || stop.wait_for(std::min(left, look_interval))) return;
    }
}

}  // namespace walferry
