// Goal: what is wrong from the start is refused with its exit code and a message that helps, and leaves nothing behind.
//
// SPDX-License-Identifier: PostgreSQL
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compare.h"

namespace walferry::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Words = std::vector<std::string>;

// Lines of the log may come before the message.
void expect_failure(const Outcome &outcome, int exit_code, const Words &words) {
    EXPECT_EQ(outcome.exit_code, exit_code) << outcome.output << outcome.errors;
    EXPECT_THAT(outcome.errors, ::testing::ContainsRegex("(^|\n)walferry: "));
    for (const auto &word : words) EXPECT_THAT(outcome.errors, HasSubstr(word));
}

void expect_failed_run(const Task &task, int exit_code, const Words &words) {
    expect_failure(task.call({"run", "--until", "now"}), exit_code, words);
}

void expect_failed_precheck(const Task &task, const Words &words) {
    const auto outcome = task.call({"precheck"});
    EXPECT_EQ(outcome.exit_code, 8) << outcome.output << outcome.errors;
    for (const auto &word : words) EXPECT_THAT(outcome.output, HasSubstr(word));
}

// No slot and no bookkeeping were left, no table made.
void expect_nothing_left(const Pair &pair, int tables_at_destination = 0) {
    EXPECT_EQ(pair.source().number("SELECT count(*) FROM pg_replication_slots WHERE database = current_database()"
                                   " AND plugin = 'walferry'"),
              0);
    auto destination = pair.destination();
    EXPECT_EQ(destination.number("SELECT count(*) FROM pg_namespace WHERE nspname = 'walferry'"), 0);
    EXPECT_EQ(destination.number(
                  "SELECT count(*) FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"),
              tables_at_destination);
}

TEST(BadArguments, AreRefused) {
    const std::string program = walferry_program();
    expect_failure(run({program}), 1, {});
    expect_failure(run({program, "frobnicate", "x.toml"}), 1, {"frobnicate"});
    expect_failure(run({program, "run"}), 1, {"FILE"});
    expect_failure(run({program, "run", "--until", "tomorrow", "x.toml"}), 1, {"tomorrow"});
    expect_failure(run({program, "run", "--frobnicate", "x.toml"}), 1, {"--frobnicate"});
    expect_failure(run({program, "run", "x.toml", "y.toml"}), 1, {"y.toml"});
    expect_failure(run({program, "--log-level", "loud", "status", "x.toml"}), 1, {"loud"});
    EXPECT_EQ(run({program, "--version"}).exit_code, 0);
    for (const auto *verb : {"run", "precheck", "status", "verify", "cleanup"}) {
        const auto help = run({program, verb, "--help"});
        EXPECT_EQ(help.exit_code, 0);
        EXPECT_THAT(help.output, HasSubstr("FILE"));
    }
}

TEST(BadTaskFile, IsRefusedWithItsPlace) {
    const auto file = scratch_folder() + "/bad.toml";
    const auto expect_refusal = [&](const std::string &text, const std::string &place, const Words &words) {
        SCOPED_TRACE(text);
        write_file(file, text);
        for (const auto *verb : {"run", "precheck", "status", "verify", "cleanup"}) {
            auto wanted = words;
            wanted.push_back(place.empty() ? file : file + ":" + place);
            expect_failure(run({walferry_program(), verb, file}), 2, wanted);
        }
    };
    const std::string good = "[source]\nconninfo = 'dbname=a'\n[destination]\nconninfo = 'dbname=b'\n";
    expect_refusal("[task\nname = 'a'\n", "1:", {});
    expect_refusal(good + "[task]\nnmae = 'x'\n", "6:1", {"nmae", "name"});
    expect_refusal(good + "[taks]\nname = 'x'\n", "5:", {"taks"});
    expect_refusal(good + "[copy]\njobs = 'four'\n", "6:", {"jobs"});
    expect_refusal(good + "[copy]\njobs = 0\n", "6:", {"jobs"});
    expect_refusal(good + "[task]\nname = 'Has Spaces'\n", "6:", {"name"});
    expect_refusal(good + "[task]\nname = 'a'\nstages = ['schema', 'coppy']\n", "7:", {"coppy"});
    expect_refusal("[source]\nconninfo = 'dbname=a'\n", "", {"destination", "conninfo"});
    expect_refusal("[source]\nconninfo = 'frob=a'\n[destination]\nconninfo = 'dbname=b'\n",
                   "2:", {"conninfo", "source"});
    expect_failure(run({walferry_program(), "run", scratch_folder() + "/no-such.toml"}), 2, {"no-such.toml"});
}

