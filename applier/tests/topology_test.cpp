// Goal: several tasks share a source, a destination or both, and don't disturb each other.
// Method: tasks between databases of the tests' clusters run beside each other; in the end both sides are compared whole.
//
// SPDX-License-Identifier: PostgreSQL
#include <gtest/gtest.h>

#include <barrier>
#include <csignal>
#include <thread>

#include "checkpoint/bookkeeping.h"
#include "compare.h"
#include "pq/transaction.h"

namespace walferry::testing {
namespace {

// Tasks that begin and end at one moment at a destination where none was before.
TEST(Topology, TasksBeginAndEndAtOnce) {
    const Pair pair;
    constexpr int tasks = 6;
    constexpr int rounds = 12;
    std::barrier<> start(tasks);
    std::vector<std::string> errors(tasks);
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < tasks; ++i) {
            threads.emplace_back([&, i] {
                Session session(pair.destination_conninfo());
                const std::string name = "task" + std::to_string(i);
                for (int round = 0; round < rounds; ++round) {
                    start.arrive_and_wait();
                    const auto begun = pq::in_transaction(session.connection(), [&]() -> Result<void> {
                        WF_TRY(create_bookkeeping(session.connection()));
                        return insert_task(session.connection(), name, {});
                    });
                    if (!begun) errors[static_cast<std::size_t>(i)] += begun.error().text() + "\n";
                    if (round % 2 == 0) start.arrive_and_wait();  // else some end while others begin
                    const auto ended = delete_task(session.connection(), name);
                    if (!ended) errors[static_cast<std::size_t>(i)] += ended.error().text() + "\n";
                }
            });
        }
    }
    for (const auto &error : errors) EXPECT_EQ(error, "");
    EXPECT_TRUE(pair.destination().holds("SELECT to_regnamespace('walferry') IS NULL"));
}

// Two from one source, two to one destination, where both bring tables of one schema.
TEST(Topology, TasksDoNotDisturbEachOther) {
    const Pair pair;
    const Pair other;
    pair.source().exec(
        "CREATE SCHEMA shop; CREATE TABLE shop.a (id int PRIMARY KEY, v text);"
        "INSERT INTO shop.a SELECT g, 'v' FROM generate_series(1, 1000) g");
    other.source().exec(
        "CREATE SCHEMA shop; CREATE TABLE shop.b (id int PRIMARY KEY, v text);"
        "INSERT INTO shop.b SELECT g, 'w' FROM generate_series(1, 1000) g");
    const Task here(pair, {.name = "here"});
    const Task from_other(pair, {.name = "from_other", .source_conninfo = other.source_conninfo()});
    const Task to_other(pair, {.name = "to_other", .destination_conninfo = other.destination_conninfo()});
    auto here_runs = here.start();
    auto from_other_runs = from_other.start();
    auto to_other_runs = to_other.start();
    // The last that a change makes.
    const auto wait_for = [&](Process &process, const Pair &there, const std::string &table) {
        wait_while_running(process, table, [&] {
            return there.destination().holds("SELECT to_regclass('shop." + table + "') IS NOT NULL");
        });
    };
    const std::string change =
        "BEGIN; ALTER TABLE shop.{t} ADD {c} float8 DEFAULT random();"
        "UPDATE shop.{t} SET v = '{c}' WHERE id % 3 = 0; DELETE FROM shop.{t} WHERE id % 5 = 0;"
        "INSERT INTO shop.{t} (id, v) SELECT (SELECT max(id) FROM shop.{t}) + g, '{c}' FROM generate_series(1, 100) g;"
        "CREATE TABLE shop.{t}_{c} AS SELECT * FROM shop.{t}; COMMIT";
    const auto changed = [&](const std::string &table, const std::string &column) {
        std::string text = change;
        for (const auto &[what, by] : {std::pair<std::string, std::string>{"{t}", table}, {"{c}", column}}) {
            for (std::size_t at = 0; (at = text.find(what)) != std::string::npos;) text.replace(at, what.size(), by);
        }
        return text;
    };
    here.wait_for_stream(here_runs);
    from_other.wait_for_stream(from_other_runs);
    pair.source().exec(changed("a", "one"));
    other.source().exec(changed("b", "two"));
    wait_for(here_runs, pair, "a_one");
    wait_for(from_other_runs, pair, "b_two");
    wait_for(to_other_runs, other, "a_one");
    for (const Task *task : {&here, &from_other, &to_other}) {
        const auto outcome = task->call({"verify"});
        EXPECT_EQ(outcome.exit_code, 0) << task->name() << ": " << outcome.output << outcome.errors;
    }

    here_runs.kill();
    const auto cleaned = here.call({"cleanup"});
    EXPECT_EQ(cleaned.exit_code, 0) << cleaned.errors;
    pair.source().exec(changed("a", "three"));
    other.source().exec(changed("b", "four"));
    wait_for(from_other_runs, pair, "b_four");
    wait_for(to_other_runs, other, "a_three");
    EXPECT_EQ(from_other.call({"verify"}).exit_code, 0);
    EXPECT_TRUE(pair.destination().holds(
        "SELECT to_regclass('shop.a_one') IS NOT NULL AND to_regclass('shop.a_three') IS NULL"));
    for (Process *process : {&from_other_runs, &to_other_runs}) {
        process->signal(SIGTERM);
        EXPECT_EQ(process->wait(), 0) << process->errors();
    }
    to_other.run_until_now();
    EXPECT_EQ(compare({pair.source_conninfo(), other.destination_conninfo()}), "");
    EXPECT_EQ(from_other.call({"cleanup"}).exit_code, 0);
    EXPECT_TRUE(pair.destination().holds("SELECT to_regnamespace('walferry') IS NULL"));
}

