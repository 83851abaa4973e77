// SPDX-License-Identifier: PostgreSQL
#include "copy/copier.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <thread>
#include <unordered_set>
#include <utility>

#include "checkpoint/bookkeeping.h"
#include "config/connections.h"
#include "copy/large_objects.h"
#include "pq/array.h"
#include "schema/derived.h"
#include "schema/lock_table.h"
#include "schema/sequences.h"
#include "schema/tables.h"
#include "slot/slot.h"

namespace walferry {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Tables that are copied together: so many, or so large, at most. Whoever waits for one of them waits for all, and all of
// them are locked at the destination, each with its indexes.
constexpr std::size_t batch_tables_max = 200;
constexpr std::size_t table_locks = 16;
constexpr std::uint64_t batch_bytes_max = std::uint64_t{8} << 20;

constexpr milliseconds poll_interval{20};
constexpr milliseconds look_interval{1000};
constexpr milliseconds again_pause_min{50};
constexpr milliseconds again_pause_max{2000};
constexpr seconds report_interval{30};

// Who waits at the source for a lock of one of $1 (backends).
const char *const waiting_sql = R"(
SELECT a.pid, coalesce(a.usename, ''), coalesce(a.query, ''), b.pid
FROM unnest($1::int[]) AS b (pid)
JOIN pg_catalog.pg_stat_activity a ON b.pid = ANY (pg_catalog.pg_blocking_pids(a.pid)))";

// How far $1 (backends) are with the indexes that they build. While the table is read its blocks count, then its rows.
const char *const index_progress_sql = R"(
SELECT pid, phase, CASE WHEN tuples_total > 0 THEN tuples_done ELSE blocks_done END,
       CASE WHEN tuples_total > 0 THEN tuples_total ELSE blocks_total END
FROM pg_catalog.pg_stat_progress_create_index WHERE pid = ANY ($1::int[]))";

}  // namespace

Copier::Copier(const Task &task, std::string encoding, Handover &handover, const Positions &positions,
               CopyProgress &progress, Throttle &throttle, std::optional<std::vector<std::uint32_t>> copied_again)
    : task_(task),
      encoding_(std::move(encoding)),
      handover_(handover),
      positions_(positions),
      progress_(progress),
      throttle_(throttle),
      copied_again_(std::move(copied_again)),
      under_way_(static_cast<std::size_t>(task.copy_jobs)) {
    progress_.jobs.resize(static_cast<std::size_t>(task.copy_jobs));
}

Result<void> Copier::run(const StopFlag &stop) {
    stop_ = &stop;
    begun_ = Clock::now();
    WF_ASSIGN(source_, pq::Connection::open(data_connection(task_, Side::source, "copier", encoding_, &stop)));
    WF_TRY(source_->exec("SET synchronous_commit = local"));
    auto options = apply_connection(task_, "copier", encoding_, &stop);
    WF_ASSIGN(destination_, pq::Connection::open(options));
    WF_TRY(destination_->exec(lock_worker_sql, {task_.name}));
    WF_TRY(look_at_suspects());
    WF_TRY(list_batches());
    if (!batches_.empty()) WF_TRY(copy_all());
    return complete();
}

// With synchronous replication a transaction may have been in the stream long before it is visible (schedule/handover.h).
Result<void> Copier::look_at_suspects() {
    WF_ASSIGN(const pq::Rows rows, source_->exec("SELECT pg_catalog.pg_current_snapshot(),"
                                                 " pg_catalog.current_setting('synchronous_standby_names') <> ''"));
    const auto snapshot = Snapshot::parse(rows.view(0, 0));
    if (snapshot && rows.boolean(0, 1)) handover_.suspect(*snapshot);
    return {};
}

Result<void> Copier::list_batches() {
    const auto pending = handover_.pending();
    std::unordered_set<std::uint32_t> gone(pending.begin(), pending.end());  // or not the task's any more
    WF_ASSIGN(const auto tables, list_selected(*source_, task_, &pending, Sizes::read));
    WF_ASSIGN(const auto states, list_tables(*destination_, task_.name));
    WF_ASSIGN(const std::size_t locks, lock_table_size(*destination_));
    const auto tables_max = std::clamp<std::size_t>(locks / table_locks / under_way_.size(), 1, batch_tables_max);
    progress_.tables = states.size();
    progress_.tables_done = states.size() - pending.size();
    std::uint64_t bytes = 0;
    const auto begin_batch = [&](std::string name) {
        batches_.push_back({{}, std::move(name), seconds(task_.copy_yield_seconds), {}, 0, {}});
        bytes = 0;
    };
    for (const Table &table : tables) {
        progress_.table_bytes += table.bytes;
        gone.erase(table.relid);
        if (batches_.empty() || batches_.back().tables.size() >= tables_max || bytes + table.bytes > batch_bytes_max) {
            begin_batch(table.schema + "." + table.name);
        }
        batches_.back().tables.push_back({table.relid, table.bytes});
        bytes += table.bytes;
    }
    if (!gone.empty()) begin_batch("");
    for (const auto relid : gone) batches_.back().tables.push_back({relid, 0});
    if (!batches_.empty()) spdlog::info("copying {} tables", progress_.tables - progress_.tables_done);
    return {};
}

