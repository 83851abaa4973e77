// Goal: a conflict of each kind under each policy ends as documented (docs/conflicts.md): the rows, the record, the counter; whether
// the transaction is small, big, or applied ahead of its commit; and once, whatever crashes.
// Method: one task with a table for each policy; the destination is changed behind its back.
//
// SPDX-License-Identifier: PostgreSQL
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "compare.h"

namespace walferry::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

const std::string policies = R"toml(
[conflict]
insert_exists = "skip"
update_missing = "skip"
delete_missing = "skip"
constraint_violation = "skip"

[[tables]]
name = "public.stopping"
conflict = { insert_exists = "stop", update_missing = "stop", delete_missing = "stop", constraint_violation = "stop" }
[[tables]]
name = "public.overwriting"
conflict = { insert_exists = "overwrite", update_missing = "overwrite" }
[[tables]]
name = "public.quarantined*"
conflict = { insert_exists = "quarantine", update_missing = "quarantine", delete_missing = "quarantine", constraint_violation = "quarantine" }
)toml";

class ConflictPolicyTest : public ::testing::Test {
protected:
    void SetUp() override {
        for (const char *table : {"stopping", "overwriting", "skipping", "quarantined"}) {
            source.exec(std::string("CREATE TABLE ") + table +
                        " (id int PRIMARY KEY, v text, place int UNIQUE, large text); ALTER TABLE " + table +
                        " ALTER large SET STORAGE EXTERNAL; INSERT INTO " + table +
                        " SELECT n, 'v', n FROM generate_series(1, 20) AS n");
        }
        source.exec(
            "CREATE TABLE plain (id int PRIMARY KEY, v text);"
            "CREATE TABLE quarantined_keyless (n numeric, v text); ALTER TABLE quarantined_keyless REPLICA IDENTITY FULL;"
            "CREATE TABLE quarantined_types (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, j jsonb, a text[], b bytea,"
            " f float8, d date, c char(5), x xml, twice int GENERATED ALWAYS AS (length(c) * 2) STORED);"
            "INSERT INTO quarantined_keyless VALUES (1.0, 'v'), (1.00, 'v')");
        task.run_until_now();
        ASSERT_EQ(compare(pair), "");
    }

    // What others have done to the destination's table.
    void disturb(const std::string &table) {
        destination.exec("INSERT INTO " + table + " VALUES (50, 'here', 500), (60, 'here', 600); DELETE FROM " + table +
                         " WHERE id IN (2, 3, 4)");
    }
    // One conflict of each kind.
    static std::string each_kind(const std::string &table) {
        return "INSERT INTO " + table + " VALUES (50, 'new', 501); UPDATE " + table +
               " SET v = 'new' WHERE id = 2; DELETE FROM " + table + " WHERE id = 3; INSERT INTO " + table +
               " VALUES (61, 'new', 600);";
    }

    std::string rows(const std::string &table) {
        return destination.value("SELECT string_agg(id || ' ' || v || ' ' || place, ', ' ORDER BY id) FROM " + table +
                                 " WHERE id IN (2, 3, 50, 60, 61)");
    }
    std::string records(const std::string &table) {
        return destination.value(
            "SELECT string_agg(kind || ' ' || outcome, ', ' ORDER BY id) FROM walferry.conflict"
            " WHERE table_name = '" +
            table + "'");
    }
    std::int64_t total(const std::string &kind, const std::string &policy) {
        return destination.number("SELECT total FROM walferry.conflict_total WHERE task = '" + task.name() +
                                  "' AND kind = '" + kind + "' AND policy = '" + policy + "'");
    }

    Pair pair;
    Task task{pair, {.source_more = "decoding_memory_mb = 1\n", .more = policies}};
    Session source = pair.source();
    Session destination = pair.destination();
};

