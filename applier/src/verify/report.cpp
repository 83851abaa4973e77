// SPDX-License-Identifier: PostgreSQL
#include "verify/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace walferry {

namespace {

std::string rows_text(const std::optional<TableSum> &sum) { return sum ? std::to_string(sum->rows) : "-"; }

std::int64_t total(const Comparison &comparison, std::optional<TableSum> TableComparison::*side) {
    std::int64_t rows = 0;
    for (const auto &table : comparison.tables) {
        if (table.*side) rows += (table.*side)->rows;
    }
    return rows;
}

auto count_different(const Comparison &comparison) {
    return std::count_if(comparison.tables.begin(), comparison.tables.end(),
                         [](const TableComparison &table) { return !table.difference.empty(); });
}

nlohmann::ordered_json side_as_json(const std::optional<TableSum> &sum) {
    if (!sum) return nullptr;
    return {{"rows", sum->rows}, {"checksum", sum->checksum}};
}

}  // namespace

std::string comparison_as_text(const Comparison &comparison) {
    std::size_t width = 5;
    for (const auto &table : comparison.tables) width = std::max(width, table.table.size());
    std::string out = fmt::format("{:<{}}  {:>14}  {:>14}  verdict\n", "table", width, "source", "destination");
    for (const auto &table : comparison.tables) {
        out += fmt::format("{:<{}}  {:>14}  {:>14}  {}\n", table.table, width, rows_text(table.source),
                           rows_text(table.destination), table.difference.empty() ? "equal" : table.difference);
    }
    for (const auto &note : comparison.notes) out += fmt::format("note: {}\n", note);
    const auto different = count_different(comparison);
    out += fmt::format("{} of {} tables equal; {} rows at the source, {} at the destination\n",
                       std::ssize(comparison.tables) - different, comparison.tables.size(),
                       total(comparison, &TableComparison::source), total(comparison, &TableComparison::destination));
    return out;
}

std::string comparison_as_json(const Comparison &comparison) {
    auto tables = nlohmann::ordered_json::array();
    for (const auto &table : comparison.tables) {
        tables.push_back({{"table", table.table},
                          {"equal", table.difference.empty()},
                          {"difference", table.difference},
                          {"source", side_as_json(table.source)},
                          {"destination", side_as_json(table.destination)}});
    }
    const nlohmann::ordered_json report = {
        {"equal", comparison.equal()}, {"tables", std::move(tables)}, {"notes", comparison.notes}};
    return report.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace walferry
