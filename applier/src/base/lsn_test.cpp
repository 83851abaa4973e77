// SPDX-License-Identifier: PostgreSQL
#include "base/lsn.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace walferry {
namespace {

TEST(Lsn, ReadsAndPrintsAsPostgresql) {
    EXPECT_EQ(Lsn::parse("16/B374D848")->value(), 0x16B374D848U);
    EXPECT_EQ(Lsn{0x16B374D848}.text(), "16/B374D848");
    EXPECT_EQ(Lsn{}.text(), "0/0");
    for (const char *bad : {"", "/", "1", "1/", "/1", "1/G", "1/ 2", "123456789/0", "1/-1"})
        EXPECT_FALSE(Lsn::parse(bad)) << bad;
}

TEST(Lsn, DistanceIsNeverNegative) {
    EXPECT_EQ(distance(Lsn{10}, Lsn{30}), 20U);
    EXPECT_EQ(distance(Lsn{30}, Lsn{10}), 0U);
}

RC_GTEST_PROP(LsnProperty, ParseUndoesText, (std::uint64_t value)) {
    RC_ASSERT(Lsn::parse(Lsn{value}.text()) == Lsn{value});
}

}  // namespace
}  // namespace walferry
