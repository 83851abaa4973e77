// Goal: whoever dies around a DDL statement, and at whatever point of it, it takes effect once, in its place.
// Method: kill -9 at each failpoint that a kind of statement passes, again and again, then run to the end; and servers'
// sessions that end in the middle of a CREATE INDEX CONCURRENTLY.
//
// SPDX-License-Identifier: PostgreSQL
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <random>

#include "compare.h"
#include "soak.h"

namespace walferry::testing {
namespace {

const char *const schema =
    "CREATE TABLE a (id int PRIMARY KEY, v text); CREATE TABLE keyless (n int);"
    "CREATE TABLE child (id int PRIMARY KEY, a int REFERENCES a); CREATE INDEX by_v ON a (v);"
    "INSERT INTO a SELECT n, 'v' || n FROM generate_series(1, 1000) n; INSERT INTO keyless SELECT generate_series(1, 100);"
    "INSERT INTO child SELECT n, n FROM generate_series(1, 500) n";

// Rows without a key around everything: one that came twice would show.
const char *const around = "INSERT INTO keyless VALUES (1); UPDATE a SET v = v || 'x' WHERE id % 10 = 3";

struct Scenario {
    const char *name;
    std::vector<const char *> statements;
    int ddl;  // statements of them that are noted
};

const Scenario ordinary = {
    "Ordinary",
    {"BEGIN; INSERT INTO keyless VALUES (2); ALTER TABLE a ADD COLUMN n int NOT NULL DEFAULT 7; UPDATE a SET n = id WHERE id % 7 = 0;"
     "CREATE TABLE made (id serial PRIMARY KEY, v text); INSERT INTO made (v) SELECT v FROM a; CREATE INDEX ON made (v);"
     "INSERT INTO keyless VALUES (3); COMMIT",
     "ALTER TABLE keyless RENAME n TO m; ALTER TABLE keyless RENAME m TO n", "CREATE VIEW w AS SELECT * FROM a",
     "INSERT INTO made (v) VALUES ('later')"},
    6};

const Scenario rewrite = {
    "Rewrite",
    {"BEGIN; INSERT INTO keyless VALUES (2); UPDATE a SET v = 'before' WHERE id % 2 = 0; ALTER TABLE a ADD COLUMN serial bigserial;"
     "UPDATE a SET v = 'behind' WHERE serial % 7 = 0; DELETE FROM a WHERE id > 900; ALTER TABLE a ADD COLUMN r float8 DEFAULT random();"
     "INSERT INTO keyless VALUES (3); COMMIT",
     "ALTER TABLE keyless ADD COLUMN u uuid DEFAULT gen_random_uuid()", "INSERT INTO keyless (n) VALUES (4)",
     "CREATE TABLE copied AS SELECT *, random() AS q FROM a", "INSERT INTO copied (id) VALUES (1)"},
    4};

const Scenario concurrently = {
    "Concurrently",
    {"INSERT INTO keyless VALUES (2)", "CREATE INDEX CONCURRENTLY slow ON a (v, id)", "INSERT INTO keyless VALUES (3)",
     "CREATE UNIQUE INDEX CONCURRENTLY ON a (lower(v), id)", "DROP INDEX CONCURRENTLY by_v",
     "INSERT INTO keyless VALUES (4)", "DROP INDEX CONCURRENTLY slow", "CREATE INDEX CONCURRENTLY slow ON keyless (n)",
     "INSERT INTO keyless VALUES (5)"},
    5};

const Scenario detach = {
    "Detach",
    {"CREATE TABLE p (id int PRIMARY KEY) PARTITION BY RANGE (id); CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);"
     "CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (10) TO (20); INSERT INTO p SELECT generate_series(0, 19)",
     "ALTER TABLE p DETACH PARTITION p1 CONCURRENTLY", "DELETE FROM p1 WHERE id = 5; INSERT INTO keyless VALUES (2)"},
    4};

struct Death {
    const Scenario *scenario;
    const char *place;
};

class DdlCrashFixture : public ::testing::Test {
protected:
    void SetUp() override {
        source.exec(schema);
        task.run_until_now();
        ASSERT_EQ(compare(pair), "");
        known = source.value("SELECT coalesce(max(id), 0) FROM walferry.ddl_log");
    }

