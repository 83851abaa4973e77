// Are both databases of a pair equal? Everything is compared, row by row and line by line.
//
// Each function returns the first differences in words, or nothing: EXPECT_EQ(compare_rows(pair), "").
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <string>
#include <vector>

#include "task.h"

namespace walferry::testing {

// The rows of all permanent tables, partitions included, as multisets of their printed values; xml as it is stored.
std::string compare_rows(const Pair &pair);
// Position of every sequence.
std::string compare_sequences(const Pair &pair);
// The definition of everything: pg_dump of both sides, without walferry's own objects, owners and privileges.
std::string compare_schema(const Pair &pair);
// What pg_dump says of the definitions, by the same pg_dump for a server of any version: without what only says of which
// version a server is. Own tables are left out.
std::string dumped_schema(const std::string &conninfo, const std::vector<std::string> &options = {});
// All of it.
std::string compare(const Pair &pair);

}  // namespace walferry::testing
