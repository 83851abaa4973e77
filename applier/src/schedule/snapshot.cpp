// SPDX-License-Identifier: PostgreSQL
#include "schedule/snapshot.h"

#include <algorithm>
#include <charconv>

namespace walferry {

namespace {

// The number before `separator`, which is taken off too.
std::optional<std::uint64_t> take_number(std::string_view &text, char separator) {
    const auto end = std::min(text.find(separator), text.size());
    std::uint64_t value = 0;
    const auto [stop, error] = std::from_chars(text.data(), text.data() + end, value);
    if (error != std::errc{} || stop != text.data() + end) return std::nullopt;
    text.remove_prefix(std::min(end + 1, text.size()));
    return value;
}

}  // namespace

std::optional<Snapshot> Snapshot::parse(std::string_view text) {
    const auto xmin = take_number(text, ':');
    if (!xmin) return std::nullopt;
    const auto xmax = take_number(text, ':');
    if (!xmax || *xmax < *xmin) return std::nullopt;
    Snapshot snapshot{*xmin, *xmax, {}};
    while (!text.empty()) {
        const auto xid = take_number(text, ',');
        if (!xid) return std::nullopt;
        snapshot.running.push_back(*xid);
    }
    std::sort(snapshot.running.begin(), snapshot.running.end());
    return snapshot;
}

bool Snapshot::sees(std::uint64_t xid) const {
    if (xid < xmin) return true;
    if (xid >= xmax) return false;
    return !std::binary_search(running.begin(), running.end(), xid);
}

}  // namespace walferry
