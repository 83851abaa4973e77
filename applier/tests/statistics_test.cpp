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

// A table without a key: as many rows of those that are alike as the source has changed, and found through an index that they lead.
TEST(Statistics, KeylessRowsAreFoundByAnIndex) {
    const Pair pair;
    auto source = pair.source();
    source.exec(
        "CREATE TABLE log (at int, v text, n numeric); ALTER TABLE log REPLICA IDENTITY FULL; CREATE INDEX ON log (at);"
        "INSERT INTO log SELECT g / 4, 'v', 1.0 FROM generate_series(1, 20000) g; INSERT INTO log VALUES (NULL, 'v', 1)");
    const Task task(pair);
    task.run_until_now();
    auto destination = pair.destination();
    const auto scans = [&](const std::string &kind) {
        destination.exec("SELECT pg_stat_force_next_flush()");
        return destination.number("SELECT " + kind + " FROM pg_stat_user_tables WHERE relname = 'log'");
    };
    const auto sequential = scans("seq_scan");
    const auto by_index = scans("idx_scan");
    source.exec(
        "UPDATE log SET v = 'w' WHERE ctid IN (SELECT min(ctid) FROM log WHERE at BETWEEN 100 AND 400 GROUP BY at);"
        "UPDATE log SET n = 1.00 WHERE at = 7; DELETE FROM log WHERE ctid IN (SELECT max(ctid) FROM log WHERE at < 50 GROUP BY at);"
        "DELETE FROM log WHERE at IS NULL");
    task.run_until_now();
    EXPECT_EQ(scans("seq_scan"), sequential);
    EXPECT_GE(scans("idx_scan") - by_index, 301 + 4 + 50);
    EXPECT_EQ(compare(pair), "");
}

}  // namespace
}  // namespace walferry::testing
