// The command line as plain values. CLI11 is used in arguments.cpp and nowhere else.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <optional>
#include <string>

#include "base/error.h"

namespace walferry {

enum class Verb { help, run, precheck, status, verify, cleanup };

struct Arguments {
    Verb verb = Verb::help;
    std::string file;  // the task file
    bool json = false;
    std::optional<std::string> until;  // "now" or an LSN
    std::string log_level = "info";
    std::string help;  // what --help or --version prints; only with Verb::help
};

// Errors: ErrorKind::usage.
Result<Arguments> parse_arguments(int argc, const char *const *argv);

}  // namespace walferry