TEST_F(ConflictPolicyTest, EachKindUnderEachPolicy) {
    for (const char *table : {"stopping", "overwriting", "skipping", "quarantined"}) disturb(table);
    // All but the stopping one in one transaction, among changes that are all right.
    source.exec("BEGIN; INSERT INTO plain VALUES (1, 'before');" + each_kind("overwriting") + each_kind("skipping") +
                each_kind("quarantined") + "INSERT INTO plain VALUES (2, 'after'); COMMIT");
    task.run_until_now();
    EXPECT_EQ(destination.value("SELECT string_agg(v, ' ' ORDER BY id) FROM plain"), "before after");
    EXPECT_EQ(rows("overwriting"), "2 new 2, 50 new 501, 60 here 600");
    EXPECT_EQ(rows("skipping"), "50 here 500, 60 here 600");
    EXPECT_EQ(rows("quarantined"), "50 here 500, 60 here 600");
    EXPECT_EQ(
        records("overwriting"),
        "insert_exists overwritten, update_missing overwritten, delete_missing skipped, constraint_violation skipped");
    EXPECT_EQ(records("skipping"),
              "insert_exists skipped, update_missing skipped, delete_missing skipped, constraint_violation skipped");
    EXPECT_EQ(
        records("quarantined"),
        "insert_exists quarantined, update_missing quarantined, delete_missing quarantined, constraint_violation quarantined");
    for (const char *kind : {"insert_exists", "update_missing", "delete_missing", "constraint_violation"}) {
        EXPECT_EQ(total(kind, "quarantine"), 1) << kind;
        const bool overwritable =
            std::string_view(kind) == "insert_exists" || std::string_view(kind) == "update_missing";
        EXPECT_EQ(total(kind, "overwrite"), overwritable ? 1 : 0) << kind;
        EXPECT_EQ(total(kind, "skip"), overwritable ? 1 : 2) << kind;
    }
    EXPECT_EQ(destination.value("SELECT count(*) FROM walferry.conflict WHERE lsn IS NULL OR xid IS NULL OR"
                                " commit_time IS NULL OR reason = ''"),
              "0");
    EXPECT_EQ(
        destination.value("SELECT operation || ' ' || local_row || ' ' || new_values::text || ' ' || key_columns::text"
                          " FROM walferry.conflict WHERE table_name = 'quarantined' AND kind = 'insert_exists'"),
        R"(INSERT (50,here,500,) {"v": "new", "id": "50", "large": null, "place": "501"} {id})");
    EXPECT_EQ(destination.value("SELECT old_values::text || ' ' || new_values::text FROM walferry.conflict"
                                " WHERE table_name = 'quarantined' AND kind = 'update_missing'"),
              R"({"id": "2"} {"v": "new", "id": "2", "large": null, "place": "2"})");

    const auto status = nlohmann::json::parse(task.call({"status", "--json"}).output);
    EXPECT_EQ(status["conflicts"]["quarantined"], 4);
    EXPECT_EQ(status["conflicts"]["totals"].size(), 10U);
    EXPECT_THAT(task.call({"status"}).output,
                AllOf(HasSubstr("2 delete_missing (skip)"), HasSubstr("4 wait in quarantine")));

    // The operator makes room, and has them applied: the order is theirs, each is looked at for itself.
    const auto list = nlohmann::json::parse(task.call({"quarantine", "list", "--json"}).output);
    ASSERT_EQ(list["conflicts"].size(), 4U);
    const auto replay = task.call({"quarantine", "replay"}, 180s, {"all"});
    EXPECT_EQ(replay.exit_code, 5);
    EXPECT_THAT(replay.errors, AllOf(HasSubstr("id = '50'"), HasSubstr("in quarantine")));
    destination.exec(
        "DELETE FROM quarantined WHERE id IN (50, 60); INSERT INTO quarantined VALUES (2, 'v', 2), (3, 'v', 3)");
    const auto again = task.call({"quarantine", "replay"}, 180s, {"all"});
    EXPECT_EQ(again.exit_code, 0) << again.errors;
    EXPECT_EQ(rows("quarantined"), "2 new 2, 50 new 501, 61 new 600");
    EXPECT_EQ(task.call({"quarantine", "list"}).output, "none\n");
    EXPECT_THAT(task.call({"quarantine", "list", "--all"}).output, HasSubstr("replayed  update_missing: UPDATE"));
    EXPECT_EQ(task.call({"quarantine", "replay"}, 180s, {list["conflicts"][0]["id"].dump()}).exit_code, 3);
    EXPECT_EQ(task.call({"quarantine", "drop"}, 180s, {list["conflicts"][0]["id"].dump()}).exit_code, 0);
    EXPECT_EQ(task.call({"quarantine", "drop"}, 180s, {list["conflicts"][0]["id"].dump()}).exit_code, 3);
    EXPECT_EQ(task.call({"quarantine", "drop"}, 180s, {"all"}).output, "dropped 11\n");

    // The table that says so stops in front of its transaction.
    source.exec(
        "BEGIN; INSERT INTO skipping VALUES (60, 'new', 700); INSERT INTO stopping VALUES (50, 'new', 501); COMMIT");
    const auto stopped = task.call({"run", "--until", "now"});
    EXPECT_EQ(stopped.exit_code, 5);
    EXPECT_THAT(stopped.errors, AllOf(HasSubstr("public.stopping"), HasSubstr("id = '50'")));
    EXPECT_EQ(destination.number("SELECT count(*) FROM walferry.conflict"), 0) << "undone with it";
    destination.exec("DELETE FROM stopping WHERE id = 50");
    task.run_until_now();
    EXPECT_EQ(records("skipping"), "insert_exists skipped");
}

