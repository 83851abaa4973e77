// Goal: only what a server of another version refuses, and doesn't need, is taken out of a script.
//
// SPDX-License-Identifier: PostgreSQL
#include "schema/script.h"

#include <gtest/gtest.h>

namespace walferry {
namespace {

const std::set<std::string> known = {"lock_timeout", "default_tablespace"};

TEST(Script, UnknownSettingsGoInFrontOfTheObjectsOnly) {
    EXPECT_EQ(fit_script("\\restrict abc\nSET lock_timeout = 0;\nSET transaction_timeout = 0;\n--\n-- Name: f; Type: "
                         "FUNCTION\n--\nSET transaction_timeout = 0;\n\\unrestrict abc\n",
                         known),
              "SET lock_timeout = 0;\n--\n-- Name: f; Type: FUNCTION\n--\nSET transaction_timeout = 0;\n");
}

TEST(Script, ColumnVersionsGo) {
    const std::string alter = "ALTER TABLE ONLY public.t ALTER COLUMN a SET ";
    EXPECT_EQ(fit_script(alter + "(pg_attver=22185200);\n", known), "");
    EXPECT_EQ(fit_script(alter + "(pg_attver=1, n_distinct=5);\n", known), alter + "(n_distinct=5);\n");
    EXPECT_EQ(fit_script(alter + "(n_distinct=5, pg_attver=1);\n", known), alter + "(n_distinct=5);\n");
    EXPECT_EQ(fit_script("ALTER FOREIGN TABLE ONLY f ALTER COLUMN a SET (pg_attver=1);\n", known), "");
    EXPECT_EQ(fit_script("COMMENT ON TABLE t IS 'pg_attver=1';\n", known), "COMMENT ON TABLE t IS 'pg_attver=1';\n");
}

TEST(Script, WithoutALastLineBreak) { EXPECT_EQ(fit_script("SELECT 1", known), "SELECT 1"); }

}  // namespace
}  // namespace walferry