TEST(BadConnection, ServerThatIsNotThere) {
    const Pair pair;
    pair.source().exec("CREATE TABLE a (id int PRIMARY KEY)");
    const std::string nowhere = "host=127.0.0.1 port=1 dbname=x user=x";
    for (const auto *verb : {"run", "verify"}) {
        expect_failure(Task(pair, {.source_conninfo = nowhere, .retry_seconds = 0}).call({verb}), 6,
                       {"source", "127.0.0.1"});
        expect_failure(Task(pair, {.destination_conninfo = nowhere, .retry_seconds = 0}).call({verb}), 7,
                       {"destination", "127.0.0.1"});
    }
    expect_failed_precheck(Task(pair, {.source_conninfo = nowhere, .retry_seconds = 0}), {"127.0.0.1"});
    expect_failure(
        Task(pair, {.source_conninfo = pair.clusters().source.conninfo("no_such_database"), .retry_seconds = 0})
            .call({"run"}),
        6, {"source", "no_such_database"});
    expect_nothing_left(pair);
}

TEST(BadConnection, PasswordStaysSecret) {
    const Pair pair;
    pair.source().exec("CREATE TABLE a (id int PRIMARY KEY)");
    const std::string secret = "wr0ng-s3cret";
    for (auto *cluster : {&pair.clusters().source, &pair.clusters().destination}) {
        Session(cluster->conninfo()).exec("DROP ROLE IF EXISTS locked; CREATE ROLE locked LOGIN PASSWORD 'right'");
    }
    const auto source = pair.clusters().source.tcp_conninfo(pair.name(), "locked") + " password=" + secret;
    const auto destination = pair.clusters().destination.tcp_conninfo(pair.name(), "locked") + " password=" + secret;
    for (const auto *verb : {"run", "precheck", "status", "verify", "cleanup"}) {
        SCOPED_TRACE(verb);
        for (const auto *level : {"info", "trace"}) {
            const auto at_source =
                Task(pair, {.source_conninfo = source, .retry_seconds = 0}).call({"--log-level", level, verb});
            const auto at_destination = Task(pair, {.destination_conninfo = destination, .retry_seconds = 0})
                                            .call({"--log-level", level, verb});
            EXPECT_NE(at_destination.exit_code, 0);
            EXPECT_THAT(at_source.output + at_source.errors, Not(HasSubstr(secret)));
            EXPECT_THAT(at_destination.output + at_destination.errors, Not(HasSubstr(secret)));
            if (std::string(verb) == "run") {
                expect_failure(at_source, 6, {"source", "locked"});
                expect_failure(at_destination, 7, {"destination", "locked"});
            }
        }
    }
    // In what can't be parsed, too.
    const auto unparsable =
        Task(pair, {.source_conninfo = "postgresql://u:" + secret + "@h:port/db?frob=1"}).call({"run"});
    EXPECT_EQ(unparsable.exit_code, 2);
    EXPECT_THAT(unparsable.errors, Not(HasSubstr(secret)));
    expect_nothing_left(pair);
}

TEST(BadSource, WalLevel) {
    Cluster source("replica", {"wal_level=replica"});
    Session(source.conninfo()).exec("CREATE DATABASE d");
    Session(source.conninfo("d")).exec("CREATE EXTENSION walferry; CREATE TABLE a (id int PRIMARY KEY)");
    const Pair pair;
    const Task task(pair, {.source_conninfo = source.conninfo("d")});
    expect_failed_precheck(task, {"wal_level"});
    expect_failed_run(task, 3, {"wal_level", "ALTER SYSTEM"});
    expect_nothing_left(pair);
}

