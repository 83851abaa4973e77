// SPDX-License-Identifier: PostgreSQL
#include "observe/live.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/server_time.h"
#include "spool/spool.h"

namespace walferry {

namespace {

constexpr auto relaxed = std::memory_order_relaxed;

// The age of what is visible: of the last transaction that is applied, while there is more to apply.
std::int64_t age_us(const Positions &positions) {
    const auto commit_time = positions.applied_commit_time.load(relaxed);
    const auto ahead = positions.source_clock_ahead.load(relaxed);
    if (commit_time == 0 || ahead == std::numeric_limits<std::int64_t>::min()) return 0;
    return std::max<std::int64_t>(0, now_since_2000() + ahead - commit_time);
}

void add_stream(LiveStatus &status, const StreamState &state) {
    const Positions &positions = state.positions;
    status.applied_lsn = positions.applied_lsn.get();  // first, so that it is not ahead of the others
    status.flushed_lsn = positions.flushed_lsn.get();
    status.received_lsn = positions.received_lsn.get();
    status.source_lsn = std::max(positions.source_lsn.get(), status.received_lsn);
    status.lag_bytes = distance(status.applied_lsn, status.source_lsn);
    status.lag_us = lag_us(state);
    status.changes = state.before.changes + positions.changes.load(relaxed);
    status.transactions = state.before.transactions + positions.transactions.load(relaxed);
    status.collisions = state.before.collisions + positions.collisions.load(relaxed);
    status.replays = state.before.replays + positions.replays.load(relaxed);
    status.groups = positions.groups.load(relaxed);
    status.workers = state.workers;
    status.buffer_bytes = state.budget.in_use();
    status.buffer_bytes_max = state.buffer_bytes_max;
    status.spool_bytes = Spool::bytes_in_use();
}

void add_copy(LiveStatus &status, const CopyProgress &copying) {
    status.copying = !copying.complete.load(std::memory_order_acquire);
    status.tables = copying.tables.load(relaxed);
    status.tables_done = copying.tables_done.load(relaxed);
    status.copy_rows = copying.rows.load(relaxed);
    status.copy_bytes = copying.bytes.load(relaxed);
    status.table_bytes = copying.table_bytes.load(relaxed);
    status.table_bytes_done = copying.table_bytes_done.load(relaxed);
    status.copy_steps = copy_steps(copying);
}

}  // namespace

std::int64_t lag_us(const StreamState &state) {
    const auto now = Heartbeat::Clock::now();
    const std::int64_t lag = state.heartbeat.lag(now).count();
    if (state.heartbeat.late(now)) return std::max(lag, age_us(state.positions));
    const auto ended = state.ended.load(std::memory_order_relaxed);
    if (ended == 0) return lag;
    const auto since = now.time_since_epoch() - Heartbeat::Clock::duration(ended);
    return lag + std::chrono::duration_cast<std::chrono::microseconds>(since).count();
}

void Live::enter(Phase phase) {
    const std::lock_guard lock(mutex_);
    phase_ = phase;
}

void Live::show(std::shared_ptr<const StreamState> state) {
    const std::lock_guard lock(mutex_);
    state_ = std::move(state);
}

void Live::will_retry(RetryStatus retry) {
    const std::lock_guard lock(mutex_);
    last_error_ = retry.error;
    retry_ = std::move(retry);
}

void Live::works() {
    const std::lock_guard lock(mutex_);
    retry_.reset();
}

void Live::failed(const std::string &error) {
    const std::lock_guard lock(mutex_);
    last_error_ = error;
}

LiveStatus Live::status() const {
    LiveStatus status;
    status.started = started_;
    status.paused = steering_.paused();
    status.stream_rates = steering_.stream.rates();
    status.copy_rates = steering_.copy.rates();
    std::shared_ptr<const StreamState> state;
    {
        const std::lock_guard lock(mutex_);
        status.phase = phase_;
        status.retry = retry_;
        status.last_error = last_error_;
        state = state_;
    }
    if (!state) return status;
    add_stream(status, *state);
    add_copy(status, state->copying);
    if (status.phase == Phase::copy && !status.copying) status.phase = Phase::stream;  // which goes on beside it
    for (const CopyJob &job : state->copying.jobs) {
        const std::lock_guard lock(job.mutex);
        status.under_way.insert(status.under_way.end(), job.tables.begin(), job.tables.end());
    }
    return status;
}

}  // namespace walferry
