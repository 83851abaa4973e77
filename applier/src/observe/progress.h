// What a running task shows: one line that is redrawn on a terminal, a log line now and then elsewhere.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <cstdint>
#include <string>

#include "observe/progress_line.h"
#include "observe/stream_state.h"

namespace walferry {

// Thread: the one that runs the task's phases. Each call is cheap and shows something only when it is time to.
class ProgressDisplay {
public:
    void show(const StreamState &state);
    // The phase is over: leave the terminal's line clean.
    void end();

private:
    std::string copy(const CopyProgress &copies);
    std::string stream(const StreamState &state);

    ProgressLine line_;
    // At the last line that was shown.
    std::uint64_t last_bytes_ = 0;
    std::uint64_t last_changes_ = 0;
};

// "1.2 MB", "950 kB": for people, decimal.
std::string readable_bytes(std::uint64_t bytes);

}  // namespace walferry