TEST(BadSource, PluginNotAllowed) {
    const Pair pair;
    if (pair.source().value("SELECT current_setting('output_plugin_libraries', true)").empty()) {
        GTEST_SKIP() << "this release has no output_plugin_libraries";
    }
    Cluster source("forbidding", {"output_plugin_libraries=pgoutput,test_decoding"});
    Session(source.conninfo()).exec("CREATE DATABASE d");
    Session(source.conninfo("d")).exec("CREATE EXTENSION walferry; CREATE TABLE a (id int PRIMARY KEY)");
    const Task task(pair, {.source_conninfo = source.conninfo("d")});
    expect_failed_precheck(task, {"output_plugin_libraries"});
    expect_failed_run(task, 3, {"output_plugin_libraries", "'walferry'"});
    expect_nothing_left(pair);
}

TEST(BadSource, ExtensionMissingOrOfAnotherVersion) {
    const Pair pair;
    auto source = pair.source();
    source.exec("CREATE TABLE a (id int PRIMARY KEY)");
    const Task task(pair);
    source.exec("UPDATE pg_extension SET extversion = '0.9' WHERE extname = 'walferry'");
    expect_failed_precheck(task, {"0.9"});
    expect_failed_run(task, 3, {"0.9"});
    source.exec("DROP EXTENSION walferry");
    expect_failed_precheck(task, {"CREATE EXTENSION walferry"});
    expect_failed_run(task, 3, {"CREATE EXTENSION walferry"});
    expect_nothing_left(pair);
    source.exec("CREATE EXTENSION walferry");
    task.run_until_now();
}

TEST(BadSource, SlotOfAnotherPlugin) {
    const Pair pair;
    auto source = pair.source();
    source.exec("CREATE TABLE a (id int PRIMARY KEY)");
    const Task task(pair);
    source.exec("SELECT pg_create_logical_replication_slot('" + task.slot() + "', 'test_decoding')");
    expect_failed_precheck(task, {task.slot(), "test_decoding"});
    expect_failed_run(task, 3, {task.slot(), "test_decoding"});
    expect_nothing_left(pair);
    EXPECT_TRUE(
        source.holds("SELECT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = '" + task.slot() + "')"))
        << "the other's slot must stay";
}

TEST(BadSource, NoTables) {
    const Pair pair;
    pair.source().exec("CREATE TABLE a (id int PRIMARY KEY)");
    expect_failed_run(Task(pair, {.more = "[objects]\ninclude = ['publik.*']\n"}), 3, {"include"});
    expect_nothing_left(pair);
}

TEST(BadDestination, TablesHoldRows) {
    const Pair pair;
    auto destination = pair.destination();
    for (const std::string table : {"a", "b", "c"}) {
        pair.source().exec("CREATE TABLE " + table + " (id int PRIMARY KEY); INSERT INTO " + table + " VALUES (1)");
    }
    destination.exec("CREATE TABLE b (id int PRIMARY KEY); INSERT INTO b VALUES (7)");
    const Task with_schema(pair);
    expect_failed_precheck(with_schema, {"public.b"});
    expect_failed_run(with_schema, 3, {"public.b"});
    expect_nothing_left(pair, 1);

    destination.exec("CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE c (id int PRIMARY KEY)");
    const Task without_schema(pair, {.stages = "['copy', 'stream']"});
    expect_failed_precheck(without_schema, {"public.b"});
    expect_failed_run(without_schema, 3, {"public.b"});
    expect_nothing_left(pair, 3);
    EXPECT_EQ(
        destination.number("SELECT (SELECT count(*) FROM a) + (SELECT count(*) FROM b) + (SELECT count(*) FROM c)"), 1);
    destination.exec("DELETE FROM b");
    without_schema.run_until_now();
    EXPECT_EQ(compare_rows(pair), "");
}

TEST(BadState, SecondRun) {
    const Pair pair;
    auto source = pair.source();
    source.exec("CREATE TABLE a (id int PRIMARY KEY)");
    const Task task(pair);
    auto first = task.start();
    task.wait_for_stream(first);
    expect_failed_run(task, 3, {"already running", task.name()});
    source.exec("INSERT INTO a VALUES (1)");
    wait_while_running(first, "the first run goes on",
                       [&] { return pair.destination().number("SELECT count(*) FROM a") == 1; });
    EXPECT_EQ(task.call({"cleanup"}).exit_code, 3) << "cleanup under a running task";
    EXPECT_TRUE(first.running());
}

