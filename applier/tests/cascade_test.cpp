// Goal: a destination that is a source of another task: what is applied there, rows and definitions, goes on to the third server.
// Method: three servers in a row; the catalogue of DDL (ddl_cases.h) and changes of rows at the first; in the end all three are
// compared, whole.
//
// SPDX-License-Identifier: PostgreSQL
#include <gtest/gtest.h>

#include <csignal>

#include "compare.h"
#include "ddl_cases.h"
#include "soak.h"

namespace walferry::testing {
namespace {

// The first and the third are a pair's.
class Cascade : public ::testing::Test {
protected:
    Cascade() : middle_("middle", with_capture({})) {
        Session(middle_.conninfo()).exec("CREATE DATABASE middle TEMPLATE template0 ENCODING 'UTF8'");
        middle().exec("CREATE EXTENSION walferry");
    }

    std::string middle_conninfo() const { return middle_.conninfo("middle"); }
    Session middle() const { return Session(middle_conninfo()); }

    void catch_up() const {
        first_.run_until_now();
        second_.run_until_now();
    }
    void expect_equal() const {
        EXPECT_EQ(compare({pair_.source_conninfo(), middle_conninfo()}), "");
        EXPECT_EQ(compare({middle_conninfo(), pair_.destination_conninfo()}), "");
    }

    const Cluster middle_;
    const Pair pair_;
    const Task first_{pair_, {.name = "first", .destination_conninfo = middle_conninfo()}};
    const Task second_{pair_, {.name = "second", .source_conninfo = middle_conninfo()}};
};

TEST_F(Cascade, RowsAndDefinitionsGoOn) {
    auto source = pair_.source();
    source.exec(
        "CREATE SCHEMA shop; CREATE TABLE shop.item (id serial PRIMARY KEY, name text NOT NULL, price numeric);"
        "CREATE INDEX ON shop.item (lower(name)); CREATE TABLE shop.log (v text); ALTER TABLE shop.log REPLICA IDENTITY FULL;"
        "CREATE MATERIALIZED VIEW shop.sums AS SELECT count(*) AS n FROM shop.item;"
        "INSERT INTO shop.item (name, price) SELECT repeat('x', 30) || g, g FROM generate_series(1, 40000) g;"
        "INSERT INTO shop.log SELECT g % 10 FROM generate_series(1, 100) g; REFRESH MATERIALIZED VIEW shop.sums");
    // The second begins when nothing has arrived yet at its source: all of the first's initial copy is in its stream.
    middle().exec("CREATE TABLE public.own (id int PRIMARY KEY)");
    second_.run_until_now();
    middle().exec("DROP TABLE public.own");
    catch_up();
    expect_equal();

    source.exec(
        "BEGIN; ALTER TABLE shop.item ADD r float8 DEFAULT random(); UPDATE shop.item SET price = price * 2 WHERE id < 9;"
        "ALTER TABLE shop.item ALTER price TYPE bigint USING (price + 1 + random())::bigint; COMMIT;"
        "CREATE TABLE shop.copied AS SELECT id, r, clock_timestamp() AS at FROM shop.item WHERE id < 100;"
        "CREATE VIEW shop.names AS SELECT name FROM shop.item; DELETE FROM shop.item WHERE id % 2 = 0;"
        "REFRESH MATERIALIZED VIEW shop.sums; ALTER TABLE shop.copied ADD PRIMARY KEY (id); TRUNCATE shop.log");
    source.exec("CREATE INDEX CONCURRENTLY by_price ON shop.item (price)");
    source.exec("SELECT r.* INTO shop.moved FROM shop.copied r; ALTER TABLE shop.item RENAME price TO cents");
    catch_up();
    expect_equal();

    // Both at once, and the middle one's ends come at any moment.
    auto first = first_.start();
    auto second = second_.start();
    for (int i = 0; i < 5; ++i) {
        source.exec("CREATE TABLE shop.t" + std::to_string(i) + " (id int PRIMARY KEY, v text DEFAULT 'd')");
        source.exec("INSERT INTO shop.t" + std::to_string(i) + " SELECT g FROM generate_series(1, 500) g");
        source.exec("ALTER TABLE shop.t" + std::to_string(i) + " ADD w timestamptz DEFAULT clock_timestamp()");
    }
    wait_while_running(second, "the last table is at the third server", [&] {
        return pair_.destination().holds(
            "SELECT EXISTS (SELECT FROM pg_attribute WHERE attrelid = to_regclass('shop.t4')"
            " AND attname = 'w')");
    });
    for (Process *process : {&first, &second}) {
        process->signal(SIGTERM);
        EXPECT_EQ(process->wait(), 0) << process->errors();
    }
    catch_up();
    expect_equal();
    EXPECT_EQ(first_.call({"verify"}).exit_code, 0);
    EXPECT_EQ(second_.call({"verify"}).exit_code, 0);

    // The middle server's schema belongs to the extension, which stays.
    EXPECT_EQ(first_.call({"cleanup"}).exit_code, 0);
    EXPECT_TRUE(
        middle().holds("SELECT to_regclass('walferry.task') IS NULL AND to_regclass('walferry.ddl_log') IS NOT NULL"));
    EXPECT_EQ(second_.call({"cleanup"}).exit_code, 0);
}

// Each kind of statement, or a third of them.
TEST_F(Cascade, TheCatalogueOfDdlGoesOn) {
    auto source = pair_.source();
    source.exec("CREATE TABLE public.any (id int PRIMARY KEY)");
    catch_up();
    const auto is_of_the_servers = [](const DdlCase &c) {
        std::string text = c.before;
        for (const char *statement : c.statements) text += statement;
        return c.role != nullptr || text.find("matrix_") != std::string::npos || text.find("{n}") != std::string::npos;
    };
    int number = 0;
    for (const DdlCase &c : ddl_cases()) {
        if (is_of_the_servers(c) || (number++ % 3 != 0 && soak_factor() == 1)) continue;
        const auto exec = [&](std::string text) {
            for (std::size_t at = 0; (at = text.find("{s}")) != std::string::npos;) text.replace(at, 3, c.name);
            if (!text.empty()) source.exec(text);
        };
        exec(
            "CREATE SCHEMA {s}; SET search_path = {s}, public; CREATE TABLE t (id int PRIMARY KEY, v text, n int);"
            "INSERT INTO t SELECT g, 'v' || g, g % 5 FROM generate_series(1, 20) g; CREATE TABLE log (n int);"
            "ALTER TABLE log REPLICA IDENTITY FULL");
        exec(c.before);
        for (const char *statement : c.statements) exec(statement);
        exec(c.after);
    }
    catch_up();
    expect_equal();
}

}  // namespace
}  // namespace walferry::testing
