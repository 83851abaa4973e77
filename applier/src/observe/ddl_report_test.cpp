// Goal: the list of DDL statements reads well whatever the statements hold, and loses nothing as JSON.
//
// SPDX-License-Identifier: PostgreSQL
#include "observe/ddl_report.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace walferry {
namespace {

std::vector<DdlStatement> sample() {
    return {{9, "0/1A2B3C8", "2026-01-02 03:04:05.123+00", "alice", "CREATE TABLE", "CREATE TABLE a (id int)",
             "applied", "", "2026-01-02 03:04:06+00"},
            {10, "", "", "", "ALTER TABLE", "ALTER TABLE a\n\tADD COLUMN  b text", "failed",
             "column \"b\" exists\nalready", "2026-01-02 03:04:07+00"}};
}

TEST(DdlReport, AsText) {
    EXPECT_EQ(
        ddl_as_text("shop", sample()),
        "id  time                        LSN        role   state    tag           statement                        reason\n"
        " 9  2026-01-02 03:04:05.123+00  0/1A2B3C8  alice  applied  CREATE TABLE  CREATE TABLE a (id int)\n"
        "10                                                failed   ALTER TABLE   ALTER TABLE a ADD COLUMN b text  "
        "column \"b\" exists already\n");
    EXPECT_EQ(ddl_as_text("shop", {}), "task shop has met no DDL statement\n");
}

TEST(DdlReport, ShortensByCharacters) {
    auto statements = sample();
    statements.resize(1);
    const auto last = [&] {
        const auto text = ddl_as_text("shop", statements);
        return text.substr(text.rfind("  ") + 2);
    };
    std::string sixty;
    for (int i = 0; i < 60; ++i) sixty += "\u00fc";
    statements[0].statement = sixty;
    EXPECT_EQ(last(), sixty + "\n");
    statements[0].statement = sixty + "x";
    EXPECT_EQ(last(), sixty.substr(0, 114) + "...\n");
}

TEST(DdlReport, KeepsATerminalSafe) {
    auto statements = sample();
    statements.resize(1);
    statements[0].statement = "COMMENT \x1b[2J\x7f ON \u009b31m \r\n x";
    statements[0].role =
        "a\x1b"
        "b";
    const auto text = ddl_as_text("shop", statements);
    EXPECT_NE(text.find("COMMENT [2J ON 31m x\n"), std::string::npos) << text;
    EXPECT_NE(text.find("  a b  "), std::string::npos) << text;
}

TEST(DdlReport, AsJson) {
    const auto json = nlohmann::json::parse(ddl_as_json("shop", sample()));
    EXPECT_EQ(json["task"], "shop");
    ASSERT_EQ(json["statements"].size(), 2U);
    const auto &first = json["statements"][0];
    EXPECT_EQ(first["id"], 9);
    EXPECT_EQ(first["source_lsn"], "0/1A2B3C8");
    EXPECT_EQ(first["role"], "alice");
    EXPECT_EQ(first["state"], "applied");
    EXPECT_TRUE(first["reason"].is_null());
    const auto &second = json["statements"][1];
    EXPECT_TRUE(second["source_lsn"].is_null());
    EXPECT_EQ(second["statement"], "ALTER TABLE a\n\tADD COLUMN  b text");
    EXPECT_EQ(second["reason"], "column \"b\" exists\nalready");
    EXPECT_TRUE(nlohmann::json::parse(ddl_as_json("shop", {}))["statements"].is_array());
}

TEST(DdlReport, SaysWhatADecisionMeans) {
    auto statement = sample()[1];
    statement.state = "skip";
    EXPECT_EQ(decision_as_text("shop", statement),
              "statement 10 (ALTER TABLE) of task shop will be skipped\n"
              "start the task again if it has stopped: walferry run FILE\n");
    statement.state = "done";
    EXPECT_NE(decision_as_text("shop", statement).find("counts as done"), std::string::npos);
}

}  // namespace
}  // namespace walferry