    void change(const Scenario &scenario) {
        source.exec(around);
        for (const auto *statement : scenario.statements) source.exec(statement);
        source.exec(around);
    }

    void expect_once(const Scenario &scenario) {
        task.run_until_now();
        EXPECT_EQ(compare(pair), "");
        EXPECT_EQ(destination.number("SELECT count(*) FROM walferry.ddl WHERE state = 'applied' AND task = '" +
                                     task.name() + "' AND id > " + known),
                  scenario.ddl);
        EXPECT_EQ(destination.number("SELECT count(*) FROM walferry.ddl WHERE state <> 'applied'"), 0);
        EXPECT_EQ(invalid_indexes(), 0);
    }

    // The statements as they stand at either side. They are pruned at the source when they have been applied.
    static std::string statements(Session &session, const std::string &table, const std::string &behind) {
        return session.value(
            "SELECT string_agg(id || ' ' || tag || ' ' || statement, '; ' ORDER BY id) FROM walferry." + table +
            " WHERE id > " + behind);
    }

    std::int64_t invalid_indexes() {
        return destination.number("SELECT count(*) FROM pg_index WHERE NOT (indisvalid AND indisready AND indislive)");
    }

    const Pair pair;
    const Task task{pair, {.more = "[apply]\nworkers = 4\n"}};
    Session source = pair.source();
    Session destination = pair.destination();
    std::string known;
};

class DdlCrash : public DdlCrashFixture, public ::testing::WithParamInterface<Death> {};

TEST_P(DdlCrash, TakesEffectOnce) {
    const auto &[scenario, place] = GetParam();
    change(*scenario);
    const auto noted = statements(source, "ddl_log", known);
    // At its first time, where each new process dies as the one before did; at later ones, each gets further.
    int deaths = 0;
    for (const int time : {1, 1, 2, 2, 3, 4, 5}) {
        auto run = Process({walferry_program(), "run", "--until", "now", task.file()},
                           {{"WALFERRY_FAILPOINT", std::string(place) + ":" + std::to_string(time)}});
        const int exit_code = run.wait();
        ASSERT_THAT(exit_code, ::testing::AnyOf(0, 128 + SIGKILL)) << run.errors();
        if (exit_code == 0) break;
        ++deaths;
    }
    EXPECT_GT(deaths, 0) << "the place was never passed, or the program under test has no failpoints";
    expect_once(*scenario);
    EXPECT_EQ(statements(destination, "ddl", known), noted);
}

// With the next changes made meanwhile, while the task runs live.
TEST_P(DdlCrash, TakesEffectOnceLive) {
    const auto &[scenario, place] = GetParam();
    auto run = task.start({{"WALFERRY_FAILPOINT", std::string(place) + ":1"}});
    change(*scenario);
    if (!run.ends_within(10s)) run.kill();
    EXPECT_EQ(run.wait(), 128 + SIGKILL) << run.errors();
    for (int i = 0; i < 5; ++i) source.exec(around);
    expect_once(*scenario);
}

std::vector<Death> deaths() {
    std::vector<Death> all;
    for (const auto *place :
         {"ddl_before", "ddl_executed", "ddl_recorded", "before_checkpoint", "after_commit_sent", "after_commit"}) {
        all.push_back({&ordinary, place});
        all.push_back({&rewrite, place});
    }
    for (const auto *place : {"ddl_emptied", "ddl_refilled"}) all.push_back({&rewrite, place});
    for (const auto *place :
         {"ddl_outside_before", "ddl_outside_executed", "before_checkpoint", "after_commit_sent", "after_commit"}) {
        all.push_back({&concurrently, place});
    }
    for (const auto *place : {"ddl_outside_before", "ddl_outside_executed"}) all.push_back({&detach, place});
    return all;
}

INSTANTIATE_TEST_SUITE_P(DdlCrash, DdlCrash, ::testing::ValuesIn(deaths()), [](const auto &death) {
    return std::string(death.param.scenario->name) + "_" + death.param.place;
});

// In the middle of it: the index is there, and not yet valid.
class DdlCrashInTheMiddle : public DdlCrashFixture {
protected:
    // Another session's transaction at the destination, for which CREATE INDEX CONCURRENTLY waits.
    void block() { blocker.exec("BEGIN; LOCK TABLE a IN ROW EXCLUSIVE MODE"); }
    void wait_for_invalid_index(Process &run) {
        wait_while_running(run, "the index is half made", [&] { return invalid_indexes() == 1; });
    }

