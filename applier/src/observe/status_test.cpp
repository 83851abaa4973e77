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
    source.slot = Slot{"walferry_shop", "walferry", "shop", true, 4711, "reserved", Lsn{0x40}, Lsn{0x80}, 2048};
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
    EXPECT_EQ(json["copy"]["copied"], 1);
    EXPECT_EQ(json["tables"].size(), 2U);
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
