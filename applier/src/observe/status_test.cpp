// Goal: status reads well for people and stays one shape for programs, whether the source can be reached or not.
//
// SPDX-License-Identifier: PostgreSQL
#include "observe/status.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace walferry {
namespace {

Status sample() {
    Status status;
    status.task = "shop";
    status.record.source_database = "shop";
    status.record.slot = "walferry_shop";
    status.record.phase = Phase::stream;
    status.running = true;
    status.tables.resize(2);
    status.tables[0] = {16384, "shop", "item", "ready", "7:7:", Lsn{1}, 1000, 3 << 20};
    status.tables[1].state = "pending";
    status.progress =
        Progress{Lsn{0x100}, Lsn{0x80}, Lsn{0x180}, Lsn{0x200}, 7, 2, 3, 1, "2026-01-02 03:04:05+00", {}, {}};
    SourceStatus source;
    source.wal_lsn = Lsn{0x300};
    source.slot = Slot{"walferry_shop", "walferry", "shop", true, 4711, "reserved", Lsn{0x40}, Lsn{0x80}, 2048, {}};
    status.source = source;
    return status;
}

TEST(Status, AsText) {
    EXPECT_EQ(status_as_text(sample()),
              "task        shop (running)\n"
              "phase       stream\n"
              "source      database shop, WAL at 0/300\n"
              "slot        walferry_shop, active, keeps 2.0 kB of WAL (reserved)\n"
              "tables      1 of 2 copied: 1000 rows, 3.0 MB\n"
              "applied     0/100  (committed at the source 2026-01-02 03:04:05+00)\n"
              "flushed     0/80\n"
              "received    0/180\n"
              "changes     7 in 2 transactions\n"
              "collisions  3, of which 1 were applied exactly\n"
              "lag         512 bytes\n");
}

TEST(Status, AsJson) {
    const auto json = nlohmann::json::parse(status_as_json(sample()));
    EXPECT_EQ(json["running"], true);
    EXPECT_EQ(json["phase"], "stream");
    EXPECT_EQ(json["lag_bytes"], 512);
    EXPECT_EQ(json["source"]["slot"]["retained_bytes"], 2048);
    EXPECT_EQ(json["progress"]["applied_lsn"], "0/100");
    EXPECT_TRUE(json["progress"]["last_error"].is_null());
    EXPECT_TRUE(json["live"].is_null());
    EXPECT_TRUE(json["lag_ms"].is_null());
    EXPECT_EQ(json["copy"]["copied"], 1);
    EXPECT_EQ(json["tables"].size(), 2U);
}

Verification with_differences() {
    Verification out;
    out.ended = "2026-01-02 03:04:05+00";
    out.ended_at = 1'767'323'045;
    out.tables = 12;
    out.rows = 345;
    out.differing_objects = 1;
    out.differing_tables = 1;
    out.differing_rows = 3;
    out.differing = {{"shop", "item", "1 missing, 2 differing", "2026-01-02 03:04:00+00"}};
    return out;
}

TEST(Status, SaysWhatVerifyHasFound) {
    auto status = sample();
    status.verification = with_differences();
    const auto text = status_as_text(status);
    EXPECT_NE(
        text.find(
            "verified    3 rows in 1 table and 1 definition differ; 12 tables, 345 rows, at 2026-01-02 03:04:05+00\n"
            "            shop.item: 1 missing, 2 differing\n"
            "            \"walferry repair FILE\" mends what differs\n"),
        std::string::npos)
        << text;
    const auto json = nlohmann::json::parse(status_as_json(status))["verification"];
    EXPECT_EQ(json["differs"], true);
    EXPECT_EQ(json["rows"], 345);
    EXPECT_EQ(json["differing"][0]["name"], "item");
    EXPECT_TRUE(json["under_way"].is_null());

    status.verification = Verification{};
    status.verification->under_way = Verification::UnderWay{"2026-01-02 04:00:00+00", false, 9, 2, 100, 4096, 1024};
    EXPECT_NE(status_as_text(status).find(
                  "verifying   2 of 9 tables, 100 rows, 1.0 kB of 4.0 kB, since 2026-01-02 04:00:00+00; stopped:"),
              std::string::npos)
        << status_as_text(status);
    EXPECT_EQ(status_as_text(status).find("verified"), std::string::npos);
    EXPECT_EQ(nlohmann::json::parse(status_as_json(status))["verification"]["under_way"]["running"], false);
}

TEST(Status, CountsWhatDiffersInWords) {
    Verification found;
    EXPECT_EQ(found.verdict(), "nothing differs");
    found.differing_objects = 1;
    EXPECT_EQ(found.verdict(), "1 definition differs");
    found.differing_objects = 2;
    EXPECT_EQ(found.verdict(), "2 definitions differ");
    found.differing_objects = 0;
    found.differing_tables = 1;
    found.differing_rows = 1;
    EXPECT_EQ(found.verdict(), "1 row in 1 table differs");
    found.differing_rows = 0;
    EXPECT_EQ(found.verdict(), "1 table differs") << "it can't be read";
}

// What the process knows is newer than what it has written down.
TEST(Status, OfARunningProcess) {
    auto status = sample();
    status.source->slot->safe_wal_size = 1 << 20;
    status.tables[1] = {16385, "shop", "sale", "pending", {}, {}, 0, 0};
    LiveStatus live;
    live.phase = Phase::copy;
    live.paused = true;
    live.stream_rates = {1000, 500'000};
    live.source_lsn = Lsn{0x400};
    live.received_lsn = Lsn{0x400};
    live.applied_lsn = Lsn{0x200};
    live.flushed_lsn = Lsn{0x200};
    live.lag_us = 12'300;
    live.changes = 9;
    live.transactions = 3;
    live.workers = 4;
    live.buffer_bytes_max = 64 << 20;
    live.copying = true;
    live.table_bytes = 300 << 20;
    live.table_bytes_done = 100 << 20;
    live.copy_bytes = 50 << 20;
    live.under_way = {{16385, "shop", "sale", "copying", {}, {}, 70, 7000}};
    live.copy_steps = {{"index sale_pkey, 1 of 2", "building index: scanning table", 40}, {"statistics", "", {}}};
    live.retry = RetryStatus{2, "connection lost", {}, {}};
    status.add_live(live, {12, 4, 100, 10 << 20});

    const auto text = status_as_text(status);
    for (const char *line :
         {"phase       copy, paused\n", "(reserved), 1.0 MB more until max_slot_wal_keep_size\n",
          "            shop.sale copying: 70 rows, 6.8 kB\n", "received    0/400\n", "lag         512 bytes, 12 ms\n",
          "copying     100 rows/s, 10.0 MB/s, 10 s left\n",
          "building    index sale_pkey, 1 of 2: building index: scanning table, 40 %; statistics\n",
          "applying    12 changes/s in 4 transactions/s, by 4 workers\n",
          "throttle    stream: 1000 rows/s, 0.5 MB/s; copy: no limit\n", "2 attempts failed; gives up at"}) {
        EXPECT_NE(text.find(line), std::string::npos) << line << "in\n" << text;
    }
    const auto json = nlohmann::json::parse(status_as_json(status));
    EXPECT_EQ(json["lag_ms"], 12.3);
    EXPECT_EQ(json["lag_bytes"], 512);
    EXPECT_EQ(json["progress"]["changes"], 9);
    EXPECT_EQ(json["tables"][1]["state"], "copying");
    EXPECT_EQ(json["live"]["throttle"]["stream"]["rows_per_second"], 1000);
    EXPECT_EQ(json["live"]["copy"]["seconds_left"], 10);
    EXPECT_EQ(json["live"]["copy"]["steps"][0]["percent"], 40);
    EXPECT_EQ(json["live"]["copy"]["steps"][1]["percent"], nullptr);
    EXPECT_EQ(json["live"]["retry"]["attempts"], 2);
    EXPECT_EQ(json["source"]["slot"]["safe_wal_size"], 1 << 20);
}

TEST(Status, SaysThatTheSourceIsAway) {
    auto status = sample();
    status.source.reset();
    status.source_error = "connection refused";
    EXPECT_FALSE(status.lag_bytes());
    EXPECT_NE(status_as_text(status).find("walferry_shop, unknown: connection refused"), std::string::npos);
    const auto json = nlohmann::json::parse(status_as_json(status));
    EXPECT_EQ(json["source"]["reachable"], false);
    EXPECT_TRUE(json["lag_bytes"].is_null());
}

TEST(Status, SaysThatTheSlotIsGone) {
    auto status = sample();
    status.source->slot.reset();
    EXPECT_NE(status_as_text(status).find("walferry_shop does not exist"), std::string::npos);
    EXPECT_TRUE(nlohmann::json::parse(status_as_json(status))["source"]["slot"].is_null());
}

}  // namespace
}  // namespace walferry
