// Goal: findings read well as a table, as JSON, and as the error of a refused run.
//
// SPDX-License-Identifier: PostgreSQL
#include "precheck/report.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "precheck/names.h"

namespace walferry {
namespace {

const std::vector<Finding> findings = {
    {"wal_level", Severity::error, "replica", "Decoding needs logical.", "ALTER SYSTEM SET wal_level = 'logical';"},
    {"slot", Severity::ok, "to be created", "", ""},
    {"replica_identity", Severity::warning, "1 table", "UPDATE stops.", "ALTER TABLE a;\nALTER TABLE b;"},
};

TEST(Findings, AsText) {
    EXPECT_EQ(findings_as_text(findings),
              "error      wal_level         replica\n"
              "           meaning: Decoding needs logical.\n"
              "           remedy: ALTER SYSTEM SET wal_level = 'logical';\n"
              "ok         slot              to be created\n"
              "warning    replica_identity  1 table\n"
              "           meaning: UPDATE stops.\n"
              "           remedy: ALTER TABLE a;\n"
              "             ALTER TABLE b;\n"
              "3 checks: 1 error, 1 warning\n");
}

TEST(Findings, AsJson) {
    const auto json = nlohmann::json::parse(findings_as_json(findings));
    EXPECT_EQ(json["ok"], false);
    ASSERT_EQ(json["findings"].size(), 3U);
    EXPECT_EQ(json["findings"][0]["id"], "wal_level");
    EXPECT_EQ(json["findings"][0]["severity"], "error");
    EXPECT_EQ(json["findings"][2]["remedy"], "ALTER TABLE a;\nALTER TABLE b;");
    EXPECT_EQ(nlohmann::json::parse(findings_as_json({findings[1]}))["ok"], true);
}

TEST(Findings, JsonSurvivesTextThatIsNotUtf8) {
    const auto json = nlohmann::json::parse(findings_as_json({{"a", Severity::info, "\xff", "", ""}}));
    EXPECT_EQ(json["findings"][0]["found"], "\xef\xbf\xbd");
}

TEST(Findings, WhatIsIgnoredCountsForNothing) {
    auto some = findings;
    some[0].ignored = true;
    some[2].ignored = true;
    EXPECT_FALSE(has_errors(some));
    const auto text = findings_as_text(some);
    EXPECT_NE(text.find("ignored    wal_level "), std::string::npos) << text;
    EXPECT_NE(text.find("3 checks: 0 errors, 0 warnings, 2 ignored\n"), std::string::npos) << text;
    EXPECT_EQ(nlohmann::json::parse(findings_as_json(some))["findings"][0]["ignored"], true);
}

TEST(Findings, AsError) {
    ASSERT_TRUE(has_errors(findings));
    const Error error = findings_as_error(findings);
    EXPECT_EQ(error.kind, ErrorKind::state);
    EXPECT_EQ(error.message, "precheck found 1 error");
    EXPECT_EQ(error.detail, "wal_level: replica");
    EXPECT_EQ(error.hint, "wal_level: ALTER SYSTEM SET wal_level = 'logical';");
}

TEST(Names, AreShortened) {
    EXPECT_EQ(shortened({}), "");
    EXPECT_EQ(shortened({"a", "b"}), "a, b");
    EXPECT_EQ(shortened(std::vector<std::string>(12, "t")), "t, t, t, t, t, t, t, t, t, t and 2 more");
    EXPECT_EQ(shortened_lines({"a", "b"}, "DROP {};"), "DROP a;\nDROP b;");
    EXPECT_EQ(shortened_lines(std::vector<std::string>(11, "t"), "{}").substr(20), "(and so for 1 more)");
}

}  // namespace
}  // namespace walferry
