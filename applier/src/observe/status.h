// How far a task is: read from the destination's bookkeeping and, when it can be reached, from the source; of a running one with
// what its process knows.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/lsn.h"
#include "base/stop.h"
#include "checkpoint/bookkeeping.h"
#include "checkpoint/conflicts.h"
#include "checkpoint/ddl_history.h"
#include "checkpoint/verification.h"
#include "config/task.h"
#include "observe/history.h"
#include "observe/live.h"
#include "pq/connection.h"
#include "slot/slot.h"

namespace walferry {

struct SourceStatus {
    Lsn wal_lsn;               // end of the source's WAL
    std::optional<Slot> slot;  // nothing: it doesn't exist
};

struct Status {
    std::string task;
    TaskRecord record;
    bool running = false;  // a process has the task's connections open at the destination
    std::vector<TableState> tables;
    std::optional<Progress> progress;
    ConflictTotals conflicts;
    std::optional<Verification> verification;  // nothing: the task has never been compared
    std::optional<SourceStatus> source;
    std::string source_error;        // why `source` is empty
    std::optional<LiveStatus> live;  // from the process itself
    RatesPerSecond rates;            // with `live`

    // What the process knows takes the place of what it had written down.
    void add_live(const LiveStatus &status, const RatesPerSecond &now);

    // Bytes of the source's WAL that are not applied yet; nothing while the source is unknown or nothing was applied.
    std::optional<std::uint64_t> lag_bytes() const;
};

// Thread: one. References must outlive it.
class StatusReader {
public:
    StatusReader(const Task &task, const StopFlag *stop) : task_(task), stop_(stop) {}

    // Connects if need be. Errors: ErrorKind::state when the task has never been started; the destination's connection error.
    Result<Status> read();
    // The last statements, at most so many.
    Result<std::vector<DdlStatement>> ddl(std::size_t max);

private:
    Result<void> connect(std::optional<pq::Connection> &connection, Side side) const;
    Result<SourceStatus> read_source(const std::string &slot);

    const Task &task_;
    const StopFlag *const stop_;
    std::optional<pq::Connection> source_;
    std::optional<pq::Connection> destination_;
};

std::string status_as_text(const Status &status);
std::string status_as_json(const Status &status);

}  // namespace walferry
