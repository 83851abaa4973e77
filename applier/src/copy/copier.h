// Copies the tables that are pending, several at a time, the largest first; small ones share a snapshot and a transaction.
// Then it does what needs all of them: large objects, materialized views, sequences.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/stop.h"
#include "base/throttle.h"
#include "checkpoint/positions.h"
#include "config/task.h"
#include "copy/progress.h"
#include "copy/summary.h"
#include "copy/table_copy.h"
#include "pq/connection.h"
#include "schedule/handover.h"

namespace walferry {

// Thread: its own for run(). References must outlive it.
class Copier {
public:
    // `encoding`: the source's. `copied_again`: if given, the copy is about these tables alone, all else is complete.
    Copier(const Task &task, std::string encoding, Handover &handover, const Positions &positions,
           CopyProgress &progress, Throttle &throttle, std::optional<std::vector<std::uint32_t>> copied_again);

    // Until all is copied and the task's phase has moved on, or stop is requested, or something fails.
    Result<void> run(const StopFlag &stop);

    // Thread: any. Begin no more copies; idle() when those under way are over.
    void hold() { held_ = true; }
    bool idle() const { return copying_.load(std::memory_order_acquire) == 0; }

private:
    using Clock = std::chrono::steady_clock;
    // What one copy takes.
    struct Batch {
        std::vector<PendingTable> tables;
        std::string name;                // of its largest table
        std::chrono::seconds patience;   // for who waits for our lock
        Clock::time_point not_before{};  // it is begun again
        int attempts = 0;
        Clock::time_point reported{};
    };

    struct UnderWay {
        TableCopy *copy;
        Batch batch;
    };

    Result<void> look_at_suspects();
    Result<void> list_batches();
    Result<void> copy_all();
    Result<void> copy_some(CopyContext &context, std::size_t number);
    std::optional<Batch> take_batch();
    void put_back(Batch batch);
    Result<void> look_around();
    Result<void> look_at_waiting();
    Result<void> look_at_indexes();
    Result<void> show();
    Result<void> complete();
    Result<void> flush_source();

    const Task &task_;
    const std::string encoding_;
    Handover &handover_;
    const Positions &positions_;
    CopyProgress &progress_;
    Throttle &throttle_;
    CopySummary summary_;
    Clock::time_point begun_;
    const std::optional<std::vector<std::uint32_t>> copied_again_;
    const StopFlag *stop_ = nullptr;
    std::atomic<bool> held_{false};
    std::atomic<std::size_t> copying_{0};  // batches; changed under mutex_

    std::mutex source_mutex_;  // of source_
    std::optional<pq::Connection> source_;
    std::optional<pq::Connection> destination_;

    std::mutex mutex_;  // of what follows
    std::deque<Batch> batches_;
    std::vector<std::optional<UnderWay>> under_way_;          // by number of the copy
    std::map<std::string, Clock::time_point> waiting_since_;  // by who waits at the source
};

}  // namespace walferry
