// Goal: the keyword goes, and nothing that only looks like it.
//
// SPDX-License-Identifier: PostgreSQL
#include "schema/plain_form.h"

#include <gtest/gtest.h>

namespace walferry {
namespace {

TEST(PlainForm, LosesTheKeywordAlone) {
    EXPECT_EQ(without_concurrently("CREATE INDEX CONCURRENTLY i ON t (concurrently(x))"),
              "CREATE INDEX  i ON t (concurrently(x))");
    EXPECT_EQ(without_concurrently("DROP INDEX /* concurrently /* ' */ */ Concurrently \"concurrently\""),
              "DROP INDEX /* concurrently /* ' */ */  \"concurrently\"");
    EXPECT_EQ(without_concurrently(
                  "ALTER TABLE \"a concurrently\" DETACH PARTITION concurrently_b -- concurrently\n CONCURRENTLY"),
              "ALTER TABLE \"a concurrently\" DETACH PARTITION concurrently_b -- concurrently\n ");
    EXPECT_EQ(without_concurrently("CREATE INDEX i ON t (x)"), "CREATE INDEX i ON t (x)");
    EXPECT_EQ(without_concurrently("/* open"), "/* open");
    EXPECT_EQ(without_concurrently("'open"), "'open");
}

}  // namespace
}  // namespace walferry
