// Goal: an error in somebody's SQL is shown with its place.
//
// SPDX-License-Identifier: PostgreSQL
#include "pq/error.h"

#include <gtest/gtest.h>

namespace walferry::pq {
namespace {

TEST(PointInto, TheCharacter) {
    EXPECT_EQ(point_into("a > b", 1), "a > b\n^");
    EXPECT_EQ(point_into("a > b", 5), "a > b\n    ^");
    EXPECT_EQ(point_into("a >", 4), "a >\n   ^");
    EXPECT_EQ(point_into("größe > b", 9), "größe > b\n        ^");
}

TEST(PointInto, OfSeveralLinesTheOne) {
    EXPECT_EQ(point_into("a\n AND bc\nOR d", 8), " AND bc\n     ^");
    EXPECT_EQ(point_into("a\nb", 3), "b\n^");
    EXPECT_EQ(point_into("", 1), "\n^");
}

}  // namespace
}  // namespace walferry::pq
