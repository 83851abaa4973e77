// Goal: whoever compares waits for the rates of both servers, no longer than the operator lets it, and what is counted adds up.
//
// SPDX-License-Identifier: PostgreSQL
#include "verify/pace.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

namespace walferry {
namespace {

using namespace std::chrono_literals;

TEST(Pace, WaitsForTheSlowerServer) {
    const StopFlag stop;
    Pace pace({1000, 0}, stop);
    EXPECT_TRUE(pace.wait());
    pace.of(Side::source).spend(10, 0);
    pace.of(Side::destination).spend(400, 0);
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_TRUE(pace.wait());
    EXPECT_GE(std::chrono::steady_clock::now() - begin, 250ms) << "of 400 ms, of which 100 are made up for";
}

TEST(Pace, AStopEndsTheWait) {
    StopFlag stop;
    Pace pace({1, 0}, stop);
    pace.of(Side::source).spend(1'000'000, 0);
    const std::jthread stopper([&stop] { stop.request(); });
    const auto waited = pace.wait();
    ASSERT_FALSE(waited);
    EXPECT_EQ(waited.error().kind, ErrorKind::interrupted);
}

TEST(Pace, CountsWhatIsComparedNowAndWasEarlier) {
    const StopFlag stop;
    Pace pace({}, stop);
    pace.add_rows(3);
    pace.add_bytes(100, When::earlier);
    pace.add_bytes(20, When::now);
    EXPECT_EQ(pace.rows(), 3U);
    EXPECT_EQ(pace.bytes(), 120U);
    EXPECT_EQ(pace.earlier_bytes(), 100U);
}

}  // namespace
}  // namespace walferry
