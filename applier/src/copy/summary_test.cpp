// SPDX-License-Identifier: PostgreSQL
#include "copy/summary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace walferry {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(CopySummary, IsEmptyWithoutTables) { EXPECT_THAT(CopySummary().lines(), IsEmpty()); }

TEST(CopySummary, ShowsTheLargestAndSumsUpTheRest) {
    CopySummary summary;
    for (int i = 1; i <= 12; ++i) {
        const auto n = static_cast<std::uint64_t>(i);
        summary.add({{"s.t" + std::to_string(i), n, n * 1'000'000, milliseconds(100), milliseconds(50)}},
                    milliseconds(10), milliseconds(5));
    }
    const auto lines = summary.lines();
    ASSERT_EQ(lines.size(), 1U + 10 + 1 + 1 + 1);
    EXPECT_EQ(lines[0], "  table                    rows         MB    rows s indexes s");
    EXPECT_EQ(lines[1], "  s.t12                      12       12.0      0.10      0.05");
    EXPECT_EQ(lines[11], "  2 smaller tables            3        3.0      0.20      0.10");
    EXPECT_EQ(lines[12], "  in all                     78       78.0      1.20      0.60");
    EXPECT_THAT(lines[13], HasSubstr("rows 1.20 s, indexes 0.60 s, statistics 0.12 s, changes meanwhile 0.06 s"));
}

}  // namespace
}  // namespace walferry