// One of them makes what belongs to both.
TEST(Topology, TwoTasksShareTheTablesOfOneSource) {
    const Pair pair;
    auto source = pair.source();
    const std::string events = "CREATE TABLE shop.events (id int PRIMARY KEY, c shop.color)";
    std::string others_ddl;
    for (const char *ddl_class : {"schemas", "types", "routines", "extensions", "operators", "casts", "collations",
                                  "languages", "text_search"}) {
        others_ddl += ddl_class + std::string(" = \"skip\"\n");
    }
    const std::string types = "CREATE SCHEMA shop; CREATE TYPE shop.color AS ENUM ('red', 'green');";
    source.exec(types + "CREATE TABLE shop.item (id int PRIMARY KEY, c shop.color);" + events +
                "; INSERT INTO shop.events SELECT g, 'red' FROM generate_series(1, 100) g");
    const Task left(pair, {.name = "left", .more = "[objects]\nexclude = [\"shop.events\"]\n"});
    const Task right(
        pair, {.name = "right",
               .stages = "[\"copy\", \"stream\"]",
               .more = "[objects]\ninclude = [\"shop.events\"]\n[copy]\nlarge_objects = false\n[ddl]\n" + others_ddl});
    left.run_until_now();
    pair.destination().exec(events);
    right.run_until_now();
    source.exec(
        "CREATE EXTENSION hstore; CREATE SCHEMA other; CREATE TYPE shop.size AS (a int); CREATE SEQUENCE shop.q;"
        "CREATE FUNCTION shop.f() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE TABLE other.t (id int PRIMARY KEY, s shop.size);"
        "ALTER TYPE shop.color ADD VALUE 'blue'; CREATE VIEW shop.v AS SELECT * FROM shop.item; COMMENT ON SCHEMA shop IS 'of both'");
    source.exec(
        "ALTER TABLE shop.events ADD h hstore DEFAULT 'a=>1', ADD s shop.size; CREATE INDEX ON shop.events (c);"
        "INSERT INTO shop.events VALUES (101, 'blue', 'b=>2', '(1)'); INSERT INTO shop.item SELECT id, c FROM shop.events");
    left.run_until_now();
    right.run_until_now();
    left.run_until_now();
    EXPECT_EQ(compare(pair), "");
    EXPECT_EQ(left.call({"verify"}).exit_code, 0);
    EXPECT_EQ(right.call({"verify"}).exit_code, 0);
}

}  // namespace
}  // namespace walferry::testing
