// Goal: a transaction larger than any buffer passes with bounded memory, and arrives whole.
//
// SPDX-License-Identifier: PostgreSQL
#include <gtest/gtest.h>

#include <sstream>

#include "compare.h"
#include "soak.h"

namespace walferry::testing {
namespace {

// Highest memory use of a running process, in MB.
long peak_memory_mb(pid_t pid) {
    std::istringstream status(read_file("/proc/" + std::to_string(pid) + "/status"));
    for (std::string line; std::getline(status, line);) {
        if (line.starts_with("VmHWM:")) return std::strtol(line.c_str() + 6, nullptr, 10) / 1024;
    }
    throw std::runtime_error("no VmHWM of process " + std::to_string(pid));
}

std::string checksum(Session &session) {
    return session.value("SELECT count(*) || ' ' || sum(hashtextextended(ROW(b.*)::text, 0)::numeric) FROM big AS b");
}

TEST(BigTransaction, MillionsOfRows) {
    const std::string rows = std::to_string(1'000'000 * std::max(2, soak_factor()));
    const Pair pair;
    auto source = pair.source();
    auto destination = pair.destination();
    source.exec("CREATE TABLE big (id bigint PRIMARY KEY, v text, n int); CREATE TABLE done (step int)");
    const Task task(pair);
    auto run = task.start();
    task.wait_for_stream(run);

    const auto wait_for_step = [&](int step) {
        source.exec("INSERT INTO done VALUES (" + std::to_string(step) + ")");
        wait_while_running(
            run, "step " + std::to_string(step) + " has arrived",
            [&] { return destination.number("SELECT coalesce(max(step), 0) FROM done") == step; }, 300s);
        EXPECT_EQ(checksum(destination), checksum(source));
    };
    source.exec("INSERT INTO big SELECT n, 'a value of some length, number ' || n, n % 1000 FROM generate_series(1, " +
                rows + ") AS n");
    wait_for_step(1);
    // Changes to the same rows in one transaction, over and over.
    source.exec(
        "BEGIN; UPDATE big SET n = -n, v = v || '!' WHERE id % 10 = 0; DELETE FROM big WHERE id % 10 = 1;"
        "INSERT INTO big SELECT n, 'back again', n FROM generate_series(1, " +
        rows +
        ", 20) AS n;"
        "UPDATE big SET id = id + 10000000 WHERE id % 20 = 0; COMMIT");
    wait_for_step(2);

    EXPECT_LT(peak_memory_mb(run.pid()), 300);
    run.signal(SIGTERM);
    EXPECT_EQ(run.wait(), 0) << run.errors();
}

// Rows so wide that few fill every buffer.
TEST(BigTransaction, WideRows) {
    const Pair pair;
    auto source = pair.source();
    auto destination = pair.destination();
    source.exec("CREATE TABLE big (id int PRIMARY KEY, v text); ALTER TABLE big ALTER COLUMN v SET STORAGE EXTERNAL");
    const Task task(pair, {.more = "[apply]\nbuffer_mb = 8\n"});
    task.run_until_now();
    source.exec("INSERT INTO big SELECT n, repeat('0123456789', 300000) || n FROM generate_series(1, 100) AS n");
    source.exec("UPDATE big SET v = v || 'x' WHERE id < 20");
    source.exec("UPDATE big SET id = -id");
    task.run_until_now();
    EXPECT_EQ(checksum(destination), checksum(source));
}

// A destination that takes nothing for a while slows the reading, not the memory, and costs no connection.
TEST(Backpressure, StuckDestination) {
    const Pair pair;
    auto source = pair.source();
    auto destination = pair.destination();
    source.exec(
        "CREATE TABLE big (id int PRIMARY KEY, v text); ALTER TABLE big ALTER COLUMN v SET STORAGE EXTERNAL;"
        "ALTER DATABASE " +
        pair.name() + " SET wal_sender_timeout = '3s'");
    const Task task(pair);
    auto run = task.start();
    task.wait_for_stream(run);
    const std::string walsender = "SELECT active_pid FROM pg_replication_slots WHERE slot_name = '" + task.slot() + "'";
    wait_while_running(run, "the stream runs", [&] { return !source.value(walsender).empty(); });
    const auto pid = source.value(walsender);

    auto lock = pair.destination();
    lock.exec("BEGIN; LOCK TABLE big");
    for (int i = 0; i < 8; ++i) {
        const auto first = std::to_string(i * 50 + 1);
        source.exec("INSERT INTO big SELECT n, repeat('0123456789', 100000) || n FROM generate_series(" + first + ", " +
                    first + " + 49) AS n");
    }
    EXPECT_FALSE(run.ends_within(8s)) << run.errors();
    EXPECT_EQ(source.value(walsender), pid) << "the connection was lost";
    EXPECT_LT(peak_memory_mb(run.pid()), 300);
    lock.exec("COMMIT");
    wait_while_running(run, "all has arrived", [&] { return destination.number("SELECT count(*) FROM big") == 400; });
    EXPECT_EQ(checksum(destination), checksum(source));
    EXPECT_EQ(source.value(walsender), pid);
    EXPECT_LT(peak_memory_mb(run.pid()), 300);
}

}  // namespace
}  // namespace walferry::testing