TEST_F(ConflictPolicyTest, WhatIsSpecial) {
    // A large value that an update has left alone: the row can't be made of it.
    source.exec("UPDATE overwriting SET large = repeat('x', 100000) WHERE id = 4");
    task.run_until_now();
    destination.exec("DELETE FROM overwriting WHERE id = 4; DELETE FROM quarantined_keyless WHERE n::text = '1.00'");
    source.exec("UPDATE overwriting SET v = 'new' WHERE id = 4");
    const auto stopped = task.call({"run", "--until", "now"});
    EXPECT_EQ(stopped.exit_code, 5);
    EXPECT_THAT(stopped.errors, HasSubstr("large values alone"));
    destination.exec("INSERT INTO overwriting VALUES (4, 'v', 4)");
    task.run_until_now();

    // The row that an update would make is there, by its other key; a key that is taken.
    destination.exec("DELETE FROM overwriting WHERE id = 5; INSERT INTO overwriting VALUES (55, 'here', 55)");
    source.exec("UPDATE overwriting SET id = 55 WHERE id = 5");
    task.run_until_now();
    EXPECT_EQ(destination.value("SELECT v || place FROM overwriting WHERE id = 55"), "v5");
    EXPECT_EQ(records("overwriting"), "update_missing overwritten, insert_exists overwritten");
    destination.exec("INSERT INTO overwriting VALUES (66, 'here', 66)");
    source.exec("UPDATE overwriting SET id = 66 WHERE id = 6");
    task.run_until_now();
    EXPECT_THAT(records("overwriting"), HasSubstr("constraint_violation skipped"));

    // Rows without a key are told by all their bytes; values come back exactly as they were.
    source.exec("UPDATE quarantined_keyless SET v = 'new' WHERE n::text = '1.00'");
    destination.exec("INSERT INTO quarantined_types OVERRIDING SYSTEM VALUE VALUES (1)");
    source.exec(
        "INSERT INTO quarantined_types (j, a, b, f, d, c, x) VALUES ('[1, \"a\\u00e9\", null]', '{a,NULL,\"b,c\"}', '\\x00ff',"
        " '-Infinity', '2024-02-29', 'ab', '<a>b</a>')");
    task.run_until_now();
    EXPECT_EQ(records("quarantined_keyless") + ", " + records("quarantined_types"),
              "update_missing quarantined, insert_exists quarantined");
    destination.exec("INSERT INTO quarantined_keyless VALUES (1.00, 'v'); DELETE FROM quarantined_types");
    const auto replay = task.call({"quarantine", "replay"}, 180s, {"all"});
    EXPECT_EQ(replay.exit_code, 0) << replay.errors;
    EXPECT_EQ(destination.value("SELECT string_agg(n || v, ' ' ORDER BY n::text) FROM quarantined_keyless"),
              "1.0v 1.00new");
    const std::string all = "SELECT t::text FROM quarantined_types AS t";
    EXPECT_EQ(destination.value(all), source.value(all));

    // What is no conflict of these kinds stops every table.
    destination.exec("ALTER TABLE skipping RENAME COLUMN v TO w");
    source.exec("UPDATE skipping SET v = 'new' WHERE id = 7");
    EXPECT_EQ(task.call({"run", "--until", "now"}).exit_code, 5);
}

