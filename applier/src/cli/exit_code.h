// With which code the program ends, so that scripts can tell what happened and whose turn it is.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include "base/error.h"

namespace walferry {

// Documented for users: a number never changes its meaning.
enum class ExitCode {
    ok = 0,
    usage = 1,               // bad arguments
    config = 2,              // bad task file
    state = 3,               // going on would be wrong: slot in use, tables not empty, position lost, already running
    server = 4,              // an SQL error of a server
    conflict = 5,            // a change that can't be applied
    source_unreachable = 6,  // or it refuses us, after the retry window
    destination_unreachable = 7,
    precheck = 8,    // precheck found an error
    difference = 9,  // verify found a difference
    bug = 12,        // an error in walferry
};

ExitCode exit_code(const Error &error);

}  // namespace walferry
