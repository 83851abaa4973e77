// SPDX-License-Identifier: PostgreSQL
#include "verify/stream_position.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>

#include "checkpoint/bookkeeping.h"
#include "slot/slot.h"

namespace walferry {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr milliseconds wait_min{1};
constexpr milliseconds wait_max{50};
constexpr milliseconds running_patience{10'000};

}  // namespace

Result<Lsn> read_applied_lsn(pq::Connection &destination, const std::string &task) {
    // The checkpoint moves with changes alone, the other one over WAL that holds none too.
    WF_ASSIGN(const auto progress, find_progress(destination, task));
    return progress ? std::max(progress->applied_lsn, progress->flushed_lsn) : Lsn{};
}

Result<bool> StreamPosition::catch_up() {
    WF_ASSIGN(const bool begun, bookkeeping_exists(destination_));
    if (!begun) return false;
    WF_ASSIGN(const Lsn target, flush_source_wal(source_));
    auto wait = wait_min;
    auto look_whether_running = steady_clock::now();
    auto next_report = steady_clock::now() + seconds(10);
    while (true) {
        WF_ASSIGN(const Lsn applied, read_applied_lsn(destination_, task_.name));
        if (applied >= target) return true;
        if (steady_clock::now() >= look_whether_running) {
            WF_ASSIGN(const bool running, is_running(destination_, task_.name));
            if (!running) return false;
            look_whether_running = steady_clock::now() + seconds(1);
        }
        if (steady_clock::now() >= next_report) {
            spdlog::info("waiting for the task to apply what is before {}; it is at {}", target.text(), applied.text());
            next_report = steady_clock::now() + seconds(30);
        }
        if (stop_.wait_for(wait)) return fail(ErrorKind::interrupted, "stopped by request");
        wait = std::min(wait * 2, wait_max);
    }
}

Result<void> StreamPosition::see_applied() {
    WF_ASSIGN(auto running, wait_for_running(running_patience));
    idle_xids_.merge(running);
    return {};
}

Result<bool> StreamPosition::sees_applied_within(milliseconds patience) {
    WF_ASSIGN(const auto running, wait_for_running(patience));
    return running.empty();
}

// Those that have not ended.
Result<std::set<std::string>> StreamPosition::wait_for_running(milliseconds patience) {
    WF_ASSIGN(const pq::Rows now, source_.exec("SELECT pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())"));
    const std::string xmax = now.text(0, 0);
    const auto deadline = steady_clock::now() + patience;
    auto wait = wait_min;
    while (true) {
        // A session that is idle in its transaction is not committing it.
        WF_ASSIGN(const pq::Rows rows,
                  source_.exec("SELECT xid FROM pg_catalog.pg_snapshot_xip(pg_catalog.pg_current_snapshot()) AS xid"
                               " WHERE xid < $1::pg_catalog.xid8 AND NOT EXISTS"
                               " (SELECT FROM pg_catalog.pg_stat_activity"
                               "  WHERE backend_xid = xid::pg_catalog.xid AND state LIKE 'idle in transaction%')",
                               {xmax}));
        std::set<std::string> running;
        for (int row = 0; row < rows.count(); ++row) {
            if (!idle_xids_.contains(rows.text(row, 0))) running.insert(rows.text(row, 0));
        }
        if (running.empty() || steady_clock::now() >= deadline) return running;
        if (stop_.wait_for(wait)) return fail(ErrorKind::interrupted, "stopped by request");
        wait = std::min(wait * 2, wait_max);
    }
}

}  // namespace walferry
