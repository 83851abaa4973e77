// SPDX-License-Identifier: PostgreSQL
#include "copy/summary.h"

#include <fmt/format.h>

#include <algorithm>

namespace walferry {

namespace {

constexpr std::size_t shown_max = 10;

double seconds(CopySummary::Duration duration) { return std::chrono::duration<double>(duration).count(); }

void add_to(CopySummary::Table &sum, const CopySummary::Table &table) {
    sum.rows += table.rows;
    sum.bytes += table.bytes;
    sum.reading += table.reading;
    sum.indexing += table.indexing;
}

std::string line(const CopySummary::Table &table, std::size_t width) {
    return fmt::format("  {:<{}} {:>12} {:>10.1f} {:>9.2f} {:>9.2f}", table.name, width, table.rows,
                       static_cast<double>(table.bytes) / 1e6, seconds(table.reading), seconds(table.indexing));
}

}  // namespace

void CopySummary::add(const std::vector<Table> &tables, Duration analyzing, Duration catching_up) {
    const std::lock_guard lock(mutex_);
    analyzing_ += analyzing;
    catching_up_ += catching_up;
    for (const Table &table : tables) {
        add_to(sum_, table);
        const auto place = std::find_if(largest_.begin(), largest_.end(),
                                        [&](const Table &other) { return other.bytes < table.bytes; });
        largest_.insert(place, table);
        if (largest_.size() <= shown_max) continue;
        add_to(others_, largest_.back());
        ++others_count_;
        largest_.pop_back();
    }
}

std::vector<std::string> CopySummary::lines() const {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> lines;
    if (largest_.empty()) return lines;
    auto shown = largest_;
    if (others_count_ > 0) {
        shown.push_back(others_);
        shown.back().name = fmt::format("{} smaller tables", others_count_);
    }
    if (shown.size() > 1) {
        shown.push_back(sum_);
        shown.back().name = "in all";
    }
    std::size_t width = 0;
    for (const Table &table : shown) width = std::max(width, table.name.size());
    lines.push_back(
        fmt::format("  {:<{}} {:>12} {:>10} {:>9} {:>9}", "table", width, "rows", "MB", "rows s", "indexes s"));
    for (const Table &table : shown) lines.push_back(line(table, width));
    lines.push_back(fmt::format(
        "  by all copies together: rows {:.2f} s, indexes {:.2f} s, statistics {:.2f} s, changes meanwhile {:.2f} s",
        seconds(sum_.reading), seconds(sum_.indexing), seconds(analyzing_), seconds(catching_up_)));
    return lines;
}

}  // namespace walferry
