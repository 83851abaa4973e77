// Goal: what the conflict keys can't show (expressions, exclusion constraints, values that rows exchange, equal values of
// different bytes, triggers) is applied exactly all the same; and the counters say that it took the exact way.
// Method: pgbench's clients change few rows of such tables, as a backlog and then live, with four workers; then all is equal.
//
// SPDX-License-Identifier: PostgreSQL
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compare.h"
#include "soak.h"

namespace walferry::testing {
namespace {

struct Workload {
    const char *name;
    const char *schema;
    const char *script;  // of pgbench; a transaction that fails at the source is rolled back there
    bool collides;       // surely, not by chance
};

const Workload workloads[] = {
    {"ValuesExchangedInATransaction",
     "CREATE TABLE t (id int PRIMARY KEY, u int UNIQUE, n int NOT NULL DEFAULT 0);"
     "INSERT INTO t SELECT n, n FROM generate_series(1, 20) n",
     "\\set a random(1, 10)\n\\set b random(11, 20)\n"
     "BEGIN;\nLOCK t IN SHARE ROW EXCLUSIVE MODE;\n"
     "SELECT u AS ua FROM t WHERE id = :a \\gset\nSELECT u AS ub FROM t WHERE id = :b \\gset\n"
     "UPDATE t SET u = NULL, n = n + 1 WHERE id = :a;\nUPDATE t SET u = :ua, n = n + 1 WHERE id = :b;\n"
     "UPDATE t SET u = :ub, n = n + 1 WHERE id = :a;\nCOMMIT;\n",
     true},
    {"ValueFreedAndTakenByAnother", "CREATE TABLE t (id bigserial PRIMARY KEY, u int UNIQUE)",
     "\\set u random(1, 10)\n\\set v random(1, 10)\nDELETE FROM t WHERE u = :u;\n"
     "INSERT INTO t (u) VALUES (:u) ON CONFLICT DO NOTHING;\n"
     "BEGIN;\nLOCK t IN SHARE ROW EXCLUSIVE MODE;\nDELETE FROM t WHERE u = :v;\nUPDATE t SET u = :v WHERE u = :u;\n"
     "COMMIT;\n",
     false},
    {"UniqueExpression", "CREATE TABLE t (id bigserial PRIMARY KEY, e text); CREATE UNIQUE INDEX ON t (lower(e))",
     "\\set u random(1, 5)\nBEGIN;\nLOCK t IN SHARE ROW EXCLUSIVE MODE;\nDELETE FROM t WHERE lower(e) = 'x' || :u;\n"
     "INSERT INTO t (e) VALUES ('X' || :u);\nUPDATE t SET e = 'y' || :u WHERE e = 'X' || :u;\n"
     "DELETE FROM t WHERE e LIKE 'y%';\nINSERT INTO t (e) VALUES ('x' || :u);\nCOMMIT;\n",
     false},
    {"PartialIndex",
     "CREATE TABLE t (id int PRIMARY KEY, owner int, current boolean NOT NULL);"
     "CREATE UNIQUE INDEX ON t (owner) WHERE current;"
     "INSERT INTO t SELECT n, n % 5, n < 5 FROM generate_series(0, 24) n",
     "\\set o random(0, 4)\n\\set k random(0, 4)\nBEGIN;\nLOCK t IN SHARE ROW EXCLUSIVE MODE;\n"
     "UPDATE t SET current = false WHERE owner = :o AND current;\n"
     "UPDATE t SET current = true WHERE id = :o + 5 * :k;\nCOMMIT;\n",
     false},
    {"Exclusion",
     "CREATE TABLE t (id int PRIMARY KEY, r int4range, EXCLUDE USING gist (r WITH &&));"
     "INSERT INTO t SELECT n, int4range(n * 10, n * 10 + 10) FROM generate_series(1, 8) n",
     "\\set a random(1, 8)\n\\set b random(1, 8)\nBEGIN;\nLOCK t IN SHARE ROW EXCLUSIVE MODE;\n"
     "SELECT quote_literal(r) AS ra FROM t WHERE id = :a \\gset\nSELECT quote_literal(r) AS rb FROM t WHERE id = :b \\gset\n"
     "UPDATE t SET r = NULL WHERE id = :a;\nUPDATE t SET r = :ra WHERE id = :b AND :a <> :b;\n"
     "UPDATE t SET r = :rb WHERE id = :a;\nCOMMIT;\n",
     true},
    {"DeferrableUnique",
     "CREATE TABLE t (id int PRIMARY KEY, u int UNIQUE DEFERRABLE INITIALLY DEFERRED);"
     "INSERT INTO t SELECT n, n FROM generate_series(1, 20) n",
     "\\set a random(1, 20)\n\\set b random(1, 20)\nBEGIN;\nLOCK t IN SHARE ROW EXCLUSIVE MODE;\n"
     "UPDATE t SET u = CASE id WHEN :a THEN (SELECT u FROM t WHERE id = :b) ELSE (SELECT u FROM t WHERE id = :a) END"
     " WHERE id IN (:a, :b);\nCOMMIT;\n",
     false},
    {"EqualButNotIdentical",
     "CREATE TABLE t (k numeric PRIMARY KEY, n int NOT NULL); INSERT INTO t SELECT n, 0 FROM generate_series(1, 5) n;"
     "CREATE COLLATION loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false);"
     "CREATE TABLE l (k text COLLATE loose PRIMARY KEY, n int NOT NULL);"
     "INSERT INTO l SELECT 'key' || n, 0 FROM generate_series(1, 5) n",
     "\\set k random(1, 5)\n\\set s random(0, 3)\nUPDATE t SET k = round(k, :s), n = n + 1 WHERE k = :k;\n"
     "UPDATE l SET k = CASE WHEN :s < 2 THEN upper(k) ELSE lower(k) END, n = n + 1 WHERE k = 'Key' || :k;\n"
     "DELETE FROM t WHERE k = :k AND :s = 0;\nINSERT INTO t VALUES (round(:k, :s), 0) ON CONFLICT DO NOTHING;\n",
     false},
    {"KeysThatMove",
     "CREATE TABLE t (id int PRIMARY KEY, n int NOT NULL); INSERT INTO t SELECT n, n FROM generate_series(1, 20) n",
     "\\set a random(1, 20)\n\\set b random(1, 20)\nBEGIN;\nLOCK t IN SHARE ROW EXCLUSIVE MODE;\n"
     "UPDATE t SET id = -1 WHERE id = :a;\nUPDATE t SET id = :a WHERE id = :b AND :a <> :b;\n"
     "UPDATE t SET id = :b WHERE id = -1;\nUPDATE t SET id = id + 1000;\nUPDATE t SET id = id - 1000;\nCOMMIT;\n",
     false},
    {"KeylessRows",
     "CREATE TABLE t (a int, b text); ALTER TABLE t REPLICA IDENTITY FULL;"
     "INSERT INTO t SELECT n % 5, 'x' FROM generate_series(1, 50) n",
     "\\set a random(0, 4)\nUPDATE t SET b = b || 'y' WHERE ctid = (SELECT ctid FROM t WHERE a = :a LIMIT 1 FOR UPDATE);\n"
     "DELETE FROM t WHERE ctid = (SELECT ctid FROM t WHERE a = :a AND length(b) > 3 LIMIT 1 FOR UPDATE);\n"
     "INSERT INTO t VALUES (:a, 'x');\n",
     false},
    {"TruncatedNowAndThen", "CREATE TABLE t (id bigserial PRIMARY KEY, n int); CREATE TABLE k (n int)",
     "\\set d random(1, 50)\nINSERT INTO t (n) VALUES (:d);\nINSERT INTO k VALUES (:d);\n"
     "UPDATE t SET n = n + 1 WHERE id % 10 = :d % 10;\n"
     "SELECT CASE WHEN :d = 1 THEN 'TRUNCATE t, k' ELSE 'SELECT 1' END AS what \\gset\n:what;\n",
     false},
};

class UnseenKey : public ::testing::TestWithParam<Workload> {};

TEST_P(UnseenKey, IsAppliedExactly) {
    const Workload &workload = GetParam();
    const Pair pair;
    pair.source().exec(workload.schema);
    const Task task(pair, {.more = "[apply]\nworkers = 4\n"});
    task.run_until_now();
    const std::string script = task.file() + ".sql";
    write_file(script, workload.script);
    const auto load = [&] {
        return Process({"pgbench", "-n", "-c", "4", "-t", std::to_string(150 * soak_factor()), "--max-tries=100", "-f",
                        script, pair.source_conninfo()});
    };
    ASSERT_EQ(load().wait(600s), 0);  // the backlog
    auto run = task.start();
    task.wait_for_stream(run);
    auto live = load();
    EXPECT_EQ(live.wait(600s), 0) << live.errors();
    run.signal(SIGTERM);
    EXPECT_EQ(run.wait(), 0) << run.errors();
    task.run_until_now();
    EXPECT_EQ(compare(pair), "");
    if (workload.collides) {
        EXPECT_THAT(task.call({"status"}).output, ::testing::HasSubstr("were applied exactly"));
    }
}

INSTANTIATE_TEST_SUITE_P(UnseenKey, UnseenKey, ::testing::ValuesIn(workloads),
                         [](const auto &workload) { return workload.param.name; });

// A trigger at the destination sees each change by itself, in the source's order.
TEST(UnseenKeyTrigger, SeesEveryChangeInOrder) {
    const Pair pair;
    pair.source().exec("CREATE TABLE t (id int PRIMARY KEY, n int NOT NULL); INSERT INTO t VALUES (1, 0), (2, 0)");
    const Task task(pair, {.more = "[apply]\nworkers = 4\n"});
    task.run_until_now();
    pair.destination().exec(
        "CREATE TABLE seen (place bigserial, id int, n int);"
        "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN INSERT INTO public.seen (id, n) VALUES (NEW.id, NEW.n); RETURN NULL; END';"
        "CREATE TRIGGER note AFTER UPDATE ON t FOR EACH ROW EXECUTE FUNCTION note();"
        "ALTER TABLE t ENABLE ALWAYS TRIGGER note");
    auto source = pair.source();
    for (int i = 1; i <= 200; ++i) {
        source.exec("UPDATE t SET n = " + std::to_string(i) + " WHERE id = " + std::to_string(1 + i % 2));
    }
    task.run_until_now();
    EXPECT_EQ(pair.destination().value("SELECT count(*) || ' ' || count(*) FILTER (WHERE n = r AND id = 1 + n % 2) FROM"
                                       " (SELECT id, n, row_number() OVER (ORDER BY place) r FROM seen) s"),
              "200 200");
    EXPECT_EQ(compare_rows(pair).find("public.t"), std::string::npos);
}

}  // namespace
}  // namespace walferry::testing
