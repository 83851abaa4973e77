// SPDX-License-Identifier: PostgreSQL
#include "observe/history.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace walferry {

namespace {
constexpr std::size_t points_max = 1800;
constexpr std::size_t rate_points = 5;
}  // namespace

void History::add(Time time, const LiveStatus &status, std::uint64_t retained_bytes) {
    const std::lock_guard lock(mutex_);
    points_.push_back({time, status.changes, status.transactions, status.copy_rows, status.copy_bytes, status.lag_us,
                       status.lag_bytes, retained_bytes});
    if (points_.size() > points_max) points_.pop_front();
    ++last_;
}

// The counters of what was applied may step back, when a stream begins again at its checkpoint.
RatesPerSecond History::between(const Point &a, const Point &b) {
    const double seconds = std::chrono::duration<double>(b.time - a.time).count();
    const auto rate = [seconds](std::uint64_t from, std::uint64_t to) {
        return seconds > 0 && to > from ? std::round(static_cast<double>(to - from) / seconds * 10) / 10 : 0.0;
    };
    // From nothing, the count is not a rate: it is what earlier runs have done.
    const auto total = [&rate](std::uint64_t from, std::uint64_t to) { return from == 0 ? 0.0 : rate(from, to); };
    return {total(a.changes, b.changes), total(a.transactions, b.transactions), rate(a.copy_rows, b.copy_rows),
            rate(a.copy_bytes, b.copy_bytes)};
}

RatesPerSecond History::rates() const {
    const std::lock_guard lock(mutex_);
    if (points_.size() < 2) return {};
    return between(points_[points_.size() - std::min(points_.size(), rate_points + 1)], points_.back());
}

nlohmann::json History::as_json(std::uint64_t after) const {
    nlohmann::json json = {{"next", 0}};
    for (const char *name : {"time", "changes_per_second", "transactions_per_second", "copy_bytes_per_second", "lag_ms",
                             "lag_bytes", "retained_bytes"}) {
        json[name] = nlohmann::json::array();
    }
    const std::lock_guard lock(mutex_);
    json["next"] = last_;
    const auto wanted = static_cast<std::size_t>(last_ - std::min(after, last_));
    for (std::size_t i = points_.size() - std::min(wanted, points_.size()); i < points_.size(); ++i) {
        const Point &point = points_[i];
        const RatesPerSecond rates = i == 0 ? RatesPerSecond{} : between(points_[i - 1], point);
        json["time"].push_back(
            std::chrono::duration_cast<std::chrono::milliseconds>(point.time.time_since_epoch()).count());
        json["changes_per_second"].push_back(rates.changes);
        json["transactions_per_second"].push_back(rates.transactions);
        json["copy_bytes_per_second"].push_back(rates.copy_bytes);
        json["lag_ms"].push_back(static_cast<double>(point.lag_us) / 1000);
        json["lag_bytes"].push_back(point.lag_bytes);
        json["retained_bytes"].push_back(point.retained_bytes);
    }
    return json;
}

}  // namespace walferry
