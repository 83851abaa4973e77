// A comparison as a page for a browser: one file, which asks nobody for anything.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <chrono>
#include <string>

#include "verify/comparison.h"

namespace walferry {

// What differs comes first, with the first rows of each table. `task`: its name; `time`: when the comparison ended.
std::string comparison_as_html(const Comparison &comparison, const std::string &task,
                               std::chrono::system_clock::time_point time);

}  // namespace walferry