Result<void> Copier::copy_all() {
    StopFlag halt;  // the pipeline's wish, or a copy has failed
    std::optional<Error> error;
    CopyContext context{task_,     encoding_, handover_, positions_,
                        progress_, summary_,  throttle_, [this] { return flush_source(); },
                        halt,      {},        {}};
    std::atomic<std::size_t> running{0};
    std::vector<std::jthread> threads;
    const auto jobs = std::min<std::size_t>(static_cast<std::size_t>(task_.copy_jobs), batches_.size());
    running = jobs;
    for (std::size_t i = 0; i < jobs; ++i) {
        threads.emplace_back([&, i]() noexcept {
            if (auto copied = copy_some(context, i); !copied) {
                const std::lock_guard lock(mutex_);
                if (!error) error = std::move(copied).error();
                halt.request();
            }
            running.fetch_sub(1, std::memory_order_release);
        });
    }
    auto next_look = Clock::now() + look_interval;
    while (running.load(std::memory_order_acquire) > 0) {
        if (stop_->wait_for(poll_interval)) halt.request();
        if (halt.requested()) break;
        if (Clock::now() < next_look) continue;
        next_look = Clock::now() + look_interval;
        if (auto looked = look_around(); !looked) {
            const std::lock_guard lock(mutex_);
            if (!error) error = std::move(looked).error();
            halt.request();
        }
    }
    threads.clear();  // joins
    if (stop_->requested()) return fail(ErrorKind::interrupted, "stopped by request");
    if (error) return fail(std::move(*error));
    return {};
}

// One of the copies at a time, until nothing is left.
Result<void> Copier::copy_some(CopyContext &context, std::size_t number) {
    std::unique_ptr<TableCopy> copy;
    while (!context.stop.requested()) {
        auto batch = take_batch();
        if (!batch) {
            {
                const std::lock_guard lock(mutex_);
                if (batches_.empty() && copying_ == 0) return {};
            }
            (void)context.stop.wait_for(poll_interval);
            continue;
        }
        if (!copy || !copy->usable()) {
            WF_ASSIGN(copy, TableCopy::open(context, number));
        }
        const auto tables = batch->tables;
        {
            const std::lock_guard lock(mutex_);
            under_way_[number] = {copy.get(), std::move(*batch)};
        }
        const auto end = copy->copy(tables);
        const std::lock_guard lock(mutex_);
        UnderWay over = *std::exchange(under_way_[number], std::nullopt);
        --copying_;
        if (!end) return fail(end.error());
        if (*end == CopyEnd::again) put_back(std::move(over.batch));
    }
    return fail(ErrorKind::interrupted, "stopped by request");
}

std::optional<Copier::Batch> Copier::take_batch() {
    const std::lock_guard lock(mutex_);
    if (held_ || throttle_.paused()) return std::nullopt;
    const auto due = std::find_if(batches_.begin(), batches_.end(),
                                  [](const Batch &batch) { return batch.not_before <= Clock::now(); });
    if (due == batches_.end()) return std::nullopt;
    Batch batch = std::move(*due);
    batches_.erase(due);
    ++copying_;
    return batch;
}

// Requires: mutex_.
void Copier::put_back(Batch batch) {
    const auto pause = std::min(again_pause_min * (1 << std::min(batch.attempts++, 10)), again_pause_max);
    batch.not_before = Clock::now() + pause;
    if (batch.attempts > 10 && Clock::now() - batch.reported > report_interval) {
        batch.reported = Clock::now();
        spdlog::info("the copy of {} waits: a lock of another session, or a transaction in progress, is in its way",
                     batch.name);
    }
    batches_.push_back(std::move(batch));
}

Result<void> Copier::look_around() {
    WF_TRY(look_at_indexes());
    WF_TRY(show());
    WF_TRY(look_at_waiting());
    const std::lock_guard lock(source_mutex_);
    WF_ASSIGN(const pq::Rows rows,
              source_->exec("SELECT pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot())"));
    handover_.forget_before(static_cast<std::uint64_t>(rows.integer(0, 0)));
    return {};
}

