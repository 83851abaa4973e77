// Goal: the lag is measured while the stream runs, and grows while none does.
//
// SPDX-License-Identifier: PostgreSQL
#include "observe/live.h"

#include <gtest/gtest.h>

#include "base/server_time.h"

namespace walferry {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t second = 1'000'000;

TEST(LagUs, GrowsWhenTheStreamHasEnded) {
    StreamState state(1 << 20, 1);
    EXPECT_EQ(lag_us(state), 0);
    state.ended = (Heartbeat::Clock::now() - 60s).time_since_epoch().count();
    EXPECT_GE(lag_us(state), 60 * second);
    EXPECT_LT(lag_us(state), 120 * second);
}

// After a long stop what is applied is older than the heartbeat that waits behind it.
TEST(LagUs, IsTheAgeOfWhatIsAppliedWhileAHeartbeatIsLate) {
    StreamState state(1 << 20, 1);
    state.positions.source_clock_ahead = 0;
    state.positions.applied_commit_time = now_since_2000() - 3600 * second;
    EXPECT_EQ(lag_us(state), 0) << "there has been nothing to apply for so long";
    (void)state.heartbeat.send(Heartbeat::Clock::now() - 1s);
    EXPECT_GE(lag_us(state), 3600 * second);
    EXPECT_LT(lag_us(state), 3660 * second);
}

}  // namespace
}  // namespace walferry
