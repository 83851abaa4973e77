// Goal: whatever DDL the source runs while tables are pending, being copied or catching up, the end is equal, without a stop.
// Method: thirty tables, of which some are copied one by one and others together, under writers and a session that draws DDL,
// with foreign keys between tables of which one is copied and the other is not; seeds are printed and can be set (WALFERRY_SEED).
//
// SPDX-License-Identifier: PostgreSQL
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <iostream>
#include <mutex>
#include <random>
#include <thread>

#include "compare.h"
#include "soak.h"

namespace walferry::testing {
namespace {

using ::testing::HasSubstr;

constexpr int tables = 30;
constexpr int writers = 4;

class Scene {
public:
    Scene(const Pair &pair, std::uint64_t seed) : pair_(pair), generator_(seed) {
        auto source = pair.source();
        source.exec("CREATE SCHEMA one; CREATE TYPE mood AS ENUM ('sad', 'ok')");
        for (int i = 0; i < tables; ++i) {
            const std::string name = (i % 3 == 0 ? "one.t" : "public.t") + std::to_string(i);
            // The first ones are large enough to be copied alone.
            const int rows = i < 8 ? 16'000 : 600;
            source.exec("CREATE TABLE " + name +
                        " (id int PRIMARY KEY, n int, v text, pad text, hub int);"
                        "CREATE INDEX ON " +
                        name + " (v); INSERT INTO " + name +
                        " SELECT g, g, 'v' || g, repeat('x', 600), 1 + g % 100 FROM generate_series(1, " +
                        std::to_string(rows) + ") AS g");
            names_.push_back(name);
        }
        // Referred to, and itself among what is copied.
        source.exec(
            "CREATE TABLE hub (id int PRIMARY KEY, pad text); INSERT INTO hub SELECT g, repeat('x', 3000)"
            " FROM generate_series(1, 4000) AS g; CREATE MATERIALIZED VIEW seen AS SELECT count(*) FROM hub");
    }

    ~Scene() { stop(); }

    // From now until stop().
    void write() {
        for (int i = 0; i < writers; ++i) {
            threads_.emplace_back([this, i, seed = generator_()] { write(i, seed); });
        }
    }
    void stop() {
        stop_ = true;
        threads_.clear();
    }

    // One statement or transaction; false if the source refused it.
    bool ddl() {
        auto source = pair_.source();
        source.exec("SET lock_timeout = '5s'");
        const std::string sql = draw();
        try {
            source.exec(sql);
        } catch (const std::exception &) {
            return false;
        }
        const std::lock_guard lock(mutex_);
        if (!renamed_.first.empty()) std::replace(names_.begin(), names_.end(), renamed_.first, renamed_.second);
        if (!dropped_.empty()) std::erase(names_, dropped_);
        if (!created_.empty()) names_.push_back(created_);
        return true;
    }

private:
    int number(int low, int high) { return std::uniform_int_distribution<int>(low, high)(generator_); }

