// SPDX-License-Identifier: PostgreSQL
#include "schema/part.h"

#include <fmt/format.h>

namespace walferry {

std::string part_condition(const Part &part, std::string_view row) {
    std::string condition;
    for (const PartColumn &column : part) {
        condition += fmt::format("{}{}{}{} OPERATOR(pg_catalog.=) ({})", condition.empty() ? "" : " AND ", row,
                                 row.empty() ? "" : ".", column.name, column.value);
    }
    return condition;
}

std::string part_clause(std::string_view keyword, const Part &part, std::string_view row) {
    return part.empty() ? std::string{} : fmt::format(" {} {}", keyword, part_condition(part, row));
}

}  // namespace walferry
