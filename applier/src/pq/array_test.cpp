// Goal: names come through an array parameter as they are.
//
// SPDX-License-Identifier: PostgreSQL
#include "pq/array.h"

#include <gtest/gtest.h>

namespace walferry::pq {
namespace {

TEST(ArrayLiteral, QuotesEveryElement) {
    EXPECT_EQ(array_literal({}), "{}");
    EXPECT_EQ(array_literal({"a", "b,c", ""}), R"({"a","b,c",""})");
    EXPECT_EQ(array_literal({R"(a"b)", R"(c\d)", "NULL"}), R"({"a\"b","c\\d","NULL"})");
}

}  // namespace
}  // namespace walferry::pq