TEST(BadState, SlotDroppedBehindItsBack) {
    const Pair pair;
    auto source = pair.source();
    source.exec("CREATE TABLE a (id int PRIMARY KEY)");
    const Task task(pair);
    task.run_until_now();
    source.exec("SELECT pg_drop_replication_slot('" + task.slot() + "')");
    source.exec("INSERT INTO a VALUES (1)");
    expect_failed_run(task, 3, {task.slot()});
    // One of the same name is not the same one.
    source.exec("SELECT pg_create_logical_replication_slot('" + task.slot() + "', 'walferry')");
    expect_failed_run(task, 3, {task.slot()});
    EXPECT_EQ(pair.destination().number("SELECT count(*) FROM a"), 0);
}

TEST(BadState, DestinationSetBack) {
    const Pair pair;
    auto source = pair.source();
    auto destination = pair.destination();
    source.exec("CREATE TABLE a (id int PRIMARY KEY)");
    const Task task(pair);
    task.run_until_now();
    // What a restored backup does: the old checkpoint, while the slot has moved on.
    destination.exec(
        "CREATE SCHEMA old; CREATE TABLE old.checkpoint AS TABLE walferry.checkpoint; CREATE TABLE old.progress AS TABLE walferry.progress");
    for (int i = 0; i < 3; ++i) {
        source.exec("INSERT INTO a VALUES (" + std::to_string(i) + ")");
        task.run_until_now();
    }
    destination.exec(
        "BEGIN; DELETE FROM walferry.checkpoint; INSERT INTO walferry.checkpoint TABLE old.checkpoint;"
        "DELETE FROM walferry.progress; INSERT INTO walferry.progress TABLE old.progress; DELETE FROM a; DROP SCHEMA old CASCADE; COMMIT");
    expect_failed_run(task, 3, {task.slot()});
}

TEST(BadState, AnotherSource) {
    const Pair pair;
    pair.source().exec("CREATE TABLE a (id int PRIMARY KEY)");
    const Task task(pair);
    task.run_until_now();
    const Pair other;
    other.source().exec("CREATE TABLE a (id int PRIMARY KEY)");
    expect_failed_run(Task(pair, {.name = task.name(), .source_conninfo = other.source_conninfo()}), 3,
                      {pair.name(), other.name()});
    expect_failed_run(Task(pair, {.name = task.name(), .more = "[objects]\ninclude = ['public.a']\n"}), 3, {"include"});
}

TEST(BadState, OtherStages) {
    const Pair pair;
    pair.source().exec("CREATE TABLE a (id int PRIMARY KEY)");
    const Task task(pair);
    task.run_until_now();
    expect_failed_run(Task(pair, {.name = task.name(), .stages = "['stream']"}), 3, {"stages"});
}

// A task of the schema alone has no slot, and leaves alone the one that another task of its name has made.
TEST(BadState, SlotOfATaskOfTheSameName) {
    const Pair pair;
    const Pair other;
    auto source = pair.source();
    source.exec("CREATE TABLE a (id int PRIMARY KEY)");
    const Task task(pair);
    task.run_until_now();
    const Task schema(
        pair, {.name = task.name(), .destination_conninfo = other.destination_conninfo(), .stages = "['schema']"});
    schema.run_until_now();
    EXPECT_EQ(schema.call({"cleanup"}).exit_code, 0);
    source.exec("INSERT INTO a VALUES (1)");
    task.run_until_now();
    EXPECT_EQ(compare_rows(pair), "");
}

// Types of one width look alike in a binary copy.
TEST(BadDestination, OtherTypes) {
    const Pair pair;
    pair.source().exec("CREATE TABLE a (id int PRIMARY KEY, v bigint); INSERT INTO a VALUES (1, 42)");
    auto destination = pair.destination();
    destination.exec("CREATE TABLE a (id int PRIMARY KEY, v float8)");
    expect_failed_run(Task(pair, {.stages = "['copy', 'stream']"}), 3, {"public.a", "float8", "int8"});
    EXPECT_EQ(destination.number("SELECT count(*) FROM a"), 0);
}

}  // namespace
}  // namespace walferry::testing
