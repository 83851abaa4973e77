// Goal: what one thread pushes the other pops, once, in order; nobody sleeps through a ring of the bell; what is left is freed.
// Run under ThreadSanitizer by `make tsan`.
//
// SPDX-License-Identifier: PostgreSQL
#include "base/ring.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace walferry {
namespace {

struct Counted {
    static inline std::atomic<int> alive{0};
    explicit Counted(int n) : number(n) { ++alive; }
    ~Counted() { --alive; }
    int number;
};

TEST(Ring, CarriesOwnershipAndRefusesWhenFull) {
    Doorbell producer, consumer;
    {
        Ring<Counted> ring(2, producer, consumer);
        auto a = std::make_unique<Counted>(1);
        auto b = std::make_unique<Counted>(2);
        auto c = std::make_unique<Counted>(3);
        EXPECT_TRUE(ring.drained());
        EXPECT_TRUE(ring.try_push(a));
        EXPECT_TRUE(ring.try_push(b));
        EXPECT_FALSE(ring.try_push(c));
        EXPECT_TRUE(c);
        EXPECT_FALSE(a);
        EXPECT_FALSE(ring.drained());
        EXPECT_EQ(ring.try_pop()->number, 1);
        EXPECT_TRUE(ring.try_push(c));
    }
    EXPECT_EQ(Counted::alive, 0) << "the ring frees what was left in it";
}

TEST(Ring, TwoThreadsSleepAndWakeWithoutLoss) {
    constexpr int count = 100'000;
    Doorbell producer, consumer;
    Ring<Counted> ring(8, producer, consumer);
    std::thread pusher([&] {
        for (int i = 0; i < count; ++i) {
            auto item = std::make_unique<Counted>(i);
            while (true) {
                const auto seen = producer.count();
                if (ring.try_push(item)) break;
                producer.wait(seen);
            }
        }
    });
    int wrong = 0;
    for (int i = 0; i < count;) {
        const auto seen = consumer.count();
        if (const auto item = ring.try_pop()) {
            wrong += item->number != i++;
        } else {
            consumer.wait(seen);
        }
    }
    pusher.join();
    EXPECT_EQ(wrong, 0);
    EXPECT_TRUE(ring.empty());
    EXPECT_EQ(Counted::alive, 0);
}

}  // namespace
}  // namespace walferry
