// SPDX-License-Identifier: PostgreSQL
#include "checkpoint/checkpointer.h"

#include <chrono>

namespace walferry {

namespace {
using std::chrono::steady_clock;
constexpr std::chrono::milliseconds look_interval{50};
constexpr std::chrono::milliseconds save_interval{500};
}  // namespace

Result<void> Checkpointer::run(const StopFlag &stop) {
    auto last_save = steady_clock::time_point{};
    do {
        const bool news = positions_.applied_lsn.get() > positions_.flushed_lsn.get();
        if (news && steady_clock::now() - last_save >= save_interval) {
            WF_TRY(save());
            last_save = steady_clock::now();
        }
    } while (!stop.wait_for(look_interval));
    return {};
}

Result<void> Checkpointer::save() {
    const Lsn applied_lsn = positions_.applied_lsn.get();  // before the commit that makes it durable
    Progress progress;
    progress.flushed_lsn = applied_lsn;
    progress.received_lsn = positions_.received_lsn.get();
    progress.source_lsn = positions_.source_lsn.get();
    progress.changes = before_.changes + positions_.changes.load(std::memory_order_relaxed);
    progress.transactions = before_.transactions + positions_.transactions.load(std::memory_order_relaxed);
    progress.collisions = before_.collisions + positions_.collisions.load(std::memory_order_relaxed);
    progress.replays = before_.replays + positions_.replays.load(std::memory_order_relaxed);
    WF_TRY(save_progress(connection_, task_, progress));
    positions_.flushed_lsn.raise(applied_lsn);
    return {};
}

}  // namespace walferry
