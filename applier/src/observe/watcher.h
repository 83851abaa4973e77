// Looks again and again at what only the servers know of a running task: its slot, its tables, its DDL. So whoever asks the process
// is answered at once, with what was found last.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/stop.h"
#include "checkpoint/ddl_history.h"
#include "config/task.h"
#include "observe/status.h"

namespace walferry {

struct Watched {
    Status status;
    std::vector<DdlStatement> ddl;  // the last ones, oldest first
};

// Thread: its own for run(); last() any.
class Watcher {
public:
    explicit Watcher(const Task &task) : task_(task) {}

    void run(const StopFlag &stop);
    // What was found last; null before anything was.
    std::shared_ptr<const Watched> last() const;

private:
    Result<void> look(StatusReader &reader);

    const Task &task_;
    mutable std::mutex mutex_;
    std::shared_ptr<const Watched> last_;
};

}  // namespace walferry
