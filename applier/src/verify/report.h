// A comparison as people and programs read it.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <string>

#include "verify/verify.h"

namespace walferry {

// A line a table, notes, and the totals at the end.
std::string comparison_as_text(const Comparison &comparison);

// {"equal": bool, "tables": [...], "notes": [...]}
std::string comparison_as_json(const Comparison &comparison);

}  // namespace walferry
