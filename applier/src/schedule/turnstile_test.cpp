// Goal: groups pass in order, whatever the threads do; a recall reaches everybody who waits, and nobody begins early while
// the one that recalled is at work.
// SPDX-License-Identifier: PostgreSQL
#include "schedule/turnstile.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace walferry {
namespace {

using Passage = Turnstile::Passage;

TEST(Turnstile, GroupsPassInOrder) {
    Doorbell planner;
    Turnstile turnstile(planner, Lsn{100});
    StopFlag stop;
    std::vector<std::uint64_t> passed;  // guarded by the turn
    {
        std::vector<std::jthread> workers;
        for (std::uint64_t worker = 0; worker < 4; ++worker) {
            workers.emplace_back([&, worker] {
                for (std::uint64_t number = worker + 1; number <= 400; number += 4) {
                    ASSERT_EQ(turnstile.wait(number, {}, stop), Passage::turn);
                    ASSERT_EQ(turnstile.checkpoint(), Lsn{100 + number - 1});
                    passed.push_back(number);
                    turnstile.move_checkpoint(Lsn{100 + number});
                    turnstile.pass(number);
                }
            });
        }
    }
    ASSERT_EQ(passed.size(), 400U);
    for (std::size_t i = 0; i < passed.size(); ++i) EXPECT_EQ(passed[i], i + 1);
    EXPECT_EQ(turnstile.committed(), 400U);
}

TEST(Turnstile, RecallWakesTheYounger) {
    Doorbell planner;
    Turnstile turnstile(planner, {});
    StopFlag stop;
    const auto recalls = turnstile.recalls();
    Passage early{};
    Passage late{};
    {
        const std::jthread younger([&] {
            early = turnstile.wait(2, recalls, stop);
            late = turnstile.wait(2, {}, stop);
        });
        EXPECT_EQ(turnstile.wait(1, recalls, stop), Passage::turn);
        turnstile.recall();
        EXPECT_TRUE(turnstile.closed());
        turnstile.pass(1);
    }
    EXPECT_EQ(early, Passage::recalled);
    EXPECT_EQ(late, Passage::turn);
    EXPECT_FALSE(turnstile.closed());
}

TEST(Turnstile, StopWakesEverybody) {
    Doorbell planner;
    Turnstile turnstile(planner, {});
    StopFlag stop;
    Passage passage{};
    {
        const std::jthread waiting([&] { passage = turnstile.wait(2, {}, stop); });
        stop.request();
        turnstile.ring();
    }
    EXPECT_EQ(passage, Passage::stopped);
}

// What is begun beside the groups could stand in the way of the one that is alone, which recalls nobody any more.
TEST(Turnstile, NothingIsBegunWhileAGroupIsAlone) {
    Doorbell planner;
    Turnstile turnstile(planner, Lsn{100});
    StopFlag stop;
    EXPECT_EQ(turnstile.wait_until_open(stop), 0U);
    turnstile.recall();
    std::atomic<bool> begun{false};
    std::jthread ahead([&] {
        EXPECT_EQ(turnstile.wait_until_open(stop), 1U);
        begun = true;
    });
    EXPECT_EQ(turnstile.wait(1, {}, stop), Passage::turn);
    EXPECT_FALSE(begun);
    turnstile.pass(1);
    ahead.join();

    turnstile.recall();
    std::jthread stopped([&] { EXPECT_EQ(turnstile.wait_until_open(stop), std::nullopt); });
    stop.request();
    turnstile.ring();
}

}  // namespace
}  // namespace walferry
