// Goal: each page answers what it says, and nothing is steered without the token, or read through a foreign name.
//
// SPDX-License-Identifier: PostgreSQL
#include "http/site.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "http/server.h"

namespace walferry {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

class SiteTest : public ::testing::Test {
protected:
    SiteTest() {
        watched_.status.task = "shop";
        watched_.status.live.emplace();
        watched_.status.live->lag_us = 1500;
        watched_.status.record.phase = Phase::stream;
        watched_.status.tables.resize(2);
        watched_.status.tables[0].state = "ready";
        watched_.status.tables[1].state = "pending";
        watched_.ddl.resize(1);
        watched_.ddl[0].statement = "CREATE TABLE a ()";
    }
    Site site(const std::string &token = {}, bool only_here = true) const {
        return {requests_, history_, [this] { return watched_; }, token, only_here};
    }
    static HttpRequest get(const std::string &path) { return {"GET", path, "", "localhost:9187", "", "", ""}; }
    static HttpRequest post(const std::string &token, const std::string &body) {
        return {"POST", "/control", "", "127.0.0.1:9187", "application/json", "Bearer " + token, body};
    }

    Steering steering_;
    StopFlag stop_;
    History history_;
    Watched watched_;
    Requests requests_{steering_, stop_, [this] { return watched_.status; }};
};

TEST_F(SiteTest, ServesThePageAndItsFiles) {
    const Site site = this->site();
    const auto page = site.answer(get("/"));
    EXPECT_EQ(page.code, 200);
    EXPECT_THAT(page.content_type, HasSubstr("text/html"));
    EXPECT_THAT(page.body, HasSubstr("</html>"));
    EXPECT_THAT(page.body, Not(HasSubstr("http://")));
    for (const char *path : {"/dashboard.css", "/dashboard.js", "/chart.js", "/icon.svg"}) {
        EXPECT_EQ(site.answer(get(path)).code, 200) << path;
        EXPECT_THAT(page.body, HasSubstr(std::string("\"") + (path + 1) + "\""));
    }
    EXPECT_EQ(site.answer(get("/../etc/passwd")).code, 404);
}

TEST_F(SiteTest, ServesStatusHistoryAndHealth) {
    const Site site = this->site();
    const auto status = json::parse(site.answer(get("/status.json")).body);
    EXPECT_EQ(status["lag_ms"], 1.5);
    EXPECT_EQ(status["ddl"][0]["statement"], "CREATE TABLE a ()");
    EXPECT_EQ(status["steerable"], false);
    history_.add(History::Time{}, *watched_.status.live, 0);
    auto request = get("/history.json");
    EXPECT_EQ(json::parse(site.answer(request).body)["time"].size(), 1U);
    request.query = "after=1";
    EXPECT_EQ(json::parse(site.answer(request).body)["time"].size(), 0U);
    EXPECT_EQ(site.answer(get("/healthz")).code, 200);
    watched_.status.live->retry.emplace();
    EXPECT_EQ(site.answer(get("/healthz")).code, 503);
}

TEST_F(SiteTest, ServesMetrics) {
    watched_.status.source.emplace();
    watched_.status.source->slot = Slot{"s", "walferry", "shop", true, 1, "reserved", {}, {}, 1000, {}};
    watched_.status.verification.emplace();
    watched_.status.verification->ended_at = 1'700'000'000;
    watched_.status.verification->rows = 345;
    watched_.status.verification->differing_rows = 3;
    watched_.status.verification->under_way = Verification::UnderWay{"", true, 9, 2, 77, 0, 0};
    const auto text = site().answer(get("/metrics")).body;
    for (const char *line :
         {"# TYPE walferry_changes_total counter\n", "walferry_lag_seconds{task=\"shop\"} 0.0015\n",
          "walferry_phase{task=\"shop\",phase=\"stream\"} 1\n", "walferry_phase{task=\"shop\",phase=\"copy\"} 0\n",
          "walferry_tables{task=\"shop\",state=\"pending\"} 1\n", "walferry_slot_retained_bytes{task=\"shop\"} 1000\n",
          "walferry_slot_wal_status{task=\"shop\",status=\"reserved\"} 1\n",
          "walferry_verify_end_time_seconds{task=\"shop\"} 1700000000\n", "walferry_verify_rows{task=\"shop\"} 345\n",
          "walferry_verify_differing_rows{task=\"shop\"} 3\n", "walferry_verify_running{task=\"shop\"} 1\n",
          "walferry_verify_rows_done{task=\"shop\"} 77\n"}) {
        EXPECT_THAT(text, HasSubstr(line));
    }
}

TEST_F(SiteTest, SteersWithTheTokenAlone) {
    const std::string pause = R"({"verb": "pause"})";
    EXPECT_EQ(site().answer(post("", pause)).code, 403) << "there is no token";
    const Site site = this->site("secret");
    EXPECT_EQ(site.answer(post("", pause)).code, 401);
    EXPECT_EQ(site.answer(post("secre", pause)).code, 401);
    EXPECT_EQ(site.answer(post("secretX", pause)).code, 401);
    auto form = post("secret", pause);
    form.content_type = "text/plain";
    EXPECT_EQ(site.answer(form).code, 415);
    auto read = post("secret", pause);
    read.method = "GET";
    EXPECT_EQ(site.answer(read).code, 405);
    EXPECT_FALSE(steering_.paused());
    EXPECT_EQ(site.answer(post("secret", pause)).code, 200);
    EXPECT_TRUE(steering_.paused());
    EXPECT_EQ(site.answer(post("secret", "{}")).code, 400);
}

TEST_F(SiteTest, RefusesForeignNamesOnLoopback) {
    auto request = get("/status.json");
    request.host = "evil.example.org:9187";
    EXPECT_EQ(site().answer(request).code, 403);
    EXPECT_EQ(site({}, false).answer(request).code, 200);
    for (const char *host : {"localhost", "localhost:1", "127.0.0.1:1", "[::1]:1"}) {
        request.host = host;
        EXPECT_EQ(site().answer(request).code, 200) << host;
    }
}

TEST(HttpServer, KnowsLoopback) {
    EXPECT_TRUE(is_loopback("127.0.0.1:80") && is_loopback("[::1]:80"));
    EXPECT_FALSE(is_loopback("0.0.0.0:80") || is_loopback("[::]:80") || is_loopback("10.0.0.1:80"));
}

}  // namespace
}  // namespace walferry
