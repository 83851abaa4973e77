// Goal: each verb does what it says; whatever else comes is refused in words and changes nothing.
//
// SPDX-License-Identifier: PostgreSQL
#include "control/requests.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace walferry {
namespace {

using nlohmann::json;

class RequestsTest : public ::testing::Test {
protected:
    json ask(const std::string &line) const { return json::parse(requests_.answer(line)); }

    Steering steering_;
    StopFlag stop_;
    Requests requests_{steering_, stop_, [] {
                           Status status;
                           status.task = "shop \xff";  // not UTF-8
                           return status;
                       }};
};

TEST_F(RequestsTest, Status) {
    const auto answer = ask(R"({"verb": "status"})");
    EXPECT_EQ(answer["ok"], true);
    EXPECT_EQ(answer["status"]["phase"], "slot");
    EXPECT_NE(answer["text"].get<std::string>().find("task        shop"), std::string::npos);
}

TEST_F(RequestsTest, PauseAndResume) {
    EXPECT_EQ(ask(R"({"verb": "pause"})")["paused"], true);
    EXPECT_TRUE(steering_.stream.paused() && steering_.copy.paused());
    EXPECT_EQ(ask(R"({"verb": "resume"})")["paused"], false);
    EXPECT_FALSE(steering_.stream.paused() || steering_.copy.paused());
}

TEST_F(RequestsTest, ThrottleSetsWhatIsGiven) {
    EXPECT_EQ(ask(R"({"verb": "throttle", "stream_rows": 10, "copy_bytes": 7})")["stream_rows"], 10);
    EXPECT_EQ(steering_.stream.rates(), (Rates{10, 0}));
    EXPECT_EQ(steering_.copy.rates(), (Rates{0, 7}));
    const auto now = ask(R"({"verb": "throttle", "stream_bytes": 5})");
    EXPECT_EQ(now["stream_rows"], 10);
    EXPECT_EQ(now["stream_bytes"], 5);
    EXPECT_EQ(now["copy_bytes"], 7);
    for (const char *line :
         {R"({"verb": "throttle", "stream_rows": -1})", R"({"verb": "throttle", "stream_rows": 1.5})",
          R"({"verb": "throttle", "copy_rows": 3, "copy_bytes": "1"})"}) {
        EXPECT_EQ(ask(line)["ok"], false) << line;
    }
    EXPECT_EQ(steering_.stream.rates(), (Rates{10, 5}));
    EXPECT_EQ(steering_.copy.rates(), (Rates{0, 7}));
}

TEST_F(RequestsTest, Stop) {
    EXPECT_EQ(ask(R"({"verb": "stop"})")["ok"], true);
    EXPECT_TRUE(stop_.requested());
}

TEST_F(RequestsTest, RefusesWhatItDoesNotKnow) {
    for (const std::string line :
         {"", "status", "[]", "{}", R"({"verb": 1})", R"({"verb": "drop"})", "{\"verb\": \"\xff\"}"}) {
        EXPECT_EQ(ask(line)["ok"], false) << line;
    }
    EXPECT_FALSE(stop_.requested() || steering_.paused());
}

}  // namespace
}  // namespace walferry
