// Delivers alerts: one of a kind in a window, to the command and the webhook, again and again until each has taken it.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "alert/alert.h"
#include "alert/window.h"
#include "config/task.h"

namespace walferry {

// Thread: any for raise(); the task must outlive it.
class Alerter {
public:
    // Does nothing for a task without [alerts].
    explicit Alerter(const Task &task);
    Alerter(const Alerter &) = delete;
    Alerter &operator=(const Alerter &) = delete;
    // Delivers what is left; gives up what is not taken within a while.
    ~Alerter();

    // Nothing is done while the kind's window is closed. Returns at once.
    void raise(const Alert &alert);

private:
    struct Delivery {
        AlertKind kind;
        std::string json;
        bool to_command;
        bool to_webhook;
        std::chrono::milliseconds pause;  // before the next attempt
        std::chrono::steady_clock::time_point not_before;
        std::chrono::steady_clock::time_point gives_up;
    };

    void deliver_all();
    bool try_to_deliver(Delivery &delivery) const;
    void put_back(Delivery delivery);

    const Task &task_;
    std::mutex mutex_;  // of what follows
    std::condition_variable news_;
    AlertWindow window_;
    std::deque<Delivery> deliveries_;
    std::optional<std::chrono::steady_clock::time_point> end_;  // no attempt after it
    std::jthread thread_;
};

}  // namespace walferry
