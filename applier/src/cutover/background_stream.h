// The task's stream in a thread of this process.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <atomic>
#include <optional>
#include <thread>

#include "base/error.h"
#include "base/lsn.h"
#include "base/stop.h"
#include "config/task.h"
#include "pq/connection.h"

namespace walferry {

// Thread: the one that made it. `task` must outlive it.
class BackgroundStream {
public:
    explicit BackgroundStream(const Task &task);
    ~BackgroundStream() { (void)end(); }
    BackgroundStream(const BackgroundStream &) = delete;
    BackgroundStream &operator=(const BackgroundStream &) = delete;

    // Until everything that is before `lsn` is applied. Errors: what ended the stream; interrupted.
    Result<void> wait_for(pq::Connection &destination, Lsn lsn, const StopFlag &stop);

    // Ends it at a transaction boundary, with all that was applied flushed.
    Result<void> end();

private:
    const Task &task_;
    StopFlag stop_;
    std::optional<Result<void>> result_;  // written by the thread before ended_
    std::atomic<bool> ended_{false};      // release by the thread, acquire by the maker
    std::jthread thread_;
};

}  // namespace walferry
