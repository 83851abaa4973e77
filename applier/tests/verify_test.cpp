// Goal: `walferry verify` finds what differs, names it, and finds nothing else, also while changes flow.
// Method: a pair that the task has made equal is spoiled behind its back.
//
// SPDX-License-Identifier: PostgreSQL
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "compare.h"
#include "load.h"
#include "soak.h"

namespace walferry::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Json = nlohmann::json;

Json verify(const Task &task, int exit_code, const std::vector<std::string> &more = {},
            std::chrono::seconds limit = 180s) {
    const auto outcome = task.call({"verify", "--json"}, limit, more);
    EXPECT_EQ(outcome.exit_code, exit_code) << outcome.output << outcome.errors;
    return Json::parse(outcome.output, nullptr, false);
}

Json differences(const Json &report, const std::string &table) {
    for (const auto &entry : report["tables"]) {
        if (entry["table"] == table) return entry["differences"];
    }
    ADD_FAILURE() << "no table " << table << " in " << report.dump();
    return {};
}

Json object(const Json &report, const std::string &kind, const std::string &name) {
    for (const auto &entry : report["objects"]) {
        if (entry["kind"] == kind && entry["name"] == name) return entry;
    }
    ADD_FAILURE() << "no " << kind << " " << name << " in " << report["objects"].dump(1);
    return {};
}

class Verify : public ::testing::Test {
protected:
    // At the destination, with triggers and foreign keys as quiet as for the applier.
    void spoil(const std::string &sql) { destination.exec("SET session_replication_role = replica; " + sql); }

    Pair pair;
    Session source = pair.source();
    Session destination = pair.destination();
    Task task{pair};
};

TEST_F(Verify, RowsByKey) {
    const int rows = soak_factor() > 1 ? 500'000 * soak_factor() : 200'000;
    source.exec("CREATE TABLE t (id int PRIMARY KEY, b bytea, v text); CREATE TABLE other (id int PRIMARY KEY)");
    source.exec("INSERT INTO t SELECT n, decode(md5(n::text), 'hex'), 'value ' || n FROM generate_series(1, " +
                std::to_string(rows) + ") AS n; INSERT INTO other VALUES (1)");
    task.run_until_now(600s);
    EXPECT_EQ(verify(task, 0, {}, 600s)["equal"], true);

    spoil(
        "UPDATE t SET b = set_bit(b, 77, 1 - get_bit(b, 77)) WHERE id = 70007; DELETE FROM t WHERE id = 150000;"
        "INSERT INTO t VALUES (-5, '', 'extra')");
    const auto report = verify(task, 9, {}, 600s);
    const auto found = differences(report, "public.t");
    ASSERT_EQ(found.size(), 3U) << found.dump(1);
    EXPECT_EQ(found[0], Json::parse(R"({"kind": "extra", "key": {"id": "-5"}, "columns": []})"));
    EXPECT_EQ(found[1], Json::parse(R"({"kind": "missing", "key": {"id": "150000"}, "columns": []})"));
    EXPECT_EQ(found[2], Json::parse(R"({"kind": "differing", "key": {"id": "70007"}, "columns": ["b"]})"));
    EXPECT_TRUE(differences(report, "public.other").empty());
    EXPECT_TRUE(report["objects"].empty()) << report["objects"].dump(1);

    EXPECT_EQ(verify(task, 0, {"public.other"})["tables"].size(), 1U);
    const auto unknown = task.call({"verify"}, 60s, {"public.nosuch"});
    EXPECT_EQ(unknown.exit_code, 3) << unknown.errors;
}

// What types call equal is not the same: bytes count. And so do values that no comparison sees: NULL and an empty text.
TEST_F(Verify, BitForBit) {
    source.exec(
        "CREATE EXTENSION citext; CREATE TABLE t (id int PRIMARY KEY, f float8, n numeric, c citext, v text, x xml, big text);"
        "INSERT INTO t SELECT n, 0 FROM generate_series(1, 5) AS n;"
        "UPDATE t SET n = 1.0, c = 'a', v = '', x = '<?xml version=\"1.0\"?><a/>', big = repeat(md5(id::text), 100000)");
    task.run_until_now();
    EXPECT_EQ(verify(task, 0)["equal"], true);
    spoil(
        "UPDATE t SET f = '-0' WHERE id = 1; UPDATE t SET n = 1.00, c = 'A' WHERE id = 2; UPDATE t SET v = NULL WHERE id = 3;"
        "UPDATE t SET x = '<?xml version=\"1.0\" encoding=\"UTF-8\"?><a/>' WHERE id = 4;"
        "UPDATE t SET big = overlay(big placing 'X' from 3000001) WHERE id = 5");
    const auto found = differences(verify(task, 9), "public.t");
    ASSERT_EQ(found.size(), 5U) << found.dump(1);
    const std::vector<Json> columns = {{"f"}, {"n", "c"}, {"v"}, {"x"}, {"big"}};
    for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(found[i]["columns"], columns[i]) << found[i].dump();
}

