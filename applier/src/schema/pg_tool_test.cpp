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

// Numbers are such that no PostgreSQL has in /usr/lib/postgresql.
class PgPath : public PgBin {
protected:
    PgPath() {
        if (const char *path = std::getenv("PATH")) before_ = path;
        task_.pg_bin.clear();
    }
    ~PgPath() override { setenv("PATH", before_.c_str(), 1); }

    // In a folder of its own, behind those made before.
    void make_tool(const std::string &folder, const std::string &name, int major) {
        const auto bin = folder_ / folder;
        std::filesystem::create_directories(bin);
        std::ofstream(bin / name) << "#!/bin/sh\n: >\"${0%/*}/was_run\"\necho 'pg_dump (PostgreSQL) " << major
                                  << ".1'\n";
        std::filesystem::permissions(bin / name, std::filesystem::perms::owner_all);
        path_ += bin.string() + ":";
        setenv("PATH", (path_ + before_).c_str(), 1);
    }

    std::string chosen(int least, int best) {
        return std::filesystem::path(find_pg_tool(task_, "pg_dump", {least, best}).value()).parent_path().filename();
    }

private:
    std::string before_;
    std::string path_;
};

TEST_F(PgPath, BestVersionIsChosen) {
    for (const int major : {214, 215, 217, 219}) make_tool(std::to_string(major), "pg_dump", major);
    EXPECT_EQ(chosen(215, 215), "215");
    EXPECT_EQ(chosen(215, 217), "217");
    EXPECT_EQ(chosen(215, 218), "219");
    EXPECT_EQ(chosen(215, 230), "219") << "older than wished is better than none";
    EXPECT_FALSE(find_pg_tool(task_, "pg_dump", {220, 220}));
}

// Each look is a process, and the wrapper's a slow one.
TEST_F(PgPath, NothingIsRunInVain) {
    make_tool("wrapper", "pg_wrapper", 216);
    std::filesystem::create_symlink("pg_wrapper", folder_ / "wrapper/pg_dump");
    make_tool("best", "pg_dump", 216);
    make_tool("behind", "pg_dump", 216);
    EXPECT_EQ(chosen(215, 216), "best");
    EXPECT_FALSE(std::filesystem::exists(folder_ / "wrapper/was_run"));
    EXPECT_TRUE(std::filesystem::exists(folder_ / "best/was_run"));
    EXPECT_FALSE(std::filesystem::exists(folder_ / "behind/was_run"));
}

}  // namespace
}  // namespace walferry
