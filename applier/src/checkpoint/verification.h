// What verify has found, kept at the destination: for whoever asks how the task stands, and so that a comparison which was stopped goes on
// where it was.
//
//   walferry.verification        one row a task: the comparison of everything that is under way, and the last that came to its end
//   walferry.verification_table  one row a table: how it was when it was last compared, by whichever comparison
//   walferry.verification_part   one row a table that the comparison under way is in the middle of: what it has found so far
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "pq/connection.h"

namespace walferry {

// For create_bookkeeping.
extern const char *const create_verifications_sql;

struct Verification {
    struct UnderWay {
        std::string began;
        bool running = true;  // else it was stopped, and the next one goes on
        std::uint64_t tables = 0, tables_done = 0;
        std::uint64_t rows_done = 0;
        std::uint64_t bytes = 0, bytes_done = 0;  // of the source's tables, on its disk
    };
    struct DifferingTable {
        std::string schema, name;  // at the source
        std::string verdict;       // "1 missing, 2 differing"
        std::string compared;      // when
    };

    std::string ended;          // the last comparison of everything, as the server prints it; empty: there was none
    std::int64_t ended_at = 0;  // the same in seconds since 1970
    std::uint64_t tables = 0;   // of that one
    std::uint64_t rows = 0;     // likewise, at the source
    std::uint64_t differing_objects = 0;  // likewise: definitions and sequences
    // Of all that were compared, as they were at last.
    std::uint64_t differing_tables = 0;
    std::uint64_t differing_rows = 0;
    std::vector<DifferingTable> differing;  // of them, the first few
    std::optional<UnderWay> under_way;      // begun, and not at its end

    bool differs() const { return differing_tables > 0 || differing_objects > 0; }
    // "3 rows in 2 tables and 1 definition differ"; "nothing differs".
    std::string verdict() const;
};

// Nothing: the task has never been compared. Requires: the task has begun.
Result<std::optional<Verification>> find_verification(pq::Connection &destination, const std::string &task);

// A table's row.
struct VerifiedTable {
    std::uint32_t relid = 0;  // at the source
    std::string schema, name;
    bool equal = true;
    std::uint64_t differing_rows = 0;
    std::string verdict;
    std::string report;  // for verify alone
};

// The writer's side. Requires: the tables are there, as create_bookkeeping makes them. Errors of all: the server's.

Result<bool> verifications_exist(pq::Connection &destination);
// Held by a comparison of everything, while its connection lives. False: another one holds it.
Result<bool> try_lock_verification(pq::Connection &destination, const std::string &task);
// A comparison of everything begins, or goes on where the one under way was. Of that one, returns when it began; of a new one, nothing.
Result<std::optional<std::string>> begin_verification(pq::Connection &destination, const std::string &task, bool anew);
// Of the comparison under way, by relid: the reports of tables that it has found equal, and of those that it is in the middle of.
struct VerifiedSoFar {
    std::map<std::uint32_t, std::string> equal;
    std::map<std::uint32_t, std::string> parts;
};
Result<VerifiedSoFar> find_verified_so_far(pq::Connection &destination, const std::string &task);
Result<void> save_verified(pq::Connection &destination, const std::string &task, const VerifiedTable &table);
Result<void> save_verified_part(pq::Connection &destination, const std::string &task, std::uint32_t relid,
                                const std::string &report);
// `began` and `running` are not stored by it.
Result<void> show_verification(pq::Connection &destination, const std::string &task,
                               const Verification::UnderWay &under_way);
// Of the comparison of everything.
struct VerificationEnd {
    std::vector<std::uint32_t> relids;  // all that the task has; others are forgotten
    std::uint64_t rows = 0;
    std::uint64_t differing_objects = 0;
};
Result<void> end_verification(pq::Connection &destination, const std::string &task, const VerificationEnd &end);

}  // namespace walferry
