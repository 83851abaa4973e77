// Goal: a destination that blocks costs nothing but time: what was not committed there is neither confirmed nor given up,
// the operator can stop the task all the while, and a backend that outlives its process is waited for.
// Method: another session holds a lock that the apply worker needs.
//
// SPDX-License-Identifier: PostgreSQL
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compare.h"

namespace walferry::testing {
namespace {

class Blocked : public ::testing::Test {
protected:
    void SetUp() override {
        source.exec("CREATE TABLE a (id int PRIMARY KEY, v text)");
        task.run_until_now();
    }

    // A session of the destination is waiting for a lock.
    bool waiting() {
        return destination.holds(
            "SELECT EXISTS (SELECT FROM pg_locks l JOIN pg_stat_activity s USING (pid)"
            " WHERE NOT granted AND s.datname = current_database())");
    }

    const Pair pair;
    Session source = pair.source();
    Session destination = pair.destination();
    Session blocker = pair.destination();
    const Task task{pair};
};

// A row that fills a batch by itself leaves the commit alone in the next one.
TEST_F(Blocked, CommitThatWaitsIsNotConfirmed) {
    blocker.exec("BEGIN; SELECT FROM walferry.checkpoint FOR UPDATE");
    auto run = task.start();
    source.exec("INSERT INTO a SELECT 1, string_agg(md5(n::text), '') FROM generate_series(1, 60000) AS n");  // 1.9 MB
    wait_while_running(run, "the commit waits", [&] { return waiting(); });
    const auto flushed = destination.value("SELECT flushed_lsn FROM walferry.progress");
    for (int i = 0; i < 10; ++i) {  // keepalives come with other WAL
        source.exec("SELECT pg_logical_emit_message(true, 'elsewhere', 'x')");
        EXPECT_FALSE(run.ends_within(200ms));
    }
    EXPECT_EQ(destination.value("SELECT flushed_lsn FROM walferry.progress"), flushed);
    run.signal(SIGTERM);
    EXPECT_EQ(run.wait(20s), 0) << run.errors();
    blocker.exec("ROLLBACK");
    task.run_until_now();
    EXPECT_EQ(compare_rows(pair), "");
}

TEST_F(Blocked, StopIsHeardWhileTheServerTakesNoMore) {
    blocker.exec("BEGIN; LOCK TABLE a");
    source.exec("INSERT INTO a SELECT n, repeat(md5(n::text), 50) FROM generate_series(1, 5000) AS n");
    auto run = task.start();
    wait_while_running(run, "the worker waits", [&] { return waiting(); });
    EXPECT_FALSE(run.ends_within(500ms));
    run.signal(SIGTERM);
    EXPECT_EQ(run.wait(10s), 0) << run.errors();
    blocker.exec("ROLLBACK");
    task.run_until_now();
    EXPECT_EQ(compare(pair), "");
}

// The backend of a process that was killed has its commit queued; the next process must not begin before it has ended.
TEST_F(Blocked, PredecessorsBackendIsWaitedFor) {
    blocker.exec("BEGIN; SELECT FROM walferry.checkpoint FOR UPDATE");
    auto killed = task.start();
    source.exec("INSERT INTO a VALUES (1, 'once')");
    wait_while_running(killed, "the commit waits", [&] { return waiting(); });
    killed.kill();
    auto run = task.start();
    EXPECT_FALSE(run.ends_within(2000ms)) << run.errors();
    blocker.exec("ROLLBACK");
    task.wait_for_stream(run);
    source.exec("INSERT INTO a VALUES (2, 'later')");
    wait_while_running(run, "the later row arrives", [&] { return destination.number("SELECT count(*) FROM a") == 2; });
    run.signal(SIGTERM);
    EXPECT_EQ(run.wait(20s), 0) << run.errors();
    EXPECT_EQ(compare(pair), "");
}

// What was confirmed stays noted, whatever ends a later start.
TEST_F(Blocked, FlushedPositionNeverGoesBack) {
    for (int i = 0; i < 5; ++i) source.exec("SELECT pg_logical_emit_message(true, 'elsewhere', 'x')");
    task.run_until_now();
    const auto flushed = destination.value("SELECT flushed_lsn FROM walferry.progress");
    EXPECT_TRUE(
        destination.holds("SELECT flushed_lsn > lsn FROM walferry.progress JOIN walferry.checkpoint USING (task)"));
    for (int i = 0; i < 3; ++i) {
        auto run = task.start();
        wait_while_running(run, "it has begun", [&] {
            return destination.holds(
                "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()"
                " AND application_name LIKE '%checkpointer')");
        });
        run.kill();
        EXPECT_TRUE(destination.holds("SELECT flushed_lsn >= '" + flushed + "' FROM walferry.progress"));
    }
    task.run_until_now();
}

}  // namespace
}  // namespace walferry::testing
