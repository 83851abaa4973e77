// Goal: what the destination believes of its tables does not decide how long a batch takes.
// Method: a table that was analysed when it held no row of any use; then it grows, and many of its rows are changed at once.
// Each of them must have been looked up in the index: reading all of it, for a join with the batch, takes rows times rows.
//
// SPDX-License-Identifier: PostgreSQL
#include <gtest/gtest.h>

#include "compare.h"
#include "task.h"

namespace walferry::testing {
namespace {

TEST(Statistics, OfAnEmptyTableDontMisleadBatches) {
    const Pair pair;
    auto source = pair.source();
    source.exec(
        "CREATE TABLE a (id int PRIMARY KEY, v text) WITH (autovacuum_enabled = off);"
        "CREATE TABLE b (x int, y text COLLATE \"C\", v text, PRIMARY KEY (x, y)) WITH (autovacuum_enabled = off);"
        "CREATE INDEX ON b (y)");
    const Task task(pair);
    task.run_until_now();
    auto destination = pair.destination();
    destination.exec(
        "INSERT INTO a SELECT n, 'x' FROM generate_series(1, 10000) n; DELETE FROM a;"
        "INSERT INTO b SELECT 7, n, 'x' FROM generate_series(1, 10000) n; DELETE FROM b");
    destination.exec("ANALYZE a, b");
    ASSERT_EQ(destination.number("SELECT count(*) FROM pg_class WHERE relname IN ('a', 'b')"
                                 " AND relpages > 0 AND reltuples = 0"),
              2);
    source.exec(
        "INSERT INTO a SELECT n, 'x' FROM generate_series(1, 20000) n;"
        "INSERT INTO b SELECT 7, n, 'x' FROM generate_series(1, 20000) n");
    task.run_until_now();
    source.exec(
        "UPDATE a SET v = 'y' WHERE id % 2 = 0; UPDATE b SET v = 'y' WHERE y::int % 2 = 0;"
        "DELETE FROM a WHERE id % 4 = 1; DELETE FROM b WHERE y::int % 4 = 1");
    task.run_until_now();
    EXPECT_EQ(compare(pair), "");
    EXPECT_GE(destination.number("SELECT idx_scan FROM pg_stat_user_tables WHERE relname = 'a'"), 15000);
    EXPECT_GE(destination.number("SELECT idx_scan FROM pg_stat_user_tables WHERE relname = 'b'"), 15000);
}

}  // namespace
}  // namespace walferry::testing
