// SPDX-License-Identifier: PostgreSQL
#include "observe/verification_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <nlohmann/json.hpp>

#include "observe/live_report.h"

namespace walferry {

namespace {

using nlohmann::ordered_json;

constexpr std::size_t tables_shown_max = 10;

std::string last_text(const Verification &verification) {
    if (verification.ended.empty() && !verification.differs()) return {};
    auto out = verification.verdict();
    if (verification.ended.empty()) {
        out += "; not all tables were compared yet";
    } else {
        out += fmt::format("; {} table{}, {} rows, at {}", verification.tables, verification.tables == 1 ? "" : "s",
                           verification.rows, verification.ended);
    }
    return out;
}

std::string under_way_text(const Verification::UnderWay &now) {
    return fmt::format("{} of {} tables, {} rows, {} of {}, since {}{}", now.tables_done, now.tables, now.rows_done,
                       bytes_text(now.bytes_done), bytes_text(now.bytes), now.began,
                       now.running ? "" : "; stopped: \"walferry verify FILE\" goes on");
}

ordered_json under_way_as_json(const std::optional<Verification::UnderWay> &now) {
    if (!now) return nullptr;
    return {{"began", now->began},          {"running", now->running},
            {"tables", now->tables},        {"tables_done", now->tables_done},
            {"rows_done", now->rows_done},  {"bytes", now->bytes},
            {"bytes_done", now->bytes_done}};
}

}  // namespace

std::string verification_as_text(const std::optional<Verification> &verification) {
    if (!verification) return {};
    std::string out = status_line("verified", last_text(*verification));
    const auto &differing = verification->differing;
    for (std::size_t i = 0; i < std::min(differing.size(), tables_shown_max); ++i) {
        out += status_line("", fmt::format("{}.{}: {}", differing[i].schema, differing[i].name, differing[i].verdict));
    }
    if (verification->differing_tables > tables_shown_max) {
        out += status_line("", fmt::format("and {} more tables", verification->differing_tables - tables_shown_max));
    }
    if (verification->differs()) out += status_line("", "\"walferry repair FILE\" mends what differs");
    if (verification->under_way) out += status_line("verifying", under_way_text(*verification->under_way));
    return out;
}

ordered_json verification_as_json(const std::optional<Verification> &verification) {
    if (!verification) return nullptr;
    auto differing = ordered_json::array();
    for (const auto &table : verification->differing) {
        differing.push_back(
            {{"schema", table.schema}, {"name", table.name}, {"verdict", table.verdict}, {"compared", table.compared}});
    }
    return {{"ended", verification->ended.empty() ? ordered_json(nullptr) : ordered_json(verification->ended)},
            {"verdict", verification->verdict()},
            {"differs", verification->differs()},
            {"tables", verification->tables},
            {"rows", verification->rows},
            {"differing_tables", verification->differing_tables},
            {"differing_rows", verification->differing_rows},
            {"differing_objects", verification->differing_objects},
            {"differing", std::move(differing)},
            {"under_way", under_way_as_json(verification->under_way)}};
}

}  // namespace walferry
