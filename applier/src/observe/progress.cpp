// SPDX-License-Identifier: PostgreSQL
#include "observe/progress.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

#include "observe/live.h"

namespace walferry {

ProgressDisplay::ProgressDisplay()
    : terminal_(isatty(STDERR_FILENO) != 0),
      interval_(terminal_ ? std::chrono::milliseconds(500) : std::chrono::milliseconds(10'000)),
      last_shown_(Clock::now()),
      started_(last_shown_) {}

void ProgressDisplay::show(const StreamState &state) {
    if (!due()) return;
    const bool copying = !state.copying.complete.load(std::memory_order_relaxed);
    show_line((copying ? copy(state.copying) + "; " : "") + stream(state));
}

std::string ProgressDisplay::copy(const CopyProgress &copies) {
    const auto bytes = copies.bytes.load(std::memory_order_relaxed);
    const auto eta = copy_eta(copies, Clock::now() - started_);
    const auto steps = copy_steps(copies);
    const double rate = per_second(bytes, last_bytes_);
    return fmt::format("copy: {}/{} tables, {} rows, {}, {}/s, ETA {}{}",
                       copies.tables_done.load(std::memory_order_relaxed),
                       copies.tables.load(std::memory_order_relaxed), copies.rows.load(std::memory_order_relaxed),
                       readable_bytes(bytes), readable_bytes(static_cast<std::uint64_t>(rate)),
                       eta ? fmt::format("{} s", eta->count()) : "-", steps.empty() ? "" : "; " + steps);
}

std::string ProgressDisplay::stream(const StreamState &state) {
    const Positions &positions = state.positions;
    const auto changes = positions.changes.load(std::memory_order_relaxed);
    const double rate = per_second(changes, last_changes_);
    return fmt::format("stream: applied {}, {} changes, {:.0f}/s, lag {} and {} ms", positions.applied_lsn.get().text(),
                       changes, rate, readable_bytes(distance(positions.applied_lsn.get(), positions.source_lsn.get())),
                       lag_us(state) / 1000);
}

void ProgressDisplay::end() {
    if (line_open_) std::fputs("\r\033[K", stderr);
    line_open_ = false;
    last_bytes_ = last_changes_ = 0;
    last_shown_ = Clock::now();
    started_ = last_shown_;
}

bool ProgressDisplay::due() { return Clock::now() - last_shown_ >= interval_; }

// Since the last line; `last` becomes `value`.
double ProgressDisplay::per_second(std::uint64_t value, std::uint64_t &last) const {
    const double elapsed = std::chrono::duration<double>(Clock::now() - last_shown_).count();
    const auto grown = value - std::min(value, std::exchange(last, value));
    return static_cast<double>(grown) / elapsed;
}

void ProgressDisplay::show_line(const std::string &line) {
    last_shown_ = Clock::now();
    if (!terminal_) {
        spdlog::info("{}", line);
        return;
    }
    std::fprintf(stderr, "\r\033[K%s", line.c_str());
    std::fflush(stderr);
    line_open_ = true;
}

std::string readable_bytes(std::uint64_t bytes) {
    static constexpr std::array<const char *, 5> units = {"B", "kB", "MB", "GB", "TB"};
    double value = static_cast<double>(bytes);
    std::size_t unit = 0;
    while (value >= 1000 && unit + 1 < units.size()) {
        value /= 1000;
        ++unit;
    }
    return fmt::format("{:.{}f} {}", value, unit == 0 || value >= 100 ? 0 : 1, units[unit]);
}

}  // namespace walferry
