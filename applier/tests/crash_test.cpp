// Goal: the applier may die at any moment: nothing is lost, nothing comes twice, and the destination always shows a
// state that the source had.
// Method: SIGKILL at chosen and at random moments under load; the random ones by a seed that is printed and can be set
// (WALFERRY_SEED). pgbench's bank balances in every state that a true prefix can show.
//
// SPDX-License-Identifier: PostgreSQL
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>
#include <random>

#include "compare.h"
#include "load.h"
#include "soak.h"

namespace walferry::testing {
namespace {

std::mt19937_64 random_generator() {
    const char *given = std::getenv("WALFERRY_SEED");
    const auto seed = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
    std::cout << "WALFERRY_SEED=" << seed << std::endl;
    return std::mt19937_64(seed);
}

int between(std::mt19937_64 &generator, int low, int high) {
    return std::uniform_int_distribution<int>(low, high)(generator);
}

// Kills a run as soon as it has written that many rows of the largest table. False if it got further unnoticed.
bool kill_in_copy(const Task &task, const Pair &pair, int rows) {
    auto run = task.start();
    auto destination = pair.destination();
    bool copying = false;
    wait_while_running(run, "rows of pgbench_accounts are copied", [&] {
        copying = destination.holds(
            "SELECT EXISTS (SELECT FROM pg_stat_progress_copy"
            " WHERE datname = current_database() AND command = 'COPY FROM'"
            " AND tuples_processed >= " +
            std::to_string(rows) + ")");
        return copying || task.phase() == "stream";
    });
    run.kill();
    return copying;
}

TEST(Crash, KilledTwentyTimes) {
    auto random = random_generator();
    const Pair pair;
    make_load_tables(pair, 10);
    auto destination = pair.destination();
    const Task task(pair, {.more = "[copy]\njobs = 2\n[apply]\nworkers = 4\n"});
    Load load(pair, 700);

    int killed_in_copy = 0;
    for (int i = 0; i < 5; ++i) killed_in_copy += kill_in_copy(task, pair, between(random, 1, 600'000)) ? 1 : 0;
    EXPECT_GE(killed_in_copy, 3) << "the copy was too quick for this test";
    {
        auto run = task.start();
        task.wait_for_stream(run);
        run.kill();
    }
    for (int i = 0; i < 15 * soak_factor(); ++i) {
        auto run = task.start();
        ASSERT_FALSE(run.ends_within(std::chrono::milliseconds(between(random, 0, 2000)))) << run.errors();
        run.kill();
        EXPECT_EQ(check_bank(destination), "") << "after kill " << i;
    }
    load.stop();
    task.run_until_now();
    EXPECT_EQ(compare(pair), "");
}

// The moments that matter most, exactly: on either side of every commit that changes what is remembered.
class Failpoint : public ::testing::TestWithParam<const char *> {};

TEST_P(Failpoint, NothingLostNothingTwice) {
    const Pair pair;
    auto source = pair.source();
    source.exec(
        "CREATE TABLE a (id int PRIMARY KEY, v text); CREATE TABLE keyless (n int);"
        "INSERT INTO a SELECT n, 'v' FROM generate_series(1, 1000) AS n;"
        "INSERT INTO keyless SELECT generate_series(1, 1000)");
    const Task task(pair);
    int deaths = 0;
    for (int pass = 1; pass <= 3; ++pass) {
        Process run({walferry_program(), "run", "--until", "now", task.file()},
                    {{"WALFERRY_FAILPOINT", std::string(GetParam()) + ":1"}});
        const int exit_code = run.wait();
        ASSERT_THAT(exit_code, ::testing::AnyOf(0, 128 + SIGKILL)) << run.errors();
        if (exit_code != 0) ++deaths;
        for (int i = 0; i < 5; ++i) {
            source.exec("INSERT INTO keyless VALUES (1); UPDATE a SET v = v || 'x' WHERE id % 10 = " +
                        std::to_string(i) + "; DELETE FROM a WHERE id = " + std::to_string(pass * 10 + i));
        }
    }
    EXPECT_GT(deaths, 0) << "the place was never passed, or the program under test has no failpoints";
    task.run_until_now();
    EXPECT_EQ(compare(pair), "");
}

INSTANTIATE_TEST_SUITE_P(Crash, Failpoint,
                         ::testing::Values("slot_made", "schema_read", "schema_part_made", "copy_claimed",
                                           "copy_rows_copied", "copy_before_commit", "copy_committed",
                                           "before_checkpoint", "after_commit_sent", "after_commit"),
                         [](const auto &place) { return std::string(place.param); });

// The same with four workers at work: hot rows, rows without a key (one that came twice would show), and unique values that
// rows exchange, so that some groups are applied exactly.
class ParallelFailpoint : public ::testing::TestWithParam<const char *> {};

TEST_P(ParallelFailpoint, NothingLostNothingTwice) {
    auto random = random_generator();
    const Pair pair;
    pair.source().exec(
        "CREATE TABLE account (id int PRIMARY KEY, balance bigint NOT NULL);"
        "INSERT INTO account SELECT n, 1000 FROM generate_series(1, 8) n;"
        "CREATE TABLE ledger (debit int, credit int, amount int);"
        "CREATE TABLE counter (id int PRIMARY KEY, transfers bigint NOT NULL); INSERT INTO counter VALUES (1, 0);"
        "CREATE TABLE place (id int PRIMARY KEY, n int UNIQUE); INSERT INTO place VALUES (1, 1), (2, 2)");
    const Task task(pair, {.more = "[apply]\nworkers = 4\n"});
    task.run_until_now();
    const auto load = [&] {
        return Process({"pgbench", "-n", "-M", "prepared", "-c", "2", "-t", "300", "-f",
                        source_path("applier/tests/data/bank.sql@50"), "-f",
                        source_path("applier/tests/data/exchange.sql@1"), pair.source_conninfo()});
    };
    int deaths = 0;
    for (int i = 0; i < 3 * soak_factor(); ++i) {
        ASSERT_EQ(load().wait(), 0);
        auto live = load();
        auto run = task.start({{"WALFERRY_FAILPOINT",
                                std::string(GetParam()) + ":" + std::to_string(between(random, 1, i == 0 ? 1 : 4))}});
        ASSERT_EQ(live.wait(), 0) << live.errors();
        if (!run.ends_within(std::chrono::milliseconds(500))) run.kill();
        if (run.wait() == 128 + SIGKILL) ++deaths;
        EXPECT_EQ(pair.destination().value(
                      "SELECT (SELECT sum(balance) FROM account) || ' ' || ((SELECT count(*) FROM ledger)"
                      " - (SELECT transfers FROM counter))"),
                  "8000 0")
            << "after death " << i;
    }
    EXPECT_GT(deaths, 0) << "the place was never passed, or the program under test has no failpoints";
    task.run_until_now();
    EXPECT_EQ(compare(pair), "");
}

INSTANTIATE_TEST_SUITE_P(Crash, ParallelFailpoint,
                         ::testing::Values("free_part_done", "before_checkpoint", "after_commit_sent", "after_commit",
                                           "between_commits", "exact_replay"),
                         [](const auto &place) { return std::string(place.param); });

}  // namespace
}  // namespace walferry::testing
