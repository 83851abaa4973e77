// Goal: a cut-over loses nothing, can be undone until its last step, and leads back.
// Method: pgbench writes at the source until the cut-over ends its sessions.
//
// SPDX-License-Identifier: PostgreSQL
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compare.h"
#include "load.h"

namespace walferry::testing {
namespace {

using ::testing::HasSubstr;

// Both servers can be a source.
Clusters &two_way_clusters() {
    static Clusters clusters("cutover", {"max_prepared_transactions=10"}, with_capture({}));
    return clusters;
}

class Cutover : public ::testing::Test {
protected:
    bool writable(const std::string &conninfo) {
        return Session(conninfo).value("SHOW default_transaction_read_only") == "off";
    }

    Pair pair{two_way_clusters()};
    Session source = pair.source();
    Session destination = pair.destination();
    Task task{pair};
};

TEST_F(Cutover, ThereAndBackUnderLoad) {
    make_load_tables(pair, 1);
    source.exec("CREATE SEQUENCE s; SELECT setval('s', 1234)");
    destination.exec("CREATE EXTENSION walferry");
    auto running = task.start();
    task.wait_for_stream(running);
    Load load(pair, 500);

    const auto plan = task.call({"cutover", "--reverse", "--dry-run"});
    EXPECT_EQ(plan.exit_code, 0) << plan.output << plan.errors;
    EXPECT_THAT(plan.output, HasSubstr("end \"walferry run\""));
    EXPECT_THAT(plan.output, HasSubstr("SET default_transaction_read_only = on"));
    EXPECT_TRUE(writable(pair.source_conninfo())) << "a dry run must do nothing";

    const auto there = task.call({"cutover", "--reverse"});
    EXPECT_EQ(there.exit_code, 0) << there.output << there.errors;
    EXPECT_THAT(there.output, HasSubstr("\"walferry run\" has ended, its stream goes on here"));
    EXPECT_THAT(there.output, HasSubstr("cut over: writes were stopped for "));
    EXPECT_EQ(running.wait(), 0) << running.errors();
    load.stop();
    EXPECT_FALSE(writable(pair.source_conninfo()));
    EXPECT_TRUE(writable(pair.destination_conninfo()));
    EXPECT_EQ(compare(pair), "");
    auto here = pair.destination();
    EXPECT_EQ(check_bank(here), "");
    EXPECT_EQ(here.value("SELECT nextval('s')"), "1235");
    EXPECT_EQ(task.call({"run"}).exit_code, 0) << "a task that is complete has nothing to do";
    EXPECT_EQ(task.call({"cutover"}).exit_code, 3);
    EXPECT_EQ(task.call({"cutover", "--abort"}).exit_code, 3);

    // The applications are at the new side now. What they write arrives at the old one, although others can't write there.
    const std::string back = task.file().substr(0, task.file().size() - 5) + "_back.toml";
    Process reverse({walferry_program(), "run", back});
    run_or_throw({"pgbench", "-n", "-c", "4", "-t", "200", pair.destination_conninfo()});
    here.exec("CREATE TABLE new_table (id int PRIMARY KEY); INSERT INTO new_table VALUES (1)");
    auto old = pair.source();
    wait_while_running(reverse, "what is written at the new side arrives at the old one", [&] {
        return old.holds("SELECT to_regclass('new_table') IS NOT NULL") &&
               old.number("SELECT count(*) FROM new_table") == 1;
    });
    EXPECT_EQ(compare_rows(pair), "");

    const auto again = run({walferry_program(), "cutover", back});
    EXPECT_EQ(again.exit_code, 0) << again.output << again.errors;
    EXPECT_EQ(reverse.wait(), 0) << reverse.errors();
    EXPECT_TRUE(writable(pair.source_conninfo()));
    EXPECT_FALSE(writable(pair.destination_conninfo()));
    EXPECT_EQ(compare(pair), "");
    EXPECT_EQ(pair.source().value("SELECT nextval('s')"), "1236");
}

TEST_F(Cutover, GatesSayWhatToDo) {
    source.exec("CREATE TABLE t (id int PRIMARY KEY)");
    EXPECT_EQ(task.call({"cutover"}).exit_code, 3);
    auto running = task.start();
    task.wait_for_stream(running);
    source.exec("BEGIN; INSERT INTO t VALUES (1); PREPARE TRANSACTION 'cutover gate'");
    destination.exec(
        "UPDATE walferry.task SET phase = 'stream'; INSERT INTO walferry.ddl (task, id, tag, statement, state)"
        " VALUES ('" +
        task.name() + "', 77, 'CREATE TABLE', 'x', 'failed')");
    // As from another machine, which has no socket of the process.
    const auto refused = run({walferry_program(), "cutover", task.file()}, {{"XDG_RUNTIME_DIR", scratch_folder()}});
    EXPECT_EQ(refused.exit_code, 3) << refused.output;
    for (const auto *text : {"is running, and not on this machine", "'cutover gate'", "DDL statement 77"})
        EXPECT_THAT(refused.errors, HasSubstr(text));
    source.exec("ROLLBACK PREPARED 'cutover gate'");
    running.signal(SIGTERM);
    EXPECT_EQ(running.wait(), 0) << "a closed gate leaves the task running: " << running.errors();
}

// What differs is found before anything is stopped.
TEST_F(Cutover, RefusesSidesThatDiffer) {
    source.exec("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)");
    auto running = task.start();
    task.wait_for_stream(running);
    destination.exec("DELETE FROM t");
    const auto refused = task.call({"cutover"});
    EXPECT_EQ(refused.exit_code, 3) << refused.errors;
    EXPECT_THAT(refused.output, HasSubstr("missing (id) = (1)"));

    const auto unlooked = task.call({"cutover", "--no-verify", "--dry-run"});
    EXPECT_EQ(unlooked.exit_code, 3) << "what is known to differ is not overlooked";
    EXPECT_THAT(unlooked.errors, HasSubstr("1 row in 1 table"));
    const auto repaired = task.call({"repair"});
    ASSERT_EQ(repaired.exit_code, 0) << repaired.output << repaired.errors;
    const auto mended = task.call({"cutover", "--no-verify", "--dry-run"});
    EXPECT_EQ(mended.exit_code, 0) << mended.errors;
    EXPECT_THAT(mended.output, HasSubstr("nothing differs"));
    running.signal(SIGTERM);
    EXPECT_EQ(running.wait(), 0) << "a refused cut-over leaves the task running: " << running.errors();
    EXPECT_TRUE(writable(pair.source_conninfo()));
}

TEST_F(Cutover, IsUndoneWhenItIsStopped) {
    source.exec("CREATE TABLE t (id serial PRIMARY KEY); INSERT INTO t DEFAULT VALUES");
    auto running = task.start();
    task.wait_for_stream(running);
    destination.exec("CREATE EXTENSION walferry");
    auto blocker = pair.destination();
    blocker.exec("BEGIN; LOCK TABLE walferry.sequence");
    Process cutover({walferry_program(), "cutover", "--reverse", "--no-verify", task.file()});
    wait_while_running(cutover, "writes are stopped and sequences wait", [&] {
        return blocker.holds(
            "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = 'walferry.sequence'::regclass)");
    });
    EXPECT_FALSE(writable(pair.source_conninfo()));
    cutover.signal(SIGTERM);
    EXPECT_EQ(cutover.wait(), 128 + SIGTERM) << cutover.errors();
    EXPECT_THAT(cutover.output(), HasSubstr("undone: the source takes writes again"));
    EXPECT_THAT(cutover.output(), HasSubstr("\"walferry run\" was ended by this command: start it again"));
    EXPECT_EQ(running.wait(), 0) << running.errors();
    EXPECT_TRUE(writable(pair.source_conninfo()));
    blocker.exec("COMMIT");
    pair.source().exec("INSERT INTO t DEFAULT VALUES");
    task.run_until_now();
    EXPECT_EQ(compare(pair), "");
}

TEST_F(Cutover, GoesOnAfterACrash) {
    source.exec("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)");
    task.run_until_now();
    for (const auto *place : {"cutover_writes_stopped", "cutover_before_finish"}) {
        const auto killed = run({walferry_program(), "cutover", task.file()}, {{"WALFERRY_FAILPOINT", place}});
        EXPECT_EQ(killed.exit_code, 137) << killed.output << killed.errors;
        EXPECT_FALSE(writable(pair.source_conninfo()));
        const auto undone = task.call({"cutover", "--abort"});
        EXPECT_EQ(undone.exit_code, 0) << undone.errors;
        EXPECT_TRUE(writable(pair.source_conninfo()));
        pair.source().exec("INSERT INTO t SELECT max(id) + 1 FROM t");
    }
    const auto killed =
        run({walferry_program(), "cutover", task.file()}, {{"WALFERRY_FAILPOINT", "cutover_writes_stopped"}});
    EXPECT_EQ(killed.exit_code, 137);
    const auto done = task.call({"cutover"});
    EXPECT_EQ(done.exit_code, 0) << done.output << done.errors;
    EXPECT_EQ(compare(pair), "");
    EXPECT_EQ(pair.destination().number("SELECT count(*) FROM t"), 3);
}

// By hand, where the account may not stop writes.
TEST_F(Cutover, WritesStoppedByTheOperator) {
    source.exec("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)");
    task.run_until_now();
    auto writer = pair.source();
    writer.exec("BEGIN; INSERT INTO t VALUES (2)");
    const auto refused = task.call({"cutover", "--writes-stopped"});
    EXPECT_EQ(refused.exit_code, 3);
    EXPECT_THAT(refused.errors, HasSubstr("somebody writes at the source"));
    writer.exec("COMMIT");
    const auto done = task.call({"cutover", "--writes-stopped"});
    EXPECT_EQ(done.exit_code, 0) << done.output << done.errors;
    EXPECT_EQ(compare(pair), "");
    EXPECT_TRUE(writable(pair.source_conninfo()));
}

}  // namespace
}  // namespace walferry::testing