// Whoever waits for a table that is being read is let pass after a while; the table is copied again, and then they wait
// longer.
Result<void> Copier::look_at_waiting() {
    std::vector<std::string> pids;
    {
        const std::lock_guard lock(mutex_);
        for (const auto &under_way : under_way_) {
            if (under_way) pids.push_back(std::to_string(under_way->copy->source_pid()));
        }
    }
    if (pids.empty()) return {};
    std::map<std::string, Clock::time_point> waiting;
    std::optional<pq::Rows> rows;
    {
        const std::lock_guard lock(source_mutex_);
        WF_ASSIGN(rows, source_->exec(waiting_sql, {pq::array_literal(pids)}));
    }
    const std::lock_guard lock(mutex_);
    for (int row = 0; row < rows->count(); ++row) {
        const std::string who = rows->text(row, 0) + " " + rows->text(row, 3);
        const auto known = waiting_since_.find(who);
        const auto since = known == waiting_since_.end() ? Clock::now() : known->second;
        waiting.emplace(who, since);
        for (auto &under_way : under_way_) {
            if (!under_way || std::to_string(under_way->copy->source_pid()) != rows->view(row, 3)) continue;
            Batch &batch = under_way->batch;
            if (known == waiting_since_.end()) {
                spdlog::warn("at the source, pid {} ({}) waits for the copy of {}: {}", rows->text(row, 0),
                             rows->text(row, 1), batch.name, rows->text(row, 2));
            }
            if (Clock::now() - since < batch.patience) continue;
            spdlog::warn("the copy of {} gives way to pid {} and is begun again later", batch.name, rows->text(row, 0));
            batch.patience *= 2;
            under_way->copy->yield();
        }
    }
    waiting_since_ = std::move(waiting);
    return {};
}

Result<void> Copier::look_at_indexes() {
    std::vector<std::string> pids;
    for (const CopyJob &job : progress_.jobs) {
        const std::lock_guard lock(job.mutex);
        if (!job.step.empty()) pids.push_back(std::to_string(job.step_pid));
    }
    if (pids.empty()) return {};
    WF_ASSIGN(const pq::Rows rows, destination_->exec(index_progress_sql, {pq::array_literal(pids)}));
    for (CopyJob &job : progress_.jobs) {
        const std::lock_guard lock(job.mutex);
        if (job.step.empty()) continue;
        for (int row = 0; row < rows.count(); ++row) {
            if (rows.integer(row, 0) != job.step_pid) continue;
            job.step_phase = rows.text(row, 1);
            job.step_done = static_cast<std::uint64_t>(rows.integer(row, 2));
            job.step_total = static_cast<std::uint64_t>(rows.integer(row, 3));
        }
    }
    return {};
}

Result<void> Copier::show() {
    std::vector<TableState> states;
    for (CopyJob &job : progress_.jobs) {
        const std::lock_guard lock(job.mutex);
        states.insert(states.end(), job.tables.begin(), job.tables.end());
    }
    if (states.empty()) return {};
    return show_copies(*destination_, task_.name, states);
}

// What needs the tables to agree with each other.
Result<void> Copier::complete() {
    WF_TRY(flush_source());
    while (positions_.applied_lsn.get() < handover_.last_copy_lsn()) {
        if (stop_->wait_for(poll_interval)) return fail(ErrorKind::interrupted, "stopped by request");
    }
    // Behind the tables, so that whatever a copied row names is there.
    if (task_.large_objects) WF_TRY(copy_large_objects(*source_, *destination_, task_));
    if (task_.schema_stage) WF_TRY(refresh_materialized_views(*source_, *destination_, task_, copied_again_));
    WF_TRY(set_sequences(*source_, *destination_, task_));
    WF_TRY(set_phase(*destination_, task_.name, Phase::stream));
    spdlog::info("copied {} tables, {} rows, {:.1f} MB in {:.1f} s", progress_.tables_done.load(),
                 progress_.rows.load(), static_cast<double>(progress_.bytes.load()) / 1e6,
                 std::chrono::duration<double>(Clock::now() - begun_).count());
    for (const auto &line : summary_.lines()) spdlog::info("{}", line);
    progress_.complete = true;
    return {};
}

Result<void> Copier::flush_source() {
    const std::lock_guard lock(source_mutex_);
    WF_TRY(flush_source_wal(*source_));
    return {};
}

}  // namespace walferry
