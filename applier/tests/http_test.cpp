// Goal: what a running task serves over HTTP is there, true, and moves; alerts reach the operator from a real task.
//
// SPDX-License-Identifier: PostgreSQL
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "dashboard.h"
#include "load.h"

namespace walferry::testing {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

Outcome curl(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"curl", "-s", "--max-time", "10"});
    return run(arguments);
}

TEST(Http, ServesARunningTask) {
    const Pair pair;
    make_load_tables(pair, 1);
    const std::string token_file = scratch_folder() + "/token";
    write_file(token_file, "secret\n");
    const Task task(pair, {.more = "[http]\nlisten = '127.0.0.1:0'\ntoken_file = '" + token_file + "'\n"});
    auto run = task.start();
    task.wait_for_stream(run);
    const auto address = dashboard_address(run);
    const auto get = [&](const std::string &path) { return curl({"-f", address + path}).output; };
    EXPECT_THAT(get(""), HasSubstr("</html>"));
    EXPECT_EQ(get("healthz"), "ok\n");
    EXPECT_THAT(curl({"-D-", "-o", "/dev/null", address}).output, HasSubstr("default-src 'none'"));
    Load load(pair, 100);
    wait_while_running(run, "the charts have points with changes", [&] {
        const auto history = json::parse(get("history.json?after=0"));
        return history["changes_per_second"].size() > 1 && history["changes_per_second"].back() > 10;
    });
    wait_while_running(run, "the slot is known",
                       [&] { return get("metrics").find("walferry_slot_active") != std::string::npos; });
    const auto metrics = get("metrics");
    EXPECT_THAT(metrics, HasSubstr("walferry_phase{task=\"" + task.name() + "\",phase=\"stream\"} 1"));
    EXPECT_THAT(metrics, HasSubstr("walferry_slot_wal_status"));
    EXPECT_EQ(json::parse(get("status.json"))["steerable"], true);
    const auto post = [&](const std::string &token) {
        return curl({"-o", "/dev/null", "-w", "%{http_code}", "-H", "Content-Type: application/json", "-H",
                     "Authorization: Bearer " + token, "-d", R"({"verb": "pause"})", address + "control"})
            .output;
    };
    EXPECT_EQ(post("guess"), "401");
    EXPECT_EQ(json::parse(get("status.json"))["live"]["paused"], false);
    EXPECT_EQ(post("secret"), "200");
    EXPECT_EQ(json::parse(get("status.json"))["live"]["paused"], true);
    run.signal(SIGTERM);
    EXPECT_EQ(run.wait(20s), 0) << run.errors();
}

std::vector<json> alerts_in(const std::string &file) {
    std::vector<json> out;
    std::ifstream in(file);
    for (std::string line; std::getline(in, line);) out.push_back(json::parse(line));
    return out;
}

// A task that a supervisor starts again and again tells it once.
TEST(Alerts, AConflictIsToldOnce) {
    const Pair pair;
    pair.source().exec("CREATE TABLE a (id int PRIMARY KEY)");
    const std::string file = scratch_folder() + "/alerts";
    const Task task(pair, {.more = "[alerts]\ncommand = 'cat >> " + file + "'\n"});
    task.run_until_now();
    pair.destination().exec("INSERT INTO a VALUES (1)");
    pair.source().exec("INSERT INTO a VALUES (1)");
    for (int i = 0; i < 3; ++i) EXPECT_EQ(task.call({"run", "--until", "now"}).exit_code, 5);
    const auto alerts = alerts_in(file);
    ASSERT_EQ(alerts.size(), 1U);
    EXPECT_EQ(alerts[0]["kind"], "conflict");
    EXPECT_EQ(alerts[0]["task"], task.name());
    EXPECT_THAT(alerts[0]["detail"].get<std::string>(), HasSubstr("public.a"));
}

TEST(Alerts, LagAndSlotAreToldWhileTheTaskRuns) {
    const Pair pair;
    pair.source().exec("CREATE TABLE a (id int PRIMARY KEY, v text)");
    const std::string file = scratch_folder() + "/lag_alerts";
    const Task task(
        pair, {.more = "[alerts]\nlag_seconds = 1\nlag_for_seconds = 1\nslot_retained_mb = 20\ncommand = 'cat >> " +
                       file + "'\n"});
    auto run = task.start();
    task.wait_for_stream(run);
    EXPECT_EQ(task.call({"pause"}).exit_code, 0);
    pair.source().exec("INSERT INTO a SELECT n, repeat('x', 1000) FROM generate_series(1, 30000) n");
    wait_while_running(run, "both alerts have come", [&] { return alerts_in(file).size() >= 2; });
    EXPECT_FALSE(run.ends_within(3s));
    std::vector<std::string> kinds;
    for (const json &alert : alerts_in(file)) kinds.push_back(alert["kind"]);
    EXPECT_THAT(kinds, ::testing::UnorderedElementsAre("lag", "slot"));
}

