// Goal: the end of a timeline is found in a history file.
//
// SPDX-License-Identifier: PostgreSQL
#include "slot/timeline.h"

#include <gtest/gtest.h>

namespace walferry {
namespace {

TEST(Timeline, EndIsReadFromTheHistory) {
    const auto history = "1\t0/3000000\tno recovery target specified\n\n2\t1/A0\tat restore point \"x\"\n";
    EXPECT_EQ(end_of_timeline(history, 1), Lsn::parse("0/3000000"));
    EXPECT_EQ(end_of_timeline(history, 2), Lsn::parse("1/A0"));
    EXPECT_EQ(end_of_timeline(history, 3), std::nullopt);
    EXPECT_EQ(end_of_timeline("", 1), std::nullopt);
}

}  // namespace
}  // namespace walferry
