// What a running task shows: one line that is redrawn on a terminal, a log line now and then elsewhere.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "observe/stream_state.h"

namespace walferry {

// Thread: the one that runs the task's phases. Each call is cheap and shows something only when it is time to.
class ProgressDisplay {
public:
    ProgressDisplay();

    void show(const StreamState &state);
    // The phase is over: leave the terminal's line clean.
    void end();

private:
    bool due();
    double per_second(std::uint64_t value, std::uint64_t &last) const;
    std::string copy(const CopyProgress &copies);
    std::string stream(const StreamState &state);
    void show_line(const std::string &line);

    using Clock = std::chrono::steady_clock;
    const bool terminal_;
    const Clock::duration interval_;
    Clock::time_point last_shown_;
    Clock::time_point started_;
    // At the last line that was shown.
    std::uint64_t last_bytes_ = 0;
    std::uint64_t last_changes_ = 0;
    bool line_open_ = false;
};

// "1.2 MB", "950 kB": for people, decimal.
std::string readable_bytes(std::uint64_t bytes);

}  // namespace walferry