    Session blocker = pair.destination();
    const Scenario created = {
        "Created", {"CREATE INDEX CONCURRENTLY slow ON a (v, id)", "INSERT INTO keyless VALUES (3)"}, 1};
    const Scenario dropped = {"Dropped", {"DROP INDEX CONCURRENTLY by_v", "INSERT INTO keyless VALUES (3)"}, 1};
};

TEST_F(DdlCrashInTheMiddle, ApplierKilledWhileAnIndexIsMade) {
    block();
    auto killed = task.start();
    change(created);
    wait_for_invalid_index(killed);
    killed.kill();
    auto run = task.start();
    EXPECT_FALSE(run.ends_within(2000ms)) << run.errors();
    blocker.exec("ROLLBACK");
    wait_while_running(run, "what follows arrives",
                       [&] { return destination.holds("SELECT count(*) = 2 FROM keyless WHERE n = 3"); });
    run.signal(SIGTERM);
    EXPECT_EQ(run.wait(), 0) << run.errors();
    expect_once(created);
}

TEST_F(DdlCrashInTheMiddle, SessionEndedWhileAnIndexIsMade) {
    block();
    auto run = task.start();
    change(created);
    wait_for_invalid_index(run);
    destination.exec(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query ~ 'CREATE INDEX CONCURRENTLY'"
        " AND pid <> pg_backend_pid()");
    blocker.exec("ROLLBACK");
    wait_while_running(run, "the index is made anew", [&] {
        return destination.holds(
            "SELECT EXISTS (SELECT FROM pg_index WHERE indexrelid = to_regclass('slow') AND indisvalid)");
    });
    run.signal(SIGTERM);
    EXPECT_EQ(run.wait(), 0) << run.errors();
    expect_once(created);
}

TEST_F(DdlCrashInTheMiddle, ApplierKilledWhileAnIndexIsDropped) {
    block();
    auto killed = task.start();
    change(dropped);
    wait_for_invalid_index(killed);
    killed.kill();
    blocker.exec("ROLLBACK");
    expect_once(dropped);
}

// An applier that is stopped kindly, too, leaves nothing half made for good.
TEST_F(DdlCrashInTheMiddle, StoppedWhileAnIndexIsMade) {
    block();
    auto run = task.start();
    change(created);
    wait_for_invalid_index(run);
    run.signal(SIGTERM);
    EXPECT_EQ(run.wait(20s), 0) << run.errors();
    blocker.exec("ROLLBACK");
    expect_once(created);
}

// The source fails in it: an invalid index is left there, and nothing here; that it is dropped later troubles nobody.
TEST_F(DdlCrashInTheMiddle, IndexThatFailedAtTheSource) {
    source.exec("INSERT INTO keyless VALUES (1)");
    EXPECT_FALSE(source.connection().exec("CREATE UNIQUE INDEX CONCURRENTLY twice ON keyless (n)"));
    EXPECT_EQ(source.number("SELECT count(*) FROM pg_index WHERE indexrelid = 'twice'::regclass AND NOT indisvalid"),
              1);
    source.exec("INSERT INTO keyless VALUES (1)");
    task.run_until_now();
    EXPECT_EQ(compare(pair), "");
    source.exec("CREATE TABLE alike (LIKE keyless INCLUDING ALL)");  // its index is a whole one
    task.run_until_now();
    EXPECT_EQ(compare(pair), "");
    source.exec("DROP INDEX twice");
    source.exec("CREATE INDEX CONCURRENTLY twice ON keyless (n)");
    EXPECT_FALSE(source.connection().exec("CREATE UNIQUE INDEX CONCURRENTLY again ON keyless (n)"));
    source.exec("DROP INDEX CONCURRENTLY IF EXISTS again");
    task.run_until_now();
    EXPECT_EQ(compare(pair), "");
}

// A server that dies under it.
TEST(DdlCrashOfServers, DestinationDiesInARewrite) {
    Clusters clusters("ddl-crash", {}, {});
    const Pair pair(clusters);
    auto source = pair.source();
    source.exec(schema);
    const Task task(pair);
    task.run_until_now();
    for (const auto *mode : {"immediate", "fast"}) {
        auto blocker = std::make_unique<Session>(pair.destination());
        blocker->exec("BEGIN; SELECT FROM a LIMIT 1");  // the rewrite must wait
        auto run = task.start();
        source.exec(around);
        source.exec("BEGIN; INSERT INTO keyless VALUES (5); ALTER TABLE a ADD COLUMN r_" + std::string(mode) +
                    " float8 DEFAULT random(); INSERT INTO keyless VALUES (6); COMMIT");
        wait_while_running(run, "it waits for a lock", [&] {
            return blocker->holds(
                "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = 'a'::regclass)");
        });
        clusters.destination.stop(mode);
        blocker.reset();
        clusters.destination.start();
        wait_while_running(run, "it has arrived", [&] {
            auto destination = pair.destination();
            return destination.holds(
                "SELECT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'a'::regclass AND attname = 'r_" +
                std::string(mode) + "')");
        });
        run.signal(SIGTERM);
        EXPECT_EQ(run.wait(), 0) << run.errors();
        task.run_until_now();
        EXPECT_EQ(compare(pair), "");
    }
}

// At any moment, under a mixture of all kinds; the moments by a seed that is printed and can be set (WALFERRY_SEED).
TEST(DdlCrashAtRandom, KilledManyTimes) {
    const char *given = std::getenv("WALFERRY_SEED");
    const auto seed = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
    std::cout << "WALFERRY_SEED=" << seed << std::endl;
    std::mt19937_64 random(seed);
    const Pair pair;
    auto source = pair.source();
    source.exec(schema);
    const Task task(pair, {.more = "[apply]\nworkers = 4\n"});
    task.run_until_now();
    for (int i = 0; i < 10 * soak_factor(); ++i) {
        const auto number = std::to_string(i);
        auto run = task.start();
        const auto until = std::chrono::steady_clock::now() +
                           std::chrono::milliseconds(std::uniform_int_distribution(0, 1500)(random));
        for (int j = 0; j < 3; ++j) {
            const auto name = number + "_" + std::to_string(j);
            source.exec(around);
            source.exec("BEGIN; INSERT INTO keyless VALUES (2); ALTER TABLE a ADD COLUMN r_" + name +
                        " float8 DEFAULT random();"
                        "INSERT INTO keyless VALUES (3); UPDATE a SET r_" +
                        name + " = 0 WHERE id % 7 = 0; COMMIT");
            source.exec("CREATE TABLE made_" + name + " AS SELECT *, random() AS q FROM a");
            source.exec("CREATE INDEX CONCURRENTLY i_" + name + " ON a (r_" + name + ")");
            if (j == 2) source.exec("ALTER TABLE a DROP COLUMN r_" + number + "_0; DROP TABLE made_" + number + "_1");
        }
        const auto left = until - std::chrono::steady_clock::now();
        ASSERT_FALSE(run.ends_within(std::max(0ms, std::chrono::duration_cast<std::chrono::milliseconds>(left))))
            << run.errors();
        run.kill();
    }
    task.run_until_now();
    EXPECT_EQ(compare(pair), "");
    EXPECT_EQ(pair.destination().number("SELECT count(*) FROM walferry.ddl WHERE state <> 'applied'"), 0);
}

}  // namespace
}  // namespace walferry::testing
