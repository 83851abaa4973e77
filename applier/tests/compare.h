// Are two databases equal? Everything is compared, row by row and line by line.
//
// Each function returns the first differences in words, or nothing: EXPECT_EQ(compare_rows(pair), "").
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "task.h"

namespace walferry::testing {

// Two databases, by default a pair's.
struct Sides {
    Sides(const Pair &pair)  // NOLINT(google-explicit-constructor)
        : source(pair.source_conninfo()), destination(pair.destination_conninfo()) {}
    Sides(std::string source_conninfo, std::string destination_conninfo)
        : source(std::move(source_conninfo)), destination(std::move(destination_conninfo)) {}
    std::string source;
    std::string destination;
};

// The rows of all permanent tables, partitions included, as multisets of their printed values; xml as it is stored.
std::string compare_rows(const Sides &sides);
// Position of every sequence.
std::string compare_sequences(const Sides &sides);
// The definition of everything: pg_dump of both sides, without walferry's own objects, owners and privileges.
std::string compare_schema(const Sides &sides);
// What pg_dump says of the definitions, by the same pg_dump for a server of any version: without what only says of which
// version a server is. Own tables are left out.
std::string dumped_schema(const std::string &conninfo, const std::vector<std::string> &options = {});
// All of it.
std::string compare(const Sides &sides);

}  // namespace walferry::testing