TEST_F(Verify, OtherKeys) {
    source.exec(
        "CREATE EXTENSION citext; CREATE TABLE two (a text, b citext, v int, PRIMARY KEY (a, b));"
        "INSERT INTO two VALUES ('x', 'K', 1), ('x,', 'k', 2), ('x', ',K', 3), ('', '', 4), ('\"', E'\\\\', 5);"
        "CREATE TABLE uniq (k uuid NOT NULL UNIQUE, v int); INSERT INTO uniq SELECT md5(n::text)::uuid, n FROM generate_series(1, 9) AS n;"
        "CREATE TABLE keyless (v text, n int); ALTER TABLE keyless REPLICA IDENTITY FULL;"
        "INSERT INTO keyless VALUES ('a', 1), ('a', 1), ('b', NULL), ('c', 3);"
        "CREATE TABLE nothing (); INSERT INTO nothing SELECT FROM generate_series(1, 3)");
    task.run_until_now();
    EXPECT_EQ(verify(task, 0)["equal"], true);
    spoil(
        "UPDATE two SET b = 'k' WHERE v = 1; UPDATE two SET v = 55 WHERE v = 5; UPDATE uniq SET v = -1 WHERE v = 3;"
        "DELETE FROM keyless WHERE ctid = (SELECT min(ctid) FROM keyless WHERE v = 'a'); UPDATE keyless SET v = 'd' WHERE v = 'c';"
        "INSERT INTO nothing SELECT");
    const auto report = verify(task, 9);
    const auto two = differences(report, "public.two");
    ASSERT_EQ(two.size(), 3U) << two.dump(1);  // a key that is equal and not the same is another one
    EXPECT_EQ(two[0]["key"]["b"], "\\");
    EXPECT_EQ(two[0]["columns"], Json({"v"}));
    EXPECT_EQ(two[1], Json::parse(R"({"kind": "missing", "key": {"a": "x", "b": "K"}, "columns": []})"));
    EXPECT_EQ(two[2], Json::parse(R"({"kind": "extra", "key": {"a": "x", "b": "k"}, "columns": []})"));
    EXPECT_EQ(differences(report, "public.uniq").size(), 1U);
    std::set<std::string> keyless;
    for (const auto &row : differences(report, "public.keyless")) {
        keyless.insert(row["kind"].get<std::string>() + row["count"].dump() + row["row"].get<std::string>());
    }
    EXPECT_EQ(keyless, (std::set<std::string>{"missing1(a,1)", "missing1(c,3)", "extra1(d,3)"}));
    EXPECT_EQ(differences(report, "public.nothing")[0]["kind"], "extra");
}

