// Goal: a running task is steered and watched from outside, at once and under load; nothing is lost by it.
//
// SPDX-License-Identifier: PostgreSQL
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <fstream>
#include <nlohmann/json.hpp>

#include "compare.h"
#include "load.h"
#include "wire.h"

namespace walferry::testing {
namespace {

using nlohmann::json;
using std::chrono::duration;
using std::chrono::steady_clock;
using ::testing::HasSubstr;

json status_of(const Task &task) {
    const auto outcome = task.call({"status", "--json"});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.errors;
    return json::parse(outcome.output);
}

void steer(const Task &task, const std::vector<std::string> &verb_and_options) {
    const auto outcome = task.call(verb_and_options);
    ASSERT_EQ(outcome.exit_code, 0) << outcome.errors;
}

void wait_for_lag_below(Process &run, const Task &task, double ms) {
    wait_while_running(run, "the lag is below " + std::to_string(ms) + " ms", [&] {
        const auto status = status_of(task);
        return status["lag_ms"].is_number() && status["lag_ms"] < ms && status["lag_bytes"] < 1'000'000;
    });
}

TEST(Control, PausesAndGoesOn) {
    const Pair pair;
    make_load_tables(pair, 1);
    auto destination = pair.destination();
    const Task task(pair);
    auto run = task.start();
    task.wait_for_stream(run);
    Load load(pair, 200);
    const auto checkpoint = [&] { return destination.value("SELECT lsn FROM walferry.checkpoint"); };
    for (int round = 0; round < 3; ++round) {
        auto before = checkpoint();
        wait_while_running(run, "changes are applied", [&] { return checkpoint() != before; });
        steer(task, {"pause"});
        // What was handed on already still commits; then nothing does.
        wait_while_running(run, "nothing is under way", [&] {
            before = checkpoint();
            return !run.ends_within(500ms) && checkpoint() == before;
        });
        EXPECT_EQ(check_bank(destination), "");
        const auto status = status_of(task);
        EXPECT_EQ(status["live"]["paused"], true);
        EXPECT_FALSE(run.ends_within(1500ms));
        EXPECT_EQ(checkpoint(), before);
        EXPECT_GT(status_of(task)["lag_ms"], 1000) << "it grows while paused";
        steer(task, {"resume"});
    }
    wait_for_lag_below(run, task, 1000);
    load.stop();
    steer(task, {"stop"});
    EXPECT_EQ(run.wait(20s), 0) << run.errors();
    task.run_until_now();
    EXPECT_EQ(compare(pair), "");
}

// The source drops a receiver that doesn't answer in this time.
TEST(Control, APausedTaskKeepsItsConnections) {
    Clusters clusters("paused", {"wal_sender_timeout=4s"}, {});
    const Pair pair(clusters);
    auto source = pair.source();
    source.exec("CREATE TABLE a (id int PRIMARY KEY, v text)");
    const Task task(pair, {.more = "[apply]\nbuffer_mb = 4\n"});
    auto run = task.start();
    task.wait_for_stream(run);
    steer(task, {"pause"});
    const std::string active = "SELECT active_pid FROM pg_replication_slots WHERE slot_name = '" + task.slot() + "'";
    const auto walsender = source.value(active);
    EXPECT_NE(walsender, "");
    source.exec(
        "INSERT INTO a SELECT n, repeat('x', 500) FROM generate_series(1, 40000) n");  // more than the buffer holds
    EXPECT_FALSE(run.ends_within(10s));
    EXPECT_EQ(source.value(active), walsender);
    EXPECT_EQ(pair.destination().number("SELECT count(*) FROM a"), 0);
    steer(task, {"resume"});
    wait_while_running(run, "all is applied",
                       [&] { return pair.destination().number("SELECT count(*) FROM a") == 40000; });
    EXPECT_EQ(source.value(active), walsender);
    EXPECT_THAT(run.errors(), ::testing::Not(HasSubstr("trying again")));
}

TEST(Control, StopsWhilePaused) {
    const Pair pair;
    pair.source().exec("CREATE TABLE a (id int PRIMARY KEY)");
    const Task task(pair);
    auto run = task.start();
    task.wait_for_stream(run);
    steer(task, {"pause"});
    pair.source().exec("INSERT INTO a VALUES (1)");
    steer(task, {"stop"});
    EXPECT_EQ(run.wait(20s), 0) << run.errors();
    EXPECT_EQ(pair.destination().number("SELECT count(*) FROM a"), 0);
    task.run_until_now();
    EXPECT_EQ(compare(pair), "");
}

// From the time that the source's changes are there, so that only the throttle counts: rows at the destination over time.
TEST(Control, ThrottleKeepsItsRate) {
    const Pair pair;
    auto source = pair.source();
    auto destination = pair.destination();
    source.exec("CREATE TABLE a (id int PRIMARY KEY, v text)");
    const Task task(pair, {.more = "[throttle]\nstream_rows = 1\n"});
    auto run = task.start();
    task.wait_for_stream(run);
    source.exec("SELECT pg_create_logical_replication_slot('weighed', 'walferry')");
    source.exec(
        "DO $$ BEGIN FOR i IN 1..6000 LOOP INSERT INTO a SELECT n, repeat('x', 100)"
        " FROM generate_series(i * 10, i * 10 + 9) n; COMMIT; END LOOP; END $$");
    const double row_bytes = std::stod(source.value(
        "SELECT sum(length(data)) / 60000.0 FROM pg_logical_slot_get_binary_changes('weighed', NULL, NULL, 'protocol', '" +
        std::to_string(WF_PROTOCOL_VERSION) + "')"));
    source.exec("SELECT pg_drop_replication_slot('weighed')");
    const auto count = [&] { return destination.number("SELECT count(*) FROM a"); };
    const auto rate_of = [&](double seconds) {
        const auto begin = steady_clock::now();
        const auto rows = count();
        EXPECT_FALSE(run.ends_within(std::chrono::milliseconds(static_cast<int>(seconds * 1000)))) << run.errors();
        const auto more = static_cast<double>(count() - rows);
        return more / duration<double>(steady_clock::now() - begin).count();
    };
    for (const int wanted : {2000, 300}) {
        steer(task, {"throttle", "--stream-rows", std::to_string(wanted)});
        (void)rate_of(1);  // until the new rate holds
        const double rate = rate_of(5);
        EXPECT_NEAR(rate, wanted, wanted / 10.0);
    }
    // Frames of 64 kB are paid for as a whole.
    steer(task, {"throttle", "--stream-rows", "0", "--stream-mb", "0.4"});
    (void)rate_of(1);
    EXPECT_NEAR(rate_of(6) * row_bytes, 400'000, 40'000);
    EXPECT_EQ(status_of(task)["live"]["throttle"]["stream"]["bytes_per_second"], 400'000);
    steer(task, {"throttle", "--off"});
    wait_while_running(run, "all is applied", [&] { return count() == 60000; });
    steer(task, {"stop"});
    EXPECT_EQ(run.wait(20s), 0) << run.errors();
    EXPECT_EQ(compare(pair), "");
}

TEST(Control, RefusesWithoutAProcess) {
    const Pair pair;
    const Task task(pair);
    const auto pause = task.call({"pause"});
    EXPECT_EQ(pause.exit_code, 3);
    EXPECT_THAT(pause.errors, HasSubstr("does not run on this machine"));
    pair.source().exec("CREATE TABLE a (id int PRIMARY KEY)");
    auto run = task.start();
    task.wait_for_stream(run);
    run.kill();
    EXPECT_EQ(task.call({"pause"}).exit_code, 3);
    const auto status = status_of(task);  // from the tables
    EXPECT_EQ(status["phase"], "stream");
    EXPECT_TRUE(status["live"].is_null());
    auto again = task.start();
    wait_while_running(again, "the dead one's socket is taken over",
                       [&] { return !status_of(task)["live"].is_null(); });
}

// While the destination is down the process is asked and answers at once.
TEST(Control, StatusShowsEachAttemptAndTheEnd) {
    Clusters clusters("retry", {}, {});
    const Pair pair(clusters);
    pair.source().exec("CREATE TABLE a (id int PRIMARY KEY)");
    const Task task(pair, {.retry_seconds = 6});
    auto run = task.start();
    task.wait_for_stream(run);
    clusters.destination.stop("fast");
    int seen = 0;
    wait_while_running(run, "two attempts have failed", [&] {
        const auto status = status_of(task);
        if (status["live"]["retry"].is_null()) return false;
        const int attempts = status["live"]["retry"]["attempts"];
        EXPECT_GE(attempts, seen);
        seen = attempts;
        EXPECT_NE(status["live"]["retry"]["error"], "");
        return seen >= 2;
    });
    EXPECT_THAT(task.call({"status"}).output, HasSubstr("trying again"));
    EXPECT_GT(status_of(task)["lag_ms"], 500) << "nothing becomes visible meanwhile";
    EXPECT_EQ(run.wait(60s), 7) << run.errors();
    EXPECT_THAT(run.errors(), HasSubstr("attempts failed in"));
    clusters.destination.start();
    task.run_until_now();
}

// Rows are written at the source with the time of their commits, and looked for here.
class CommitToVisible {
public:
    explicit CommitToVisible(const Pair &pair) : source_(pair.source()), destination_(pair.destination()) {}

    double ms() {
        source_.exec("INSERT INTO probe VALUES (" + std::to_string(++number_) + ")");
        const auto begin = steady_clock::now();
        wait_until("the row is visible", [&] {
            return destination_.holds("SELECT EXISTS (SELECT FROM probe WHERE id = " + std::to_string(number_) + ")");
        });
        return duration<double, std::milli>(steady_clock::now() - begin).count();
    }

private:
    Session source_;
    Session destination_;
    int number_ = 0;
};

double median(std::vector<double> values) {
    std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
    return values[values.size() / 2];
}

TEST(Lag, AgreesWithWhatIsMeasured) {
    const Pair pair;
    make_load_tables(pair, 1);
    pair.source().exec("CREATE TABLE probe (id int PRIMARY KEY)");
    const Task task(pair);
    auto run = task.start();
    task.wait_for_stream(run);
    CommitToVisible probe(pair);
    Load load(pair, 200);
    wait_for_lag_below(run, task, 1000);
    std::vector<double> measured;
    std::vector<double> shown;
    for (int i = 0; i < 15; ++i) {
        measured.push_back(probe.ms());
        shown.push_back(status_of(task)["lag_ms"]);
        EXPECT_FALSE(run.ends_within(300ms));
    }
    const double wanted = median(measured);
    EXPECT_NEAR(median(shown), wanted, std::max(50.0, wanted / 5));

    // Something is in the way: what a row has to wait for grows with the time.
    auto blocker = pair.destination();
    blocker.exec("BEGIN; LOCK TABLE pgbench_branches");
    const auto blocked = steady_clock::now();
    EXPECT_FALSE(run.ends_within(4s));
    const double late = status_of(task)["lag_ms"];
    const double since = duration<double, std::milli>(steady_clock::now() - blocked).count();
    EXPECT_LT(late, since * 1.2 + 50);
    EXPECT_GT(late, since * 0.8 - 1050) << "the lag is measured once a second";
    blocker.exec("ROLLBACK");
    load.stop();
    wait_for_lag_below(run, task, 50);
}

}  // namespace
}  // namespace walferry::testing
