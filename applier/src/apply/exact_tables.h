// Tables that are applied change by change, in source order, since their folded changes collided with something that the
// planner can't see: a unique index on an expression, an exclusion constraint, rows that exchange a unique value.
//
// A table that collided twice in a while, or that even alone could not be applied folded, stays exact for a while.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <unordered_map>

namespace walferry {

// Thread: any. The lock is taken once a table and group, and is no part of the flow of changes.
class ExactTables {
public:
    using Clock = std::chrono::steady_clock;
    static constexpr std::chrono::seconds memory{60};

    bool contains(std::uint32_t relid, Clock::time_point now = Clock::now()) const;
    // Beside other groups it collided.
    void note_collision(std::uint32_t relid, Clock::time_point now = Clock::now());
    // Alone it collided with itself.
    void note_failure(std::uint32_t relid, Clock::time_point now = Clock::now());

private:
    struct Entry {
        Clock::time_point collided{};     // last
        Clock::time_point exact_until{};  // in the past: it isn't
    };
    mutable std::mutex mutex_;
    std::unordered_map<std::uint32_t, Entry> tables_;
};

}  // namespace walferry
