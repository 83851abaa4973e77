// Goal: every type and every shape of table passes through the copy and through the stream unchanged.
// Method: tests/data/zoo_*.sql go through all types, shape_*.sql through all kinds of tables; then every row and the
// whole schema of both sides are compared.
//
// SPDX-License-Identifier: PostgreSQL
#include <gmock/gmock.h>
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

// From 18 to an older one, what precheck's newer_features has of them: NOT NULL of inherited columns.
void make_shapes(const Pair &pair) {
    pair.run_at_source("shape_schema.sql");
    auto source = pair.source();
    if (source.number("SHOW server_version_num") < 180000) return;
    if (pair.destination().number("SHOW server_version_num") >= 180000) return;
    source.exec(
        "ALTER TABLE shape.granddaughter NO INHERIT shape.daughter; ALTER TABLE shape.daughter NO INHERIT shape.mother");
}

TEST(Shapes, CopyAndStream) {
    const Pair pair;
    make_shapes(pair);
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
    make_shapes(pair);
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

// The destination's tables are somebody else's: other places of columns, some more, wider types.
TEST(Shapes, DestinationOfAnotherShape) {
    const Pair pair;
    auto source = pair.source();
    auto destination = pair.destination();
    source.exec(
        "CREATE TABLE keyed (id int PRIMARY KEY, small smallint, whole bigint, name varchar(20) NOT NULL, large varchar);"
        "ALTER TABLE keyed ALTER large SET STORAGE EXTERNAL; CREATE TABLE keyless (n int, v varchar(5), m numeric);"
        "ALTER TABLE keyless REPLICA IDENTITY FULL; CREATE TABLE bad (id int PRIMARY KEY, v bigint);"
        "INSERT INTO keyed SELECT g, -g, g * 10000000000, 'n' || g, NULL FROM generate_series(1, 3000) g;"
        "INSERT INTO keyless SELECT g % 10, 'v', 1.0 FROM generate_series(1, 100) g");
    destination.exec(
        "CREATE TABLE keyed (large text, more int NOT NULL DEFAULT 7, name text NOT NULL, whole numeric, id bigint PRIMARY KEY,"
        " small int, made timestamptz DEFAULT now());"
        "CREATE TABLE keyless (m numeric, v text, n bigint, more text DEFAULT 'more'); CREATE INDEX ON keyless (n);"
        "CREATE TABLE bad (id int PRIMARY KEY, v float8)");
    const Task task(pair, {.stages = "['copy', 'stream']"});
    const auto refused = task.call({"run", "--until", "now"});
    EXPECT_EQ(refused.exit_code, 3);
    EXPECT_THAT(
        refused.errors,
        ::testing::HasSubstr(
            "column \"v\" of table public.bad is of type pg_catalog.float8, at the source it is pg_catalog.int8"));
    destination.exec("ALTER TABLE bad ALTER v TYPE numeric");
    const auto expect_equal = [&] {
        for (
            const std::string query :
            {"SELECT string_agg(format('%s %s %s %s %s', id, small, whole, name, md5(large)), ' ' ORDER BY id) FROM keyed",
             "SELECT string_agg(format('%s %s %s', n, v, m), ' ' ORDER BY n, v, m::text) FROM keyless",
             "SELECT string_agg(format('%s %s', id, v), ' ' ORDER BY id) FROM bad"}) {
            EXPECT_EQ(destination.value(query), source.value(query)) << query;
        }
        EXPECT_EQ(
            destination.value("SELECT count(*) FILTER (WHERE more = 7 AND made IS NOT NULL) = count(*) FROM keyed"),
            "t");
    };
    task.run_until_now();
    expect_equal();
    source.exec(
        "INSERT INTO keyed SELECT g, 1, NULL, 'later', repeat('x', 10000) FROM generate_series(3001, 3010) g;"
        "INSERT INTO keyed SELECT g, 32767, 9223372036854775807, 'many', '' FROM generate_series(10001, 14000) g;"
        "UPDATE keyed SET small = small + 1 WHERE id < 1000; UPDATE keyed SET id = -id WHERE id BETWEEN 2000 AND 2100;"
        "DELETE FROM keyed WHERE id % 7 = 0; UPDATE keyless SET v = 'w' WHERE n = 3; UPDATE keyless SET m = 1.00 WHERE n < 2;"
        "DELETE FROM keyless WHERE n = 5; INSERT INTO keyless VALUES (NULL, NULL, 2), (-2147483648, 'x', NULL);"
        "DELETE FROM keyless WHERE n IS NULL; INSERT INTO bad VALUES (1, -9223372036854775808)");
    source.exec("UPDATE keyed SET name = 'alone' WHERE id = 3002");  // leaves the large value alone
    task.run_until_now();
    expect_equal();
    EXPECT_EQ(task.call({"verify"}, 180s, {"public.keyed", "public.keyless"}).exit_code, 0);
    source.exec("TRUNCATE keyed; INSERT INTO keyed VALUES (1, 1, 1, 'one')");
    EXPECT_EQ(task.call({"table", "recopy"}, 60s, {"public.keyless"}).exit_code, 0);
    task.run_until_now();
    expect_equal();
    destination.exec("ALTER TABLE keyed ALTER small TYPE text");
    source.exec("INSERT INTO keyed VALUES (2, 2, 2, 'two')");
    const auto stopped = task.call({"run", "--until", "now"});
    EXPECT_EQ(stopped.exit_code, 5);
    EXPECT_THAT(stopped.errors,
                ::testing::HasSubstr("column \"small\" of table public.keyed is of type pg_catalog.text"));
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
