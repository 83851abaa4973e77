// Goal: between servers of different majors, what only one of them has is followed where both have it, and refused before
// anything is done where it can't be.
// Method: `make check-versions` runs these between 15, 17 and 18; each skips the pairs that it isn't about.
//
// SPDX-License-Identifier: PostgreSQL
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <vector>

#include "compare.h"

namespace walferry::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using Json = nlohmann::json;

class Versions : public ::testing::Test {
protected:
    Json finding(const Task &task, const std::string &id) {
        const auto outcome = task.call({"precheck", "--json"});
        const auto report = Json::parse(outcome.output, nullptr, false);
        for (const auto &found : report["findings"]) {
            if (found["id"] == id) return found;
        }
        ADD_FAILURE() << "no finding " << id << ": " << outcome.output << outcome.errors;
        return {};
    }

    Pair pair;
    Session source = pair.source();
    Session destination = pair.destination();
    const int from = source.connection().server_version() / 10000;
    const int to = destination.connection().server_version() / 10000;
};

// Neither copied nor streamed: they are computed when they are read.
TEST_F(Versions, VirtualColumns) {
    if (from < 18 || to < 18) GTEST_SKIP() << "virtual columns came with 18";
    const Task task(pair);
    source.exec(
        "CREATE TABLE t (id int PRIMARY KEY, a int, twice int GENERATED ALWAYS AS (a * 2) VIRTUAL, b text,"
        " kept int GENERATED ALWAYS AS (a + 1) STORED);"
        "CREATE TABLE whole (a int, twice int GENERATED ALWAYS AS (a * 2)); ALTER TABLE whole REPLICA IDENTITY FULL;"
        "INSERT INTO t (id, a, b) SELECT n, n, 'row' FROM generate_series(1, 1000) n;"
        "INSERT INTO whole SELECT generate_series(1, 10)");
    task.run_until_now();
    source.exec(
        "INSERT INTO t (id, a, b) VALUES (1001, 5, 'streamed'); UPDATE t SET a = a + 1 WHERE id % 3 = 0;"
        "DELETE FROM t WHERE id = 7; UPDATE whole SET a = a + 100 WHERE a < 5; DELETE FROM whole WHERE a = 10;"
        "ALTER TABLE t ADD COLUMN thrice int GENERATED ALWAYS AS (a * 3) VIRTUAL; UPDATE t SET b = 'later' WHERE id < 10");
    task.run_until_now();
    EXPECT_EQ(compare(pair), "");
    EXPECT_EQ(destination.number("SELECT thrice FROM t WHERE id = 1001"), 15);
    const auto equal = task.call({"verify"});
    EXPECT_EQ(equal.exit_code, 0) << equal.output << equal.errors;
}

struct Newer {
    int since;  // major version
    const char *sql;
    const char *name;  // in precheck's words
};

const std::vector<Newer> newer_definitions = {
    {17,
     "CREATE TABLE booked (room int, at date, EXCLUDE USING btree (room WITH =, at WITH =)) PARTITION BY RANGE (room)",
     "exclusion constraint booked_room_at_excl of the partitioned table public.booked"},
    {17, "CREATE TABLE stored (id int) PARTITION BY RANGE (id) USING heap",
     "access method of the partitioned table public.stored"},
    {17, "CREATE TABLE kept (id int PRIMARY KEY); GRANT MAINTAIN ON kept TO versions_keeper",
     "privilege MAINTAIN on public.kept"},
    {17, "CREATE VIEW seen AS SELECT; GRANT MAINTAIN ON seen TO versions_keeper", "privilege MAINTAIN on public.seen"},
    {18, "CREATE TABLE calculated (id int PRIMARY KEY, twice int GENERATED ALWAYS AS (id * 2) VIRTUAL)",
     "virtual generated column public.calculated.twice"},
    {18, "CREATE TABLE rented (room int, during tstzrange, PRIMARY KEY (room, during WITHOUT OVERLAPS))",
     "constraint rented_pkey of public.rented, WITHOUT OVERLAPS"},
    {18, "CREATE TABLE unsure (id int PRIMARY KEY, n int CONSTRAINT positive CHECK (n > 0) NOT ENFORCED)",
     "constraint positive of public.unsure, NOT ENFORCED"},
    {18,
     "CREATE TABLE told (id int PRIMARY KEY, n int CONSTRAINT needed NOT NULL);"
     "COMMENT ON CONSTRAINT needed ON told IS 'why'",
     "comment on the constraint needed of public.told, NOT NULL"},
    {18,
     "CREATE TABLE parent (id int PRIMARY KEY);"
     "CREATE TABLE child (PRIMARY KEY (id), n int) INHERITS (parent)",
     "NOT NULL of the inherited column public.child.id"},
};

