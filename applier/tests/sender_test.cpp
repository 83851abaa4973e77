// Goal: the session that sends the stream is a good neighbour at the source.
//
// SPDX-License-Identifier: PostgreSQL
#include <gtest/gtest.h>

#include <csignal>

#include "compare.h"
#include "task.h"
#include "wait.h"

namespace walferry::testing {
namespace {

// The walsender of the task's slot, by pg_stat_replication and pg_stat_activity.
bool sender_holds(Session &source, const Task &task, const std::string &condition) {
    return source.holds(
        "SELECT EXISTS (SELECT FROM pg_replication_slots JOIN pg_stat_replication r ON r.pid = active_pid"
        " JOIN pg_stat_activity a USING (pid) WHERE slot_name = '" +
        task.slot() + "' AND " + condition + ")");
}

// Its process; empty: nobody reads the slot.
std::string sender_pid(Session &source, const Task &task) {
    return source.value("SELECT coalesce(active_pid::text, '') FROM pg_replication_slots WHERE slot_name = '" +
                        task.slot() + "'");
}

TEST(Sender, IsSeenAndHoldsNoTransaction) {
    const Pair pair;
    auto source = pair.source();
    source.exec("CREATE TABLE a (id int PRIMARY KEY)");
    const Task task(pair);
    auto run = task.start();
    task.wait_for_stream(run);
    source.exec("INSERT INTO a SELECT generate_series(1, 1000)");
    const auto lsn = source.value("SELECT pg_current_wal_insert_lsn()");
    wait_while_running(run, "its row shows what is sent, flushed and applied", [&] {
        return sender_holds(source, task,
                            "r.state = 'streaming' AND sent_lsn >= '" + lsn + "' AND write_lsn >= '" + lsn +
                                "' AND flush_lsn >= '" + lsn + "' AND replay_lsn >= '" + lsn + "'");
    });
    EXPECT_TRUE(sender_holds(source, task,
                             "a.backend_type = 'walsender' AND a.xact_start IS NULL AND a.backend_xid IS NULL"
                             " AND a.backend_xmin IS NULL"));
    run.signal(SIGTERM);
    ASSERT_EQ(run.wait(20s), 0) << run.errors();
    wait_until("it has left the slot", [&] { return sender_pid(source, task).empty(); });
}

// Neither with nothing to send nor in the middle of what nobody takes.
TEST(Sender, LeavesASilentClient) {
    Clusters clusters("silent", {"wal_sender_timeout=1s"}, {});
    const Pair pair(clusters);
    auto source = pair.source();
    source.exec("CREATE TABLE a (id int PRIMARY KEY, v text)");
    const Task task(pair);
    auto run = task.start();
    task.wait_for_stream(run);
    for (const bool busy : {false, true}) {
        run.signal(SIGSTOP);
        if (busy) {
            source.exec(
                "INSERT INTO a SELECT n, repeat('x', 1000) FROM generate_series(1, 20000) n;"
                "INSERT INTO a SELECT n, repeat('x', 1000) FROM generate_series(20001, 40000) n");
        }
        wait_until("the walsender has ended", [&] { return sender_pid(source, task).empty(); });
        run.signal(SIGCONT);
        wait_while_running(run, "another one has taken its place",
                           [&] { return sender_holds(source, task, "r.state = 'streaming'"); });
    }
    run.signal(SIGTERM);
    ASSERT_EQ(run.wait(20s), 0) << run.errors();
    task.run_until_now();
    EXPECT_EQ(compare(pair), "");
}

TEST(Sender, IsTerminated) {
    const Pair pair;
    auto source = pair.source();
    source.exec("CREATE TABLE a (id int PRIMARY KEY)");
    const Task task(pair);
    auto run = task.start();
    task.wait_for_stream(run);
    const auto pid = sender_pid(source, task);
    source.exec("SELECT pg_terminate_backend(" + pid + ")");
    source.exec("INSERT INTO a VALUES (1)");
    wait_while_running(run, "another one sends on", [&] {
        return pair.destination().number("SELECT count(*) FROM a") == 1 && sender_holds(source, task, "pid <> " + pid);
    });
    run.signal(SIGTERM);
    EXPECT_EQ(run.wait(20s), 0) << run.errors();
}

}  // namespace
}  // namespace walferry::testing
