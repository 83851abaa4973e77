// Goal: several sources merged into one table of the destination make the union of them, and none touches the rows of another.
// Method: four databases whose rows have the same keys, a task for each, all at once; the destination is compared with the union, whole.
//
// SPDX-License-Identifier: PostgreSQL
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <deque>

#include "task.h"

namespace walferry::testing {
namespace {

using ::testing::HasSubstr;

constexpr int source_count = 4;

const char *const source_sql = R"(
CREATE SCHEMA shop;
CREATE TABLE shop.orders (id serial PRIMARY KEY, customer text, amount numeric, big text);
CREATE TABLE shop.visit (v text, n numeric);
ALTER TABLE shop.visit REPLICA IDENTITY FULL;
INSERT INTO shop.orders (customer, amount, big) SELECT 'c' || g, g, repeat('x', g) FROM generate_series(1, 300) g;
INSERT INTO shop.visit SELECT 'v', g % 3 FROM generate_series(1, 30) g;
)";

const char *const destination_sql = R"(
CREATE SCHEMA shop;
CREATE TABLE shop.orders (source_id varchar(10), id int, customer text, amount numeric, big text, PRIMARY KEY (source_id, id));
CREATE TABLE shop.visit (v text, n numeric, source_id varchar(10));
)";

// With few rows and many at once: each form that changes are applied in.
const char *const changes_sql = R"(
INSERT INTO shop.orders (customer, amount) SELECT 'new', g FROM generate_series(1, 3000) g;
UPDATE shop.orders SET amount = amount + 1 WHERE id % 3 = 0; UPDATE shop.orders SET id = -id WHERE id % 7 = 0;
DELETE FROM shop.orders WHERE id % 5 = 0; UPDATE shop.orders SET customer = 'one' WHERE id = 1; DELETE FROM shop.orders WHERE id = 2;
INSERT INTO shop.visit SELECT 'w', 1.00 FROM generate_series(1, 3000); UPDATE shop.visit SET v = 'u' WHERE n = 2;
DELETE FROM shop.visit WHERE ctid IN (SELECT ctid FROM shop.visit WHERE n = 1 LIMIT 4);
)";

class Merge : public ::testing::Test {
protected:
    // `more`: further settings of shop.orders in the first task.
    explicit Merge(const std::string &more = {}) {
        for (int i = 0; i < source_count; ++i) {
            const Pair &pair = pairs_.emplace_back();
            const std::string constant = "\"'s" + std::to_string(i + 1) + "'::varchar\"";
            pair.source().exec(source_sql);
            pair.source().exec("CREATE TABLE shop.only_" + std::to_string(i + 1) + " (id serial PRIMARY KEY, v text)");
            std::string tables;
            for (const char *name : {"shop.orders", "shop.visit"}) {
                tables += "[[tables]]\nname = \"" + std::string(name) +
                          "\"\noperations = [\"insert\", \"update\", \"delete\", \"truncate\"]\n"
                          "merge = { source_id = " +
                          constant + " }\n" + (i == 0 && name == std::string("shop.orders") ? more : "");
            }
            tasks_.emplace_back(pair,
                                TaskOptions{.destination_conninfo = pairs_[0].destination_conninfo(), .more = tables});
        }
    }

    Session source(int i) { return pairs_[static_cast<std::size_t>(i)].source(); }
    Session destination() { return pairs_[0].destination(); }
    const Task &task(int i) const { return tasks_[static_cast<std::size_t>(i)]; }

    // All that is committed by now, by all tasks at once.
    void catch_up() {
        std::deque<Process> processes;
        for (const Task &task : tasks_) {
            processes.emplace_back(std::vector<std::string>{walferry_program(), "run", "--until", "now", task.file()});
        }
        for (Process &process : processes) EXPECT_EQ(process.wait(), 0) << process.errors();
    }

    void expect_union() {
        for (const std::string columns : {"orders: id, customer, amount, big", "visit: v, n"}) {
            const auto colon = columns.find(':');
            const std::string table = "shop." + columns.substr(0, colon);
            std::string all;
            std::string sum = "SELECT count(*) || ' ' || coalesce(sum(hashtextextended(ROW(" +
                              columns.substr(colon + 1) + ")::text, 0)), 0) FROM " + table;
            for (int i = 0; i < source_count; ++i) {
                const std::string part = " WHERE source_id = 's" + std::to_string(i + 1) + "'";
                EXPECT_EQ(destination().value(sum + part), source(i).value(sum)) << table << part;
            }
            EXPECT_EQ(destination().number("SELECT count(*) FROM " + table +
                                           " WHERE source_id NOT IN ('s1', 's2', 's3', 's4')"),
                      0);
        }
    }

    void expect_verified() {
        for (const Task &task : tasks_) {
            const auto outcome = task.call({"verify"});
            EXPECT_EQ(outcome.exit_code, 0) << task.name() << ": " << outcome.output << outcome.errors;
        }
    }

    std::deque<Pair> pairs_;
    std::deque<Task> tasks_;
};

