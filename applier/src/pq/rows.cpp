// SPDX-License-Identifier: PostgreSQL
#include "pq/rows.h"

#include <charconv>

namespace walferry::pq {

std::int64_t Rows::integer(int row, int column) const {
    const auto digits = view(row, column);
    std::int64_t value = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return value;
}

std::optional<std::uint64_t> Rows::affected() const {
    const std::string_view digits = PQcmdTuples(result_.get());
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc{}) return std::nullopt;
    return value;
}

}  // namespace walferry::pq
