// Goal: the task behaves as a guest: it stops when asked to, needs few rights, and holds back no WAL without need.
//
// SPDX-License-Identifier: PostgreSQL
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compare.h"
#include "load.h"

namespace walferry::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(Signals, StopAtATransactionBoundary) {
    const Pair pair;
    make_load_tables(pair, 1);
    auto source = pair.source();
    auto destination = pair.destination();
    const Task task(pair);
    task.run_until_now();
    // PostgreSQL's own plugin lists the ends of all commits; peeked at, so that each round finds those of the last one too.
    const std::string witness = pair.name() + "_witness";
    source.exec("SELECT pg_create_logical_replication_slot('" + witness + "', 'test_decoding')");
    Load load(pair, 500);
    for (const int number : {SIGTERM, SIGINT, SIGTERM}) {
        const auto before = destination.value("SELECT lsn FROM walferry.checkpoint");
        auto run = task.start();
        wait_while_running(run, "changes are applied",
                           [&] { return destination.value("SELECT lsn FROM walferry.checkpoint") != before; });
        run.signal(number);
        EXPECT_EQ(run.wait(20s), 0) << run.errors();
        EXPECT_EQ(check_bank(destination), "");
        EXPECT_EQ(source.number("SELECT count(*) FROM pg_logical_slot_peek_changes('" + witness +
                                "', NULL, NULL) WHERE data LIKE 'COMMIT%'"
                                " AND lsn = '" +
                                destination.value("SELECT lsn FROM walferry.checkpoint") + "'"),
                  1)
            << "the checkpoint is no commit";
    }
    load.stop();
    task.run_until_now();
    EXPECT_EQ(compare(pair), "");
}

TEST(Signals, StopInTheCopy) {
    const Pair pair;
    make_load_tables(pair, 10);
    auto destination = pair.destination();
    const Task task(pair);
    auto run = task.start();
    wait_while_running(run, "the copy runs", [&] {
        return destination.holds(
            "SELECT EXISTS (SELECT FROM pg_stat_progress_copy WHERE datname = current_database() AND tuples_processed > 1000)");
    });
    run.signal(SIGTERM);
    EXPECT_EQ(run.wait(20s), 0) << run.errors();
    EXPECT_NE(task.phase(), "stream");
    task.run_until_now();
    EXPECT_EQ(compare(pair), "");
}

// While it waits for transactions of others, too.
TEST(Signals, StopWhileTheSlotIsMade) {
    const Pair pair;
    auto source = pair.source();
    source.exec("CREATE TABLE a (id int PRIMARY KEY)");
    const Task task(pair);
    auto open = pair.source();
    open.exec("BEGIN; INSERT INTO a VALUES (1)");
    auto run = task.start();
    task.wait_for_slot(run, source);
    run.signal(SIGTERM);
    EXPECT_EQ(run.wait(20s), 0) << run.errors();
    open.exec("COMMIT");
    task.run_until_now();
    EXPECT_EQ(compare(pair), "");
}

TEST(Signals, StopWhileAServerIsDown) {
    Clusters clusters("down", {}, {});
    const Pair pair(clusters);
    pair.source().exec("CREATE TABLE a (id int PRIMARY KEY)");
    const Task task(pair);
    auto run = task.start();
    task.wait_for_stream(run);
    clusters.destination.stop("fast");
    pair.source().exec("INSERT INTO a VALUES (1)");
    wait_while_running(run, "the loss is noticed",
                       [&] { return run.errors().find("trying again") != std::string::npos; });
    run.signal(SIGTERM);
    EXPECT_EQ(run.wait(20s), 0) << run.errors();
    clusters.destination.start();
    task.run_until_now();
    EXPECT_EQ(compare(pair), "");
}

// Accounts that may do what the documentation asks for, and no more; with passwords, over TCP, so that every
// connection and every child process has to hand them on.
TEST(LeastPrivilege, PlainAccounts) {
    const Pair pair;
    auto &clusters = pair.clusters();
    const std::string password = "it's a \"s3cret\"\\";
    const std::string quoted = "'it''s a \"s3cret\"\\'";
    Session(clusters.source.conninfo())
        .exec("DROP ROLE IF EXISTS reader; CREATE ROLE reader LOGIN REPLICATION PASSWORD " + quoted);
    Session(clusters.destination.conninfo())
        .exec("DROP ROLE IF EXISTS owner; CREATE ROLE owner LOGIN PASSWORD " + quoted +
              "; GRANT SET ON PARAMETER session_replication_role TO owner; ALTER DATABASE " + pair.name() +
              " OWNER TO owner");
    auto source = pair.source();
    source.exec(
        "CREATE EXTENSION hstore; CREATE SCHEMA app; CREATE TABLE app.a (id serial PRIMARY KEY, v text, h hstore);"
        "CREATE TABLE app.b (id int REFERENCES app.a ON DELETE CASCADE); ALTER TABLE app.b REPLICA IDENTITY FULL;"
        "CREATE FUNCTION app.forbid() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''not here''; END';"
        "CREATE TRIGGER forbid BEFORE INSERT ON app.b FOR EACH ROW WHEN (NEW.id > 100) EXECUTE FUNCTION app.forbid();"
        "INSERT INTO app.a (v, h) SELECT n, 'a=>1' FROM generate_series(1, 100) AS n;"
        "INSERT INTO app.b SELECT id FROM app.a; INSERT INTO app.a VALUES (101);"
        "GRANT USAGE ON SCHEMA app TO reader; GRANT SELECT ON ALL TABLES IN SCHEMA app TO reader;"
        "GRANT SELECT ON ALL SEQUENCES IN SCHEMA app TO reader");
    const std::string conninfo_password = " password='it\\'s a \"s3cret\"\\\\'";
    const Task task(
        pair, {.source_conninfo = clusters.source.tcp_conninfo(pair.name(), "reader") + conninfo_password,
               .destination_conninfo = clusters.destination.tcp_conninfo(pair.name(), "owner") + conninfo_password});
    const auto precheck = task.call({"precheck"});
    EXPECT_EQ(precheck.exit_code, 0) << precheck.output << precheck.errors;
    task.run_until_now();
    EXPECT_EQ(compare(pair), "");
    source.exec(
        "ALTER TABLE app.b DISABLE TRIGGER forbid; INSERT INTO app.b VALUES (101); DELETE FROM app.a WHERE id = 1;"
        "UPDATE app.a SET v = 'x' WHERE id = 2; TRUNCATE app.b; INSERT INTO app.b VALUES (101); ALTER TABLE app.b ENABLE TRIGGER forbid");
    task.run_until_now();
    EXPECT_EQ(compare(pair), "");
    const auto verify = task.call({"verify"});
    EXPECT_EQ(verify.exit_code, 0) << verify.output << verify.errors;
    const auto cleanup = task.call({"--log-level", "trace", "cleanup"});
    EXPECT_EQ(cleanup.exit_code, 0) << cleanup.errors;
    EXPECT_THAT(precheck.output + verify.output + cleanup.output + cleanup.errors, Not(HasSubstr("s3cret")));
}

