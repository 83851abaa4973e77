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

bool copied(Session &destination, const std::string &table) {
    return destination.holds("SELECT EXISTS (SELECT FROM walferry.table_state WHERE table_name = '" + table +
                             "' AND state <> 'pending')");
}

bool copy_waits_for(Session &source, const std::string &table) {
    return source.holds("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = '" + table +
                        "'::regclass)");
}

// Both databases hold the tables: no pg_dump comes in the way of the tests' locks.
const char *const without_schema = "stages = ['copy', 'stream']\n";

// A run that has made its slot and, until go_on(), gets no further: a lock on its bookkeeping holds it. Transactions
// that begin meanwhile are younger than the slot and older than every snapshot of the copy.
class RunBeforeCopy {
public:
    // `open`: a transaction that the making of the slot waits for. `while_waiting` is called as it does.
    template <class Action>
    RunBeforeCopy(const Task &task, const Pair &pair, Session &open, Action while_waiting)
        : run_(task.start()), destination_(pair.destination()) {
        auto source = pair.source();
        auto lock = pair.destination();
        wait_while_running(run_, "the slot is being made", [&] {
            return source.holds("SELECT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = '" + task.slot() + "')");
        });
        destination_.exec("BEGIN; LOCK TABLE walferry.table_state IN EXCLUSIVE MODE");
        while_waiting();
        open.exec("COMMIT");
        wait_while_running(run_, "the run waits for its bookkeeping", [&] {
            return lock.holds("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted"
                              " AND relation = 'walferry.table_state'::regclass)");
        });
    }

    void go_on() { destination_.exec("COMMIT"); }
    Process &process() { return run_; }

private:
    Process run_;
    Session destination_;
};

void both(const Pair &pair, const std::string &sql) {
    pair.source().exec(sql);
    pair.destination().exec(sql);
}

TEST(Copy, TransactionsInProgress) {
    const Pair pair;
    auto source = pair.source();
    auto destination = pair.destination();
    for (const std::string table : {"a", "b", "c"}) {
        both(pair, "CREATE TABLE " + table + " (id int PRIMARY KEY, v text);"
                   "CREATE TABLE " + table + "_keyless (v text)");
        source.exec("INSERT INTO " + table + " SELECT n, 'before' FROM generate_series(1, 100) AS n");
    }
    const Task task(pair, {.stages = without_schema});

    // Open before the slot is made, which waits for it; the next one begins and ends while it waits.
    auto earlier = pair.source();
    earlier.exec("BEGIN; INSERT INTO a VALUES (1001, 'earlier'); INSERT INTO a_keyless VALUES ('earlier');"
                 "UPDATE a SET v = 'earlier' WHERE id = 1");
    RunBeforeCopy run(task, pair, earlier, [&] {
        pair.source().exec("BEGIN; INSERT INTO a VALUES (1002, 'meanwhile'); INSERT INTO a_keyless VALUES ('meanwhile');"
                           "UPDATE a SET v = 'meanwhile' WHERE id = 2; COMMIT");
    });

    // In the stream, and in every snapshot too.
    source.exec("INSERT INTO a VALUES (1003, 'in both'); INSERT INTO a_keyless VALUES ('in both');"
                "UPDATE a SET v = v || '+' WHERE id = 7; DELETE FROM a WHERE id = 8");
    // Open during the snapshots of a and b; c is locked, so its copy waits.
    auto across = pair.source();
    across.exec("BEGIN; INSERT INTO a VALUES (1004, 'across'); INSERT INTO a_keyless VALUES ('across');"
                "SAVEPOINT one; UPDATE a SET v = 'across' WHERE id = 3; RELEASE one");
    auto prepared = pair.source();
    prepared.exec("BEGIN; INSERT INTO a VALUES (1005, 'prepared'); INSERT INTO a_keyless VALUES ('prepared');"
                  "DELETE FROM a WHERE id = 4; PREPARE TRANSACTION '" + pair.name() + "_commit'");
    prepared.exec("BEGIN; INSERT INTO a VALUES (1006, 'lost'); INSERT INTO a_keyless VALUES ('lost');"
                  "DELETE FROM a WHERE id = 5; PREPARE TRANSACTION '" + pair.name() + "_rollback'");
    auto locker = pair.source();
    locker.exec("BEGIN; LOCK TABLE c, c_keyless; INSERT INTO c VALUES (1001, 'locker');"
                "INSERT INTO c_keyless VALUES ('locker')");
    run.go_on();

    wait_while_running(run.process(), "a and b are copied, c waits", [&] {
        return copied(destination, "a") && copied(destination, "a_keyless") && copied(destination, "b") &&
               copied(destination, "b_keyless") && copy_waits_for(source, "c");
    });
    // After the snapshots of a and b, before that of c.
    across.exec("SAVEPOINT two; UPDATE a SET v = v || ' twice' WHERE id IN (3, 1004); DELETE FROM a WHERE id = 6; RELEASE two;"
                "INSERT INTO b VALUES (1001, 'across'); INSERT INTO b_keyless VALUES ('across'); COMMIT");
    source.exec("COMMIT PREPARED '" + pair.name() + "_commit'");
    source.exec("ROLLBACK PREPARED '" + pair.name() + "_rollback'");
    source.exec("INSERT INTO a VALUES (1007, 'after'); INSERT INTO a_keyless VALUES ('after'); UPDATE b SET v = 'after' WHERE id < 10;"
                "DELETE FROM b WHERE id BETWEEN 20 AND 30; UPDATE a SET v = v || '+' WHERE id = 7");
    locker.exec("DELETE FROM c WHERE id < 10; UPDATE c SET id = id + 5000 WHERE id < 20; COMMIT");

    task.wait_for_stream(run.process());
    run.process().signal(SIGTERM);
    ASSERT_EQ(run.process().wait(), 0) << run.process().errors();
    task.run_until_now();
    EXPECT_EQ(compare_rows(pair), "");
    EXPECT_EQ(destination.number("SELECT count(*) FROM a_keyless"), 6);
    EXPECT_EQ(destination.value("SELECT v FROM a WHERE id = 7"), "before++");
}

