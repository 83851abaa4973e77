// Goal: every command tag of DDL that PostgreSQL 15 to 18 know has a class, each class the action that is documented.
//
// SPDX-License-Identifier: PostgreSQL
#include "config/ddl_policy.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

namespace walferry {
namespace {

TEST(DdlPolicy, KnowsEveryTag) {
    // cmdtaglist.h: whatever an event trigger may be for, and what concerns roles.
    const std::vector<std::string> nouns = {
        "ACCESS METHOD",
        "AGGREGATE",
        "CAST",
        "COLLATION",
        "CONSTRAINT",
        "CONVERSION",
        "DOMAIN",
        "EVENT TRIGGER",
        "EXTENSION",
        "FOREIGN DATA WRAPPER",
        "FOREIGN TABLE",
        "FUNCTION",
        "INDEX",
        "LANGUAGE",
        "MATERIALIZED VIEW",
        "OPERATOR",
        "OPERATOR CLASS",
        "OPERATOR FAMILY",
        "POLICY",
        "PROCEDURE",
        "PUBLICATION",
        "ROLE",
        "ROUTINE",
        "RULE",
        "SCHEMA",
        "SEQUENCE",
        "SERVER",
        "STATISTICS",
        "TABLE",
        "TEXT SEARCH CONFIGURATION",
        "TEXT SEARCH DICTIONARY",
        "TEXT SEARCH PARSER",
        "TEXT SEARCH TEMPLATE",
        "TRANSFORM",
        "TRIGGER",
        "TYPE",
        "USER MAPPING",
        "VIEW",
    };
    std::vector<std::string> tags = {
        "ALTER DEFAULT PRIVILEGES",
        "ALTER LARGE OBJECT",
        "COMMENT",
        "CREATE TABLE AS",
        "DROP OWNED",
        "GRANT",
        "GRANT ROLE",
        "IMPORT FOREIGN SCHEMA",
        "REASSIGN OWNED",
        "REFRESH MATERIALIZED VIEW",
        "REVOKE",
        "REVOKE ROLE",
        "SECURITY LABEL",
        "SELECT INTO",
    };
    for (const auto &noun : nouns) {
        for (const auto *verb : {"CREATE ", "ALTER ", "DROP "}) tags.push_back(verb + noun);
    }
    std::set<DdlClass> seen;
    for (const auto &tag : tags) {
        EXPECT_NE(ddl_class_of(tag), DdlClass::other) << tag;
        seen.insert(ddl_class_of(tag));
    }
    EXPECT_EQ(seen.size(), ddl_class_count) << "a class without a tag";
}

TEST(DdlPolicy, TellsTheClasses) {
    EXPECT_STREQ(to_string(ddl_class_of("ALTER TABLE")), "tables");
    EXPECT_STREQ(to_string(ddl_class_of("ALTER TABLE", true)), "owners");
    EXPECT_STREQ(to_string(ddl_class_of("CREATE TABLE AS")), "tables");
    EXPECT_STREQ(to_string(ddl_class_of("DROP INDEX")), "indexes");
    EXPECT_STREQ(to_string(ddl_class_of("REFRESH MATERIALIZED VIEW")), "materialized_views");
    EXPECT_STREQ(to_string(ddl_class_of("CREATE TRIGGER")), "triggers");
    EXPECT_STREQ(to_string(ddl_class_of("CREATE EVENT TRIGGER")), "event_triggers");
    EXPECT_STREQ(to_string(ddl_class_of("ALTER TEXT SEARCH PARSER")), "text_search");
    EXPECT_STREQ(to_string(ddl_class_of("GRANT")), "grants");
    EXPECT_STREQ(to_string(ddl_class_of("GRANT ROLE")), "roles");
    EXPECT_STREQ(to_string(ddl_class_of("REASSIGN OWNED")), "owners");
    EXPECT_STREQ(to_string(DdlClass::foreign_data), "foreign_data");
}

TEST(DdlPolicy, StopsAtWhatItDoesNotKnow) {
    DdlPolicy policy;
    for (const auto *tag : {"", "CREATE", "CREATE ", "CREATE DATABASE", "ALTER SYSTEM", "DROP SUBSCRIPTION",
                            "CREATE PROPERTY GRAPH", "TABLE", "create table", "REINDEX"}) {
        EXPECT_EQ(ddl_class_of(tag), DdlClass::other) << tag;
        EXPECT_EQ(policy.action(tag, false), DdlAction::stop) << tag;
    }
}

TEST(DdlPolicy, HasDefaults) {
    DdlPolicy policy;
    EXPECT_EQ(policy.role, DdlRole::applier);
    EXPECT_EQ(policy.lock_timeout_seconds, 5);
    EXPECT_EQ(policy.lock_retry_seconds, 600);
    EXPECT_EQ(policy.action("ALTER TABLE", false), DdlAction::replicate);
    EXPECT_EQ(policy.action("ALTER TABLE", true), DdlAction::skip);
    for (const auto *tag : {"CREATE ROLE", "ALTER PUBLICATION", "DROP EVENT TRIGGER", "CREATE SERVER", "GRANT"}) {
        EXPECT_EQ(policy.action(tag, false), DdlAction::skip) << tag;
    }
}

TEST(DdlPolicy, IsSetByClass) {
    DdlPolicy policy;
    policy.set(DdlClass::owners, DdlAction::replicate);
    policy.set(DdlClass::tables, DdlAction::stop);
    EXPECT_EQ(policy.action("ALTER TABLE", true), DdlAction::replicate);
    EXPECT_EQ(policy.action("ALTER TABLE", false), DdlAction::stop);
    EXPECT_EQ(policy.action("CREATE INDEX", false), DdlAction::replicate);
}

}  // namespace
}  // namespace walferry
