// How far the copies are; written by them, read by the display while they run.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <mutex>
#include <vector>

#include "checkpoint/bookkeeping.h"

namespace walferry {

// One of the copies at a time. Thread: any, under the mutex.
struct CopyJob {
    mutable std::mutex mutex;
    std::vector<TableState> tables;  // under way, with how far they are
};

struct CopyProgress {
    std::atomic<std::uint64_t> tables_done{0};
    std::atomic<std::uint64_t> rows{0};   // of tables that are done or under way
    std::atomic<std::uint64_t> bytes{0};  // likewise, of COPY data
    std::atomic<std::uint64_t> table_bytes_done{0};
    std::atomic<std::uint64_t> tables{0};       // in all; 0: it is not known yet
    std::atomic<std::uint64_t> table_bytes{0};  // on the source's disk, in all
    std::atomic<bool> complete{false};          // nothing is left to do
    std::deque<CopyJob> jobs;                   // one for each copy at a time; made before they begin
};

}  // namespace walferry
