// SPDX-License-Identifier: PostgreSQL
#include "observe/live_report.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <optional>

namespace walferry {

namespace {

using nlohmann::ordered_json;
using SystemClock = std::chrono::system_clock;

std::string time_text(SystemClock::time_point time) {
    return fmt::format("{:%Y-%m-%d %H:%M:%S}+00",
                       fmt::gmtime(std::chrono::time_point_cast<std::chrono::seconds>(time)));
}

// Whole seconds until all is copied, if the rest goes as fast.
std::optional<std::int64_t> seconds_left(const LiveStatus &live, const RatesPerSecond &rates) {
    if (!live.copying || rates.copy_bytes <= 0 || live.copy_bytes == 0 || live.table_bytes_done == 0) return {};
    // Tables are larger on disk than their data in COPY, or smaller: as those have been that are done.
    const auto left = static_cast<double>(live.table_bytes - std::min(live.table_bytes, live.table_bytes_done));
    const double data = left * static_cast<double>(live.copy_bytes) / static_cast<double>(live.table_bytes_done);
    return static_cast<std::int64_t>(data / rates.copy_bytes);
}

std::string rates_text(const Rates &rates) {
    if (rates == Rates{}) return "no limit";
    std::string out;
    if (rates.rows > 0) out = fmt::format("{} rows/s", rates.rows);
    if (rates.bytes > 0) {
        out += fmt::format("{}{} MB/s", out.empty() ? "" : ", ", static_cast<double>(rates.bytes) / 1e6);
    }
    return out;
}

ordered_json rates_as_json(const Rates &rates) {
    return {{"rows_per_second", rates.rows}, {"bytes_per_second", rates.bytes}};
}

ordered_json retry_as_json(const std::optional<RetryStatus> &retry) {
    if (!retry) return nullptr;
    return {{"attempts", retry->attempts},
            {"error", retry->error},
            {"next_attempt", time_text(retry->next_attempt)},
            {"gives_up", time_text(retry->gives_up)}};
}

ordered_json steps_as_json(const std::vector<CopyStep> &steps) {
    auto out = ordered_json::array();
    for (const CopyStep &step : steps) {
        out.push_back({{"what", step.what},
                       {"phase", step.phase},
                       {"percent", step.percent ? ordered_json(*step.percent) : ordered_json(nullptr)}});
    }
    return out;
}

}  // namespace

std::string status_line(std::string_view label, std::string_view text) {
    return text.empty() ? std::string() : fmt::format("{:<12}{}\n", label, text);
}

std::string bytes_text(std::uint64_t bytes) {
    static constexpr std::array<const char *, 6> units = {"bytes", "kB", "MB", "GB", "TB", "PB"};
    auto value = static_cast<double>(bytes);
    std::size_t unit = 0;
    while (value >= 1024 && unit + 1 < units.size()) {
        value /= 1024;
        ++unit;
    }
    return fmt::format("{:.{}f} {}", value, unit == 0 ? 0 : 1, units[unit]);
}

std::string lag_text(std::int64_t lag_us) {
    const double ms = static_cast<double>(lag_us) / 1000;
    if (ms < 10'000) return fmt::format("{:.{}f} ms", ms, ms < 10 ? 1 : 0);
    return fmt::format("{:.0f} s", ms / 1000);
}

std::string live_as_text(const LiveStatus &live, const RatesPerSecond &rates) {
    std::string out;
    if (live.copying) {
        const auto left = seconds_left(live, rates);
        out += status_line("copying", fmt::format("{:.0f} rows/s, {}/s{}", rates.copy_rows,
                                                  bytes_text(static_cast<std::uint64_t>(rates.copy_bytes)),
                                                  left ? fmt::format(", {} s left", *left) : ""));
        out += status_line("building", copy_steps_text(live.copy_steps));
    }
    if (live.applied_lsn.valid()) {
        out += status_line("applying", fmt::format("{:.0f} changes/s in {:.0f} transactions/s, by {} workers",
                                                   rates.changes, rates.transactions, live.workers));
        out += status_line("under way", fmt::format("{} of {} in memory, {} spooled", bytes_text(live.buffer_bytes),
                                                    bytes_text(live.buffer_bytes_max), bytes_text(live.spool_bytes)));
    }
    if (live.stream_rates != Rates{} || live.copy_rates != Rates{}) {
        out += status_line("throttle", fmt::format("stream: {}; copy: {}", rates_text(live.stream_rates),
                                                   rates_text(live.copy_rates)));
    }
    if (live.retry) {
        out += status_line("trying again", fmt::format(" at {}; {} attempts failed; gives up at {}: {}",
                                                       time_text(live.retry->next_attempt), live.retry->attempts,
                                                       time_text(live.retry->gives_up), live.retry->error));
    }
    out += status_line("process", fmt::format("pid {}, since {}", getpid(), time_text(live.started)));
    return out;
}

ordered_json live_as_json(const LiveStatus &live, const RatesPerSecond &rates) {
    const auto left = seconds_left(live, rates);
    return {{"pid", getpid()},
            {"started", time_text(live.started)},
            {"paused", live.paused},
            {"throttle", {{"stream", rates_as_json(live.stream_rates)}, {"copy", rates_as_json(live.copy_rates)}}},
            {"retry", retry_as_json(live.retry)},
            {"rates",
             {{"changes_per_second", rates.changes},
              {"transactions_per_second", rates.transactions},
              {"copy_rows_per_second", rates.copy_rows},
              {"copy_bytes_per_second", rates.copy_bytes}}},
            {"workers", live.workers},
            {"groups", live.groups},
            {"buffer_bytes", live.buffer_bytes},
            {"buffer_bytes_max", live.buffer_bytes_max},
            {"spool_bytes", live.spool_bytes},
            {"copy",
             {{"running", live.copying},
              {"tables", live.tables},
              {"tables_done", live.tables_done},
              {"rows", live.copy_rows},
              {"bytes", live.copy_bytes},
              {"seconds_left", left ? ordered_json(*left) : ordered_json(nullptr)},
              {"steps", steps_as_json(live.copy_steps)}}}};
}

}  // namespace walferry
