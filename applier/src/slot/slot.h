// The task's replication slot on the source.
//
// All calls take an ordinary connection to the source database.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/error.h"
#include "base/lsn.h"
#include "pq/connection.h"

namespace walferry {

struct Slot {
    std::string name;
    std::string plugin;
    std::string database;
    bool logical = false;
    std::optional<int> active_pid;
    std::string wal_status;  // reserved, extended, unreserved, lost
    Lsn restart_lsn;
    Lsn confirmed_flush_lsn;
    std::uint64_t retained_bytes = 0;           // WAL that the source keeps for it
    std::optional<std::int64_t> safe_wal_size;  // bytes until max_slot_wal_keep_size may cut it; nothing: no limit
    std::string lost_by = {};  // why it is lost, where the source says so (17 and newer): wal_removed, idle_timeout
};

// The slot of that name, if there is one, whoever made it.
Result<std::optional<Slot>> find_slot(pq::Connection &source, const std::string &name);

// Why the slot can't be this task's (another plugin, another database, physical), or nothing.
Result<void> check_slot_is_ours(const Slot &slot, const std::string &database);

// Make it; returns the LSN from which its stream is complete. Waits for transactions that were running when it began.
// `failover`: standbys keep a copy of it, where the source can tell them so (17 and newer; else it is left out).
Result<Lsn> create_slot(pq::Connection &source, const std::string &name, bool failover);

// Drop it. Transient error while a walsender holds it.
Result<void> drop_slot(pq::Connection &source, const std::string &name);

// Have the source flush its WAL, and return an LSN at which everything that has committed by now is behind. Without it an idle
// source could leave the last bytes unflushed, and so unsent, for many seconds.
Result<Lsn> flush_source_wal(pq::Connection &source);

}  // namespace walferry
