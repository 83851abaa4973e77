// Goal: a transaction that the source streams before its end has its effect at its commit's place and no sooner, however
// much of it is spooled or applied ahead; what was undone leaves nothing, not even disk.
// Method: decoding with 1 MB, so that transactions of some ten thousand rows are streamed.
//
// SPDX-License-Identifier: PostgreSQL
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "compare.h"
#include "soak.h"

namespace walferry::testing {
namespace {

using ::testing::HasSubstr;

class Streamed : public ::testing::Test {
protected:
    Streamed() {
        source.exec(
            "CREATE TABLE big (id bigint PRIMARY KEY, v text); CREATE TABLE small (id int PRIMARY KEY, n int NOT NULL);"
            "INSERT INTO small SELECT n, n FROM generate_series(1, 100) n");
    }

    // Statement that streams: rows from `first` on.
    static std::string insert_rows(std::int64_t first, std::int64_t count) {
        return "INSERT INTO big SELECT n, 'a row, number ' || n FROM generate_series(" + std::to_string(first) + ", " +
               std::to_string(first + count - 1) + ") n;";
    }

    // Bytes of the files without a name that the process holds open in the spool's folder.
    std::uintmax_t spooled_bytes(const Process &process) const {
        std::uintmax_t bytes = 0;
        for (const auto &entry :
             std::filesystem::directory_iterator("/proc/" + std::to_string(process.pid()) + "/fd")) {
            std::error_code gone;
            const auto target = std::filesystem::read_symlink(entry.path(), gone).string();
            struct stat status {};
            if (target.starts_with(folder) && stat(entry.path().c_str(), &status) == 0) {
                bytes += static_cast<std::uintmax_t>(status.st_blocks) * 512;
            }
        }
        return bytes;
    }
    // The source keeps nothing of running transactions on disk.
    bool source_holds_only_state() {
        return source.holds("SELECT count(*) = 1 FROM pg_ls_dir('pg_replslot/' || '" + task.slot() + "')");
    }

