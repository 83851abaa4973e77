// Where the stream is, and the copies beside it; outlives them for whoever shows it.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <atomic>
#include <cstddef>

#include "base/byte_budget.h"
#include "checkpoint/bookkeeping.h"
#include "checkpoint/positions.h"
#include "copy/progress.h"
#include "receive/heartbeat.h"

namespace walferry {

// Thread: any; each part says who writes it.
struct StreamState {
    StreamState(std::size_t buffer_bytes, std::size_t worker_count)
        : budget(buffer_bytes), buffer_bytes_max(buffer_bytes), workers(worker_count) {}

    Positions positions;
    Heartbeat heartbeat;
    CopyProgress copying;
    ByteBudget budget;
    const std::size_t buffer_bytes_max;
    const std::size_t workers;
    // When the stream has ended, as a count of Heartbeat::Clock; 0 before. From then on nothing becomes visible.
    std::atomic<Heartbeat::Clock::rep> ended{0};
    Progress before;  // stored when the stream began: its counters go on; not written once the state is shown
};

}  // namespace walferry
