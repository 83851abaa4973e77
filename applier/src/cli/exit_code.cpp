// SPDX-License-Identifier: PostgreSQL
#include "cli/exit_code.h"

namespace walferry {

namespace {

ExitCode unreachable(Side side) {
    return side == Side::destination ? ExitCode::destination_unreachable : ExitCode::source_unreachable;
}

}  // namespace

ExitCode exit_code(const Error &error) {
    // Invalid authorisation, and a database that isn't there: the server answers, but not to us.
    const bool refused = error.sqlstate.starts_with("28") || error.sqlstate == "3D000";
    switch (error.kind) {
        case ErrorKind::usage:
            return ExitCode::usage;
        case ErrorKind::config:
            return ExitCode::config;
        case ErrorKind::state:
            return ExitCode::state;
        case ErrorKind::transient:
            return unreachable(error.side);
        case ErrorKind::server:
            return refused ? unreachable(error.side) : ExitCode::server;
        case ErrorKind::conflict:
            return ExitCode::conflict;
        case ErrorKind::interrupted:
            return ExitCode::ok;
        case ErrorKind::protocol:
        case ErrorKind::bug:
            break;
    }
    return ExitCode::bug;
}

}  // namespace walferry