// Whole groups of conflicts, pieces of a big transaction, one that is applied ahead of its commit; killed at each turn.
TEST_F(ConflictPolicyTest, BigTransactionsAndCrashes) {
    disturb("quarantined");
    disturb("overwriting");
    destination.exec("INSERT INTO skipping SELECT n, 'here', n FROM generate_series(100, 150) AS n");
    const std::string big =
        "INSERT INTO plain SELECT n, repeat('p', 200) FROM generate_series(1, 6000) AS n;" + each_kind("quarantined") +
        "INSERT INTO plain SELECT n, repeat('q', 200) FROM generate_series(6001, 12000) AS n;" +
        each_kind("overwriting") + "INSERT INTO skipping SELECT n, 'new', n FROM generate_series(100, 200) AS n;";
    source.exec("BEGIN;" + big + "COMMIT");
    for (const char *place : {"before_checkpoint", "after_commit_sent", "after_commit"}) {
        source.exec("UPDATE quarantined SET v = 'new' WHERE id = 4");
        auto run = task.start({{"WALFERRY_FAILPOINT", place}});
        EXPECT_EQ(run.wait(), 128 + SIGKILL) << place << run.errors();
    }
    task.run_until_now();
    EXPECT_EQ(records("quarantined"),
              "insert_exists quarantined, update_missing quarantined, delete_missing quarantined,"
              " constraint_violation quarantined, update_missing quarantined, update_missing quarantined,"
              " update_missing quarantined");
    EXPECT_EQ(rows("overwriting"), "2 new 2, 50 new 501, 60 here 600");
    EXPECT_EQ(
        destination.value("SELECT count(*) || ' ' || count(*) FILTER (WHERE v = 'new') FROM skipping WHERE id >= 100"),
        "101 50");
    EXPECT_EQ(total("insert_exists", "skip"), 51);
    EXPECT_EQ(destination.number("SELECT count(*) FROM walferry.conflict"), 51 + 7 + 4);
    EXPECT_EQ(destination.number("SELECT count(*) FROM walferry.conflict WHERE lsn IS NULL"), 0);
    EXPECT_EQ(destination.number("SELECT count(*) FROM plain"), 12000);

    // While it runs, a transaction is applied ahead of its commit.
    auto run = task.start();
    task.wait_for_stream(run);
    destination.exec("INSERT INTO skipping VALUES (300, 'here', 300)");
    source.exec(
        "BEGIN; INSERT INTO plain SELECT n, repeat('r', 200) FROM generate_series(12001, 17000) AS n;"
        "INSERT INTO skipping VALUES (300, 'new', 301);"
        "INSERT INTO plain SELECT n, repeat('r', 200) FROM generate_series(17001, 22000) AS n; COMMIT");
    wait_while_running(run, "it is applied", [&] { return destination.number("SELECT count(*) FROM plain") == 22000; });
    EXPECT_EQ(total("insert_exists", "skip"), 52);
    EXPECT_EQ(destination.number("SELECT count(*) FROM walferry.conflict WHERE lsn IS NULL"), 0);
    run.signal(SIGTERM);
    EXPECT_EQ(run.wait(), 0) << run.errors();
}

