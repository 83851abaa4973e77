// How far the copies are; written by them, read by the display while they run.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/bookkeeping.h"

namespace walferry {

// One of the copies at a time. Thread: any, under the mutex.
struct CopyJob {
    mutable std::mutex mutex;
    std::vector<TableState> tables;  // under way, with how far they are
    // What is done to them once their rows are here: "index orders_pkey, 1 of 3"; empty: nothing of the kind.
    std::string step;
    // Of an index, as the server has it; total 0: it is not known.
    std::string step_phase;
    std::uint64_t step_done = 0;
    std::uint64_t step_total = 0;
    int step_pid = 0;  // the destination's backend that does it
};

struct CopyProgress {
    std::atomic<std::uint64_t> tables_done{0};
    std::atomic<std::uint64_t> rows{0};   // of tables that are done or under way
    std::atomic<std::uint64_t> bytes{0};  // likewise, of COPY data
    std::atomic<std::uint64_t> table_bytes_done{
        0};                                     // of table_bytes; of a table under way, as much as COPY has brought
    std::atomic<std::uint64_t> tables{0};       // in all; 0: it is not known yet
    std::atomic<std::uint64_t> table_bytes{0};  // on the source's disk, in all
    std::atomic<bool> complete{false};          // nothing is left to do
    std::deque<CopyJob> jobs;                   // one for each copy at a time; made before they begin
};

// Until all is copied, if it goes on as it has since it began; nothing while that can't be told.
std::optional<std::chrono::seconds> copy_eta(const CopyProgress &progress, std::chrono::steady_clock::duration elapsed);

// What a copy does besides reading rows.
struct CopyStep {
    std::string what;            // "index orders_pkey, 1 of 3"
    std::string phase;           // "building index: sorting live tuples"; empty: it is not known
    std::optional<int> percent;  // of the phase
};
std::vector<CopyStep> copy_steps(const CopyProgress &progress);
std::string copy_steps_text(const std::vector<CopyStep> &steps);  // in one line; empty if there are none

}  // namespace walferry
