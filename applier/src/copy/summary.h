// What the copy has cost, table by table, for its end: the largest tables one by one, the rest summed up.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

namespace walferry {

class CopySummary {
public:
    using Duration = std::chrono::steady_clock::duration;

    struct Table {
        std::string name;
        std::uint64_t rows = 0;
        std::uint64_t bytes = 0;  // of COPY data
        Duration reading{};       // and writing
        Duration indexing{};      // and what else was taken away for the time of the load
    };

    // Thread: any. Of a copy that is committed, all its tables, and what was done to all of them at once.
    void add(const std::vector<Table> &tables, Duration analyzing, Duration catching_up);

    // Thread: any. A table for people, in lines: the largest tables, then the sums. Empty if there is none.
    std::vector<std::string> lines() const;

private:
    mutable std::mutex mutex_;
    std::vector<Table> largest_;
    Table others_;
    std::size_t others_count_ = 0;
    Table sum_;
    Duration analyzing_{};
    Duration catching_up_{};
};

}  // namespace walferry
