// Goal: every type and every shape of table passes through the copy and through the stream unchanged.
// Method: tests/data/zoo_*.sql go through all types, shape_*.sql through all kinds of tables; then every row and the
// whole schema of both sides are compared.
//
// SPDX-License-Identifier: PostgreSQL
#include <gtest/gtest.h>

#include "compare.h"

namespace walferry::testing {
namespace {

// PostgreSQL 18.6 refuses the empty tsquery in binary form, even its own.
void leave_out_what_the_destination_refuses(const Pair &pair) {
    if (pair.destination().value("SHOW server_version_num") != "180006") return;
    pair.source().exec("UPDATE zoo.specimen SET literals = array_remove(literals, '') WHERE name = 'tsquery'");
}

void make_zoo(const Pair &pair) {
    pair.run_at_source("zoo_schema.sql");
    leave_out_what_the_destination_refuses(pair);
}

TEST(Types, CopyAndStream) {
    const Pair pair;
    make_zoo(pair);
    pair.run_at_source("zoo_rows.sql");
    const Task task(pair);
    task.run_until_now();
    ASSERT_EQ(compare(pair), "");
    pair.run_at_source("zoo_changes.sql");
    task.run_until_now();
    EXPECT_EQ(compare_rows(pair), "");
}

// Inserts, updates and deletes of everything as one backlog, so that most of it meets in one group.
TEST(Types, StreamAlone) {
    const Pair pair;
    make_zoo(pair);
    const Task task(pair);
    task.run_until_now();
    pair.run_at_source("zoo_rows.sql");
    pair.run_at_source("zoo_changes.sql");
    task.run_until_now();
    EXPECT_EQ(compare_rows(pair), "");
}

// The zoo holds every type that a column can have.
TEST(Types, ZooIsComplete) {
    const Pair pair;
    pair.run_at_source("zoo_schema.sql");
    // Their input functions refuse everything: a table can't hold a value of them.
    EXPECT_EQ(pair.source().value(
                  "SELECT string_agg(typname, ' ') FROM pg_type AS t"
                  " WHERE typtype IN ('b', 'r', 'm') AND typnamespace = 'pg_catalog'::regnamespace"
                  " AND (typelem = 0 OR typname IN ('point', 'line', 'lseg', 'box', 'name', 'int2vector', 'oidvector'))"
                  " AND typname NOT IN ('pg_node_tree', 'pg_ndistinct', 'pg_dependencies', 'pg_mcv_list', 'gtsvector',"
                  "                     'pg_brin_bloom_summary', 'pg_brin_minmax_multi_summary')"
                  " AND NOT EXISTS (SELECT FROM pg_attribute JOIN pg_class AS c ON c.oid = attrelid"
                  "                  WHERE c.relnamespace = 'zoo'::regnamespace AND atttypid = t.oid)"),
              "");
}

// Settings of servers and databases must not show in the values.
TEST(Types, UnusualDatabaseSettings) {
    const Pair pair;
    pair.source().exec(
        "DO $$ DECLARE setting text; BEGIN FOREACH setting IN ARRAY ARRAY["
        "'DateStyle = ''SQL, DMY''', 'IntervalStyle = ''sql_standard''', 'extra_float_digits = -15',"
        "'bytea_output = escape', 'TimeZone = ''Asia/Kathmandu''', 'xmloption = document',"
        "'quote_all_identifiers = on', 'search_path = ''nowhere''', 'default_transaction_isolation = serializable',"
        "'statement_timeout = ''1h''', 'standard_conforming_strings = off', 'array_nulls = off'] LOOP"
        " EXECUTE format('ALTER DATABASE %I SET %s', current_database(), setting); END LOOP; END $$");
    pair.destination().exec(
        "DO $$ DECLARE setting text; BEGIN FOREACH setting IN ARRAY ARRAY["
        "'DateStyle = ''German''', 'IntervalStyle = ''iso_8601''', 'extra_float_digits = -15',"
        "'TimeZone = ''America/St_Johns''', 'xmloption = document', 'search_path = ''nowhere''',"
        "'default_transaction_isolation = ''repeatable read''', 'standard_conforming_strings = off',"
        "'array_nulls = off', 'synchronous_commit = on'] LOOP"
        " EXECUTE format('ALTER DATABASE %I SET %s', current_database(), setting); END LOOP; END $$");
    // The zoo's own files mean the ordinary settings.
    const auto fill = [&](const std::string &file) {
        run_or_throw({"psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", source_path("applier/tests/data/" + file),
                      pair.source_conninfo()},
                     {{"PGOPTIONS",
                       "-c DateStyle=ISO -c IntervalStyle=postgres -c xmloption=content -c array_nulls=on"
                       " -c standard_conforming_strings=on -c search_path=public -c client_min_messages=warning"
                       " -c default_transaction_isolation=read\\ committed"},
                      {"PGCLIENTENCODING", "UTF8"}});
    };
    fill("zoo_schema.sql");
    leave_out_what_the_destination_refuses(pair);
    fill("zoo_rows.sql");
    const Task task(pair);
    task.run_until_now();
    ASSERT_EQ(compare_rows(pair), "");
    fill("zoo_changes.sql");
    task.run_until_now();
    EXPECT_EQ(compare_rows(pair), "");
}

TEST(Shapes, CopyAndStream) {
    const Pair pair;
    pair.run_at_source("shape_schema.sql");
    pair.run_at_source("shape_rows.sql");
    const Task task(pair);
    task.run_until_now();
    ASSERT_EQ(compare(pair), "");
    EXPECT_EQ(pair.destination().number("SELECT count(*) FROM shape.unlogged"), 0);

    pair.run_at_source("shape_changes.sql");
    task.run_until_now();
    EXPECT_EQ(compare(pair), "");
    EXPECT_EQ(pair.destination().number("SELECT count(*) FROM shape.unlogged"), 0);
}

// The same with the stream running beside, so that the changes come in small pieces.
TEST(Shapes, StreamLive) {
    const Pair pair;
    pair.run_at_source("shape_schema.sql");
    const Task task(pair);
    auto run = task.start();
    task.wait_for_stream(run);
    pair.run_at_source("shape_rows.sql");
    pair.run_at_source("shape_changes.sql");
    run.signal(SIGTERM);
    ASSERT_EQ(run.wait(), 0) << run.errors();
    task.run_until_now();
    EXPECT_EQ(compare_rows(pair) + compare_sequences(pair), "");
}

// A table may change on both sides, the destination first: the stream takes the new column with its rows.
TEST(Shapes, ColumnAddedByTheOperator) {
    const Pair pair;
    auto source = pair.source();
    source.exec("CREATE TABLE a (id int PRIMARY KEY, v text); INSERT INTO a VALUES (1, 'one'), (2, 'two')");
    const Task task(pair);
    auto run = task.start();
    task.wait_for_stream(run);
    source.exec("INSERT INTO a VALUES (3, 'three')");
    pair.destination().exec("ALTER TABLE a ADD COLUMN n int");
    source.exec("SET walferry.capture_ddl = off; ALTER TABLE a ADD COLUMN n int");
    source.exec("INSERT INTO a VALUES (4, 'four', 4); UPDATE a SET n = id WHERE id = 1");
    wait_while_running(run, "row 4",
                       [&] { return pair.destination().holds("SELECT EXISTS (SELECT FROM a WHERE id = 4)"); });
    run.signal(SIGTERM);
    ASSERT_EQ(run.wait(), 0) << run.errors();
    EXPECT_EQ(compare(pair), "");
}

}  // namespace
}  // namespace walferry::testing