    std::string draw() {
        const std::lock_guard lock(mutex_);
        renamed_ = {};
        dropped_.clear();
        created_.clear();
        const std::string id = std::to_string(++drawn_);
        const std::string name = names_[static_cast<std::size_t>(number(0, static_cast<int>(names_.size()) - 1))];
        const std::string alter = "ALTER TABLE " + name + " ";
        const std::string plain = name.substr(name.find('.') + 1);
        switch (number(1, 19)) {
            case 1:
                return alter + "ADD c" + id + " int DEFAULT 7";
            case 2:
                return alter + "ADD c" + id + " float8 DEFAULT random()";
            case 3:
                return alter + "ADD c" + id + " bigserial";
            case 4:
                return alter + "ALTER n TYPE bigint USING n + 1";
            case 5:
                return alter + "ALTER v TYPE varchar(100) USING v || random()::text";
            case 6:
                renamed_ = {name, name + "r"};
                return alter + "RENAME TO " + plain + "r";
            case 7:
                return "TRUNCATE " + name;
            case 8:
                return "CREATE INDEX i" + id + " ON " + name + " (n, v)";
            case 9:
                return alter + "DROP COLUMN IF EXISTS pad";
            case 10:
                return alter + "ADD FOREIGN KEY (hub) REFERENCES hub";
            case 11:
                created_ = "public.made" + id;
                return "CREATE TABLE " + created_ + " AS SELECT * FROM " + name + " LIMIT 100; ALTER TABLE " +
                       created_ + " ADD PRIMARY KEY (id)";
            case 12:
                dropped_ = name;
                return "DROP TABLE " + name + " CASCADE";
            case 13:
                return "BEGIN; UPDATE " + name + " SET v = v || 'b' WHERE id % 7 = 0; " + alter + "ADD c" + id +
                       " text DEFAULT clock_timestamp(); UPDATE " + name + " SET v = v || 'a' WHERE id % 5 = 0; COMMIT";
            case 14:
                return "ALTER SCHEMA one RENAME TO two; ALTER SCHEMA two RENAME TO one";
            case 15:
                return "ALTER TYPE mood RENAME VALUE 'ok' TO 'fine" + id + "'; ALTER TYPE mood RENAME VALUE 'fine" +
                       id + "' TO 'ok'";
            case 16:
                return "REFRESH MATERIALIZED VIEW seen";
            case 17:
                return "BEGIN; INSERT INTO " + name +
                       " SELECT g, g, 'big' FROM generate_series(1000000, 1002000) AS g; " + alter + "ADD c" + id +
                       " int DEFAULT 8; DELETE FROM " + name + " WHERE id > 1001000; COMMIT";
            case 18:
                return "CREATE OR REPLACE VIEW w" + id + " AS SELECT id FROM " + name;
            default:
                return "BEGIN; CREATE TRIGGER g" + id + " BEFORE UPDATE ON " + name +
                       " FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger(); UPDATE " + name +
                       " SET v = v WHERE id < 50; COMMIT";
        }
    }

