// What the process that runs a task knows of itself: written by the run, read by whoever answers the operator.
//
// Nobody waits here for a server or a stage: what is read are atomics, and a few words under a mutex that is held for no longer
// than it takes to copy them.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/steering.h"
#include "base/throttle.h"
#include "checkpoint/bookkeeping.h"
#include "observe/stream_state.h"

namespace walferry {

// While something that may pass is tried again.
struct RetryStatus {
    int attempts = 0;   // that failed in a row
    std::string error;  // the last one's
    std::chrono::system_clock::time_point next_attempt;
    std::chrono::system_clock::time_point gives_up;
};

struct LiveStatus {
    std::chrono::system_clock::time_point started;
    std::optional<Phase> phase;  // nothing: the servers have not been reached yet
    bool paused = false;
    Rates stream_rates;
    Rates copy_rates;
    std::optional<RetryStatus> retry;
    std::string last_error;  // of this process

    // Of the stream; the last one's while it begins again.
    Lsn source_lsn, received_lsn, applied_lsn, flushed_lsn;
    std::uint64_t lag_bytes = 0;
    std::int64_t lag_us = 0;
    // Since the task began; groups: since the stream began.
    std::uint64_t changes = 0, transactions = 0, groups = 0, collisions = 0, replays = 0;
    std::size_t workers = 0;
    std::uint64_t buffer_bytes = 0, buffer_bytes_max = 0, spool_bytes = 0;

    // Of the copies that this process has made, or makes.
    bool copying = false;
    std::uint64_t tables = 0, tables_done = 0;
    std::uint64_t copy_rows = 0, copy_bytes = 0;
    std::uint64_t table_bytes = 0, table_bytes_done = 0;  // on the source's disk
    std::vector<TableState> under_way;
    std::vector<CopyStep> copy_steps;
};

// The time from a commit at the source until it is visible at the destination.
std::int64_t lag_us(const StreamState &state);

class Live {
public:
    explicit Live(const Steering &steering) : steering_(steering) {}

    // Thread: the one that runs the task.
    void enter(Phase phase);
    void show(std::shared_ptr<const StreamState> state);
    void will_retry(RetryStatus retry);
    void works();  // what failed works again
    void failed(const std::string &error);

    // Thread: any.
    LiveStatus status() const;

private:
    const Steering &steering_;
    const std::chrono::system_clock::time_point started_ = std::chrono::system_clock::now();
    mutable std::mutex mutex_;  // of what follows
    std::optional<Phase> phase_;
    std::shared_ptr<const StreamState> state_;
    std::optional<RetryStatus> retry_;
    std::string last_error_;
};

}  // namespace walferry
