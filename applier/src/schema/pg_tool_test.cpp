// Goal: PostgreSQL's programs are found by version, and what was found instead is said.
//
// SPDX-License-Identifier: PostgreSQL
#include "schema/pg_tool.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace walferry {
namespace {

TEST(PgTool, ReadsTheMajorVersion) {
    EXPECT_EQ(parse_tool_major("pg_dump (PostgreSQL) 15.20 (Debian 15.20-0+deb12u1)\n"), 15);
    EXPECT_EQ(parse_tool_major("pg_restore (PostgreSQL) 18beta1\n"), 18);
    EXPECT_EQ(parse_tool_major("something else\n"), std::nullopt);
    EXPECT_EQ(parse_tool_major("x (PostgreSQL) devel"), std::nullopt);
}

class PgBin : public testing::Test {
protected:
    PgBin() {
        std::string name = "/tmp/walferry's pg_bin.XXXXXX";
        folder_ = mkdtemp(name.data());
        const auto tool = folder_ / "pg_dump";
        std::ofstream(tool) << "#!/bin/sh\necho 'pg_dump (PostgreSQL) 15.3'\n";
        std::filesystem::permissions(tool, std::filesystem::perms::owner_all);
        task_.pg_bin = folder_.string();
    }
    ~PgBin() override { std::filesystem::remove_all(folder_); }

    std::filesystem::path folder_;
    Task task_;
};

TEST_F(PgBin, IsTheOnlyFolderWhenSet) {
    EXPECT_EQ(find_pg_tool(task_, "pg_dump", {15, 15}).value(), (folder_ / "pg_dump").string());
    const auto restore = find_pg_tool(task_, "pg_restore", {15, 15});
    ASSERT_FALSE(restore);
    EXPECT_EQ(restore.error().kind, ErrorKind::config);
}

TEST_F(PgBin, TellsWhatIsTooOld) {
    const auto found = find_pg_tool(task_, "pg_dump", {16, 16});
    ASSERT_FALSE(found);
    EXPECT_NE(found.error().message.find("is of version 15"), std::string::npos);
    EXPECT_NE(found.error().hint.find("postgresql-client-16"), std::string::npos);
}

// Of numbers that no PostgreSQL has in /usr/lib/postgresql.
TEST_F(PgBin, BestVersionIsChosen) {
    const char *const path_now = std::getenv("PATH");
    const std::string before = path_now == nullptr ? "" : path_now;
    std::string path;
    for (const int major : {214, 215, 217, 219}) {
        const auto bin = folder_ / std::to_string(major);
        std::filesystem::create_directories(bin);
        std::ofstream(bin / "pg_dump") << "#!/bin/sh\necho 'pg_dump (PostgreSQL) " << major << ".1'\n";
        std::filesystem::permissions(bin / "pg_dump", std::filesystem::perms::owner_all);
        path += bin.string() + ":";
    }
    setenv("PATH", (path + before).c_str(), 1);
    task_.pg_bin.clear();
    const auto chosen = [&](int least, int best) {
        return std::filesystem::path(find_pg_tool(task_, "pg_dump", {least, best}).value()).parent_path().filename();
    };
    EXPECT_EQ(chosen(215, 215), "215");
    EXPECT_EQ(chosen(215, 217), "217");
    EXPECT_EQ(chosen(215, 218), "219");
    EXPECT_EQ(chosen(215, 230), "219") << "older than wished is better than none";
    EXPECT_FALSE(find_pg_tool(task_, "pg_dump", {220, 220}));
    setenv("PATH", before.c_str(), 1);
}

}  // namespace
}  // namespace walferry
