// Are both sides equal? Row counts and content checksums of every selected table, computed inside the servers.
//
// Each side is read in a statement of its own, so a table that changes meanwhile, or changes that are not applied yet,
// show as differences: stop writing (or give the task time to catch up) first.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/stop.h"
#include "config/task.h"

namespace walferry {

struct TableSum {
    std::int64_t rows = 0;
    std::string checksum;  // sum of the rows' 64-bit hashes, in decimal
};

struct TableComparison {
    std::string table;               // quoted where SQL needs it: shop."Order"
    std::optional<TableSum> source;  // nothing: could not be read
    std::optional<TableSum> destination;
    std::string difference;  // in words; empty when equal
};

struct Comparison {
    std::vector<TableComparison> tables;
    std::vector<std::string> notes;  // seen, but no difference: tables that only the destination has
    bool equal() const;
};

// Errors: a server that can't be reached; interrupted. An SQL error on one table is a difference of that table.
Result<Comparison> verify(const Task &task, const StopFlag &stop);

}  // namespace walferry
