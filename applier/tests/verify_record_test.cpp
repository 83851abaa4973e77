// Goal: a comparison that takes long bothers nobody and loses nothing: it keeps its rates, goes on where it was killed, and what it
// has found is told wherever an operator looks.
//
// SPDX-License-Identifier: PostgreSQL
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "dashboard.h"

namespace walferry::testing {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;
using Json = nlohmann::json;

class VerifyRecord : public ::testing::Test {
protected:
    // At the destination, with triggers and foreign keys as quiet as for the applier.
    void spoil(const std::string &sql) { destination.exec("SET session_replication_role = replica; " + sql); }
    // Compares slowly, and is killed when it has some of its pieces.
    void verify_killed(const Task &task, const std::vector<std::string> &options);

    Pair pair;
    Session source = pair.source();
    Session destination = pair.destination();
};

void VerifyRecord::verify_killed(const Task &task, const std::vector<std::string> &options) {
    std::vector<std::string> command = {walferry_program(), "verify"};
    command.insert(command.end(), options.begin(), options.end());
    command.push_back(task.file());
    Process verify(command);
    wait_while_running(verify, "a piece is recorded", [&] {
        return destination.holds("SELECT to_regclass('walferry.verification_part') IS NOT NULL") &&
               destination.holds("SELECT EXISTS (SELECT FROM walferry.verification_part)");
    });
    verify.kill();
}

Json status_of(const Task &task) {
    const auto outcome = task.call({"status", "--json"});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.errors;
    return Json::parse(outcome.output)["verification"];
}

// What is spoiled behind it, in what was read already, shows that it isn't read once more.
TEST_F(VerifyRecord, GoesOnWhereItWasKilled) {
    source.exec(
        "CREATE TABLE big (part text, id int, v text, PRIMARY KEY (part, id));"
        "INSERT INTO big SELECT 'it''s \\ ' || n % 2, n, 'value ' || n FROM generate_series(1, 8000) AS n;"
        "CREATE TABLE little (id int PRIMARY KEY); INSERT INTO little SELECT generate_series(1, 10)");
    const Task task(pair);
    task.run_until_now();
    EXPECT_TRUE(status_of(task).is_null());
    verify_killed(task, {"--rows", "1000"});
    const auto killed = status_of(task)["under_way"];
    EXPECT_EQ(killed["tables"], 2);
    EXPECT_EQ(killed["running"], false);
    EXPECT_THAT(task.call({"status"}).output, HasSubstr("stopped: \"walferry verify FILE\" goes on"));

    spoil("UPDATE big SET v = 'spoiled' WHERE (part, id) = (SELECT part, id FROM big ORDER BY part, id LIMIT 1)");
    const auto resumed = task.call({"verify", "--json"});
    EXPECT_EQ(resumed.exit_code, 0) << resumed.errors;
    EXPECT_THAT(resumed.errors, HasSubstr("goes on where the one that began at "));
    EXPECT_THAT(resumed.errors, ContainsRegex(R"(public.big goes on from \(part, id\) = \(it's \\ [01], [0-9]+\))"));
    const auto report = Json::parse(resumed.output);
    EXPECT_EQ(report["tables"][0]["source"]["rows"], 8000) << "of all pieces";
    EXPECT_EQ(report["tables"][0]["destination"]["rows"], 8000);
    EXPECT_EQ(report["tables"][1]["source"]["rows"], 10);
    EXPECT_THAT(report["notes"].dump(), HasSubstr("goes on with the comparison that began at"));
    EXPECT_TRUE(status_of(task)["under_way"].is_null());
    EXPECT_EQ(status_of(task)["rows"], 8010);

    EXPECT_EQ(task.call({"verify"}).exit_code, 9) << "the next one begins anew";
    EXPECT_EQ(status_of(task)["verdict"], "1 row in 1 table differs");
    EXPECT_EQ(destination.number("SELECT count(*) FROM walferry.verification_part"), 0);
}

TEST_F(VerifyRecord, BeginsAnewWhereItMust) {
    source.exec(
        "CREATE TABLE big (id int PRIMARY KEY, v text); CREATE TABLE other (id int PRIMARY KEY);"
        "INSERT INTO big SELECT n, 'value ' || n FROM generate_series(1, 8000) AS n");
    const Task task(pair);
    task.run_until_now();
    const std::string spoil_first = "UPDATE big SET v = 'spoiled' WHERE id = 1";
    verify_killed(task, {"--rows", "1000"});
    spoil(spoil_first);
    const auto restarted = task.call({"verify", "--restart"});
    EXPECT_EQ(restarted.exit_code, 9) << restarted.output;
    EXPECT_THAT(restarted.errors, Not(HasSubstr("goes on")));

    // A table that was filled anew is not what was read.
    verify_killed(task, {"--rows", "1000", "--restart"});
    destination.exec("CREATE TABLE kept AS TABLE big; TRUNCATE big; INSERT INTO big TABLE kept; DROP TABLE kept");
    EXPECT_EQ(task.call({"verify"}).exit_code, 9);

    // One that differed is looked at again; single tables are recorded as well.
    EXPECT_EQ(status_of(task)["differing"][0]["verdict"], "1 differing");
    destination.exec("UPDATE big SET v = 'value 1' WHERE id = 1");
    EXPECT_EQ(task.call({"verify"}, 60s, {"public.big"}).exit_code, 0);
    EXPECT_EQ(status_of(task)["differs"], false);
}

// Between two pieces, rows move from what is to be read to what was read, and the other way: no such row is a difference, and one that differs
// and stays is found.
TEST_F(VerifyRecord, RowsMoveBetweenPieces) {
    source.exec(
        "CREATE TABLE big (id int PRIMARY KEY, v text);"
        "INSERT INTO big SELECT n, 'value ' || n FROM generate_series(1, 8000) AS n");
    const Task task(pair);
    auto run = task.start();
    task.wait_for_stream(run);
    spoil("UPDATE big SET v = 'spoiled' WHERE id IN (6000, 6001)");
    Process verify({walferry_program(), "verify", "--json", "--rows", "2000", task.file()});
    wait_while_running(verify, "a piece is read",
                       [&] { return destination.holds("SELECT EXISTS (SELECT FROM walferry.verification_part)"); });
    source.exec(
        "UPDATE big SET id = -id WHERE id BETWEEN 5000 AND 6000; UPDATE big SET id = id + 10000 WHERE id BETWEEN 1 AND 999");
    EXPECT_EQ(verify.wait(), 9) << verify.errors();
    const auto found = Json::parse(verify.output())["tables"][0]["differences"];
    ASSERT_EQ(found.size(), 1U) << found.dump(1);
    EXPECT_EQ(found[0]["key"]["id"], "6001") << "the stream has written the other one anew";
    EXPECT_EQ(destination.value("SELECT v FROM big WHERE id = -6000"), "value 6000");
}

// By ranges of a key, as a table lies on disk, and from table to table.
TEST_F(VerifyRecord, KeepsItsRates) {
    source.exec(
        "CREATE TABLE keyed (id int PRIMARY KEY, v text); CREATE TABLE other (id int PRIMARY KEY); CREATE TABLE keyless (v text);"
        "INSERT INTO keyed SELECT n, 'value ' || n FROM generate_series(1, 6000) AS n;"
        "INSERT INTO other SELECT generate_series(1, 6000);"
        "INSERT INTO keyless SELECT repeat(md5(n::text), 10) FROM generate_series(1, 12000) AS n; ANALYZE");
    const Task task(pair, {.more = "[throttle]\nverify_rows = 5000\n"});
    task.run_until_now();
    const auto took = [&](std::vector<std::string> options, const std::vector<std::string> &tables) {
        options.insert(options.begin(), "verify");
        const auto begin = std::chrono::steady_clock::now();
        EXPECT_EQ(task.call(options, 60s, tables).exit_code, 0);
        return std::chrono::steady_clock::now() - begin;
    };
    // The last piece is not waited for.
    EXPECT_GE(took({"--jobs", "1"}, {"public.keyed", "public.other"}), 1000ms);
    EXPECT_GE(took({"--rows", "2500"}, {"public.keyed"}), 1800ms);
    EXPECT_GE(took({"--rows", "0", "--mb", "0.1"}, {"public.keyed"}), 1800ms);
    EXPECT_GE(took({"--rows", "8000"}, {"public.keyless"}), 200ms);
}

std::vector<Json> alerts_in(const std::string &file) {
    std::vector<Json> out;
    std::ifstream in(file);
    for (std::string line; std::getline(in, line);) out.push_back(Json::parse(line));
    return out;
}

TEST_F(VerifyRecord, IsToldEverywhere) {
    source.exec("CREATE TABLE item (id int PRIMARY KEY, v text); INSERT INTO item SELECT generate_series(1, 100)");
    const std::string alerts = scratch_folder() + "/verify_alerts";
    const std::string socket = scratch_folder() + "/verify_socket";
    const Task task(pair, {.more = "[alerts]\ncommand = 'cat >> " + alerts + "'\n[control]\nsocket = '" + socket +
                                   "'\n[http]\nlisten = '127.0.0.1:0'\n"});
    auto run = task.start();
    task.wait_for_stream(run);
    const auto address = dashboard_address(run);
    const auto get = [&](const std::string &path) {
        return testing::run({"curl", "-s", "-f", "--max-time", "10", address + path}).output;
    };
    EXPECT_EQ(task.call({"verify"}).exit_code, 0);
    wait_while_running(run, "the run knows of it", [&] { return !status_of(task).is_null(); });
    EXPECT_THAT(task.call({"status"}).output, HasSubstr("verified    nothing differs; 1 table, 100 rows, at "));

    spoil("DELETE FROM item WHERE id = 7");
    const std::string html_file = scratch_folder() + "/report.html";
    EXPECT_EQ(task.call({"verify", "--html", html_file}).exit_code, 9);
    const std::string html = read_file(html_file);
    EXPECT_THAT(html, HasSubstr("<td>public.item</td>"));
    EXPECT_THAT(html, HasSubstr("<code>(7)</code>"));
    for (const char *request : {"http:", "https:", "src=", "href=", "url("}) EXPECT_THAT(html, Not(HasSubstr(request)));

    wait_while_running(run, "the alert has come", [&] { return !alerts_in(alerts).empty(); });
    EXPECT_EQ(alerts_in(alerts)[0]["kind"], "difference");
    EXPECT_THAT(alerts_in(alerts)[0]["detail"].get<std::string>(), HasSubstr("public.item: 1 missing"));
    EXPECT_THAT(task.call({"status"}).output, HasSubstr("public.item: 1 missing"));
    EXPECT_EQ(Json::parse(get("status.json"))["verification"]["differing"][0]["name"], "item");
    EXPECT_THAT(get("metrics"), HasSubstr("walferry_verify_differing_rows{task=\"" + task.name() + "\"} 1\n"));

    EXPECT_EQ(task.call({"repair"}).exit_code, 0);
    wait_while_running(run, "the run knows that it is mended", [&] { return status_of(task)["differs"] == false; });
    run.signal(SIGTERM);
    EXPECT_EQ(run.wait(20s), 0) << run.errors();

    // Without a run verify raises the alert itself, once in a window, which both remember.
    spoil("DELETE FROM item WHERE id = 8");
    EXPECT_EQ(task.call({"verify"}).exit_code, 9);
    EXPECT_EQ(alerts_in(alerts).size(), 1U);
    std::filesystem::remove(socket + ".alerts");
    EXPECT_EQ(task.call({"verify"}).exit_code, 9);
    EXPECT_EQ(alerts_in(alerts).size(), 2U);

    EXPECT_EQ(task.call({"verify", "--html", "/nonexistent/report.html"}).exit_code, 2);
    EXPECT_EQ(task.call({"cleanup"}).exit_code, 0);
    EXPECT_FALSE(destination.holds("SELECT to_regnamespace('walferry') IS NOT NULL"));
}

}  // namespace
}  // namespace walferry::testing
