// Goal: copy and stream join without a gap and without an overlap, whatever is in progress while they do.
// Method: locks and open transactions hold the copy at the very place where a change must fall on one side; then the
// same by chance, under load.
//
// SPDX-License-Identifier: PostgreSQL
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <iostream>
#include <regex>

#include "compare.h"
#include "load.h"
#include "soak.h"

namespace walferry::testing {
namespace {

void both(const Pair &pair, const std::string &sql) {
    pair.source().exec(sql);
    pair.destination().exec(sql);
}

// Both databases hold the tables, and one is copied after the other, the largest first: a, b, c.
const TaskOptions one_by_one = {.stages = "['copy', 'stream']", .more = "[copy]\njobs = 1\n"};

// a and b are too large to be copied together.
void make_tables(const Pair &pair) {
    for (const auto &[table, rows] : {std::pair<std::string, int>{"a", 14'000}, {"b", 12'000}, {"c", 300}}) {
        both(pair, "CREATE TABLE " + table + " (id int PRIMARY KEY, v text, pad text DEFAULT ''); CREATE TABLE " +
                       table + "_keyless (v text)");
        pair.source().exec("INSERT INTO " + table + " SELECT n, 'before', repeat('x', 1000) FROM generate_series(1, " +
                           std::to_string(rows) + ") AS n; INSERT INTO " + table +
                           "_keyless SELECT n FROM generate_series(1, " + std::to_string(rows / 3) + ") AS n");
    }
}

// A run that is held at two places of its copy by locks at the destination. Before the first, the slot is made and no
// snapshot taken; at the second, a is copied, b has its snapshot, and that of c is still to come.
class HeldRun {
public:
    // `open`: a transaction that the making of the slot waits for. `while_waiting` is called as it does.
    template <class Action>
    HeldRun(const Task &task, const Pair &pair, Session &open, Action while_waiting)
        : run_(task.start()),
          before_copy_(pair.destination()),
          in_copy_(pair.destination()),
          watch_(pair.destination()) {
        auto source = pair.source();
        task.wait_for_slot(run_, source);
        before_copy_.exec("BEGIN; LOCK TABLE walferry.table_state IN EXCLUSIVE MODE");
        while_waiting();
        open.exec("COMMIT");
        wait_while_running(run_, "the run waits for its bookkeeping",
                           [&] { return waits_for("walferry.table_state"); });
    }

    void go_on_to_the_copy() {
        in_copy_.exec("BEGIN; LOCK TABLE b");
        before_copy_.exec("COMMIT");
        wait_while_running(run_, "a is copied, b waits", [&] { return waits_for("b") && copied("a"); });
        EXPECT_FALSE(copied("c"));
    }
    void go_on() { in_copy_.exec("COMMIT"); }
    Process &process() { return run_; }

private:
    bool waits_for(const std::string &table) {
        return watch_.holds("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = '" + table +
                            "'::regclass)");
    }
    bool copied(const std::string &table) {
        return watch_.holds("SELECT EXISTS (SELECT FROM walferry.table_state WHERE table_name = '" + table +
                            "' AND state = 'ready')");
    }

