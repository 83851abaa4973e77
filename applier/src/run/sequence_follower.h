// Sets the sequences now and then while changes are streamed, so that at a switch little is left to do.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <atomic>
#include <string>

#include "base/error.h"
#include "base/stop.h"
#include "config/task.h"

namespace walferry {

// Thread: its own for run(). References must outlive it.
class SequenceFollower {
public:
    // `encoding`: the source's. `copied`: from when on there is something to follow, and nobody else sets them.
    SequenceFollower(const Task &task, std::string encoding, const std::atomic<bool> &copied)
        : task_(task), encoding_(std::move(encoding)), copied_(copied) {}

    // Until stop is requested. A round that fails for a reason other than a lost connection is said once, and tried again.
    Result<void> run(const StopFlag &stop);

private:
    const Task &task_;
    const std::string encoding_;
    const std::atomic<bool> &copied_;
};

}  // namespace walferry
