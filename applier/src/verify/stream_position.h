// Where the stream is, as verify sees it from outside, and how to wait for it.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <chrono>
#include <set>
#include <string>

#include "base/error.h"
#include "base/lsn.h"
#include "base/stop.h"
#include "config/task.h"
#include "pq/connection.h"

namespace walferry {

// Thread: one. References must outlive it; the connections are outside of a transaction in each call.
class StreamPosition {
public:
    StreamPosition(pq::Connection &source, pq::Connection &destination, const Task &task, const StopFlag &stop)
        : source_(source), destination_(destination), task_(task), stop_(stop) {}

    // Until what the source has committed by now can be seen at the destination. False: the task doesn't run, and nothing
    // was waited for.
    Result<bool> catch_up();

    // Until a new snapshot of the source sees everything that the destination has shown by now. A transaction's commit is sent
    // before the source's own sessions see it, and long before if it waits for a standby: so whoever was running has to
    // end. Those that don't for ten seconds are taken for ones that are not committing, then and later.
    Result<void> see_applied();
    // The same, but gives up soon: false.
    Result<bool> sees_applied_within(std::chrono::milliseconds patience);

private:
    Result<std::set<std::string>> wait_for_running(std::chrono::milliseconds patience);

    pq::Connection &source_;
    pq::Connection &destination_;
    const Task &task_;
    const StopFlag &stop_;
    std::set<std::string> idle_xids_;
};

// How far the task is: what is before has been applied. Invalid: it has no position yet.
Result<Lsn> read_applied_lsn(pq::Connection &destination, const std::string &task);

}  // namespace walferry
