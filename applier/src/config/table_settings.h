// What of single tables is sent, and in which form: [[tables]] of the task file, and the plugin's option `tables`.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace walferry {

// All in UTF-8. What a table's name, columns and expressions mean is decided by the extension in the source.
struct TableSettings {
    std::string name;                                      // a pattern schema.table
    std::vector<std::string> operations;                   // empty: all
    std::vector<std::string> columns;                      // empty: all
    std::optional<std::string> where;                      // a condition in SQL
    std::vector<std::pair<std::string, std::string>> set;  // column, expression in SQL
};

// As the plugin and the extension's functions take them: JSON. Empty if there are none.
std::string tables_option(const std::vector<TableSettings> &tables);

}  // namespace walferry
