// Are both sides equal? The rows of every selected table, by checksums that the servers compute, the objects and the sequences.
//
// Both sides may be in use and the task may run: a difference that is merely on its way is told apart (settle.h), and what is left
// is one. While the task doesn't run, nothing is on its way: what it has not applied yet differs.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/stop.h"
#include "base/throttle.h"
#include "config/task.h"
#include "verify/comparison.h"

namespace walferry {

struct VerifyOptions {
    int jobs = 2;  // tables compared at once; two connections each
    // Schema and name of the tables to compare, without objects and sequences; empty: all.
    std::vector<std::pair<std::string, std::string>> tables;
    bool objects = true;  // and sequences, if all tables are compared
    Rates rates;          // of each server
    // All tables: even if an earlier comparison was stopped, with which this one could go on.
    bool anew = false;
    bool record = true;
};

// `task`: with the tables that were added and removed since it began. Reads, and writes nothing but what it finds, to the
// destination's bookkeeping (record.h).
// Errors: a server that can't be reached; interrupted; ErrorKind::state for a table of the options that the task hasn't. An SQL error
// on one table is a difference of that table.
Result<Comparison> verify(const Task &task, const VerifyOptions &options, const StopFlag &stop);

}  // namespace walferry
