// All that serves the operator beside a run: what is known of it is gathered, and requests are answered.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <memory>
#include <optional>
#include <thread>

#include "base/steering.h"
#include "base/stop.h"
#include "config/task.h"
#include "control/requests.h"
#include "control/server.h"
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

private:
    Status status() const;
    void sample();

    const Task &task_;
    Steering steering_;
    Live live_{steering_};
    History history_;
    Watcher watcher_;
    Requests requests_;
    StopFlag over_;
    std::jthread sampling_;
    std::jthread watching_;
    std::optional<ControlServer> server_;
};

}  // namespace walferry