// What policies have settled is counted wherever one looks, and what waits in quarantine is told once.
TEST(Alerts, ConflictsAreCountedAndAQuarantineIsTold) {
    const Pair pair;
    auto source = pair.source();
    auto destination = pair.destination();
    source.exec(
        "CREATE TABLE a (id int PRIMARY KEY, v text); INSERT INTO a SELECT g, 'v' FROM generate_series(1, 9) g");
    const std::string file = scratch_folder() + "/quarantine_alerts";
    const Task task(pair, {.more = "[conflict]\ninsert_exists = 'skip'\nupdate_missing = 'quarantine'\n"
                                   "[http]\nlisten = '127.0.0.1:0'\n[alerts]\ncommand = 'cat >> " +
                                   file + "'\n"});
    auto run = task.start();
    task.wait_for_stream(run);
    const auto address = dashboard_address(run);
    const auto get = [&](const std::string &path) { return curl({"-f", address + path}).output; };
    const auto conflicts = [&] { return json::parse(get("status.json"))["conflicts"]; };
    EXPECT_EQ(conflicts(), json::parse(R"({"quarantined": 0, "totals": []})"));
    EXPECT_THAT(get("metrics"), HasSubstr("walferry_quarantined_changes{task=\"" + task.name() + "\"} 0"));

    destination.exec("INSERT INTO a VALUES (11, 'here'), (12, 'here'), (13, 'here'); DELETE FROM a WHERE id < 3");
    source.exec("INSERT INTO a VALUES (11, 'v'), (12, 'v'); UPDATE a SET v = 'w' WHERE id = 1");
    wait_while_running(run, "the alert has come", [&] { return !alerts_in(file).empty(); });
    source.exec("INSERT INTO a VALUES (13, 'v'); UPDATE a SET v = 'w' WHERE id = 2");
    wait_while_running(run, "all are counted", [&] { return conflicts()["quarantined"] == 2; });
    EXPECT_EQ(conflicts()["totals"], json::parse(R"([{"kind": "insert_exists", "policy": "skip", "total": 3},)"
                                                 R"({"kind": "update_missing", "policy": "quarantine", "total": 2}])"));
    const auto metrics = get("metrics");
    for (const std::string line :
         {"walferry_conflicts_total{task=\"{}\",policy=\"skip\",kind=\"insert_exists\"} 3\n",
          "walferry_conflicts_total{task=\"{}\",policy=\"quarantine\",kind=\"update_missing\"} 2\n",
          "walferry_quarantined_changes{task=\"{}\"} 2\n"}) {
        EXPECT_THAT(metrics, HasSubstr(std::string(line).replace(line.find("{}"), 2, task.name())));
    }
    EXPECT_EQ(task.call({"quarantine", "drop"}, 60s, {"all"}).exit_code, 0);
    wait_while_running(run, "none waits", [&] { return conflicts()["quarantined"] == 0; });
    run.signal(SIGTERM);
    EXPECT_EQ(run.wait(20s), 0) << run.errors();
    const auto alerts = alerts_in(file);
    ASSERT_EQ(alerts.size(), 1U);
    EXPECT_EQ(alerts[0]["kind"], "quarantine");
    EXPECT_THAT(alerts[0]["message"].get<std::string>(), HasSubstr("in quarantine"));
}

TEST(Alerts, AFailureIsTold) {
    const Pair pair;
    pair.source().exec("CREATE TABLE a (id int PRIMARY KEY)");
    const std::string file = scratch_folder() + "/failure_alerts";
    const Task task(pair, {.more = "[alerts]\ncommand = 'cat >> " + file + "'\n"});
    task.run_until_now();
    pair.source().exec("SELECT pg_drop_replication_slot('" + task.slot() + "')");
    EXPECT_EQ(task.call({"run", "--until", "now"}).exit_code, 3);
    const auto alerts = alerts_in(file);
    ASSERT_EQ(alerts.size(), 1U);
    EXPECT_EQ(alerts[0]["kind"], "failure");
    EXPECT_THAT(alerts[0]["message"].get<std::string>(), HasSubstr("is gone"));
}

}  // namespace
}  // namespace walferry::testing
