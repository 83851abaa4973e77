// PostgreSQL's pg_snapshot: which transactions a query saw. Source: "Functions and Operators", pg_snapshot.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace walferry {

struct Snapshot {
    std::uint64_t xmin = 0;              // all before are over
    std::uint64_t xmax = 0;              // none from here on has begun
    std::vector<std::uint64_t> running;  // in between, sorted

    // From its text form, xmin:xmax:xip,...
    static std::optional<Snapshot> parse(std::string_view text);
    // Whether the (top-level) transaction was over. A stream has those that committed alone.
    bool sees(std::uint64_t xid) const;
};

}  // namespace walferry
