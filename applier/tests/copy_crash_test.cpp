// Goal: whatever dies during the copy, nothing is lost or doubled, and tables that were done are not copied again; and no
// snapshot of ours is older than the copy of one table.
// Method: many tables under writers; kill -9 and immediate stops at random moments of the copy.
//
// SPDX-License-Identifier: PostgreSQL
#include <gtest/gtest.h>

#include <iostream>
#include <map>
#include <random>
#include <regex>
#include <set>

#include "compare.h"
#include "load.h"

namespace walferry::testing {
namespace {

// Each is copied alone.
void make_large_tables(const Pair &pair, int tables) {
    auto source = pair.source();
    for (int i = 0; i < tables; ++i) {
        const std::string name = "large" + std::to_string(i);
        source.exec("CREATE TABLE " + name + " (id int PRIMARY KEY, v text, pad text); CREATE INDEX ON " + name +
                    " (v); INSERT INTO " + name +
                    " SELECT g, 'v' || g, repeat('x', 900) FROM generate_series(1, 9500) AS g");
    }
}

std::int64_t ready_tables(Session &destination) {
    if (!destination.holds("SELECT to_regclass('walferry.table_state') IS NOT NULL")) return 0;
    return destination.number("SELECT count(*) FROM walferry.table_state WHERE state = 'ready'");
}

// What the log calls copied, with how often.
void count_copied(const Process &run, std::map<std::string, int> &copied) {
    static const std::regex line("copied (public[.][a-z_0-9]+)( and [0-9]+ smaller tables)?: [0-9]+ rows");
    const std::string log = run.errors();
    for (auto found = std::sregex_iterator(log.begin(), log.end(), line); found != std::sregex_iterator(); ++found) {
        ++copied[(*found)[1]];
    }
}

TEST(CopyCrash, KilledTwentyTimes) {
    const Pair pair;
    make_load_tables(pair, 1);
    make_large_tables(pair, 40);
    const Task task(pair, {.more = "[copy]\njobs = 1\n"});
    Load load(pair, 300);
    auto destination = pair.destination();
    std::map<std::string, int> copied;
    std::mt19937 random(std::random_device{}());
    int killed_in_copy = 0;
    for (int i = 0; i < 20; ++i) {
        const auto before = ready_tables(destination);
        auto run = task.start();
        // Some are killed at once, others when another table is done.
        const bool wait = i % 3 != 0;
        wait_while_running(run, "the copy goes on", [&] {
            const auto phase = task.phase();
            return phase == "stream" || (phase == "copy" && (!wait || ready_tables(destination) > before));
        });
        std::this_thread::sleep_for(std::chrono::milliseconds(random() % 30));
        if (task.phase() == "copy") ++killed_in_copy;
        run.kill();
        count_copied(run, copied);
    }
    EXPECT_GE(killed_in_copy, 15) << "the copy was too quick for this test";
    auto run = task.start();
    task.wait_for_stream(run);
    load.stop();
    run.signal(SIGTERM);
    ASSERT_EQ(run.wait(), 0) << run.errors();
    count_copied(run, copied);
    for (const auto &[table, times] : copied) EXPECT_EQ(times, 1) << table;
    EXPECT_GE(copied.size(), 15U);
    task.run_until_now();
    EXPECT_EQ(compare(pair), "");
}

TEST(CopyCrash, ServersStoppedFiveTimes) {
    Clusters clusters("copy-crash", {}, {});
    const Pair pair(clusters);
    make_load_tables(pair, 1);
    make_large_tables(pair, 16);
    const Task task(pair, {.more = "[copy]\njobs = 2\n"});
    auto run = task.start();
    std::int64_t seen = 0;
    for (int i = 0; i < 10; ++i) {
        wait_while_running(run, "the copy goes on", [&] {
            try {
                auto destination = pair.destination();
                const auto ready = ready_tables(destination);
                const bool more = ready > seen || task.phase() == "stream";
                if (more) seen = ready;
                return more;
            } catch (const std::exception &) {
                return false;  // it recovers
            }
        });
        auto &cluster = i % 2 == 0 ? clusters.source : clusters.destination;
        cluster.stop("immediate");
        cluster.start();
        auto source = pair.source();
        source.exec("UPDATE large1 SET v = v || '" + std::to_string(i) + "' WHERE id % 100 = " + std::to_string(i) +
                    "; DELETE FROM large2 WHERE id % 100 = " + std::to_string(i));
    }
    wait_while_running(run, "the stream", [&] {
        try {
            return task.phase() == "stream";
        } catch (const std::exception &) {
            return false;
        }
    });
    run.signal(SIGTERM);
    ASSERT_EQ(run.wait(), 0) << run.errors();
    std::map<std::string, int> copied;
    count_copied(run, copied);
    // A commit that was not flushed when its server stopped is lost, and its table copied once more; no other.
    int again = 0;
    for (const auto &[table, times] : copied) again += times - 1;
    EXPECT_LE(again, 10) << run.errors();
    task.run_until_now();
    EXPECT_EQ(compare(pair), "");
}

// Between two looks at the source a transaction of ours that is still the same has copied no more than one table.
TEST(CopyCrash, NoSnapshotIsHeldForLong) {
    const Pair pair;
    make_large_tables(pair, 12);
    const Task task(pair, {.more = "[copy]\njobs = 1\n"});
    auto run = task.start();
    auto source = pair.source();
    auto destination = pair.destination();
    std::map<std::string, std::int64_t> ready_at;  // by transaction
    wait_while_running(run, "the stream", [&] {
        const auto ready = ready_tables(destination);
        const auto rows = source.exec(
            "SELECT pid || ' ' || xact_start FROM pg_stat_activity WHERE backend_xmin IS NOT NULL"
            " AND application_name LIKE 'walferry " +
            task.name() + ": copy%' AND backend_type = 'client backend'");
        const auto ready_after = ready_tables(destination);
        for (int row = 0; row < rows.count(); ++row) {
            const auto first = ready_at.try_emplace(rows.text(row, 0), ready_after).first->second;
            EXPECT_LE(ready - first, 1) << rows.view(row, 0);
        }
        return task.phase() == "stream";
    });
    EXPECT_GE(ready_at.size(), 6U) << "too few were seen";
    run.signal(SIGTERM);
    ASSERT_EQ(run.wait(), 0) << run.errors();
    task.run_until_now();
    EXPECT_EQ(compare(pair), "");
}

}  // namespace
}  // namespace walferry::testing
