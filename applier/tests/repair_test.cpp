// Goal: `walferry repair` mends exactly what verify finds, says what it does, and is exact beside a stream that changes the same
// rows.
// Method: rows are spoiled behind the task's back, in ways that no change under way can meet.
//
// SPDX-License-Identifier: PostgreSQL
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compare.h"
#include "load.h"

namespace walferry::testing {
namespace {

using ::testing::HasSubstr;

class Repair : public ::testing::Test {
protected:
    void spoil(const std::string &sql) { destination.exec("SET session_replication_role = replica; " + sql); }

    // Everything has arrived, and the task is still well.
    void end(Process &run) {
        run.signal(SIGTERM);
        EXPECT_EQ(run.wait(), 0) << run.errors();
        task.run_until_now();
        EXPECT_EQ(compare(pair), "");
    }

    Pair pair;
    Session source = pair.source();
    Session destination = pair.destination();
    Task task{pair};
};

TEST_F(Repair, ListsThenMends) {
    source.exec(
        "CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, g int GENERATED ALWAYS AS (n * 2) STORED, n int DEFAULT 7,"
        " b bytea, x xml, f float8, a text[], c char(5), v text UNIQUE); CREATE INDEX i ON t (n);"
        "INSERT INTO t (n, b, x, f, a, c, v) SELECT n, '\\x00ff', '<?xml version=\"1.0\"?><a/>', '-0', '[3:4]={NULL,\"a,b\"}', 'c', 'v' || n"
        " FROM generate_series(1, 1000) AS n; CREATE TABLE keyless (v text); INSERT INTO keyless VALUES ('a'), ('a');"
        "CREATE TABLE child (id int PRIMARY KEY, t int REFERENCES t ON DELETE CASCADE); INSERT INTO child SELECT 1, 500;"
        "CREATE SEQUENCE s; SELECT setval('s', 50)");
    auto run = task.start();
    task.wait_for_stream(run);
    wait_while_running(run, "the sequences are set",
                       [&] { return destination.number("SELECT last_value FROM s") == 50; });
    spoil(
        "DELETE FROM t WHERE id IN (5, 500); UPDATE t SET v = 'wrong', b = '\\x00fe' WHERE id = 6; UPDATE t SET v = 'v1001' WHERE id = 7;"
        "INSERT INTO t (id, n, v) OVERRIDING SYSTEM VALUE VALUES (2000, 1, 'v6'), (2001, 2, 'v7'); DELETE FROM keyless;"
        "ALTER TABLE t ALTER n SET DEFAULT 8; DROP INDEX i");
    const auto plan = task.call({"repair", "--dry-run"});
    EXPECT_EQ(plan.exit_code, 9) << plan.errors;
    for (const auto *line :
         {"insert public.t (id) = (5)\n", "insert public.t (id) = (500)\n", "rewrite public.t (id) = (6)\n",
          "rewrite public.t (id) = (7)\n", "delete public.t (id) = (2000)\n", "delete public.t (id) = (2001)\n",
          "copy again: public.keyless", "ALTER TABLE ONLY public.t ALTER COLUMN n SET DEFAULT 7;\n",
          "CREATE INDEX CONCURRENTLY i ON public.t USING btree (n);\n"}) {
        EXPECT_THAT(plan.output, HasSubstr(line));
    }
    EXPECT_EQ(destination.number("SELECT count(*) FROM t WHERE id > 1000"), 2) << "a dry run must do nothing";

    const auto done = task.call({"repair"});
    EXPECT_EQ(done.exit_code, 0) << done.output << done.errors;
    EXPECT_THAT(done.output, HasSubstr("public.t: 6 rows mended"));
    end(run);
}

TEST_F(Repair, NeedsTheStream) {
    source.exec("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)");
    task.run_until_now();
    spoil("DELETE FROM t");
    const auto refused = task.call({"repair"});
    EXPECT_EQ(refused.exit_code, 3) << refused.output << refused.errors;
    EXPECT_THAT(refused.errors, HasSubstr("is not running"));
}

// The rows that are mended are those that the source writes meanwhile.
TEST_F(Repair, BesideTheStream) {
    make_load_tables(pair, 1);
    auto run = task.start();
    task.wait_for_stream(run);
    Load load(pair, 500);
    for (int round = 0; round < 3; ++round) {
        // What the stream never asks of a row: an update sets all columns that have changed, and the others too.
        spoil(
            "UPDATE pgbench_accounts SET filler = 'spoiled', abalance = abalance + 1 WHERE aid % 1000 = 7;"
            "UPDATE pgbench_tellers SET filler = 'spoiled' WHERE tid % 2 = 0;"
            "INSERT INTO pgbench_accounts VALUES (-1, 1, 0, ''), (-2, 1, 0, '')");
        const auto done = task.call({"repair"}, 180s, {"public.pgbench_accounts", "public.pgbench_tellers"});
        EXPECT_EQ(done.exit_code, 0) << done.output << done.errors;
    }
    load.stop();
    end(run);
    EXPECT_EQ(check_bank(destination), "");
}

}  // namespace
}  // namespace walferry::testing
