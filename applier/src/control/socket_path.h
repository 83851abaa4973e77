// Where the socket of a running task is: in a folder that only its user may enter, under a name that tells tasks apart.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "config/task.h"

namespace walferry {

// The key control.socket, else a file of the first of these folders that can be used: /run/walferry, $XDG_RUNTIME_DIR/walferry,
// /tmp/walferry-UID. Makes the folder. Errors: ErrorKind::config, the path is too long; ErrorKind::state, no folder is safe.
Result<std::string> make_socket_path(const Task &task);

// Where a running task's may be found, best first.
std::vector<std::string> socket_paths(const Task &task);

}  // namespace walferry
