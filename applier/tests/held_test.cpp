// Goal: what the plugin holds back while it sees a backlog arrives although nothing more comes to fill the frame.
// Method: a few commits, then WAL that no callback of the plugin's hears of: another database's.
//
// SPDX-License-Identifier: PostgreSQL
#include <gtest/gtest.h>

#include "compare.h"
#include "task.h"
#include "wait.h"

namespace walferry::testing {
namespace {

TEST(Held, CommitsBeforeWalOfOthersArrive) {
    const Pair pair;
    const Pair other;
    auto source = pair.source();
    source.exec("CREATE TABLE a (id int PRIMARY KEY)");
    const Task task(pair);
    task.run_until_now();
    for (int i = 0; i < 5; ++i) source.exec("INSERT INTO a VALUES (" + std::to_string(i) + ")");
    other.source().exec("CREATE TABLE b AS SELECT repeat('x', 1000) FROM generate_series(1, 10000)");
    auto run = task.start();
    auto destination = pair.destination();
    wait_while_running(
        run, "all five rows arrive", [&] { return destination.number("SELECT count(*) FROM a") == 5; }, 30s);
    // And with the backlog gone, a single one goes at once.
    source.exec("INSERT INTO a VALUES (5)");
    wait_while_running(
        run, "the sixth row arrives", [&] { return destination.number("SELECT count(*) FROM a") == 6; }, 30s);
    run.signal(SIGTERM);
    EXPECT_EQ(run.wait(20s), 0) << run.errors();
    EXPECT_EQ(compare(pair), "");
}

// The slot keeps its distance from what is held: a crash right there loses nothing.
TEST(Held, NothingHeldIsConfirmed) {
    const Pair pair;
    auto source = pair.source();
    source.exec("CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE big (t text)");
    const Task task(pair, {.more = "[objects]\nexclude = [\"public.big\"]\n"});
    task.run_until_now();
    for (int round = 0; round < 5; ++round) {
        for (int i = 0; i < 20; ++i) source.exec("INSERT INTO a VALUES (" + std::to_string(round * 100 + i) + ")");
        source.exec("INSERT INTO big SELECT repeat('x', 1000) FROM generate_series(1, 5000)");
        auto run = task.start();
        wait_while_running(run, "something arrives",
                           [&] { return pair.destination().number("SELECT count(*) FROM a") > round * 20; });
        run.signal(SIGKILL);
        run.wait();
    }
    task.run_until_now();
    EXPECT_EQ(pair.destination().number("SELECT count(*) FROM a"), 100);
}

}  // namespace
}  // namespace walferry::testing
