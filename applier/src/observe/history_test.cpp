// Goal: rates are what the counters say, whatever restarts do to those; the charts get each point once.
//
// SPDX-License-Identifier: PostgreSQL
#include "observe/history.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace walferry {
namespace {

using namespace std::chrono_literals;

LiveStatus at(std::uint64_t changes, std::int64_t lag_us = 0) {
    LiveStatus status;
    status.changes = changes;
    status.lag_us = lag_us;
    return status;
}

const History::Time begin{1000s};

TEST(History, RatesAreOfTheLastSeconds) {
    History history;
    EXPECT_EQ(history.rates().changes, 0);
    for (int i = 0; i < 20; ++i)
        history.add(begin + i * 1s, at(i < 10 ? 1 : 1 + 100 * static_cast<unsigned>(i - 9)), 0);
    EXPECT_EQ(history.rates().changes, 100);
    history.add(begin + 20s, at(5), 0);  // begun again at the checkpoint
    EXPECT_EQ(history.rates().changes, 0);
}

TEST(History, WhatEarlierRunsHaveDoneIsNoRate) {
    History history;
    history.add(begin, at(0), 0);
    history.add(begin + 1s, at(1'000'000), 0);
    EXPECT_EQ(history.rates().changes, 0);
}

TEST(History, GivesEachPointOnce) {
    History history;
    for (int i = 0; i < 3; ++i) history.add(begin + i * 1s, at(10 + 10 * static_cast<unsigned>(i), 1500), 7);
    const auto all = history.as_json(0);
    EXPECT_EQ(all["next"], 3);
    EXPECT_EQ(all["time"], nlohmann::json({1'000'000, 1'001'000, 1'002'000}));
    EXPECT_EQ(all["changes_per_second"], nlohmann::json({0.0, 10.0, 10.0}));
    EXPECT_EQ(all["lag_ms"][0], 1.5);
    EXPECT_EQ(all["retained_bytes"][2], 7);
    history.add(begin + 3s, at(50), 7);
    const auto rest = history.as_json(3);
    EXPECT_EQ(rest["time"].size(), 1U);
    EXPECT_EQ(rest["changes_per_second"][0], 20.0);
    EXPECT_EQ(history.as_json(99)["time"].size(), 0U) << "of another process";
}

TEST(History, ForgetsWhatIsOld) {
    History history;
    for (int i = 0; i < 2000; ++i) history.add(begin + i * 1s, at(1), 0);
    EXPECT_EQ(history.as_json(0)["time"].size(), 1800U);
    EXPECT_EQ(history.as_json(0)["next"], 2000);
}

}  // namespace
}  // namespace walferry
