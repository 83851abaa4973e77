// Goal: PostgreSQL's programs are found by version, and what was found instead is said.
//
// SPDX-License-Identifier: PostgreSQL
#include "schema/pg_tool.h"

#include <gtest/gtest.h>

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
    PgBin() : folder_(std::filesystem::temp_directory_path() / "walferry's pg_bin") {
        std::filesystem::create_directories(folder_);
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
    EXPECT_EQ(find_pg_tool(task_, "pg_dump", 15).value(), (folder_ / "pg_dump").string());
    const auto restore = find_pg_tool(task_, "pg_restore", 15);
    ASSERT_FALSE(restore);
    EXPECT_EQ(restore.error().kind, ErrorKind::config);
}

TEST_F(PgBin, TellsWhatIsTooOld) {
    const auto found = find_pg_tool(task_, "pg_dump", 16);
    ASSERT_FALSE(found);
    EXPECT_NE(found.error().message.find("is of version 15"), std::string::npos);
    EXPECT_NE(found.error().hint.find("postgresql-client-16"), std::string::npos);
}

}  // namespace
}  // namespace walferry
