// When a running task is to be reported: looked at once a second.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "alert/alert.h"
#include "config/alert_options.h"
#include "observe/status.h"

namespace walferry {

// Thread: one.
class AlertConditions {
public:
    using Clock = std::chrono::steady_clock;

    explicit AlertConditions(const AlertOptions &options) : options_(options) {}

    // What holds now. As long as it holds it is said each time.
    std::vector<Alert> look(const Status &status, Clock::time_point now);

private:
    std::optional<Alert> lag(const LiveStatus &live, Clock::time_point now);
    std::optional<Alert> slot(const Slot &slot) const;
    static std::optional<Alert> quarantine(std::uint64_t waiting);
    static std::optional<Alert> difference(const Verification &verification);

    const AlertOptions options_;
    std::optional<Clock::time_point> late_since_;
};

}  // namespace walferry
