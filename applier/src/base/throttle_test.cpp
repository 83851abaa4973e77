// Goal: a rate is kept whatever the pieces are, shared by those who work, and a change of it is seen at once. Bounds are such
// that a busy machine can't break them: too slow is always possible, too fast never.
//
// SPDX-License-Identifier: PostgreSQL
#include "base/throttle.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace walferry {
namespace {

using namespace std::chrono_literals;
using Clock = Throttle::Clock;

TEST(Throttle, LetsAllGoWithoutALimit) {
    Throttle throttle;
    throttle.spend(1'000'000'000, 1'000'000'000);
    EXPECT_EQ(throttle.debt(), 0s);
}

TEST(Throttle, IsNoFasterThanItsRate) {
    for (const std::uint64_t piece : {1U, 7U, 100U}) {
        Throttle throttle;
        throttle.set_rates({2000, 0});
        const StopFlag stop;
        const auto begin = Clock::now();
        for (std::uint64_t rows = 0; rows < 1000; rows += piece) {
            throttle.spend(piece, 1 << 20);
            throttle.wait_for_rates(stop);
        }
        // 0.5 s, of which the first 0.1 are free.
        EXPECT_GE(Clock::now() - begin, 390ms) << piece;
    }
}

TEST(Throttle, TheSlowerRateCounts) {
    Throttle throttle;
    throttle.set_rates({1'000'000, 1000});
    throttle.spend(10, 10'000);
    EXPECT_GT(throttle.debt(), 5s);
    EXPECT_LT(throttle.debt(), 10s);
    throttle.set_rates({});
    EXPECT_EQ(throttle.debt(), 0s);
}

TEST(Throttle, IsSharedByThreads) {
    Throttle throttle;
    throttle.set_rates({2000, 0});
    const auto begin = Clock::now();
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < 4; ++i) {
            threads.emplace_back([&] {
                const StopFlag stop;
                for (int rows = 0; rows < 300; rows += 10) {
                    throttle.spend(10, 0);
                    throttle.wait_for_rates(stop);
                }
            });
        }
    }
    EXPECT_GE(Clock::now() - begin, 490ms);  // 1,200 rows take 0.6 s
}

TEST(Throttle, SeesNewRatesAndAStopAtOnce) {
    Throttle throttle;
    throttle.set_rates({1, 0});
    throttle.spend(1'000'000, 0);
    StopFlag stop;
    std::jthread stopped([&] { throttle.wait_for_rates(stop); });
    stop.request();
    stopped.join();
    std::jthread hurried([&] { throttle.wait_for_rates(StopFlag()); });
    throttle.set_rates({});
}

}  // namespace
}  // namespace walferry