TEST_F(Versions, WhatTheOlderOneCantHaveIsRefused) {
    if (to >= from) GTEST_SKIP() << "from a newer one to an older one";
    source.exec("CREATE EXTENSION btree_gist; CREATE ROLE versions_keeper");
    const Task task(pair, {.more = "[schema]\ngrants = true\n"});
    std::vector<const char *> names;
    for (const auto &newer : newer_definitions) {
        if (newer.since > from || newer.since <= to) continue;
        source.exec(newer.sql);
        names.push_back(newer.name);
    }
    const auto found = finding(task, "newer_features");
    EXPECT_EQ(found["severity"], "error");
    for (const auto *name : names) EXPECT_THAT(found["meaning"].get<std::string>(), HasSubstr(name));
    EXPECT_THAT(found["found"].get<std::string>(), StartsWith(std::to_string(names.size()) + " that PostgreSQL"));
    EXPECT_EQ(task.call({"run"}).exit_code, 3);
    source.exec(
        "DROP VIEW IF EXISTS seen; DROP TABLE IF EXISTS booked, stored, kept, calculated, rented, unsure, told, child, parent; DROP ROLE versions_keeper;"
        "CREATE TABLE plain (id int PRIMARY KEY)");
    EXPECT_EQ(finding(task, "newer_features")["severity"], "ok");
    source.exec("DROP EXTENSION btree_gist CASCADE");
    task.run_until_now();
    EXPECT_EQ(compare(pair), "");
}

// In the stream there is no precheck: the statement stops the task at its place.
TEST_F(Versions, StatementsThatTheOlderOneDoesntKnow) {
    if (to >= from) GTEST_SKIP() << "from a newer one to an older one";
    const std::vector<Newer> statements = {
        {17, "ALTER TABLE t ALTER COLUMN twice SET EXPRESSION AS (id + id)", "syntax error"},
        {17, "CREATE EXTENSION earthdistance CASCADE", "extension \"earthdistance\" has no installation script"},
        {18, "CREATE EXTENSION postgres_fdw", "extension \"postgres_fdw\" has no installation script"},
        {18, "ALTER TABLE t ADD COLUMN thrice int GENERATED ALWAYS AS (id * 3) VIRTUAL", "syntax error"},
    };
    source.exec("CREATE TABLE t (id int PRIMARY KEY, twice int GENERATED ALWAYS AS (id * 2) STORED)");
    const Task task(pair);
    task.run_until_now();
    int rows = 0;
    for (const auto &[since, sql, error] : statements) {
        if (since > from || since <= to) continue;
        source.exec(sql);
        const auto stopped = task.call({"run", "--until", "now"});
        EXPECT_EQ(stopped.exit_code, 5) << stopped.errors;
        EXPECT_THAT(stopped.errors, AllOf(HasSubstr("can't be applied"), HasSubstr(error)));
        source.exec("INSERT INTO t VALUES (" + std::to_string(++rows) + ")");
        const auto id = destination.value("SELECT id FROM walferry.ddl WHERE state = 'failed'");
        EXPECT_EQ(task.call({"ddl", "skip"}, 60s, {id}).exit_code, 0);
        task.run_until_now();
        EXPECT_EQ(destination.number("SELECT count(*) FROM t"), rows);
    }
    EXPECT_GT(rows, 0);
}

TEST_F(Versions, SettingsThatEndSlotsAreSaid) {
    source.exec("CREATE TABLE t (id int PRIMARY KEY)");
    const Task task(pair);
    EXPECT_EQ(finding(task, "idle_replication_slot_timeout")["severity"], "ok");
    EXPECT_EQ(finding(task, "failover")["severity"], "ok");
    if (from < 18) return;
    source.exec("ALTER SYSTEM SET idle_replication_slot_timeout = '1h'");
    source.exec("SELECT pg_reload_conf()");
    wait_until("it is seen", [&] { return finding(task, "idle_replication_slot_timeout")["severity"] == "warning"; });
    source.exec("ALTER SYSTEM RESET idle_replication_slot_timeout");
    source.exec("SELECT pg_reload_conf()");
}

}  // namespace
}  // namespace walferry::testing