// A table emptied while its copy waits, another one after its copy was made.
TEST(Copy, TruncateMeanwhile) {
    const Pair pair;
    auto source = pair.source();
    auto destination = pair.destination();
    both(pair, "CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int PRIMARY KEY)");
    source.exec("INSERT INTO a SELECT generate_series(1, 1000); INSERT INTO b SELECT generate_series(1, 1000)");
    const Task task(pair, {.stages = without_schema});
    auto open = pair.source();
    open.exec("BEGIN; DELETE FROM a WHERE id = 1");
    RunBeforeCopy run(task, pair, open, [] {});
    auto locker = pair.source();
    locker.exec("BEGIN; LOCK TABLE b");
    run.go_on();
    wait_while_running(run.process(), "a is copied, b waits",
                       [&] { return copied(destination, "a") && copy_waits_for(source, "b"); });
    source.exec("TRUNCATE a; INSERT INTO a VALUES (1), (5000)");
    locker.exec("TRUNCATE b; INSERT INTO b VALUES (2), (6000); COMMIT");
    task.wait_for_stream(run.process());
    source.exec("INSERT INTO b VALUES (3)");
    run.process().signal(SIGTERM);
    ASSERT_EQ(run.process().wait(), 0) << run.process().errors();
    task.run_until_now();
    EXPECT_EQ(compare_rows(pair), "");
}

// A transaction that began before the slot was complete and stays open: the copy waits for its end, then takes it.
TEST(Copy, LongTransaction) {
    const Pair pair;
    auto source = pair.source();
    source.exec("CREATE TABLE a (id int PRIMARY KEY)");
    const Task task(pair);
    auto open = pair.source();
    open.exec("BEGIN; INSERT INTO a VALUES (1)");
    auto run = task.start();
    wait_while_running(run, "the slot is being made", [&] {
        return source.holds("SELECT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = '" + task.slot() + "')");
    });
    auto longer = pair.source();
    longer.exec("BEGIN; INSERT INTO a VALUES (2)");
    open.exec("COMMIT");
    EXPECT_FALSE(run.ends_within(300ms)) << run.errors();
    longer.exec("INSERT INTO a VALUES (3); COMMIT");
    task.wait_for_stream(run);
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