TEST_F(Verify, Definitions) {
    source.exec(
        "CREATE TYPE mood AS ENUM ('sad', 'glad'); CREATE FUNCTION f(int) RETURNS int LANGUAGE sql AS 'SELECT 1';"
        "CREATE FUNCTION g() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"
        "CREATE TABLE t (id serial PRIMARY KEY, status varchar(9) DEFAULT 'new' CHECK (status IN ('new', 'old')), m mood, n int NOT NULL, p int);"
        "CREATE TABLE child (id int PRIMARY KEY, t int REFERENCES t); CREATE INDEX i ON t (n) WHERE n > 3;"
        "CREATE UNIQUE INDEX u ON t (lower(status)); CREATE VIEW v AS SELECT id, f(n) FROM t WHERE status IN ('new', 'old');"
        "CREATE MATERIALIZED VIEW mv AS SELECT count(*) FROM t; CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION g();"
        "CREATE TABLE parts (id int, PRIMARY KEY (id)) PARTITION BY RANGE (id); CREATE TABLE part1 PARTITION OF parts FOR VALUES FROM (0) TO (9);"
        "CREATE INDEX ON parts ((id + 1)); CREATE SEQUENCE s; SELECT setval('s', 100); COMMENT ON COLUMN t.n IS 'a number';"
        "CREATE POLICY pol ON child USING (id > 0); CREATE STATISTICS st ON n, p FROM t; CREATE DOMAIN dom AS int CHECK (value > 0)");
    task.run_until_now();
    const auto equal = verify(task, 0);
    EXPECT_EQ(equal["equal"], true) << equal["objects"].dump(1);

    destination.exec(
        "DROP INDEX i; DROP INDEX u; CREATE INDEX u ON t (status); ALTER TABLE t ALTER status SET DEFAULT 'old';"
        "ALTER TABLE t ALTER n DROP NOT NULL; ALTER TABLE child DROP CONSTRAINT child_t_fkey; ALTER TABLE t DISABLE TRIGGER tr;"
        "ALTER TABLE t ALTER p TYPE bigint; CREATE OR REPLACE FUNCTION f(int) RETURNS int LANGUAGE sql AS 'SELECT 2'; SELECT setval('s', 99);"
        "DROP MATERIALIZED VIEW mv; ALTER TYPE mood ADD VALUE 'mad'; COMMENT ON COLUMN t.n IS 'another'; CREATE INDEX own ON t (p)");
    const auto report = verify(task, 9);
    EXPECT_EQ(object(report, "index", "public.i")["destination"], "");
    EXPECT_EQ(object(report, "index", "public.i")["remedy"],
              Json({"CREATE INDEX CONCURRENTLY i ON public.t USING btree (n) WHERE (n > 3)"}));
    EXPECT_EQ(object(report, "index", "public.u")["remedy"][0], "DROP INDEX public.u");
    EXPECT_EQ(object(report, "default", "public.t.status")["source"], "'new'::character varying");
    EXPECT_EQ(object(report, "not null", "public.t.n")["destination"], "nullable");
    EXPECT_EQ(object(report, "constraint", "public.child.child_t_fkey")["destination"], "");
    EXPECT_THAT(object(report, "trigger", "public.t.tr")["destination"].get<std::string>(), HasSubstr("disabled"));
    EXPECT_EQ(object(report, "column", "public.t.p")["destination"], "bigint");
    EXPECT_THAT(object(report, "function", "public.f(integer)")["destination"].get<std::string>(),
                HasSubstr("SELECT 2"));
    EXPECT_EQ(object(report, "sequence value", "public.s")["source"], "100");
    EXPECT_EQ(object(report, "sequence value", "public.s")["destination"], "99");
    EXPECT_EQ(object(report, "materialized view", "public.mv")["destination"], "");
    EXPECT_EQ(object(report, "type", "public.mood")["source"], "enum 'sad', 'glad'");
    EXPECT_EQ(object(report, "comment", "public.t.n")["destination"], "another");
    EXPECT_EQ(report["objects"].size(), 12U) << report["objects"].dump(1);
    EXPECT_THAT(report["notes"].dump(), HasSubstr("index public.own: at the destination alone"));
}

// Rows that are written all the time, a few of them at every moment; long transactions; and a task that lags when the tables are
// read, so that thousands of rows differ then.
TEST_F(Verify, NoFalseAlarmUnderLoad) {
    make_load_tables(pair, 1);
    auto run = task.start();
    task.wait_for_stream(run);
    Load load(pair, 500);
    auto open = pair.source();
    open.exec("BEGIN; SELECT txid_current()");
    const bool soak = soak_factor() > 1;
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(soak ? 30 * soak_factor() : 1);
    const int rounds_min = soak ? soak_factor() : 2;
    int rounds = 0;
    do {
        run.signal(SIGSTOP);
        const auto behind = source.number("SELECT count(*) FROM pgbench_history") + 100;
        wait_until("the task is behind",
                   [&] { return source.number("SELECT count(*) FROM pgbench_history") > behind; });
        Process verify({walferry_program(), "--log-level", "debug", "verify", "--json", "--jobs", "8", task.file()});
        wait_while_running(verify, "rows differ, and verify waits for the task", [&] {
            return source.holds(
                "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE application_name LIKE '%: verify'"
                " AND query LIKE '%pg_logical_emit_message%')");
        });
        run.signal(SIGCONT);
        ASSERT_EQ(verify.wait(), 0) << verify.output() << verify.errors();
        for (const auto &table : Json::parse(verify.output())["tables"])
            EXPECT_EQ(table["undecided"], 0) << table.dump(1);
        ++rounds;
    } while (std::chrono::steady_clock::now() < until || rounds < rounds_min);
    EXPECT_TRUE(run.running()) << run.errors();

    // And a real difference is found among all that moves.
    spoil(
        "UPDATE pgbench_accounts SET filler = 'spoiled' WHERE aid = (SELECT min(aid) FROM pgbench_accounts WHERE abalance = 0)");
    const auto found = differences(verify(task, 9), "public.pgbench_accounts");
    EXPECT_EQ(found.size(), 1U) << found.dump(1);
    load.stop();
}

// Definitions and rows that are on their way are no differences.
TEST_F(Verify, DdlUnderWay) {
    source.exec("CREATE TABLE t (id serial PRIMARY KEY, v int); INSERT INTO t (v) SELECT generate_series(1, 20000)");
    auto run = task.start();
    task.wait_for_stream(run);
    for (int round = 0; round < 3; ++round) {
        source.exec("ALTER TABLE t ADD c" + std::to_string(round) +
                    " int DEFAULT 7; CREATE INDEX ON t (v); UPDATE t SET v = v + 1");
        EXPECT_EQ(verify(task, 0)["equal"], true);
    }
}

}  // namespace
}  // namespace walferry::testing
