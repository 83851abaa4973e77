// A snapshot of the source together with locks on tables, which come first: so what it sees of the tables is what they are.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "base/lsn.h"
#include "base/stop.h"
#include "config/task.h"
#include "pq/connection.h"

namespace walferry {

struct SourceSnapshot {
    std::string text;       // pg_snapshot
    Lsn lsn;                // WAL insert position after it was taken: later commits are not in it
    std::string ddl_state;  // walferry.ddl_state(): equal in two snapshots between which no DDL was committed
};

// A data connection to the source that waits for a lock for a second at most: who waits for one lets nobody pass.
Result<pq::Connection> open_for_snapshot(const Task &task, const std::string &purpose, const std::string &encoding,
                                         const StopFlag *stop);

// Begin a transaction that holds ACCESS SHARE locks on the tables (quoted and qualified) and the snapshot until it ends.
// Errors: pq::is_lock() and pq::is_missing() ones may pass. Requires: no transaction is open.
Result<SourceSnapshot> begin_snapshot(pq::Connection &source, const std::vector<std::string> &tables);

// The name under which pg_dump can use it. Requires: begin_snapshot().
Result<std::string> export_snapshot(pq::Connection &source);

// Whether DDL has been committed since; `other`: a connection outside of a transaction.
Result<bool> ddl_since(pq::Connection &other, const SourceSnapshot &snapshot);

// Quoted, qualified, and joined for a statement that is about the tables themselves, not their children.
std::string only_tables(const std::vector<std::string> &tables);

}  // namespace walferry
