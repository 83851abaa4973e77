// What one check of precheck found.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <string>
#include <vector>

#include "base/error.h"

namespace walferry {

enum class Severity {
    ok,       // as it should be
    info,     // good to know
    warning,  // the task runs, but something will not be as one may expect
    error,    // the task can't run, or would stop
};
const char *to_string(Severity severity);

struct Statement {
    Side side = Side::none;
    std::string sql;  // one statement, without its semicolon
};

struct Finding {
    std::string id;  // the check's name, stable for scripts
    Severity severity = Severity::ok;
    std::string found;                       // one line
    std::string meaning;                     // why it matters; empty when all is well
    std::string remedy;                      // the exact command or setting; lines
    std::vector<Statement> statements = {};  // the remedy, if it is all SQL
    bool automatic = false;                  // `walferry setup` may run them
    bool ignorable = false;                  // the task can do its work nevertheless
    bool ignored = false;                    // the operator said so: it counts for nothing
};

bool has_errors(const std::vector<Finding> &findings);

}  // namespace walferry
