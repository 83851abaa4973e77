// The task file of the way back.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <string>

#include "base/error.h"
#include "config/task.h"

namespace walferry {

// Where it goes by default: shop.toml's is shop_back.toml, beside it.
std::string reverse_file_name(const std::string &file);

// A task that streams the same tables from the destination to the source; its tables are there. As TOML.
std::string reverse_task_text(const Task &task);

// Written, readable for its owner alone, as it may hold passwords; an existing file is left as it is, and checked: it has to lead back.
Result<Task> write_reverse_task(const Task &task, const std::string &file);

}  // namespace walferry