    Pair pair;
    Session source = pair.source();
    Session destination = pair.destination();
    std::string folder = std::filesystem::temp_directory_path() / ("walferry-spool-" + pair.name());
    Task task{pair, {.source_more = "decoding_memory_mb = 1", .more = options()}};
    const std::int64_t rows = std::int64_t{200'000} * soak_factor();

    void TearDown() override { std::filesystem::remove_all(folder); }

private:
    std::string options() const {
        std::filesystem::create_directory(folder);
        return "[apply]\nworkers = 4\nspool_folder = \"" + folder + "\"\n";
    }
};

TEST_F(Streamed, WaitsForItsCommitWhileOthersPass) {
    auto run = task.start();
    task.wait_for_stream(run);
    auto other = pair.source();
    source.exec("BEGIN; UPDATE small SET n = -n WHERE id <= 50;" + insert_rows(1, rows) + "SAVEPOINT s;" +
                insert_rows(rows + 1, rows / 2) + "UPDATE small SET n = 0 WHERE id <= 50; ROLLBACK TO SAVEPOINT s;" +
                insert_rows(rows * 2 + 1, 10) + "SAVEPOINT s; DELETE FROM big WHERE id % 10 = 0; RELEASE SAVEPOINT s");
    wait_while_running(run, "it is streamed and spooled", [&] { return spooled_bytes(run) > 0; });
    other.exec("UPDATE small SET n = n + 1000 WHERE id > 50");
    wait_while_running(run, "another one passes",
                       [&] { return destination.holds("SELECT min(n) > 1000 FROM small WHERE id > 50"); });
    EXPECT_EQ(destination.number("SELECT count(*) FROM big"), 0);
    source.exec("COMMIT");
    wait_while_running(run, "all has arrived", [&] { return destination.holds("SELECT EXISTS (SELECT FROM big)"); });
    run.signal(SIGTERM);
    EXPECT_EQ(run.wait(), 0) << run.errors();
    task.run_until_now();
    EXPECT_EQ(compare(pair), "");
}

TEST_F(Streamed, AbortLeavesNothingNotEvenDisk) {
    auto run = task.start();
    task.wait_for_stream(run);
    const auto half = rows * 5 / 4;
    source.exec("BEGIN;" + insert_rows(1, half) + "SAVEPOINT s;" + insert_rows(half + 1, half));
    wait_while_running(run, "it is streamed and spooled", [&] { return spooled_bytes(run) > 0; });
    source.exec("ROLLBACK");
    source.exec("UPDATE small SET n = 0");
    wait_while_running(run, "what follows arrives", [&] { return destination.holds("SELECT max(n) = 0 FROM small"); });
    EXPECT_EQ(spooled_bytes(run), 0U);
    EXPECT_TRUE(source_holds_only_state());
    EXPECT_EQ(destination.number("SELECT count(*) FROM big"), 0);
    run.signal(SIGTERM);
    EXPECT_EQ(run.wait(), 0) << run.errors();
    EXPECT_EQ(compare(pair), "");
    EXPECT_TRUE(std::filesystem::is_empty(folder));
}

// A backlog's transactions have committed already. What commits between a chunk and the end keeps its place.
TEST_F(Streamed, BacklogIsAppliedAheadOfItsPlace) {
    task.run_until_now();
    auto other = pair.source();
    source.exec("BEGIN; UPDATE small SET n = -n WHERE id <= 50;" + insert_rows(1, rows / 10));
    other.exec("UPDATE small SET n = n + 1000 WHERE id > 50");
    source.exec(
        "SAVEPOINT s; DELETE FROM big WHERE id % 3 = 0; ROLLBACK TO SAVEPOINT s; DELETE FROM big WHERE id % 10 = 0");
    other.exec("DELETE FROM small WHERE id = 60; INSERT INTO small VALUES (60, 0)");
    source.exec(insert_rows(rows, rows) + "COMMIT");
    source.exec("UPDATE big SET v = v || '!' WHERE id % 7 = 0; UPDATE small SET n = n + 1");
    // Killed when so many pieces of it are applied, and nothing to see of them.
    for (const char *place : {"applied_ahead:1", "applied_ahead:2", "applied_ahead:3"}) {
        SCOPED_TRACE(place);
        auto run = task.start({{"WALFERRY_FAILPOINT", place}});
        EXPECT_EQ(run.wait(30s), 128 + SIGKILL) << place << ": " << run.errors();
        EXPECT_EQ(destination.number("SELECT count(*) FROM big"), 0);
    }
    task.run_until_now();
    EXPECT_EQ(compare(pair), "");
}

// A unique index that only the destination has: another one's row, gone again before the big transaction's commit, has the
// value of one that was applied ahead.
TEST_F(Streamed, WhatWasAppliedAheadGivesWay) {
    task.run_until_now();
    destination.exec("CREATE UNIQUE INDEX ON small (n)");
    auto other = pair.source();
    source.exec("BEGIN; UPDATE small SET n = 1000 WHERE id = 1;" + insert_rows(1, rows));
    other.exec("INSERT INTO small VALUES (1000, 1000)");
    source.exec(insert_rows(rows + 1, rows));  // a chunk between the two, or nothing of them would be left to apply
    other.exec("DELETE FROM small WHERE id = 1000");
    source.exec("COMMIT");
    const auto ran = task.call({"run", "--until", "now"});
    EXPECT_EQ(ran.exit_code, 0) << ran.errors;
    EXPECT_THAT(ran.errors, HasSubstr("applied ahead of its commit was in the way"));
    destination.exec("DROP INDEX small_n_idx");
    EXPECT_EQ(compare(pair), "");
}

// It fails at its own place: all that committed before it is there, and the message names the change.
TEST_F(Streamed, WhatFailsAheadStopsAtItsPlace) {
    task.run_until_now();
    auto other = pair.source();
    source.exec("BEGIN;" + insert_rows(1, rows));
    destination.exec("INSERT INTO big VALUES (" + std::to_string(rows / 2) + ", 'not from the source')");
    other.exec("UPDATE small SET n = 0");
    source.exec("COMMIT");
    const auto ran = task.call({"run", "--until", "now"});
    EXPECT_EQ(ran.exit_code, 5) << ran.errors;
    EXPECT_THAT(ran.errors, HasSubstr("INSERT of table public.big"));
    EXPECT_EQ(destination.number("SELECT max(n) FROM small"), 0);
    EXPECT_EQ(destination.number("SELECT count(*) FROM big"), 1);
    destination.exec("DELETE FROM big");
    task.run_until_now();
    EXPECT_EQ(compare(pair), "");
}

}  // namespace
}  // namespace walferry::testing
