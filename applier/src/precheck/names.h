// Names in a sentence: not more than one can read.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace walferry {

constexpr std::size_t names_shown_max = 10;

// "a, b, c and 7 more"
std::string shortened(const std::vector<std::string> &names);

// One statement a line for the first names, and how many more there are: shortened_lines(names, "ALTER TABLE {} ...;").
// `{}` stands for the name.
std::string shortened_lines(const std::vector<std::string> &names, const std::string &statement);

}  // namespace walferry
