// SPDX-License-Identifier: PostgreSQL
#include "alert/alerter.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "alert/deliver.h"
#include "control/socket_path.h"

namespace walferry {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds attempt_time{10'000};
constexpr milliseconds pause_min{1000};
constexpr milliseconds pause_max{60'000};
constexpr std::chrono::hours gives_up_after{1};
// When the process ends, for what is still to be delivered.
constexpr milliseconds end_time{30'000};

std::string window_file(const Task &task) {
    const auto path = make_socket_path(task);
    return path ? *path + ".alerts" : std::string{};
}

}  // namespace

Alerter::Alerter(const Task &task)
    : task_(task), window_(window_file(task), std::chrono::seconds(task.alerts.window_seconds)) {
    if (task.alerts.any()) thread_ = std::jthread([this] { deliver_all(); });
}

Alerter::~Alerter() {
    {
        const std::lock_guard lock(mutex_);
        end_ = steady_clock::now() + end_time;
        for (Delivery &delivery : deliveries_) delivery.not_before = {};
    }
    news_.notify_one();
}

void Alerter::raise(const Alert &alert) {
    if (!task_.alerts.any()) return;
    const auto now = std::chrono::system_clock::now();
    const std::lock_guard lock(mutex_);
    if (!window_.is_open(alert.kind, now)) return;
    window_.close(alert.kind, now);
    spdlog::warn("alert ({}): {}", to_string(alert.kind), alert.message);
    deliveries_.push_back({alert.kind,
                           alert_as_json(task_.name, alert, now),
                           !task_.alerts.command.empty(),
                           !task_.alerts.webhook.empty(),
                           pause_min,
                           {},
                           steady_clock::now() + gives_up_after});
    news_.notify_one();
}

void Alerter::deliver_all() {
    std::unique_lock lock(mutex_);
    while (!end_ || !deliveries_.empty()) {
        const auto next =
            std::min_element(deliveries_.begin(), deliveries_.end(),
                             [](const Delivery &a, const Delivery &b) { return a.not_before < b.not_before; });
        if (next == deliveries_.end()) {
            news_.wait(lock);
            continue;
        }
        if (next->not_before > steady_clock::now()) {
            news_.wait_until(lock, next->not_before);
            continue;
        }
        Delivery delivery = std::move(*next);
        deliveries_.erase(next);
        lock.unlock();
        const bool done = try_to_deliver(delivery);
        lock.lock();
        if (!done) put_back(std::move(delivery));
    }
}

// Requires: mutex_.
void Alerter::put_back(Delivery delivery) {
    const auto again = steady_clock::now() + delivery.pause;
    if (again > std::min(delivery.gives_up, end_.value_or(delivery.gives_up))) {
        spdlog::error("the alert ({}) could not be delivered", to_string(delivery.kind));
        window_.open(delivery.kind);
        return;
    }
    delivery.not_before = again;
    delivery.pause = std::min(delivery.pause * 2, pause_max);
    deliveries_.push_back(std::move(delivery));
}

bool Alerter::try_to_deliver(Delivery &delivery) const {
    const auto attempt = [&](bool &wanted, const Result<void> &delivered) {
        wanted = !delivered;
        if (!delivered) {
            spdlog::warn("the alert ({}) is not delivered: {}", to_string(delivery.kind), delivered.error().message);
        }
    };
    if (delivery.to_command) {
        attempt(delivery.to_command, run_alert_command(task_.alerts.command, delivery.json, attempt_time));
    }
    if (delivery.to_webhook)
        attempt(delivery.to_webhook, post_alert(task_.alerts.webhook, delivery.json, attempt_time));
    return !delivery.to_command && !delivery.to_webhook;
}

}  // namespace walferry
