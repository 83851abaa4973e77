// Which rows of a destination's table are this task's, where several tasks merge theirs into one: `merge` in [[tables]].
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace walferry {

struct PartColumn {
    std::string name;   // quoted, at the destination
    std::string value;  // a constant in SQL, that all of the task's rows have, and no others
};

// Empty: all rows are the task's.
using Part = std::vector<PartColumn>;

// A condition over a row of the table, which the statement calls `row` if that is given. Requires: the part is not empty.
std::string part_condition(const Part &part, std::string_view row = {});

// `keyword` (WHERE, AND) and the condition, with spaces around; empty if all rows are the task's.
std::string part_clause(std::string_view keyword, const Part &part, std::string_view row = {});

}  // namespace walferry
