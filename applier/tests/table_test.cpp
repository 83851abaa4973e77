// Goal: tables come, go and are copied again on a task that runs, and the others follow the source meanwhile.
//
// SPDX-License-Identifier: PostgreSQL
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <iostream>
#include <thread>

#include "compare.h"
#include "soak.h"

namespace walferry::testing {
namespace {

using ::testing::HasSubstr;

const TaskOptions of_public = {.more = "[objects]\ninclude = ['public.*']\n"};

std::string rows_of(Session session, const std::string &table) {
    return session.value("SELECT count(*) || ' ' || coalesce(sum(hashtextextended(t::text, 0)), 0) FROM " + table +
                         " AS t");
}

// Writes to the tables until its end.
class Writer {
public:
    Writer(const Pair &pair, std::vector<std::string> tables)
        : thread_([this, session = pair.source(), tables = std::move(tables)]() mutable {
              for (int i = 0; !stop_; ++i) {
                  for (const auto &table : tables) {
                      const auto id = std::to_string(i % 5000);
                      session.exec("UPDATE " + table + " SET v = v || '!' WHERE id = " + id + "; INSERT INTO " + table +
                                   " VALUES (10000000 + " + std::to_string(i) + ", 'new'); DELETE FROM " + table +
                                   " WHERE id = 7000 + " + id);
                  }
                  std::this_thread::sleep_for(2ms);
              }
          }) {}
    ~Writer() { stop_ = true; }

private:
    std::atomic<bool> stop_{false};
    std::jthread thread_;
};

// Writes a mark into a table now and then, and looks how long it takes to arrive.
class Probe {
public:
    explicit Probe(const Pair &pair)
        : thread_([this, source = pair.source(), destination = pair.destination()]() mutable {
              source.exec("INSERT INTO here VALUES (-1, '')");
              for (int mark = 0; !stop_; ++mark) {
                  const auto written = std::chrono::steady_clock::now();
                  source.exec("UPDATE here SET v = '" + std::to_string(mark) + "' WHERE id = -1");
                  while (!stop_ && destination.value("SELECT v FROM here WHERE id = -1") != std::to_string(mark)) {
                      std::this_thread::sleep_for(5ms);
                  }
                  if (!stop_) longest_ = std::max(longest_, std::chrono::steady_clock::now() - written);
                  std::this_thread::sleep_for(20ms);
              }
          }) {}
    std::chrono::milliseconds longest() {
        stop_ = true;
        thread_.join();
        return std::chrono::duration_cast<std::chrono::milliseconds>(longest_);
    }

private:
    std::atomic<bool> stop_{false};
    std::chrono::steady_clock::duration longest_{};
    std::jthread thread_;
};

void make_tables(const Pair &pair) {
    pair.source().exec(
        "CREATE TABLE here (id int PRIMARY KEY, v text); INSERT INTO here SELECT g, 'h' FROM generate_series(1, 10000) AS g;"
        "CREATE SCHEMA far; CREATE TABLE far.away (id int PRIMARY KEY, v text, n bigserial, parent int REFERENCES far.away);"
        "CREATE INDEX ON far.away (v);"
        "INSERT INTO far.away SELECT g, 'f' FROM generate_series(1, " +
        std::to_string(60'000 * soak_factor()) + ") AS g");
}

TEST(Table, AddedUnderLoad) {
    const Pair pair;
    make_tables(pair);
    const Task task(pair, of_public);
    auto run = task.start();
    task.wait_for_stream(run);
    auto source = pair.source();
    {
        const Writer writer(pair, {"here", "far.away"});
        Probe probe(pair);
        const auto added = task.call({"table", "add"}, 60s, {"far.away"});
        EXPECT_EQ(added.exit_code, 0) << added.errors;
        source.exec("ALTER TABLE far.away ADD later float8 DEFAULT random()");
        wait_while_running(run, "the table is ready", [&] { return task.phase() == "stream"; });
        std::cout << "the other table was never more than " << probe.longest().count() << " ms behind" << std::endl;
        source.exec("ALTER TABLE far.away ADD more int DEFAULT 7");
    }
    run.signal(SIGTERM);
    ASSERT_EQ(run.wait(), 0) << run.errors();
    task.run_until_now();
    EXPECT_EQ(compare(pair), "");
    EXPECT_EQ(task.call({"verify"}).exit_code, 0);
    EXPECT_THAT(task.call({"verify", "--json"}).output, HasSubstr("away"));
}

TEST(Table, CopiedAgain) {
    const Pair pair;
    make_tables(pair);
    const Task task(pair);
    auto run = task.start();
    task.wait_for_stream(run);
    pair.destination().exec("UPDATE far.away SET v = 'wrong'; UPDATE here SET v = 'wrong'");
    {
        const Writer writer(pair, {"here"});
        for (const char *table : {"far.away", "public.here"}) {
            const auto copied = task.call({"table", "recopy"}, 60s, {table});
            EXPECT_EQ(copied.exit_code, 0) << copied.errors;
        }
        wait_while_running(run, "the tables are ready", [&] { return task.phase() == "stream"; });
    }
    run.signal(SIGTERM);
    ASSERT_EQ(run.wait(), 0) << run.errors();
    task.run_until_now();
    EXPECT_EQ(compare(pair), "");
}

TEST(Table, RemovedAndAddedAgain) {
    const Pair pair;
    make_tables(pair);
    const Task task(pair);
    task.run_until_now();
    const auto removed = task.call({"table", "remove"}, 60s, {"far.away"});
    EXPECT_EQ(removed.exit_code, 0) << removed.errors;
    EXPECT_THAT(removed.output, HasSubstr("noted"));
    task.run_until_now();
    auto source = pair.source();
    const auto before = rows_of(pair.destination(), "far.away");
    source.exec("DELETE FROM far.away WHERE id < 100; ALTER TABLE far.away ADD gone int; UPDATE here SET v = 'x'");
    task.run_until_now();
    EXPECT_EQ(rows_of(pair.destination(), "far.away"), before);
    EXPECT_EQ(rows_of(pair.destination(), "here"), rows_of(pair.source(), "here"));

    ASSERT_EQ(task.call({"table", "add"}, 60s, {"far.away"}).exit_code, 0);
    auto run = task.start();
    wait_while_running(run, "the reason is noted",
                       [&] { return !pair.destination().value("SELECT error FROM walferry.table_request").empty(); });
    pair.destination().exec("DROP TABLE far.away");
    const auto added = task.call({"table", "add"}, 60s, {"far.away"});
    EXPECT_EQ(added.exit_code, 0) << added.errors;
    wait_while_running(run, "the table is ready", [&] { return task.phase() == "stream"; });
    source.exec("INSERT INTO far.away (id, v) VALUES (-1, 'again')");
    run.signal(SIGTERM);
    ASSERT_EQ(run.wait(), 0) << run.errors();
    task.run_until_now();
    EXPECT_EQ(compare(pair), "");
}

TEST(Table, APartitionedTableComesWithItsPartitions) {
    const Pair pair;
    make_tables(pair);
    auto source = pair.source();
    source.exec(
        "CREATE TABLE far.parted (id int PRIMARY KEY, v text) PARTITION BY RANGE (id);"
        "CREATE INDEX ON far.parted (v);"
        "CREATE TABLE far.one PARTITION OF far.parted FOR VALUES FROM (0) TO (1000);"
        "CREATE TABLE far.more PARTITION OF far.parted FOR VALUES FROM (1000) TO (3000) PARTITION BY RANGE (id);"
        "CREATE TABLE far.two PARTITION OF far.more FOR VALUES FROM (1000) TO (2000);"
        "INSERT INTO far.parted SELECT g, 'p' FROM generate_series(1, 1999) AS g");
    const Task task(pair, of_public);
    auto run = task.start();
    task.wait_for_stream(run);
    const auto call = [&](const std::string &action, const std::string &table) {
        const auto outcome = task.call({"table", action}, 60s, {table});
        EXPECT_EQ(outcome.exit_code, 0) << outcome.errors;
        wait_while_running(run, "the tables are ready", [&] { return task.phase() == "stream"; });
    };
    const auto expect_equal = [&] {
        const auto end = task.call({"verify"});
        EXPECT_EQ(end.exit_code, 0) << end.output;
        EXPECT_EQ(rows_of(pair.destination(), "far.parted"), rows_of(pair.source(), "far.parted"));
    };
    call("add", "far.parted");
    source.exec("UPDATE far.parted SET v = 'new' WHERE id % 7 = 0");
    source.exec("DELETE FROM far.parted WHERE id = 1500; UPDATE far.parted SET id = 1500 WHERE id = 15");
    // One that comes later is not selected; asked for once more, the rest comes.
    source.exec(
        "CREATE TABLE far.three PARTITION OF far.more FOR VALUES FROM (2000) TO (3000);"
        "INSERT INTO far.parted SELECT g, 'p' FROM generate_series(2000, 2500) AS g");
    call("add", "far.parted");
    source.exec("UPDATE far.parted SET v = 'newer' WHERE id % 9 = 0");
    pair.destination().exec("UPDATE far.two SET v = 'wrong'");
    call("recopy", "far.parted");
    run.signal(SIGTERM);
    ASSERT_EQ(run.wait(), 0) << run.errors();
    task.run_until_now();
    expect_equal();
    EXPECT_EQ(pair.destination().number("SELECT count(*) FROM far.three"), 501);

    EXPECT_EQ(task.call({"table", "remove"}, 60s, {"far.parted"}).exit_code, 0);
    task.run_until_now();
    const auto before = rows_of(pair.destination(), "far.parted");
    source.exec("DELETE FROM far.parted");
    task.run_until_now();
    EXPECT_EQ(rows_of(pair.destination(), "far.parted"), before);
}

// Each holds a value that only a REFRESH here can change.
TEST(Table, OnlyViewsThatReadTheTableAreFilledAgain) {
    const Pair pair;
    make_tables(pair);
    pair.source().exec(
        "CREATE MATERIALIZED VIEW of_here AS SELECT count(*), random() AS r FROM here;"
        "CREATE VIEW far.seen AS SELECT * FROM far.away;"
        "CREATE MATERIALIZED VIEW of_away AS SELECT count(*), random() AS r FROM far.seen;"
        "CREATE MATERIALIZED VIEW of_view AS SELECT r, random() AS again FROM of_away");
    const Task task(pair);
    auto run = task.start();
    task.wait_for_stream(run);
    auto destination = pair.destination();
    const auto value = [&](const std::string &sql) { return destination.value("SELECT " + sql); };
    const auto here = value("r FROM of_here");
    const auto away = value("r FROM of_away");
    const auto again = value("again FROM of_view");
    const auto copied = task.call({"table", "recopy"}, 60s, {"far.away"});
    EXPECT_EQ(copied.exit_code, 0) << copied.errors;
    wait_while_running(run, "the table is ready", [&] { return task.phase() == "stream"; });
    EXPECT_EQ(value("r FROM of_here"), here);
    EXPECT_NE(value("r FROM of_away"), away);
    EXPECT_EQ(value("r FROM of_view"), value("r FROM of_away"));
    EXPECT_NE(value("again FROM of_view"), again);
    run.signal(SIGTERM);
    ASSERT_EQ(run.wait(), 0) << run.errors();
}

TEST(Table, WhatCantBeDoneIsSaid) {
    const Pair pair;
    make_tables(pair);
    const Task task(pair, of_public);
    EXPECT_THAT(task.call({"table", "add"}, 60s, {"far.away"}).errors, HasSubstr("has not been started"));
    auto run = task.start();
    task.wait_for_stream(run);
    for (const auto &[action, table, reason] :
         std::vector<std::tuple<std::string, std::string, std::string>>{{"add", "far.nowhere", "no such table"},
                                                                        {"add", "public.here", "already"},
                                                                        {"remove", "far.away", "not among"},
                                                                        {"recopy", "far.away", "not among"},
                                                                        {"recopy", "here", "must be schema.table"}}) {
        const auto outcome = task.call({"table", action}, 60s, {table});
        EXPECT_NE(outcome.exit_code, 0) << action << " " << table;
        EXPECT_THAT(outcome.errors, HasSubstr(reason)) << action << " " << table;
    }
    pair.source().exec("INSERT INTO here VALUES (-1, 'still followed')");
    run.signal(SIGTERM);
    ASSERT_EQ(run.wait(), 0) << run.errors();
    task.run_until_now();
    EXPECT_EQ(rows_of(pair.destination(), "here"), rows_of(pair.source(), "here"));
}

}  // namespace
}  // namespace walferry::testing
