// SPDX-License-Identifier: PostgreSQL
#include "apply/exact_tables.h"

#include <gtest/gtest.h>

namespace walferry {
namespace {

using std::chrono::seconds;

TEST(ExactTables, TwoCollisionsInAWhileMakeOne) {
    const ExactTables::Clock::time_point now{seconds(1000)};
    ExactTables tables;
    tables.note_collision(7, now);
    EXPECT_FALSE(tables.contains(7, now));
    tables.note_collision(7, now + ExactTables::memory + seconds(1));  // too long ago
    EXPECT_FALSE(tables.contains(7, now + ExactTables::memory + seconds(1)));
    tables.note_collision(7, now + ExactTables::memory + seconds(2));
    EXPECT_TRUE(tables.contains(7, now + ExactTables::memory + seconds(3)));
    EXPECT_FALSE(tables.contains(8, now + ExactTables::memory + seconds(3)));
}

TEST(ExactTables, FailureMakesOneAtOnceForAWhile) {
    const ExactTables::Clock::time_point now{seconds(1000)};
    ExactTables tables;
    tables.note_failure(7, now);
    EXPECT_TRUE(tables.contains(7, now));
    EXPECT_FALSE(tables.contains(7, now + ExactTables::memory));
}

}  // namespace
}  // namespace walferry