    Process run_;
    Session before_copy_;
    Session in_copy_;
    Session watch_;
};

TEST(Copy, TransactionsInProgress) {
    const Pair pair;
    auto source = pair.source();
    auto destination = pair.destination();
    make_tables(pair);
    const Task task(pair, one_by_one);
    // Adds to both kinds of table, changes a row and deletes one.
    const auto change = [](const std::string &table, int n, const std::string &who) {
        const auto id = std::to_string(n);
        return "INSERT INTO " + table + " VALUES (100" + id + "000, '" + who + "'); INSERT INTO " + table +
               "_keyless VALUES ('" + who +
               "');"
               "UPDATE " +
               table + " SET v = v || ' " + who + "' WHERE id = " + id + "; DELETE FROM " + table +
               " WHERE id = " + id +
               " + 100;"
               "UPDATE " +
               table + " SET v = v || '+' WHERE id = 50;";
    };
    const auto change_all = [&](int n, const std::string &who) {
        return change("a", n, who) + change("b", n, who) + change("c", n, who);
    };

    // Open before the slot is made, which waits for it; the next one begins and ends while it waits.
    auto earlier = pair.source();
    earlier.exec("BEGIN;" + change_all(1, "earlier"));
    HeldRun run(task, pair, earlier, [&] {
        pair.source().exec("INSERT INTO a VALUES (200000, 'meanwhile'); INSERT INTO a_keyless VALUES ('meanwhile')");
    });

    // In the stream, and in every snapshot too.
    source.exec(change_all(2, "before"));
    // Begun before all snapshots, ended between that of b and that of c.
    auto across = pair.source();
    across.exec(
        "BEGIN; INSERT INTO a VALUES (300001, 'across'); INSERT INTO c VALUES (300001, 'across'); SAVEPOINT one;" +
        std::string("INSERT INTO b_keyless VALUES ('across'); UPDATE b SET v = 'across' WHERE id = 10; RELEASE one"));
    auto after = pair.source();
    after.exec("BEGIN; INSERT INTO a_keyless VALUES ('open'); INSERT INTO c_keyless VALUES ('open')");
    auto prepared = pair.source();
    prepared.exec(
        "BEGIN; INSERT INTO a VALUES (300002, 'prepared'); INSERT INTO c VALUES (300002, 'prepared');"
        "INSERT INTO b_keyless VALUES ('prepared'); DELETE FROM a WHERE id = 11; PREPARE TRANSACTION '" +
        pair.name() + "_commit'");
    prepared.exec(
        "BEGIN; INSERT INTO a VALUES (300003, 'lost'); INSERT INTO c VALUES (300003, 'lost');"
        "DELETE FROM a WHERE id = 12; PREPARE TRANSACTION '" +
        pair.name() + "_rollback'");
    run.go_on_to_the_copy();

    across.exec(
        "SAVEPOINT two; UPDATE a SET v = v || ' twice' WHERE id = 300001; UPDATE c SET v = 'twice' WHERE id = 300001;"
        "DELETE FROM b WHERE id = 13; RELEASE two; INSERT INTO c_keyless VALUES ('across'); COMMIT");
    source.exec("COMMIT PREPARED '" + pair.name() + "_commit'");
    source.exec("ROLLBACK PREPARED '" + pair.name() + "_rollback'");
    source.exec(change_all(3, "between"));
    run.go_on();
    task.wait_for_stream(run.process());
    after.exec("INSERT INTO c_keyless VALUES ('open'); UPDATE c SET v = 'open' WHERE id = 14; COMMIT");
    source.exec(change_all(4, "streamed"));

    run.process().signal(SIGTERM);
    ASSERT_EQ(run.process().wait(), 0) << run.process().errors();
    task.run_until_now();
    EXPECT_EQ(compare_rows(pair), "");
    EXPECT_EQ(destination.value("SELECT string_agg(v, ' ' ORDER BY v) FROM c_keyless WHERE v > 'a'"),
              "across before between earlier open open streamed");
    for (const std::string table : {"a", "b", "c"}) {
        EXPECT_EQ(destination.value("SELECT v FROM " + table + " WHERE id = 50"), "before++++") << table;
    }
}

// A table emptied after its copy, another one before its own, and refilled at once.
TEST(Copy, TruncateMeanwhile) {
    const Pair pair;
    auto source = pair.source();
    make_tables(pair);
    const Task task(pair, one_by_one);
    auto open = pair.source();
    open.exec("BEGIN; DELETE FROM a WHERE id = 1");
    HeldRun run(task, pair, open, [] {});
    run.go_on_to_the_copy();
    source.exec("TRUNCATE a, c_keyless; INSERT INTO a VALUES (1, 'again'), (500000, 'new')");
    source.exec(
        "BEGIN; INSERT INTO c VALUES (400000, 'gone soon'); TRUNCATE c; INSERT INTO c VALUES (2, 'again'), (600000, 'new'); COMMIT");
    source.exec("INSERT INTO c_keyless VALUES ('one'), ('one')");
    run.go_on();
    task.wait_for_stream(run.process());
    source.exec("INSERT INTO c VALUES (3, 'streamed')");
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
    task.wait_for_slot(run, source);
    const auto names = [&](Session &session) {
        return run.errors().find(", pid " + session.value("SELECT pg_backend_pid()") + " (postgres, ") !=
               std::string::npos;
    };
    wait_while_running(run, "whom the slot waits for is said", [&] { return names(open); });
    auto longer = pair.source();
    longer.exec("BEGIN; INSERT INTO a VALUES (2)");
    open.exec("COMMIT");
    EXPECT_FALSE(run.ends_within(300ms)) << run.errors();
    EXPECT_FALSE(names(longer)) << run.errors();
    longer.exec("INSERT INTO a VALUES (3); COMMIT");
    task.wait_for_stream(run);
    run.signal(SIGTERM);
    ASSERT_EQ(run.wait(), 0) << run.errors();
    task.run_until_now();
    EXPECT_EQ(compare(pair), "");
}

// The same of a prepared transaction, which has no backend.
TEST(Copy, SlotWaitsForAPreparedTransaction) {
    const Pair pair;
    auto source = pair.source();
    source.exec("CREATE TABLE a (id int PRIMARY KEY)");
    source.exec("BEGIN; INSERT INTO a VALUES (1); PREPARE TRANSACTION '" + pair.name() + "_open'");
    const Task task(pair);
    auto run = task.start();
    wait_while_running(run, "whom the slot waits for is said", [&] {
        return run.errors().find("\"" + pair.name() + "_open\" of postgres") != std::string::npos;
    });
    source.exec("COMMIT PREPARED '" + pair.name() + "_open'");
    task.wait_for_stream(run);
    run.signal(SIGTERM);
    ASSERT_EQ(run.wait(), 0) << run.errors();
    task.run_until_now();
    EXPECT_EQ(compare(pair), "");
}

// In the stream, but in no snapshot of ours: of a table that is gone when the schema is read nothing is left to do.
TEST(Copy, TableDroppedBeforeTheSchemaIsRead) {
    const Pair pair;
    auto source = pair.source();
    source.exec("CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE gone (id int PRIMARY KEY)");
    const Task task(pair);
    auto open = pair.source();
    open.exec("BEGIN; INSERT INTO a VALUES (1)");
    auto run = task.start();
    task.wait_for_slot(run, source);
    auto holder = pair.destination();
    holder.exec("BEGIN; LOCK TABLE walferry.checkpoint IN EXCLUSIVE MODE");
    open.exec("COMMIT");
    auto watch = pair.destination();
    wait_while_running(run, "the slot is made, and waits to be noted", [&] {
        return watch.holds(
            "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = 'walferry.checkpoint'::regclass)");
    });
    source.exec("INSERT INTO gone VALUES (1)");
    source.exec("DROP TABLE gone");
    holder.exec("COMMIT");
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

// What has been copied is said at the end, the largest first; the index of a large table is built apart.
TEST(Copy, EndsWithASummary) {
    const Pair pair;
    make_tables(pair);
    auto source = pair.source();
    source.exec("CREATE INDEX a_v ON a (v)");
    const Task task(pair);
    pair.destination().exec("DROP TABLE a, b, c, a_keyless, b_keyless, c_keyless");
    const auto outcome = task.call({"run", "--until", "now"});
    ASSERT_EQ(outcome.exit_code, 0) << outcome.errors;
    EXPECT_THAT(outcome.errors, ::testing::ContainsRegex("copied 6 tables, 35066 rows, [0-9.]+ MB in"));
    EXPECT_THAT(outcome.errors, ::testing::ContainsRegex("  public[.]a +14000 (.|\n)*  public[.]b +12000 "));
    EXPECT_THAT(outcome.errors, ::testing::ContainsRegex("  in all +35066 "));
    EXPECT_EQ(compare(pair), "");
}

// Two copies share the rate. Slower is always possible on a busy machine, faster never.
TEST(Copy, KeepsToItsRate) {
    const Pair pair;
    pair.source().exec(
        "CREATE TABLE a (id int PRIMARY KEY, pad text); INSERT INTO a SELECT n, repeat('x', 3000) FROM generate_series(1, 2000) AS n;"
        "CREATE TABLE b (id int PRIMARY KEY, pad text); INSERT INTO b SELECT n, repeat('x', 3000) FROM generate_series(1, 2000) AS n;"
        "ALTER TABLE a ALTER pad SET STORAGE PLAIN; ALTER TABLE b ALTER pad SET STORAGE PLAIN");
    const Task task(pair, {.more = "[copy]\njobs = 2\n[throttle]\ncopy_rows = 1000\n"});
    const auto outcome = task.call({"run", "--until", "now"});
    ASSERT_EQ(outcome.exit_code, 0) << outcome.errors;
    std::smatch copied;
    ASSERT_TRUE(std::regex_search(outcome.errors, copied, std::regex("4000 rows, [0-9.]+ MB in ([0-9.]+) s")))
        << outcome.errors;
    EXPECT_GE(std::stod(copied[1]), 3.6);
    EXPECT_EQ(compare(pair), "");
}

// At the rate that it begins with it would take an hour.
TEST(Copy, RateIsChangedWhileItRuns) {
    const Pair pair;
    pair.source().exec("CREATE TABLE a (id int PRIMARY KEY); INSERT INTO a SELECT generate_series(1, 36000)");
    const Task task(pair, {.more = "[throttle]\ncopy_rows = 10\n"});
    auto run = task.start();
    wait_while_running(run, "the copy goes on", [&] {
        return task.phase() == "copy" && pair.destination().holds(
                                             "SELECT EXISTS (SELECT FROM walferry.table_state"
                                             " WHERE state = 'copying' AND rows > 0)");
    });
    const auto changed = task.call({"throttle", "--off"});
    EXPECT_EQ(changed.exit_code, 0) << changed.errors;
    task.wait_for_stream(run);
    run.signal(SIGTERM);
    ASSERT_EQ(run.wait(), 0) << run.errors();
    task.run_until_now();
    EXPECT_EQ(compare(pair), "");
}

// The most memory that a run has needed for a table of the given rows of 1 kB, in bytes.
std::int64_t peak_memory(std::int64_t rows) {
    const Pair pair;
    pair.source().exec(
        "CREATE TABLE big (id bigint PRIMARY KEY, v text, pad text); INSERT INTO big"
        " SELECT n, md5(n::text), repeat('x', 950) FROM generate_series(1, " +
        std::to_string(rows) + ") AS n");
    const Task task(pair);
    auto run = task.start();
    task.wait_for_stream(run);
    const std::string status = read_file("/proc/" + std::to_string(run.pid()) + "/status");
    run.signal(SIGTERM);
    EXPECT_EQ(run.wait(), 0) << run.errors();
    task.run_until_now();
    EXPECT_EQ(compare(pair), "");
    std::smatch peak;
    EXPECT_TRUE(std::regex_search(status, peak, std::regex("VmHWM:\\s+([0-9]+) kB"))) << status;
    return std::stoll(peak[1]) * 1024;
}

// 50 MB, at length 500 MB.
TEST(Copy, MemoryDoesntGrowWithTheTable) {
    const std::int64_t rows = 50'000 * soak_factor();
    const auto small = peak_memory(10);
    const auto large = peak_memory(rows);
    std::cout << "a table of " << rows / 1000 << " MB took " << (large >> 20) << " MB of memory, one of ten rows "
              << (small >> 20) << " MB" << std::endl;
    EXPECT_LT(large - small, std::int64_t{20} << 20);
}

// Many tables, some empty, more than there are copy jobs.
TEST(Copy, ManyTables) {
    const Pair pair;
    pair.source().exec(
        "DO $$ BEGIN FOR i IN 1..300 LOOP"
        " EXECUTE format('CREATE TABLE t%s (id int PRIMARY KEY, v text)', i);"
        " EXECUTE format('INSERT INTO t%s SELECT n, ''v'' FROM generate_series(1, %s) AS n', i, i % 7);"
        " END LOOP; END $$");
    const Task task(pair, {.more = "[copy]\njobs = 3\n"});
    task.run_until_now();
    EXPECT_EQ(compare(pair), "");
}

}  // namespace
}  // namespace walferry::testing
