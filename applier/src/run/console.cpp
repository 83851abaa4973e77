// SPDX-License-Identifier: PostgreSQL
#include "run/console.h"

#include <spdlog/spdlog.h>

#include <chrono>

#include "control/socket_path.h"

namespace walferry {

namespace {
constexpr std::chrono::milliseconds sample_interval{1000};
}  // namespace

Console::Console(const Task &task, StopFlag &stop)
    : task_(task), watcher_(task), requests_(steering_, stop, [this] { return status(); }) {
    steering_.stream.set_rates(task.stream_rates);
    steering_.copy.set_rates(task.copy_rates);
    sampling_ = std::jthread([this] { sample(); });
    watching_ = std::jthread([this] { watcher_.run(over_); });
    // The task does its work without, too.
    if (const auto path = make_socket_path(task)) {
        server_.emplace(*path, [this](std::string_view line) { return requests_.answer(line); });
    } else {
        spdlog::warn("no control socket: {}", path.error().text());
    }
}

Console::~Console() {
    server_.reset();
    over_.request();
}

Status Console::status() const {
    const auto watched = watcher_.last();
    Status status = watched ? watched->status : Status{};
    if (!watched) {
        status.task = task_.name;
        status.record.slot = task_.slot;
        status.source_error = "not looked at yet";
    }
    status.add_live(live_.status(), history_.rates());
    return status;
}

void Console::sample() {
    while (!over_.wait_for(sample_interval)) {
        const auto watched = watcher_.last();
        const bool known = watched && watched->status.source && watched->status.source->slot;
        history_.add(std::chrono::system_clock::now(), live_.status(),
                     known ? watched->status.source->slot->retained_bytes : 0);
    }
}

}  // namespace walferry
