// Runs a program to its end and keeps what it wrote.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/error.h"

namespace walferry {

struct ProcessOutput {
    int exit_code = 0;   // 128 + signal if it was killed
    std::string output;  // standard output
    std::string errors;  // standard error
};

// `arguments[0]` is the program's path. `environment` is added to ours: for what must not stand in the process list.
// Errors: the program could not be started.
Result<ProcessOutput> run_process(const std::vector<std::string> &arguments,
                                  const std::vector<std::pair<std::string, std::string>> &environment = {});

}  // namespace walferry
