// What one check of precheck found.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <string>
#include <vector>

namespace walferry {

enum class Severity {
    ok,       // as it should be
    info,     // good to know
    warning,  // the task runs, but something will not be as one may expect
    error,    // the task can't run, or would stop
};
const char *to_string(Severity severity);

struct Finding {
    std::string id;  // the check's name, stable for scripts
    Severity severity = Severity::ok;
    std::string found;    // one line
    std::string meaning;  // why it matters; empty when all is well
    std::string remedy;   // the exact command or setting; lines
};

bool has_errors(const std::vector<Finding> &findings);

}  // namespace walferry