// What was said of a table holds for the changes before it was dropped, of a partition too; and so does what was not said.
TEST(ConflictPolicyDropped, HoldsUntilTheTableIsGone) {
    const Pair pair;
    auto source = pair.source();
    auto destination = pair.destination();
    for (const char *table : {"skipping", "stopping"}) {
        source.exec(std::string("CREATE TABLE ") + table + " (id int PRIMARY KEY, v text)");
    }
    source.exec(
        "CREATE TABLE parts (id int PRIMARY KEY, v text) PARTITION BY RANGE (id);"
        "CREATE TABLE one PARTITION OF parts FOR VALUES FROM (0) TO (100); INSERT INTO parts VALUES (1, 'v')");
    const Task task(pair, {.more = "[conflict]\ninsert_exists = 'overwrite'\n"
                                   "[[tables]]\nname = 'public.ski*'\nconflict = { insert_exists = 'skip' }\n"
                                   "[[tables]]\nname = 'public.stopping'\nconflict = { insert_exists = 'stop' }\n"
                                   "[[tables]]\nname = 'public.parts'\nrename = 'pieces'\n"
                                   "conflict = { update_missing = 'quarantine' }\n"});
    task.run_until_now();
    destination.exec(
        "INSERT INTO skipping VALUES (1, 'here'); INSERT INTO stopping VALUES (1, 'here'); DELETE FROM pieces");
    source.exec("INSERT INTO skipping VALUES (1, 'new'); UPDATE parts SET v = 'new'");
    source.exec("INSERT INTO stopping VALUES (1, 'new')");
    source.exec("DROP TABLE skipping, stopping, parts");
    const auto stopped = task.call({"run", "--until", "now"});
    EXPECT_EQ(stopped.exit_code, 5) << stopped.errors;
    EXPECT_THAT(stopped.errors, HasSubstr("public.stopping"));
    const std::string records =
        "SELECT string_agg(table_name || ' ' || outcome, ', ' ORDER BY id) FROM walferry.conflict";
    EXPECT_EQ(destination.value(records), "skipping skipped, one quarantined");
    destination.exec("DELETE FROM stopping");
    task.run_until_now();
    EXPECT_TRUE(destination.holds("SELECT to_regclass('skipping') IS NULL AND to_regclass('pieces') IS NULL"));
}

// Rows of the destination are found under the names that tables and columns have there.
TEST(ConflictPolicyMapped, UnderOtherNames) {
    const Pair pair;
    auto source = pair.source();
    auto destination = pair.destination();
    source.exec(
        "CREATE SCHEMA shop; CREATE TABLE shop.t (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, v text);"
        "INSERT INTO shop.t (v) VALUES ('one'), ('two')");
    const Task task(pair, {.more = "[map]\nschemas = { shop = 'store' }\n[[tables]]\nname = 'shop.t'\nrename = 'u'\n"
                                   "rename_columns = { v = 'w', id = 'key' }\n"
                                   "conflict = { insert_exists = 'quarantine', update_missing = 'overwrite' }\n"});
    task.run_until_now();
    destination.exec(
        "INSERT INTO store.u (key, w) OVERRIDING SYSTEM VALUE VALUES (3, 'here'); DELETE FROM store.u WHERE key = 1");
    source.exec("INSERT INTO shop.t (v) VALUES ('three'); UPDATE shop.t SET v = 'uno' WHERE id = 1");
    task.run_until_now();
    const auto rows = [&] {
        return destination.value("SELECT string_agg(key || ' ' || w, ', ' ORDER BY key) FROM store.u");
    };
    EXPECT_EQ(rows(), "1 uno, 2 two, 3 here");
    EXPECT_THAT(task.call({"quarantine", "list"}).output, HasSubstr("shop.t"));
    destination.exec("DELETE FROM store.u WHERE key = 3");
    const auto replayed = task.call({"quarantine", "replay"}, 60s, {"all"});
    EXPECT_EQ(replayed.exit_code, 0) << replayed.errors;
    EXPECT_EQ(rows(), "1 uno, 2 two, 3 three");
}

