// A comparison as people and programs read it.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <cstdint>
#include <string>

#include "verify/comparison.h"

namespace walferry {

// "equal"; "1 missing, 2 differing"; why it can't be compared.
std::string verdict_of(const TableComparison &table);
std::uint64_t differing_rows(const TableComparison &table);

// A line a table, the first differing rows of each, objects, notes, and the totals at the end.
std::string comparison_as_text(const Comparison &comparison);

// {"equal": bool, "tables": [...], "objects": [...], "notes": [...]}, with every differing row
std::string comparison_as_json(const Comparison &comparison);

}  // namespace walferry
