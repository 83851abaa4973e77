// Goal: copy and stream join without a gap and without an overlap, whatever is in progress while they do.
// Method: locks and open transactions hold the copy at the very place where a change must fall on one side; then the
// same by chance, under load.
//
// SPDX-License-Identifier: PostgreSQL
#include <gtest/gtest.h>

#include "compare.h"
#include "load.h"

namespace walferry::testing {
namespace {

bool slot_exists(Session &source, const Task &task) {
    return source.holds("SELECT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = '" + task.slot() + "')");
}

bool copied(Session &destination, const std::string &table) {
    return destination.holds("SELECT to_regclass('walferry.table_state') IS NOT NULL") &&
           destination.holds("SELECT EXISTS (SELECT FROM walferry.table_state WHERE table_name = '" + table +
                             "' AND state <> 'pending')");
}

TEST(Copy, TransactionsInProgress) {
    const Pair pair;
    auto source = pair.source();
    auto destination = pair.destination();
    for (const std::string table : {"a", "b", "c"}) {
        source.exec("CREATE TABLE " + table + " (id int PRIMARY KEY, v text);"
                    "CREATE TABLE " + table + "_keyless (v text);"
                    "INSERT INTO " + table + " SELECT n, 'before' FROM generate_series(1, 100) AS n");
    }
    const Task task(pair);

    // Open before the slot is made, which waits for it; the next one begins while it waits.
    auto earlier = pair.source();
    earlier.exec("BEGIN; INSERT INTO a VALUES (1001, 'earlier'); INSERT INTO a_keyless VALUES ('earlier');"
                 "UPDATE a SET v = 'earlier' WHERE id = 1");
    auto run = task.start();
    wait_while_running(run, "the slot is being made", [&] { return slot_exists(source, task); });
    auto meanwhile = pair.source();
    meanwhile.exec("BEGIN; INSERT INTO a VALUES (1002, 'meanwhile'); INSERT INTO a_keyless VALUES ('meanwhile');"
                   "UPDATE a SET v = 'meanwhile' WHERE id = 2");
    earlier.exec("COMMIT");

    // Begun before any snapshot of the copy, in every table; c is locked, so its copy waits.
    auto across = pair.source();
    across.exec("BEGIN; INSERT INTO a VALUES (1003, 'across'); INSERT INTO a_keyless VALUES ('across');"
                "SAVEPOINT one; UPDATE a SET v = 'across' WHERE id = 3; RELEASE one");
    auto prepared = pair.source();
    prepared.exec("BEGIN; INSERT INTO a VALUES (1004, 'prepared'); INSERT INTO a_keyless VALUES ('prepared');"
                  "DELETE FROM a WHERE id = 4; PREPARE TRANSACTION '" + pair.name() + "_commit'");
    prepared.exec("BEGIN; INSERT INTO a VALUES (1005, 'lost'); INSERT INTO a_keyless VALUES ('lost');"
                  "DELETE FROM a WHERE id = 5; PREPARE TRANSACTION '" + pair.name() + "_rollback'");
    auto locker = pair.source();
    locker.exec("BEGIN; LOCK TABLE c, c_keyless; INSERT INTO c VALUES (1001, 'locker'); INSERT INTO c_keyless VALUES ('locker')");
    meanwhile.exec("COMMIT");

    wait_while_running(run, "a and b are copied",
                       [&] { return copied(destination, "a") && copied(destination, "a_keyless") && copied(destination, "b"); });
    wait_while_running(run, "the copy waits for c", [&] {
        return source.holds("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = 'c'::regclass)");
    });
    // After the snapshots of a and b, before that of c.
    across.exec("SAVEPOINT two; UPDATE a SET v = v || ' twice' WHERE id IN (3, 1003); DELETE FROM a WHERE id = 6; RELEASE two;"
                "INSERT INTO b VALUES (1001, 'across'); INSERT INTO b_keyless VALUES ('across'); COMMIT");
    source.exec("COMMIT PREPARED '" + pair.name() + "_commit'");
    source.exec("ROLLBACK PREPARED '" + pair.name() + "_rollback'");
    source.exec("INSERT INTO a VALUES (1006, 'after'); INSERT INTO a_keyless VALUES ('after'); UPDATE b SET v = 'after' WHERE id < 10;"
                "DELETE FROM b WHERE id BETWEEN 20 AND 30");
    locker.exec("DELETE FROM c WHERE id < 10; UPDATE c SET id = id + 5000 WHERE id < 20; COMMIT");

    task.wait_for_stream(run);
    run.signal(SIGTERM);
    ASSERT_EQ(run.wait(), 0) << run.errors();
    task.run_until_now();
    EXPECT_EQ(compare(pair), "");
    EXPECT_EQ(destination.number("SELECT count(*) FROM a_keyless"), 5) << "earlier, meanwhile, across, prepared, after";
}

// A table emptied, and one rewritten, while their copy waits or has just been made.
TEST(Copy, TruncateMeanwhile) {
    const Pair pair;
    auto source = pair.source();
    auto destination = pair.destination();
    source.exec("CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int PRIMARY KEY);"
                "INSERT INTO a SELECT generate_series(1, 1000); INSERT INTO b SELECT generate_series(1, 1000)");
    const Task task(pair);
    auto locker = pair.source();
    locker.exec("BEGIN; LOCK TABLE b IN ACCESS EXCLUSIVE MODE");
    auto run = task.start();
    wait_while_running(run, "a is copied, b waits", [&] {
        return copied(destination, "a") &&
               source.holds("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = 'b'::regclass)");
    });
    source.exec("TRUNCATE a; INSERT INTO a VALUES (1), (5000)");
    locker.exec("TRUNCATE b; INSERT INTO b VALUES (2), (6000); COMMIT");
    task.wait_for_stream(run);
    source.exec("INSERT INTO b VALUES (3)");
    run.signal(SIGTERM);
    ASSERT_EQ(run.wait(), 0) << run.errors();
    task.run_until_now();
    EXPECT_EQ(compare(pair), "");
}

TEST(Copy, UnderLoad) {
    const Pair pair;
    make_load_tables(pair, 3);
    Load load(pair, 1000);
    const Task task(pair);
    auto run = task.start();
    task.wait_for_stream(run);
    load.stop();
    run.signal(SIGTERM);
    ASSERT_EQ(run.wait(), 0) << run.errors();
    task.run_until_now();
    EXPECT_EQ(compare(pair), "");
}

// Many tables, some empty, more than there are copy jobs.
TEST(Copy, ManyTables) {
    const Pair pair;
    pair.source().exec("DO $$ BEGIN FOR i IN 1..300 LOOP"
                       " EXECUTE format('CREATE TABLE t%s (id int PRIMARY KEY, v text)', i);"
                       " EXECUTE format('INSERT INTO t%s SELECT n, ''v'' FROM generate_series(1, %s) AS n', i, i % 7);"
                       " END LOOP; END $$");
    const Task task(pair, {.more = "[copy]\njobs = 3\n"});
    task.run_until_now();
    EXPECT_EQ(compare(pair), "");
}

}  // namespace
}  // namespace walferry::testing