    void write(int writer, std::uint64_t seed) {
        std::mt19937_64 generator(seed);
        const auto draw_number = [&](int low, int high) {
            return std::uniform_int_distribution<int>(low, high)(generator);
        };
        auto source = pair_.source();
        source.exec("SET lock_timeout = '10s'");
        int next = 2'000'000 + writer * 1'000'000;
        while (!stop_) {
            std::string name;
            {
                const std::lock_guard lock(mutex_);
                name = names_[static_cast<std::size_t>(draw_number(0, static_cast<int>(names_.size()) - 1))];
            }
            const std::string id = std::to_string(draw_number(1, 16'000));
            try {
                switch (draw_number(1, 4)) {
                    case 1:
                        source.exec("INSERT INTO " + name + " (id, n, v, hub) VALUES (" + std::to_string(++next) +
                                    ", 1, 'new', 5)");
                        break;
                    case 2:
                        source.exec("DELETE FROM " + name + " WHERE id = " + id);
                        break;
                    case 3:
                        source.exec("BEGIN; UPDATE " + name + " SET v = v || '!' WHERE id = " + id +
                                    "; SAVEPOINT s; INSERT INTO " + name + " (id, n, v) VALUES (" +
                                    std::to_string(++next) + ", 2, 'undone'); ROLLBACK TO s; COMMIT");
                        break;
                    default:
                        source.exec("UPDATE " + name + " SET n = n + 1 WHERE id BETWEEN " + id + " AND " + id +
                                    " + 20");
                }
            } catch (const std::exception &) {
                source.exec("ROLLBACK");  // the table has another name by now, or none
            }
            std::this_thread::sleep_for(1ms);
        }
    }

    const Pair &pair_;
    std::mt19937_64 generator_;
    std::mutex mutex_;
    std::vector<std::string> names_;
    std::pair<std::string, std::string> renamed_;
    std::string dropped_;
    std::string created_;
    int drawn_ = 0;
    std::atomic<bool> stop_{false};
    std::vector<std::jthread> threads_;
};

// Made while only one of its tables is copied, a foreign key arrives when the source calls that one otherwise, or has it no more.
TEST(CopyDdlKeys, TablesThatAreCalledOtherwiseSince) {
    const Pair pair;
    auto source = pair.source();
    auto destination = pair.destination();
    source.exec(
        "CREATE TABLE hub (id int PRIMARY KEY); INSERT INTO hub SELECT generate_series(1, 100);"
        "CREATE TABLE renamed (id int PRIMARY KEY, hub int); INSERT INTO renamed SELECT id, id FROM hub;"
        "CREATE TABLE dropped (id int PRIMARY KEY, hub int); INSERT INTO dropped SELECT id, id FROM hub;"
        "CREATE TABLE parted (id int PRIMARY KEY, hub int) PARTITION BY RANGE (id);"
        "CREATE TABLE low PARTITION OF parted FOR VALUES FROM (0) TO (50);"
        "CREATE TABLE high PARTITION OF parted FOR VALUES FROM (50) TO (1000); INSERT INTO parted SELECT id, id FROM hub");
    const Task task(pair);
    auto run = task.start();
    task.wait_for_stream(run);
    auto open = pair.source();
    open.exec("BEGIN; LOCK TABLE hub IN ACCESS EXCLUSIVE MODE");
    const auto again = task.call({"table", "recopy"}, 60s, {"public.hub"});
    ASSERT_EQ(again.exit_code, 0) << again.errors;
    wait_while_running(run, "hub is to be copied", [&] {
        return destination.holds("SELECT EXISTS (SELECT FROM walferry.table_state WHERE state = 'pending')");
    });
    open.exec(
        "ALTER TABLE renamed ADD FOREIGN KEY (hub) REFERENCES hub; ALTER TABLE renamed RENAME TO other;"
        "CREATE TABLE renamed (id int PRIMARY KEY); INSERT INTO renamed VALUES (1);"
        "ALTER TABLE dropped ADD FOREIGN KEY (hub) REFERENCES hub; DROP TABLE dropped;"
        "ALTER TABLE parted ADD FOREIGN KEY (hub) REFERENCES hub; ALTER TABLE low RENAME TO lowest; COMMIT");
    wait_while_running(run, "all is copied", [&] {
        return destination.holds("SELECT to_regclass('public.lowest') IS NOT NULL") && task.phase() == "stream";
    });
    run.signal(SIGTERM);
    ASSERT_EQ(run.wait(), 0) << run.errors();
    task.run_until_now();
    EXPECT_THAT(run.errors(), HasSubstr("public.renamed is copied again"));
    EXPECT_EQ(compare(pair), "");
}

class CopyDdl : public ::testing::TestWithParam<int> {};

TEST_P(CopyDdl, EqualAtTheEnd) {
    const char *given = std::getenv("WALFERRY_SEED");
    const auto seed = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
    std::cout << "WALFERRY_SEED=" << seed << std::endl;
    const Pair pair;
    Scene scene(pair, seed);
    const Task task(pair, {.more = "[copy]\njobs = 2\nyield_seconds = 1\n[ddl]\nlock_timeout_seconds = 1\n"});
    scene.write();
    auto run = task.start();
    int done = 0;
    int in_copy = 0;
    // Slower than it could: a copy of tables that change all the time would not come to its end.
    for (int i = 0; i < 400 && (task.phase() != "stream" || i < 10); ++i) {
        ASSERT_TRUE(run.running()) << run.errors();
        if (scene.ddl()) {
            ++done;
            if (task.phase() == "copy") ++in_copy;
        }
        ASSERT_FALSE(run.ends_within(100ms)) << run.errors();
    }
    scene.stop();
    task.wait_for_stream(run);
    for (int i = 0; i < 3; ++i) scene.ddl();
    run.signal(SIGTERM);
    ASSERT_EQ(run.wait(), 0) << run.errors();
    task.run_until_now();
    EXPECT_EQ(compare(pair), "");
    std::cout << done << " DDL statements, " << in_copy << " of them during the copy" << std::endl;
    EXPECT_GT(in_copy, 0) << "the copy was too quick for this test";
}

INSTANTIATE_TEST_SUITE_P(Seeds, CopyDdl, ::testing::Range(0, 2 * soak_factor()));

}  // namespace
}  // namespace walferry::testing
