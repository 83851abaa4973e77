// The command line as plain values. CLI11 is used in arguments.cpp and nowhere else.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"

namespace walferry {

enum class Verb {
    help,
    run,
    precheck,
    status,
    objects,
    sequences,
    pause,
    resume,
    throttle,
    stop,
    verify,
    repair,
    cutover,
    setup,
    ddl_list,
    ddl_skip,
    ddl_done,
    quarantine_list,
    quarantine_replay,
    quarantine_drop,
    table_add,
    table_remove,
    table_recopy,
    cleanup
};

// What `walferry throttle` sets; what is left out stays as it is. 0: no limit.
struct ThrottleWishes {
    std::optional<double> stream_rows;  // a second
    std::optional<double> stream_mb;    // likewise, of 1,000,000 bytes
    std::optional<double> copy_rows;
    std::optional<double> copy_mb;
    bool off = false;  // no limit to any
};

struct Arguments {
    Verb verb = Verb::help;
    std::string file;                // the task file
    std::optional<std::int64_t> id;  // of a DDL statement with Verb::ddl_skip, Verb::ddl_done; of a change with
                                     // Verb::quarantine_replay, Verb::quarantine_drop, where none means all
    bool all = false;                // only with Verb::quarantine_list
    std::string schema;              // with name, a table; only with Verb::table_*
    std::string name;
    std::vector<std::pair<std::string, std::string>> tables;  // schema and name; only with Verb::verify, repair
    int jobs = 2;                                             // tables at once; likewise
    std::optional<std::uint64_t> rows;                        // compared a second; likewise. 0: no limit
    std::optional<double> mb;                                 // likewise, of 1,000,000 bytes
    bool restart = false;                                     // only with Verb::verify
    std::string html_file;                                    // likewise
    bool json = false;
    bool dry_run = false;
    std::vector<std::string> ignore;  // checks; only with Verb::precheck, run, setup
    std::string source_conninfo;      // with the next, an administrator's; only with Verb::setup
    std::string destination_conninfo;
    bool watch = false;       // only with Verb::status
    ThrottleWishes throttle;  // only with Verb::throttle
    bool reverse = false;     // only with Verb::cutover, as all down to drain_seconds_max
    std::string reverse_file;
    bool abort = false;
    bool writes_stopped = false;
    bool no_verify = false;
    int drain_seconds_max = 10;
    std::optional<std::string> until;  // "now" or an LSN
    std::string log_level = "info";
    std::string help;  // what --help or --version prints; only with Verb::help
};

// Errors: ErrorKind::usage.
Result<Arguments> parse_arguments(int argc, const char *const *argv);

}  // namespace walferry
