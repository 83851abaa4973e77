// A task file as plain values, checked. docs and README describe the keys; config/parse.cpp is the only reader.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/throttle.h"
#include "config/alert_options.h"
#include "config/conflict_policy.h"
#include "config/ddl_policy.h"
#include "config/name_map.h"
#include "config/table_settings.h"

namespace walferry {

struct Task {
    std::string file;  // as it was named, for messages
    std::string name;  // [a-z0-9_]{1,40}
    bool schema_stage = true;
    bool copy_stage = true;
    bool stream_stage = true;

    std::string source_conninfo;
    std::string slot;                                               // [a-z0-9_]{1,63}
    std::uint64_t decoding_memory_bytes = std::uint64_t{64} << 20;  // logical_decoding_work_mem of our connection
    std::int64_t heartbeat_seconds = 10;  // how often the lag is measured while nothing changes; 0: not then
    bool failover = true;                 // the slot is kept on standbys, where the source can do that
    bool local = false;  // take only what was written at the source itself, and mark what is written at the destination
    std::string destination_conninfo;

    std::vector<std::string> include = {"*.*"};  // psql patterns schema.table, UTF-8
    std::vector<std::string> exclude;

    bool allow_unmatched = false;  // patterns may match nothing
    ConflictPolicy conflict;       // of tables that have none of their own
    std::vector<TableSettings> tables;
    NameMap names;  // under which the source's objects arrive; in UTF-8

    // Whether some section of [[tables]] concerns the destination.
    bool has_destination_sections() const {
        return std::any_of(tables.begin(), tables.end(),
                           [](const auto &table) { return table.concerns_destination(); });
    }
    // Whether some table's rows go into one that others fill as well.
    bool merges() const {
        return std::any_of(tables.begin(), tables.end(), [](const auto &table) { return !table.merge.empty(); });
    }
    // Whether a conflict of some table may end otherwise than with a stop.
    bool settles_conflicts() const {
        return !conflict.only_stops() || std::any_of(tables.begin(), tables.end(), [](const auto &table) {
            return table.conflict && !table.conflict->only_stops();
        });
    }

    bool owners = false;  // copy the owners of objects
    bool grants = false;  // copy their privileges
    std::string pg_bin;   // folder of pg_dump and pg_restore; empty: looked for

    int copy_jobs = 4;
    std::int64_t copy_yield_seconds = 60;  // who waits at the source for a table that is read is let pass after so long
    bool large_objects = true;  // copy them; as read from a file: unless said otherwise, if `include` has "*.*"
    int apply_workers = 1;      // as read from a file: the cores of this machine, up to 8
    std::uint64_t buffer_bytes = std::uint64_t{64} << 20;
    bool streaming = true;  // take transactions too big for decoding_memory_bytes before they commit, and spool them
    std::string spool_folder = "/var/tmp";
    std::uint64_t spool_bytes = std::uint64_t{64} << 30;
    std::int64_t retry_connection_seconds = 43200;
    std::int64_t retry_transient_seconds = 600;

    std::string control_socket;  // path of the running process's socket; empty: the default (control/socket_path.h)
    Rates stream_rates;          // that the operator may change while it runs
    Rates copy_rates;
    Rates verify_rates;           // of each server, that `walferry verify` reads with
    std::string http_listen;      // ADDRESS:PORT; empty: no HTTP
    std::string http_token_file;  // empty: nothing can be steered over HTTP
    AlertOptions alerts;

    DdlPolicy ddl;  // as read from a file: grants and owners follow `grants` and `owners`, the role follows `owners`
};

// Read and check a task file. Errors: ErrorKind::config, the message begins "FILE:line:column: ".
Result<Task> read_task(const std::string &path);

// The same from text, for tests; `path` stands in messages and gives the default name.
Result<Task> parse_task(std::string_view text, const std::string &path);

}  // namespace walferry