// The destination's tables hold rows before the copy.
TEST(ExistingRows, EachPolicy) {
    const Pair pair;
    auto source = pair.source();
    auto destination = pair.destination();
    for (const char *table : {"refused", "kept", "replaced"}) {
        const std::string name = table;
        const std::string sql = "CREATE TABLE " + name +
                                " (id int PRIMARY KEY, v text, n int GENERATED ALWAYS AS IDENTITY,"
                                " twice int GENERATED ALWAYS AS (id * 2) STORED)";
        source.exec(sql + "; INSERT INTO " + name + " (id, v) SELECT g, 'source' FROM generate_series(1, 5000) AS g");
        destination.exec(sql + "; INSERT INTO " + name +
                         " (id, v, n) OVERRIDING SYSTEM VALUE"
                         " SELECT g, 'here', -g FROM generate_series(4001, 6000) AS g");
    }
    source.exec("CREATE TABLE keyless (v text)");
    destination.exec("CREATE TABLE keyless (v text); INSERT INTO keyless VALUES ('here')");
    const auto make_task = [&](const std::string &name, const std::string &existing_rows) {
        return Task(pair,
                    {.name = name,
                     .stages = R"(["copy", "stream"])",
                     .more = "[objects]\ninclude = ['public." + name + "']\n[[tables]]\nname = 'public." + name +
                             "'\nconflict = { existing_rows = '" + existing_rows + "', insert_exists = 'skip' }\n"});
    };
    const std::string sums =
        "SELECT count(*) FILTER (WHERE v = 'source') || ' ' || count(*) FILTER (WHERE v = 'here') || ' ' || "
        "count(*) FILTER (WHERE n < 0) || ' ' || sum(twice) FROM ";

    const auto stopped = make_task("refused", "refuse").call({"run", "--until", "now"});
    EXPECT_EQ(stopped.exit_code, 3) << stopped.errors;
    EXPECT_THAT(stopped.errors, HasSubstr("public.refused"));
    EXPECT_EQ(destination.value(sums + "refused"), "0 2000 2000 20002000");

    const Task kept = make_task("kept", "keep");
    kept.run_until_now();
    EXPECT_EQ(destination.value(sums + "kept"), "4000 2000 2000 36006000");
    const Task replaced = make_task("replaced", "replace");
    replaced.run_until_now();
    EXPECT_EQ(destination.value(sums + "replaced"), "5000 1000 1000 36006000");
    EXPECT_EQ(destination.value("SELECT string_agg(kind || ' ' || policy || ' ' || total, ', ' ORDER BY policy)"
                                " FROM walferry.conflict_total"),
              "existing_row keep 1000, existing_row replace 1000");
    // The stream goes on from there.
    source.exec(
        "UPDATE kept SET v = 'later' WHERE id > 4900; DELETE FROM replaced WHERE id > 4900;"
        "INSERT INTO replaced (id, v) VALUES (6000, 'source')");
    kept.run_until_now();
    replaced.run_until_now();
    EXPECT_EQ(destination.value(sums + "kept"), "4000 1900 1900 36006000");
    EXPECT_EQ(destination.value("SELECT count(*) FROM replaced WHERE v = 'source'"), "4900");
    EXPECT_EQ(destination.value("SELECT v FROM replaced WHERE id = 6000"), "here");

    const auto keyless = make_task("keyless", "keep").call({"run", "--until", "now"});
    EXPECT_EQ(keyless.exit_code, 3) << keyless.errors;
    EXPECT_THAT(keyless.errors, HasSubstr("no primary key"));
}

}  // namespace
}  // namespace walferry::testing
