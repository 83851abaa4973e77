// A report's table for a terminal.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace walferry {

// A line of text for each line of cells, in columns that are as wide as their widest cell, with nothing behind the last one.
std::string text_table(const std::vector<std::vector<std::string>> &lines);

// In characters. Requires: UTF-8.
std::size_t length_of(std::string_view text);

}  // namespace walferry
