// SPDX-License-Identifier: PostgreSQL
#include "verify/key_range.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <vector>

namespace walferry {

namespace {

std::string columns_of(const SideShape &side) {
    std::vector<std::string> names;
    for (const KeyColumn &column : side.key) names.push_back(column.name);
    return fmt::format("{}", fmt::join(names, ", "));
}

std::string compared(const pq::Connection &connection, const SideShape &side, const char *operation,
                     const KeyValues &bound) {
    std::vector<std::string> values;
    for (std::size_t i = 0; i < side.key.size(); ++i) {
        values.push_back(connection.quote_literal(bound[i]) + "::" + side.key[i].type);
    }
    return fmt::format("({}) {} ({})", columns_of(side), operation, fmt::join(values, ", "));
}

}  // namespace

std::string condition_of(const pq::Connection &connection, const SideShape &side, const KeyRange &range) {
    std::vector<std::string> conditions;
    if (range.from) conditions.push_back(compared(connection, side, ">=", *range.from));
    if (range.to) conditions.push_back(compared(connection, side, "<", *range.to));
    return conditions.empty() ? "true" : fmt::format("{}", fmt::join(conditions, " AND "));
}

Result<std::optional<KeyValues>> find_bound(pq::Connection &connection, const SideShape &side,
                                            const std::optional<KeyValues> &from, std::uint64_t rows) {
    const std::string columns = columns_of(side);
    WF_ASSIGN(const pq::Rows found,
              connection.exec(fmt::format("SELECT {0} FROM {1} AS t WHERE {2} ORDER BY {0} OFFSET {3} LIMIT 1", columns,
                                          side.rows, condition_of(connection, side, {from, {}}), rows)));
    if (found.count() == 0) return std::nullopt;
    KeyValues bound;
    for (int column = 0; column < found.columns(); ++column) bound.push_back(found.text(0, column));
    return bound;
}

}  // namespace walferry
