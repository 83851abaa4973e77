// SPDX-License-Identifier: PostgreSQL
#include "observe/watcher.h"

#include <spdlog/spdlog.h>

#include <chrono>
#include <utility>

namespace walferry {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds interval_min{2000};
constexpr int share_max = 20;  // of the time, one part in so many is spent looking
constexpr std::size_t statements_max = 50;

}  // namespace

std::shared_ptr<const Watched> Watcher::last() const {
    const std::lock_guard lock(mutex_);
    return last_;
}

void Watcher::run(const StopFlag &stop) {
    StatusReader reader(task_, &stop);
    milliseconds pause{1000};  // the beginning of a task, and a short run, have better use for the servers
    while (!stop.wait_for(pause)) {
        const auto begin = steady_clock::now();
        if (auto looked = look(reader); !looked) {
            spdlog::debug("the servers' part of the status is not read: {}", looked.error().text());
            continue;
        }
        const auto took = std::chrono::duration_cast<milliseconds>(steady_clock::now() - begin);
        pause = std::max(interval_min, took * share_max);
    }
}

Result<void> Watcher::look(StatusReader &reader) {
    auto watched = std::make_shared<Watched>();
    WF_ASSIGN(watched->status, reader.read());
    WF_ASSIGN(watched->ddl, reader.ddl(statements_max));
    const std::lock_guard lock(mutex_);
    last_ = std::move(watched);
    return {};
}

}  // namespace walferry
