// All that serves the operator beside a run: what is known of it is gathered, and requests are answered.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <memory>
#include <optional>
#include <thread>

#include "alert/alerter.h"
#include "alert/conditions.h"
#include "base/steering.h"
#include "base/stop.h"
#include "config/task.h"
#include "control/requests.h"
#include "control/server.h"
#include "http/server.h"
#include "http/site.h"
#include "observe/history.h"
#include "observe/live.h"
#include "observe/watcher.h"

namespace walferry {

// Thread: made and ended by the one that runs the task; steering() and live() as they say.
class Console {
public:
    // `stop`: requested when the operator asks for it. References must outlive it.
    Console(const Task &task, StopFlag &stop);
    Console(const Console &) = delete;
    Console &operator=(const Console &) = delete;
    ~Console();

    Steering &steering() { return steering_; }
    Live &live() { return live_; }
    // The task will not go on by itself.
    void failed(const Error &error);

private:
    Status status() const;
    Watched watched() const;
    void sample();
    void serve_http();

    const Task &task_;
    Steering steering_;
    Live live_{steering_};
    History history_;
    Watcher watcher_;
    Requests requests_;
    Alerter alerter_;
    AlertConditions conditions_;
    std::optional<Site> site_;
    StopFlag over_;
    std::jthread sampling_;
    std::jthread watching_;
    std::optional<ControlServer> server_;
    std::unique_ptr<HttpServer> http_;
};

}  // namespace walferry
