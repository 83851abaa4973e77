// SPDX-License-Identifier: PostgreSQL
#include "verify/report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>

namespace walferry {

namespace {

constexpr std::size_t rows_shown_max = 10;
constexpr std::size_t definition_shown_max = 300;

std::string rows_text(const std::optional<TableSum> &sum) { return sum ? std::to_string(sum->rows) : "-"; }

std::int64_t total(const Comparison &comparison, std::optional<TableSum> TableComparison::*side) {
    std::int64_t rows = 0;
    for (const auto &table : comparison.tables) {
        if (table.*side) rows += (table.*side)->rows;
    }
    return rows;
}

std::string row_as_text(const TableComparison &table, const RowDifference &row) {
    if (table.key.empty())
        return fmt::format("{} x {} row {}", row.count, to_string(row.fault), fmt::join(row.key, ""));
    std::string out =
        fmt::format("{} ({}) = ({})", to_string(row.fault), fmt::join(table.key, ", "), fmt::join(row.key, ", "));
    if (!row.columns.empty()) out += fmt::format(": {}", fmt::join(row.columns, ", "));
    return out;
}

std::string shortened(std::string_view definition) {
    if (definition.empty()) return "none";
    if (definition.size() <= definition_shown_max) return std::string(definition);
    auto end = definition_shown_max;
    while (end > 0 && (static_cast<unsigned char>(definition[end]) & 0xC0U) == 0x80U) --end;  // not inside a character
    return std::string(definition.substr(0, end)) + "...";
}

nlohmann::ordered_json side_as_json(const std::optional<TableSum> &sum) {
    if (!sum) return nullptr;
    return {{"rows", sum->rows}, {"checksum", fmt::format("{:016x}", sum->checksum)}};
}

nlohmann::ordered_json row_as_json(const TableComparison &table, const RowDifference &row) {
    nlohmann::ordered_json out = {{"kind", to_string(row.fault)}};
    if (table.key.empty()) {
        out["row"] = row.key.empty() ? "" : row.key[0];
        out["count"] = row.count;
        return out;
    }
    out["key"] = nlohmann::ordered_json::object();
    for (std::size_t i = 0; i < table.key.size(); ++i) out["key"][table.key[i]] = row.key[i];
    out["columns"] = row.columns;
    return out;
}

}  // namespace

std::string verdict_of(const TableComparison &table) {
    if (!table.problem.empty()) return table.problem;
    if (table.equal()) {
        return table.undecided == 0 ? "equal"
                                    : fmt::format("equal, but for {} that changed at each look", table.undecided);
    }
    std::vector<std::string> counts;
    for (const auto fault : {RowFault::missing, RowFault::extra, RowFault::differing}) {
        std::int64_t rows = 0;
        for (const auto &row : table.rows) rows += row.fault == fault ? row.count : 0;
        if (rows > 0) counts.push_back(fmt::format("{} {}", rows, to_string(fault)));
    }
    return fmt::format("{}{}", fmt::join(counts, ", "), table.more_rows ? ", and perhaps more" : "");
}

std::uint64_t differing_rows(const TableComparison &table) {
    std::int64_t rows = 0;
    for (const RowDifference &row : table.rows) rows += row.count;
    return static_cast<std::uint64_t>(rows);
}

std::string comparison_as_text(const Comparison &comparison) {
    std::size_t width = 5;
    for (const auto &table : comparison.tables) width = std::max(width, table.table.size());
    std::string out = fmt::format("{:<{}}  {:>14}  {:>14}  verdict\n", "table", width, "source", "destination");
    for (const auto &table : comparison.tables) {
        out += fmt::format("{:<{}}  {:>14}  {:>14}  {}\n", table.table, width, rows_text(table.source),
                           rows_text(table.destination), verdict_of(table));
        for (std::size_t i = 0; i < std::min(table.rows.size(), rows_shown_max); ++i) {
            out += "    " + row_as_text(table, table.rows[i]) + "\n";
        }
        if (table.rows.size() > rows_shown_max) {
            out += fmt::format("    and {} more, with --json all of them\n", table.rows.size() - rows_shown_max);
        }
    }
    for (const auto &object : comparison.objects) {
        out += fmt::format("{} {} differs\n    source:      {}\n    destination: {}\n", object.kind, object.name,
                           shortened(object.source), shortened(object.destination));
    }
    for (const auto &note : comparison.notes) out += fmt::format("note: {}\n", note);
    const auto equal = std::count_if(comparison.tables.begin(), comparison.tables.end(),
                                     [](const TableComparison &table) { return table.equal(); });
    out += fmt::format("{} of {} tables equal; {} rows at the source, {} at the destination; {} differing objects\n",
                       equal, comparison.tables.size(), total(comparison, &TableComparison::source),
                       total(comparison, &TableComparison::destination), comparison.objects.size());
    return out;
}

std::string comparison_as_json(const Comparison &comparison) {
    auto tables = nlohmann::ordered_json::array();
    for (const auto &table : comparison.tables) {
        auto rows = nlohmann::ordered_json::array();
        for (const auto &row : table.rows) rows.push_back(row_as_json(table, row));
        tables.push_back({{"table", table.table},
                          {"equal", table.equal()},
                          {"problem", table.problem},
                          {"source", side_as_json(table.source)},
                          {"destination", side_as_json(table.destination)},
                          {"differences", std::move(rows)},
                          {"more", table.more_rows},
                          {"undecided", table.undecided}});
    }
    auto objects = nlohmann::ordered_json::array();
    for (const auto &object : comparison.objects) {
        objects.push_back({{"kind", object.kind},
                           {"name", object.name},
                           {"source", object.source},
                           {"destination", object.destination},
                           {"remedy", object.remedy}});
    }
    const nlohmann::ordered_json report = {{"equal", comparison.equal()},
                                           {"tables", std::move(tables)},
                                           {"objects", std::move(objects)},
                                           {"notes", comparison.notes}};
    return report.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace walferry
