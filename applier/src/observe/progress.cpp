// SPDX-License-Identifier: PostgreSQL
#include "observe/progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "observe/live.h"

namespace walferry {

void ProgressDisplay::show(const StreamState &state) {
    if (!line_.due()) return;
    const bool copying = !state.copying.complete.load(std::memory_order_relaxed);
    line_.show((copying ? copy(state.copying) + "; " : "") + stream(state));
}

std::string ProgressDisplay::copy(const CopyProgress &copies) {
    const auto bytes = copies.bytes.load(std::memory_order_relaxed);
    const auto eta = copy_eta(copies, line_.elapsed());
    const auto steps = copy_steps_text(copy_steps(copies));
    const double rate = line_.per_second(bytes, last_bytes_);
    return fmt::format("copy: {}/{} tables, {} rows, {}, {}/s, ETA {}{}",
                       copies.tables_done.load(std::memory_order_relaxed),
                       copies.tables.load(std::memory_order_relaxed), copies.rows.load(std::memory_order_relaxed),
                       readable_bytes(bytes), readable_bytes(static_cast<std::uint64_t>(rate)),
                       eta ? fmt::format("{} s", eta->count()) : "-", steps.empty() ? "" : "; " + steps);
}

std::string ProgressDisplay::stream(const StreamState &state) {
    const Positions &positions = state.positions;
    const auto changes = positions.changes.load(std::memory_order_relaxed);
    const double rate = line_.per_second(changes, last_changes_);
    return fmt::format("stream: applied {}, {} changes, {:.0f}/s, lag {} and {} ms", positions.applied_lsn.get().text(),
                       changes, rate, readable_bytes(distance(positions.applied_lsn.get(), positions.source_lsn.get())),
                       lag_us(state) / 1000);
}

void ProgressDisplay::end() {
    line_.end();
    last_bytes_ = last_changes_ = 0;
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
