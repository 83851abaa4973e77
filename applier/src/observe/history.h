// The last half hour of a running task, second by second: rates and lag, for the status and the dashboard's charts.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <nlohmann/json_fwd.hpp>

#include "observe/live.h"

namespace walferry {

// A second.
struct RatesPerSecond {
    double changes = 0;
    double transactions = 0;
    double copy_rows = 0;
    double copy_bytes = 0;
};

// Thread: any.
class History {
public:
    using Time = std::chrono::system_clock::time_point;

    // Once a second, with the retained WAL of the slot, if it is known.
    void add(Time time, const LiveStatus &status, std::uint64_t retained_bytes);
    // Over the last seconds.
    RatesPerSecond rates() const;
    // The points behind number `after` (0: all), each part an array of its own: "next" (what to ask for next), "time"
    // (milliseconds since 1970), "changes_per_second", "transactions_per_second", "copy_bytes_per_second", "lag_ms", "lag_bytes",
    // "retained_bytes".
    nlohmann::json as_json(std::uint64_t after) const;

private:
    struct Point {
        Time time;
        std::uint64_t changes, transactions, copy_rows, copy_bytes;
        std::int64_t lag_us;
        std::uint64_t lag_bytes, retained_bytes;
    };
    static RatesPerSecond between(const Point &a, const Point &b);

    mutable std::mutex mutex_;
    std::deque<Point> points_;
    std::uint64_t last_ = 0;  // number of the last point
};

}  // namespace walferry
