// SPDX-License-Identifier: PostgreSQL
#include "run/console.h"

#include <spdlog/spdlog.h>

#include <chrono>
#include <fstream>

#include "control/socket_path.h"

namespace walferry {

namespace {
constexpr std::chrono::milliseconds sample_interval{1000};
}  // namespace

Console::Console(const Task &task, StopFlag &stop)
    : task_(task),
      watcher_(task),
      requests_(steering_, stop, [this] { return status(); }),
      alerter_(task),
      conditions_(task.alerts) {
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
    if (!task.http_listen.empty()) serve_http();
}

Console::~Console() {
    http_.reset();
    server_.reset();
    over_.request();
}

void Console::failed(const Error &error) { alerter_.raise(alert_of(error)); }

void Console::serve_http() {
    std::string token;
    if (!task_.http_token_file.empty()) {
        std::ifstream in(task_.http_token_file);
        if (!(in >> token)) {
            spdlog::warn("{} holds no token: nothing can be steered over HTTP", task_.http_token_file);
        }
    }
    site_.emplace(
        requests_, history_, [this] { return watched(); }, token, is_loopback(task_.http_listen));
    auto started = HttpServer::start(task_.http_listen, *site_);
    if (!started) {
        spdlog::warn("no dashboard: {}", started.error().text());
        return;
    }
    http_ = std::move(*started);
    const auto address = task_.http_listen.substr(0, task_.http_listen.rfind(':'));
    spdlog::info("dashboard at http://{}:{}/", address, http_->port());
}

Watched Console::watched() const {
    const auto last = watcher_.last();
    return {status(), last ? last->ddl : std::vector<DdlStatement>{}};
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
        const Status now = status();
        const bool known = now.source && now.source->slot;
        history_.add(std::chrono::system_clock::now(), *now.live, known ? now.source->slot->retained_bytes : 0);
        for (const Alert &alert : conditions_.look(now, AlertConditions::Clock::now())) alerter_.raise(alert);
    }
}

}  // namespace walferry
