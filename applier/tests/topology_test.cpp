// Goal: several tasks share a source, a destination or both, and don't disturb each other.
// Method: tasks between databases of the tests' clusters run beside each other; in the end both sides are compared whole.
//
// SPDX-License-Identifier: PostgreSQL
#include <gtest/gtest.h>

#include <barrier>
#include <csignal>
#include <thread>

#include "checkpoint/bookkeeping.h"
#include "compare.h"
#include "pq/transaction.h"

namespace walferry::testing {
namespace {

// Tasks that begin and end at one moment at a destination where none was before.
TEST(Topology, TasksBeginAndEndAtOnce) {
    const Pair pair;
    constexpr int tasks = 6;
    constexpr int rounds = 12;
    std::barrier<> start(tasks);
    std::vector<std::string> errors(tasks);
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < tasks; ++i) {
            threads.emplace_back([&, i] {
                Session session(pair.destination_conninfo());
                const std::string name = "task" + std::to_string(i);
                for (int round = 0; round < rounds; ++round) {
                    start.arrive_and_wait();
                    const auto begun = pq::in_transaction(session.connection(), [&]() -> Result<void> {
                        WF_TRY(create_bookkeeping(session.connection()));
                        return insert_task(session.connection(), name, {});
                    });
                    if (!begun) errors[static_cast<std::size_t>(i)] += begun.error().text() + "\n";
                    if (round % 2 == 0) start.arrive_and_wait();  // else some end while others begin
                    const auto ended = delete_task(session.connection(), name);
                    if (!ended) errors[static_cast<std::size_t>(i)] += ended.error().text() + "\n";
                }
            });
        }
    }
    for (const auto &error : errors) EXPECT_EQ(error, "");
    EXPECT_TRUE(pair.destination().holds("SELECT to_regnamespace('walferry') IS NULL"));
}

}  // namespace
}  // namespace walferry::testing
