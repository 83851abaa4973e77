// Writes down what a comparison finds, as it finds it (checkpoint/verification.h), and knows what one that was stopped had found.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/stop.h"
#include "checkpoint/verification.h"
#include "config/task.h"
#include "pq/connection.h"
#include "verify/comparison.h"

namespace walferry {

// Thread: any. Errors of all: the server's. Does nothing for a task that has not begun, nor for a comparison of everything beside another one.
class VerificationRecord {
public:
    enum class Of {
        everything,  // goes on with the one that was stopped, if there is one
        everything_anew,
        some_tables,
        nothing,
    };

    // `task` must outlive it.
    static Result<std::unique_ptr<VerificationRecord>> open(const Task &task, Of of, const StopFlag &stop);

    // When the comparison began that this one goes on with; empty: there was none.
    const std::string &began() const { return began_; }
    // Why nothing is recorded, though the task has begun; empty: it is.
    const std::string &problem() const { return problem_; }

    // Of that one: a table that it has found equal; one that it was in the middle of.
    std::optional<TableComparison> find(std::uint32_t relid) const;
    std::optional<PartialComparison> find_part(std::uint32_t relid) const;

    Result<void> save(std::uint32_t relid, const TableComparison &table);
    Result<void> save(std::uint32_t relid, const PartialComparison &part);
    Result<void> show(const Verification::UnderWay &under_way);
    // Everything was compared. `relids`: of all tables that the task has.
    Result<void> end(const Comparison &comparison, const std::vector<std::uint32_t> &relids);

private:
    VerificationRecord(const Task &task, Of of) : task_(task), of_(of) {}
    Result<void> begin(pq::Connection &destination);
    bool of_everything() const { return of_ == Of::everything || of_ == Of::everything_anew; }

    const Task &task_;
    const Of of_;
    std::string began_;
    std::string problem_;
    VerifiedSoFar earlier_;
    std::mutex mutex_;                           // of the connection
    std::optional<pq::Connection> destination_;  // nothing: nothing is recorded
};

}  // namespace walferry