TEST_F(Merge, FourSourcesMakeTheirUnion) {
    const auto refused = task(0).call({"precheck"});
    EXPECT_EQ(refused.exit_code, 8);
    EXPECT_THAT(refused.output, HasSubstr("shop.orders: it does not exist"));
    destination().exec(destination_sql);
    catch_up();
    expect_union();
    EXPECT_TRUE(
        destination().holds("SELECT to_regclass('shop.only_1') IS NOT NULL AND to_regclass('shop.only_4') IS NOT NULL"
                            " AND to_regclass('shop.orders_id_seq') IS NULL"));

    for (int i = 0; i < source_count; ++i) source(i).exec(changes_sql);
    source(1).exec("TRUNCATE shop.orders, shop.only_2; INSERT INTO shop.orders (id, customer) VALUES (1, 'after')");
    source(2).exec("BEGIN; TRUNCATE shop.visit; INSERT INTO shop.visit VALUES ('after', 1); COMMIT");
    catch_up();
    expect_union();
    expect_verified();

    // Only its own rows are looked at, and mended.
    destination().exec(
        "UPDATE shop.orders SET amount = -1 WHERE source_id = 's3' AND id = 4;"
        "DELETE FROM shop.orders WHERE source_id = 's3' AND id = 11; INSERT INTO shop.orders VALUES ('s3', 100000)");
    EXPECT_EQ(task(0).call({"verify"}).exit_code, 0);
    EXPECT_EQ(task(2).call({"verify"}).exit_code, 9);
    {
        auto process = task(2).start();
        wait_while_running(process, "it streams", [&] { return task(2).call({"status"}).exit_code == 0; });
        const auto repaired = task(2).call({"repair"});
        EXPECT_EQ(repaired.exit_code, 0) << repaired.output << repaired.errors;
        process.signal(SIGTERM);
        EXPECT_EQ(process.wait(), 0);
    }
    expect_union();
}

TEST_F(Merge, OneIsCopiedAgainOrEndsAndTheOthersGoOn) {
    destination().exec(destination_sql);
    catch_up();
    EXPECT_EQ(task(3).call({"table", "recopy"}, 60s, {"shop.orders"}).exit_code, 0);
    EXPECT_EQ(task(3).call({"table", "recopy"}, 60s, {"shop.visit"}).exit_code, 0);
    for (int i = 0; i < source_count; ++i) source(i).exec(changes_sql);
    catch_up();
    expect_union();

    // A change of the definition is the operator's; nothing is lost before he has made it.
    source(0).exec(
        "ALTER TABLE shop.orders ADD extra int DEFAULT 5, DROP COLUMN big; INSERT INTO shop.orders (customer, extra) VALUES ('x', 6)");
    const auto stopped = task(0).call({"run", "--until", "now"});
    EXPECT_EQ(stopped.exit_code, 5);
    EXPECT_THAT(stopped.errors, HasSubstr("has no column \"extra\""));
    destination().exec("ALTER TABLE shop.orders ADD extra int");
    task(0).run_until_now();
    EXPECT_EQ(destination().value("SELECT extra FROM shop.orders WHERE customer = 'x'"), "6");

    // What is still on its way when its table is dropped arrives.
    source(0).exec("DELETE FROM shop.orders WHERE customer <> 'x'; DROP TABLE shop.orders");
    task(0).run_until_now();
    EXPECT_EQ(destination().value("SELECT string_agg(customer, ',') FROM shop.orders WHERE source_id = 's1'"), "x");

    EXPECT_EQ(task(0).call({"cleanup"}).exit_code, 0);
    source(1).exec(changes_sql);
    task(1).run_until_now();
    EXPECT_EQ(task(1).call({"verify"}).exit_code, 0);
    EXPECT_EQ(destination().number("SELECT count(*) FROM walferry.task"), 3);
}

class MergeWithPolicy : public Merge {
protected:
    MergeWithPolicy() : Merge("conflict = { delete_missing = \"quarantine\", existing_rows = \"replace\" }\n") {}
};

TEST_F(MergeWithPolicy, ConflictsAreOfItsOwnRowsAlone) {
    destination().exec(destination_sql);
    destination().exec(
        "INSERT INTO shop.orders VALUES ('s1', 7, 'of before'), ('s1', 100000, 'of before'), ('s0', 7, 'of nobody')");
    catch_up();
    EXPECT_EQ(destination().value("SELECT customer FROM shop.orders WHERE source_id = 's1' AND id = 7"), "c7");
    destination().exec("DELETE FROM shop.orders WHERE source_id = 's0' OR id = 100000");
    expect_union();

    destination().exec("DELETE FROM shop.orders WHERE source_id = 's1' AND id = 7");
    source(0).exec("DELETE FROM shop.orders WHERE id = 7");
    task(0).run_until_now();
    expect_union();
    EXPECT_EQ(task(0).call({"quarantine", "replay"}, 60s, {"all"}).exit_code, 5);
    expect_union();
    destination().exec("INSERT INTO shop.orders VALUES ('s1', 7)");
    EXPECT_EQ(task(0).call({"quarantine", "replay"}, 60s, {"all"}).exit_code, 0);
    expect_union();
}

}  // namespace
}  // namespace walferry::testing
