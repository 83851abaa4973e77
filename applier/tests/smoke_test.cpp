// Goal: the whole way once, quickly: schema, copy, stream, status, verify, cleanup.
//
// SPDX-License-Identifier: PostgreSQL
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "compare.h"

namespace walferry::testing {
namespace {

using ::testing::HasSubstr;

const char *const schema =
    "CREATE TABLE product (id serial PRIMARY KEY, name text NOT NULL, price numeric(10,2), tags text[]);"
    "CREATE TABLE orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, product int REFERENCES product, at timestamptz);"
    "CREATE TABLE visit (at timestamptz, page text);"
    "CREATE INDEX ON orders (product);"
    "INSERT INTO product (name, price, tags) SELECT 'product ' || n, n * 1.10, ARRAY['a', NULL, 'b'] FROM generate_series(1, 1000) AS n;"
    "INSERT INTO orders (product, at) SELECT n, now() FROM generate_series(1, 1000) AS n;"
    "INSERT INTO visit SELECT now(), 'page' FROM generate_series(1, 10)";

void change(Session &source) {
    source.exec("INSERT INTO product (name, price) VALUES ('new', 1.00), ('newer', NULL)");
    source.exec("UPDATE product SET price = price + 1 WHERE id % 3 = 0");
    source.exec("DELETE FROM orders WHERE id % 5 = 0");
    source.exec("INSERT INTO visit VALUES (now(), 'again')");
    source.exec(
        "BEGIN; INSERT INTO orders (product, at) VALUES (1, now()); UPDATE product SET name = 'first' WHERE id = 1; COMMIT");
    source.exec("TRUNCATE visit");
    source.exec("INSERT INTO visit VALUES (now(), 'after')");
}

TEST(Smoke, SchemaCopyStreamAndCleanUp) {
    const Pair pair;
    auto source = pair.source();
    source.exec(schema);
    const Task task(pair);

    const auto precheck = task.call({"precheck"});
    EXPECT_EQ(precheck.exit_code, 0) << precheck.output << precheck.errors;

    task.run_until_now();
    EXPECT_EQ(compare(pair), "");

    change(source);
    task.run_until_now();
    EXPECT_EQ(compare(pair), "");
    task.run_until_now();  // with nothing to do
    EXPECT_EQ(compare(pair), "");

    const auto status = task.call({"status", "--json"});
    EXPECT_EQ(status.exit_code, 0) << status.errors;
    const auto parsed = nlohmann::json::parse(status.output, nullptr, false);
    ASSERT_TRUE(parsed.is_object()) << status.output;
    EXPECT_THAT(status.output, HasSubstr("stream"));
    const auto printed = task.call({"status"});
    EXPECT_EQ(printed.exit_code, 0) << printed.errors;
    EXPECT_THAT(printed.output, HasSubstr(task.name()));

    const auto equal = task.call({"verify"});
    EXPECT_EQ(equal.exit_code, 0) << equal.output << equal.errors;
    pair.destination().exec("UPDATE product SET name = 'changed behind its back' WHERE id = 7");
    const auto different = task.call({"verify", "--json"});
    EXPECT_EQ(different.exit_code, 9) << different.output << different.errors;
    EXPECT_THAT(different.output, HasSubstr("product"));
    EXPECT_FALSE(nlohmann::json::parse(different.output, nullptr, false).is_discarded()) << different.output;

    const auto cleanup = task.call({"cleanup"});
    EXPECT_EQ(cleanup.exit_code, 0) << cleanup.errors;
    EXPECT_EQ(source.number("SELECT count(*) FROM pg_replication_slots WHERE database = current_database()"), 0);
    EXPECT_EQ(pair.destination().number("SELECT count(*) FROM pg_namespace WHERE nspname = 'walferry'"), 0);
    EXPECT_EQ(pair.destination().number("SELECT count(*) FROM product"), 1002) << "cleanup must leave the data";
}

// What changes while the stream runs arrives by itself, soon.
TEST(Smoke, LiveChangesArrive) {
    const Pair pair;
    auto source = pair.source();
    auto destination = pair.destination();
    source.exec(schema);
    const Task task(pair);
    auto run = task.start();
    task.wait_for_stream(run);

    change(source);
    wait_while_running(run, "the last change has arrived",
                       [&] { return destination.value("SELECT page FROM visit") == "after"; });
    // One small transaction at a time, each seen before the next: none may hang in a buffer of either side.
    for (int i = 0; i < 20; ++i) {
        const auto page = std::to_string(i);
        source.exec("INSERT INTO visit VALUES (now(), '" + page + "')");
        wait_while_running(
            run, "page " + page,
            [&] { return destination.holds("SELECT EXISTS (SELECT FROM visit WHERE page = '" + page + "')"); }, 10s);
    }
    run.signal(SIGTERM);
    EXPECT_EQ(run.wait(), 0) << run.errors();
    EXPECT_EQ(compare_rows(pair), "");
}

// Only what the patterns select is taken, by schema, copy and stream alike.
TEST(Smoke, OnlySelectedTables) {
    const Pair pair;
    auto source = pair.source();
    source.exec(
        "CREATE SCHEMA app; CREATE SCHEMA other;"
        "CREATE TABLE app.a (id int PRIMARY KEY); CREATE TABLE app.audit_log (id int PRIMARY KEY);"
        "CREATE TABLE app.\"Quoted.Name\" (id int PRIMARY KEY); CREATE TABLE other.b (id int PRIMARY KEY);"
        "INSERT INTO app.a VALUES (1); INSERT INTO app.audit_log VALUES (1); INSERT INTO app.\"Quoted.Name\" VALUES (1);"
        "INSERT INTO other.b VALUES (1)");
    const Task task(
        pair,
        {.more =
             "[objects]\ninclude = ['app.*', 'nowhere.*']\nexclude = ['app.audit_*', 'app.\"Quoted.Name\"']\nallow_unmatched = true\n"});
    task.run_until_now();
    source.exec(
        "INSERT INTO app.a VALUES (2); INSERT INTO app.audit_log VALUES (2); INSERT INTO app.\"Quoted.Name\" VALUES (2);"
        "INSERT INTO other.b VALUES (2)");
    task.run_until_now();
    auto destination = pair.destination();
    EXPECT_EQ(destination.number("SELECT count(*) FROM app.a"), 2);
    EXPECT_EQ(destination.value("SELECT string_agg(schemaname || '.' || tablename, ' ' ORDER BY 1) FROM pg_tables"
                                " WHERE schemaname IN ('app', 'other')"),
              "app.a");
}

}  // namespace
}  // namespace walferry::testing
