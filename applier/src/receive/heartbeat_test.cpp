// Goal: the lag is what the last heartbeat took, or what the one under way has taken already, if that is more.
//
// SPDX-License-Identifier: PostgreSQL
#include "receive/heartbeat.h"

#include <gtest/gtest.h>

namespace walferry {
namespace {

using namespace std::chrono_literals;

const Heartbeat::Clock::time_point begin{1h};

TEST(Heartbeat, MeasuresItsWay) {
    Heartbeat heartbeat;
    EXPECT_EQ(heartbeat.lag(begin), 0s);
    const auto content = heartbeat.send(begin);
    EXPECT_TRUE(heartbeat.is(content));
    EXPECT_EQ(heartbeat.lag(begin + 7ms), 7ms);
    heartbeat.came_through(begin + 20ms);
    EXPECT_EQ(heartbeat.lag(begin + 1h), 20ms);
    EXPECT_FALSE(heartbeat.late(begin + 1h));
    EXPECT_FALSE(heartbeat.is(content)) << "it has come through";

    (void)heartbeat.send(begin + 1s);
    EXPECT_EQ(heartbeat.lag(begin + 1s + 5ms), 20ms) << "it may still be faster";
    EXPECT_FALSE(heartbeat.late(begin + 1s + 5ms));
    EXPECT_EQ(heartbeat.lag(begin + 4s), 3s);
    EXPECT_TRUE(heartbeat.late(begin + 4s));
    heartbeat.came_through(begin + 5s);
    EXPECT_EQ(heartbeat.lag(begin + 1h), 4s);
}

TEST(Heartbeat, KnowsItsOwn) {
    Heartbeat heartbeat;
    EXPECT_FALSE(heartbeat.is("heartbeat 0"));
    EXPECT_EQ(heartbeat.send(begin), "heartbeat 1");
    EXPECT_FALSE(heartbeat.is("heartbeat 0"));
    EXPECT_FALSE(heartbeat.is("heartbeat 11"));
    EXPECT_FALSE(heartbeat.is("heartbeat"));
    EXPECT_TRUE(heartbeat.is("heartbeat 1"));
}

TEST(Heartbeat, IsDueAtIntervals) {
    Heartbeat heartbeat;
    EXPECT_TRUE(heartbeat.due(begin, false, 10s)) << "the first";
    (void)heartbeat.send(begin);
    EXPECT_FALSE(heartbeat.due(begin + 1h, true, 10s)) << "one is under way";
    heartbeat.came_through(begin + 1s);
    EXPECT_FALSE(heartbeat.due(begin + 1900ms, false, 10s));
    EXPECT_TRUE(heartbeat.due(begin + 2s, false, 10s)) << "it was slow";
    (void)heartbeat.send(begin + 2s);
    heartbeat.came_through(begin + 2010ms);
    EXPECT_FALSE(heartbeat.due(begin + 3s, true, 10s));
    EXPECT_TRUE(heartbeat.due(begin + 3010ms, true, 10s));
    EXPECT_FALSE(heartbeat.due(begin + 12s, false, 10s));
    EXPECT_TRUE(heartbeat.due(begin + 12010ms, false, 10s));
    EXPECT_FALSE(heartbeat.due(begin + 1h, false, 0s));
    EXPECT_TRUE(heartbeat.due(begin + 1h, true, 0s));
}

}  // namespace
}  // namespace walferry
