// A comparison as people and programs read it.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <string>

#include "verify/comparison.h"

namespace walferry {

// A line a table, the first differing rows of each, objects, notes, and the totals at the end.
std::string comparison_as_text(const Comparison &comparison);

// {"equal": bool, "tables": [...], "objects": [...], "notes": [...]}, with every differing row
std::string comparison_as_json(const Comparison &comparison);

}  // namespace walferry
