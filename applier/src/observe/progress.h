// What a running task shows: one line that is redrawn on a terminal, a log line now and then elsewhere.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "checkpoint/positions.h"
#include "copy/copy_tables.h"

namespace walferry {

// Thread: the one that runs the task's phases. Each call is cheap and shows something only when it is time to.
class ProgressDisplay {
public:
    ProgressDisplay();

    void copy(const CopyProgress &progress);
    void stream(const Positions &positions);
    // The phase is over: leave the terminal's line clean.
    void end();

private:
    bool due();
    double rate(std::uint64_t value);  // per second since the last call
    void show(const std::string &line);

    using Clock = std::chrono::steady_clock;
    const bool terminal_;
    const Clock::duration interval_;
    Clock::time_point last_shown_;
    Clock::time_point started_;
    std::uint64_t last_value_ = 0;
    bool line_open_ = false;
};

// "1.2 MB", "950 kB": for people, decimal.
std::string readable_bytes(std::uint64_t bytes);
// Behind the source by commit time, milliseconds: 0 when everything that was received is applied.
std::int64_t lag_ms(const Positions &positions);

}  // namespace walferry
