// What a task takes of the source: `walferry objects`.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "base/stop.h"
#include "config/task.h"

namespace walferry {

struct TaskObject {
    std::string kind;        // "table", "view", ...
    std::string name;        // quoted and qualified
    std::string why;         // the pattern that chooses it; or what it comes with
    std::string mode;        // what comes of it
    std::string arrives_as;  // quoted and qualified
};

struct TaskObjects {
    std::vector<TaskObject> objects;     // relations by name, then what comes with the schema
    std::vector<std::string> unmatched;  // patterns that match nothing
    std::vector<std::string> left_out;   // relations, quoted and qualified
};

// Asks the source alone.
Result<TaskObjects> read_task_objects(const Task &task, const StopFlag &stop);

std::string objects_as_text(const TaskObjects &objects);
std::string objects_as_json(const TaskObjects &objects);

}  // namespace walferry
