// Goal: two databases that are each other's source, written to on both sides: each change arrives once and does not come back.
// Method: two tasks with origin = "local"; the one's account is no superuser; what each has applied is counted.
//
// SPDX-License-Identifier: PostgreSQL
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <memory>
#include <thread>

#include "compare.h"

namespace walferry::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const std::string local = "origin = \"local\"\ndecoding_memory_mb = 1\n";

class Loop : public ::testing::Test {
protected:
    Loop() : there_("loop", with_capture({"max_replication_slots=30"})) {
        Session admin(there_.conninfo());
        admin.exec("CREATE DATABASE loop TEMPLATE template0 ENCODING 'UTF8'");
        admin.exec("CREATE ROLE loop_writer LOGIN");
        there().exec("CREATE EXTENSION walferry");
    }

    std::string there_conninfo() const { return there_.conninfo("loop"); }
    Session there() const { return Session(there_conninfo()); }
    std::string writer_conninfo() const {
        auto conninfo = there_conninfo();
        return conninfo.replace(conninfo.find("user=postgres"), 13, "user=loop_writer");
    }

    std::int64_t origins() const {
        return there().number("SELECT count(*) FROM pg_replication_origin") +
               pair_.source().number("SELECT count(*) FROM pg_replication_origin WHERE roname LIKE 'walferry_back%'");
    }
    void catch_up() const {
        out_.run_until_now();
        back_.run_until_now();
    }
    void expect_equal() const { EXPECT_EQ(compare({pair_.source_conninfo(), there_conninfo()}), ""); }
    // How many changes each has applied, of all that were made.
    std::int64_t applied_there() const {
        return there().number("SELECT changes FROM walferry.progress WHERE task = 'out'");
    }
    std::int64_t applied_back() const {
        return pair_.source().number("SELECT changes FROM walferry.progress WHERE task = 'back'");
    }

    const Cluster there_;
    const Pair pair_;
    const Task out_{pair_,
                    {.name = "out",
                     .destination_conninfo = writer_conninfo(),
                     .source_more = local,
                     .more = "[apply]\nworkers = 4\n"}};
    const Task back_{pair_,
                     {.name = "back",
                      .source_conninfo = there_conninfo(),
                      .destination_conninfo = pair_.source_conninfo(),
                      .stages = "[\"stream\"]",
                      .source_more = local,
                      .more = "[apply]\nworkers = 4\n"}};
};

TEST_F(Loop, NothingComesBack) {
    auto here = pair_.source();
    here.exec(
        "CREATE SCHEMA shop; CREATE TABLE shop.item (id int PRIMARY KEY, v text, n int DEFAULT 0);"
        "INSERT INTO shop.item (id, v) SELECT g, 'before' FROM generate_series(1, 20000) g");
    const auto refused = out_.call({"precheck"});
    EXPECT_EQ(refused.exit_code, 8);
    EXPECT_THAT(refused.output, HasSubstr("pg_replication_origin_session_setup(text)"));
    const auto setup = out_.call({"setup", "--destination", there_conninfo()});
    EXPECT_EQ(setup.exit_code, 0) << setup.output << setup.errors;
    catch_up();
    expect_equal();

    auto out = std::make_unique<Process>(out_.start());
    auto back = back_.start();
    out_.wait_for_stream(*out);
    back_.wait_for_stream(back);
    // Each side its own rows: even ones here, odd ones there. Small transactions, and one that is streamed.
    const auto write = [](Session session, int side) {
        const auto own = std::to_string(side);
        for (int i = 0; i < 200; ++i) {
            const auto id = std::to_string(100000 + 2 * i + side);
            session.exec("BEGIN; INSERT INTO shop.item VALUES (" + id +
                         ", 'new'); UPDATE shop.item SET n = n + 1 WHERE id = " + std::to_string(2 * i + 2 + side) +
                         "; COMMIT");
        }
        session.exec("INSERT INTO shop.item SELECT 2 * g + " + own +
                     ", repeat('big', 100) FROM generate_series(200001, 210000) g");
        session.exec("DELETE FROM shop.item WHERE id > 400000 AND id < 401000 AND id % 2 = " + own);
    };
    constexpr std::int64_t changes_of_each = 200 * 2 + 10000 + 499;
    {
        const std::jthread writes_here([&] { write(pair_.source(), 0); });
        const std::jthread writes_there([&] { write(there(), 1); });
        out->kill();
        out->wait();
        out = std::make_unique<Process>(out_.start());
        here.exec("CREATE TABLE shop.made (id int PRIMARY KEY, v text)");
        here.exec("CREATE INDEX CONCURRENTLY by_n ON shop.item (n)");
    }
    const auto all_is_there = [](Session session) {
        return session.number("SELECT count(*) FROM shop.item") == 20000 + 2 * (200 + 10000 - 499);
    };
    wait_while_running(*out, "all is there", [&] { return all_is_there(there()); });
    wait_while_running(back, "all is here", [&] { return all_is_there(pair_.source()); });
    for (Process *process : {out.get(), &back}) {
        process->signal(SIGTERM);
        EXPECT_EQ(process->wait(), 0) << process->errors();
    }
    for (int i = 0; i < 2; ++i) catch_up();
    expect_equal();
    EXPECT_EQ(applied_back(), changes_of_each);

    // Schema changes of either side, while nobody writes; rows that they compute.
    const auto before = applied_back();
    here.exec(
        "BEGIN; ALTER TABLE shop.item ADD r float8 DEFAULT random(); UPDATE shop.item SET v = 'all' WHERE id < 100;"
        "CREATE TABLE shop.copied AS SELECT id, r FROM shop.item WHERE id < 1000; COMMIT; TRUNCATE shop.made");
    for (int i = 0; i < 2; ++i) catch_up();
    expect_equal();
    EXPECT_EQ(applied_back(), before);
    const auto applied = applied_there();
    there().exec(
        "ALTER TABLE shop.made ADD at timestamptz DEFAULT clock_timestamp(); INSERT INTO shop.made VALUES (1, 'there')");
    there().exec("DROP TABLE shop.copied; ALTER TABLE shop.item ALTER n TYPE bigint");
    for (int i = 0; i < 2; ++i) catch_up();
    expect_equal();
    EXPECT_EQ(applied_there(), applied);

    EXPECT_GT(origins(), 0);
    for (const Task *task : {&out_, &back_}) {
        const auto cleaned = task->call({"cleanup"});
        EXPECT_EQ(cleaned.exit_code, 0) << cleaned.errors;
    }
    EXPECT_EQ(origins(), 0);
}

// Without it, precheck says where that leads.
TEST_F(Loop, IsSeen) {
    pair_.source().exec("CREATE TABLE a (id int PRIMARY KEY)");
    const Task unmarked(pair_, {.name = "out", .destination_conninfo = there_conninfo()});
    EXPECT_THAT(unmarked.call({"precheck"}).output, HasSubstr("no task leads back"));
    unmarked.run_until_now();
    const Task unmarked_back(pair_, {.name = "back",
                                     .source_conninfo = there_conninfo(),
                                     .destination_conninfo = pair_.source_conninfo(),
                                     .stages = "[\"stream\"]"});
    EXPECT_THAT(unmarked_back.call({"precheck"}).output, HasSubstr("warning    loop"));
    EXPECT_THAT(back_.call({"precheck"}).output, Not(HasSubstr("warning    loop")));
    EXPECT_EQ(unmarked.call({"cleanup"}).exit_code, 0);
}

}  // namespace
}  // namespace walferry::testing
