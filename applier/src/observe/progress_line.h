// How far something is, now and then: one line that is redrawn on a terminal, a log line elsewhere.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace walferry {

// Thread: one.
class ProgressLine {
public:
    ProgressLine();

    // Time for another line? Cheap.
    bool due() const { return Clock::now() - last_shown_ >= interval_; }
    void show(const std::string &line);
    // Leaves the terminal's line clean.
    void end();

    std::chrono::steady_clock::duration elapsed() const {
        return Clock::now() - started_;
    }  // since it was made, or ended
    // Growth a second since the last line; `last` becomes `value`.
    double per_second(std::uint64_t value, std::uint64_t &last) const;

private:
    using Clock = std::chrono::steady_clock;
    const bool terminal_;
    const Clock::duration interval_;
    Clock::time_point last_shown_;
    Clock::time_point started_;
    bool line_open_ = false;
};

}  // namespace walferry
