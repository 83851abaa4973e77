// The switch from the source to the destination, as one guarded command.
//
//   gates      the task streams, all tables are copied, no DDL has failed, writes can be stopped, the way back can be armed
//   tables     verify; ANALYZE
//   take over  a running process of the task is ended, its stream goes on in this one
//   catch up   until little is left to apply
//   stop       the source's database is read-only, its sessions end                          ─┐
//   drain      everything up to a barrier behind the last write is applied and flushed        │ no writes
//   verify     objects, and tables as far as that takes little time                           │ anywhere
//   sequences                                                                                 │
//   way back   its slot is made at the new side, before anybody writes there                  │
//   finish     the old slot is dropped, the task is complete; the destination takes writes   ─┘
//
// What fails before `finish`, and a request to stop, undoes what was done: the source takes writes again; "walferry run" is for the
// operator to start. The process that dies leaves the source read-only; the command goes on from there when it is called again, or
// undoes it with `abort`.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <functional>
#include <string>

#include "base/error.h"
#include "base/stop.h"
#include "config/task.h"

namespace walferry {

struct CutoverOptions {
    bool dry_run = false;         // gates, and a list of what would be done
    bool abort = false;           // only undo
    bool writes_stopped = false;  // the operator has seen to it: the account may not
    bool verify = true;           // the rows, before writes are stopped
    bool reverse = false;         // arm the way back
    std::string reverse_file;     // its task file; empty: reverse_file_name
    int drain_seconds_max = 10;   // more to apply than in this time: don't begin
    int jobs = 2;                 // tables compared at once
};

// `print` gets lines for people. Errors: ErrorKind::state for a closed gate, with all of them and what to do; and what the stream meets.
Result<void> cut_over(const Task &task, const CutoverOptions &options, StopFlag &stop,
                      const std::function<void(const std::string &)> &print);

}  // namespace walferry
