// What is applied becomes durable, and only then may be confirmed to the slot.
//
// Workers commit without waiting for the destination's disk. Now and then the checkpointer reads how far they are and then
// commits its own progress record synchronously: that flushes the destination's log beyond everything committed before,
// so the position that it had read is durable, and flushed_lsn may rise to it. After a start nothing is confirmed before
// the first such commit: what a predecessor left unflushed, nobody knows.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <string>

#include "base/error.h"
#include "base/stop.h"
#include "checkpoint/bookkeeping.h"
#include "checkpoint/positions.h"
#include "pq/connection.h"

namespace walferry {

// Thread: its own for run(); save() before and after it, by whoever made it. References must outlive it.
class Checkpointer {
public:
    // `before`: the stored progress, whose counters go on.
    Checkpointer(pq::Connection connection, std::string task, Progress before, Positions &positions)
        : connection_(std::move(connection)),
          task_(std::move(task)),
          before_(std::move(before)),
          positions_(positions) {}

    // Until stop is requested: save when there is something new, at most once in a while.
    Result<void> run(const StopFlag &stop);

    // Make what is applied by now durable, and say so in flushed_lsn.
    Result<void> save();

private:
    pq::Connection connection_;
    const std::string task_;
    const Progress before_;
    Positions &positions_;
};

}  // namespace walferry
