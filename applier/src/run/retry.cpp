// SPDX-License-Identifier: PostgreSQL
#include "run/retry.h"

#include <algorithm>
#include <string_view>

namespace walferry {

namespace {
constexpr std::chrono::milliseconds delay_min{500};
constexpr std::chrono::milliseconds delay_max{30'000};
}  // namespace

RetryClass retry_class(const Error &error) {
    const std::string_view sqlstate = error.sqlstate;
    return sqlstate.starts_with("08") || sqlstate.starts_with("57P") ? RetryClass::connection : RetryClass::transient;
}

std::optional<Retry::Attempt> Retry::after(const Error &error, bool worked, Clock::time_point now) {
    if (worked) {
        failing_since_ = now;
        failed_ = 0;
        delay_ = delay_min;
    }
    ++failed_;
    if (error.kind != ErrorKind::transient || !failing_since_) return std::nullopt;
    const auto window = retry_class(error) == RetryClass::connection ? windows_.connection : windows_.transient;
    const auto gives_up = *failing_since_ + window;
    if (now >= gives_up) return std::nullopt;
    const Attempt attempt{failed_, delay_, gives_up};
    delay_ = std::min(delay_ * 2, delay_max);
    return attempt;
}

}  // namespace walferry