// What an account may not see must not be left out in silence.
TEST(LeastPrivilege, HiddenRowsAndTables) {
    const Pair pair;
    Session(pair.clusters().source.conninfo())
        .exec("DROP ROLE IF EXISTS half_blind; CREATE ROLE half_blind LOGIN REPLICATION");
    auto source = pair.source();
    source.exec(
        "CREATE TABLE a (id int PRIMARY KEY); INSERT INTO a VALUES (1), (2); ALTER TABLE a ENABLE ROW LEVEL SECURITY;"
        "CREATE POLICY p ON a USING (id = 1); GRANT SELECT ON a TO half_blind; CREATE TABLE b (id int PRIMARY KEY)");
    auto conninfo = pair.source_conninfo();
    conninfo.replace(conninfo.find("user=postgres"), 13, "user=half_blind");
    const Task task(pair, {.source_conninfo = conninfo});
    const auto run = task.call({"run", "--until", "now"});
    EXPECT_EQ(run.exit_code, 3) << run.errors;
    EXPECT_THAT(run.errors, HasSubstr("public.b"));
    source.exec("GRANT SELECT ON b TO half_blind");
    const auto again = task.call({"run", "--until", "now"});
    EXPECT_EQ(again.exit_code, 3) << again.errors;
    EXPECT_THAT(again.errors, HasSubstr("public.a"));
}

TEST(IdleSlot, MovesOnWhileNothingIsSelected) {
    const Pair pair;
    auto source = pair.source();
    source.exec("CREATE SCHEMA app; CREATE TABLE app.a (id int PRIMARY KEY); CREATE TABLE other (n int)");
    const Task task(pair, {.more = "[objects]\ninclude = ['app.*']\n"});
    auto run = task.start();
    task.wait_for_stream(run);
    for (int round = 0; round < 2; ++round) {
        source.exec("INSERT INTO other SELECT generate_series(1, 100000)");
        const auto lsn = source.value("SELECT pg_current_wal_lsn()");
        wait_while_running(run, "the slot passes " + lsn, [&] {
            return source.holds("SELECT confirmed_flush_lsn >= '" + lsn +
                                "' FROM pg_replication_slots WHERE slot_name = '" + task.slot() + "'");
        });
    }
    // And the WAL is released: restart_lsn follows.
    const auto lsn = source.value("SELECT pg_current_wal_lsn()");
    wait_while_running(run, "restart_lsn passes " + lsn, [&] {
        source.exec("INSERT INTO other VALUES (1); CHECKPOINT");
        return source.holds("SELECT restart_lsn >= '" + lsn + "' FROM pg_replication_slots WHERE slot_name = '" +
                            task.slot() + "'");
    });
}

// Two tasks between the same databases, on disjoint tables. Types and schemas come with the first; the second finds its
// tables made.
TEST(TwoTasks, SideBySide) {
    const Pair pair;
    auto source = pair.source();
    source.exec(
        "CREATE SCHEMA one; CREATE SCHEMA two; CREATE TABLE one.a (id int PRIMARY KEY); CREATE TABLE two.b (id int PRIMARY KEY);"
        "INSERT INTO one.a VALUES (1); INSERT INTO two.b VALUES (1)");
    const Task first(pair, {.name = pair.name() + "_one", .more = "[objects]\ninclude = ['one.*']\n"});
    first.run_until_now();
    pair.destination().exec("CREATE SCHEMA IF NOT EXISTS two; CREATE TABLE two.b (id int PRIMARY KEY)");
    const Task second(
        pair,
        {.name = pair.name() + "_two", .stages = "['copy', 'stream']", .more = "[objects]\ninclude = ['two.*']\n"});
    second.run_until_now();
    source.exec("INSERT INTO one.a VALUES (2); INSERT INTO two.b VALUES (2)");
    first.run_until_now();
    second.run_until_now();
    EXPECT_EQ(compare_rows(pair), "");
    EXPECT_EQ(first.call({"cleanup"}).exit_code, 0);
    source.exec("INSERT INTO two.b VALUES (3)");
    second.run_until_now();
    EXPECT_EQ(pair.destination().number("SELECT count(*) FROM two.b"), 3);
}

}  // namespace
}  // namespace walferry::testing
