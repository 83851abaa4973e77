// What is said of single tables: [[tables]] of the task file. What is sent of them, and in which form, goes to the plugin as its
// option `tables`; what becomes of it at the destination is the applier's.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/conflict_policy.h"

namespace walferry {

// All in UTF-8. What a table's name, columns and expressions mean is decided by the extension in the source.
struct TableSettings {
    std::string name;                                      // a pattern schema.table
    std::vector<std::string> operations;                   // empty: all
    std::vector<std::string> columns;                      // empty: all
    std::optional<std::string> where;                      // a condition in SQL
    std::vector<std::pair<std::string, std::string>> set;  // column, expression in SQL
    // Column, constant in SQL, that tell the table's rows from those of others which arrive in the same one; empty: all that
    // the destination's table holds is this one's.
    std::vector<std::pair<std::string, std::string>> merge;

    std::optional<ConflictPolicy> conflict;  // whole, also of what it leaves as the task has it

    bool concerns_destination() const { return conflict || !merge.empty(); }
    // A section that says nothing does: a partition is without its parent's settings then.
    bool concerns_source() const {
        return !operations.empty() || !columns.empty() || where || !set.empty() || !merge.empty() ||
               !concerns_destination();
    }
};

// What concerns the source, as the plugin and the extension's functions take it: JSON, `no_tables` if there is nothing.
std::string tables_option(const std::vector<TableSettings> &tables);
inline constexpr const char *no_tables = "[]";

// The names of the sections that concern the destination, alone, for the extension to find a table's.
std::string destination_sections_option(const std::vector<TableSettings> &tables);
// Of those that merge.
std::string merge_sections_option(const std::vector<TableSettings> &tables);

}  // namespace walferry
