// Goal: every kind of error has the exit code that is documented, by side where the side matters.
//
// SPDX-License-Identifier: PostgreSQL
#include "cli/exit_code.h"

#include <gtest/gtest.h>

namespace walferry {
namespace {

int code(ErrorKind kind, Side side = Side::none, const std::string &sqlstate = {}) {
    return static_cast<int>(exit_code(Error{kind, side, sqlstate, {}, {}, {}, {}}));
}

TEST(ExitCodes, FollowKindAndSide) {
    EXPECT_EQ(code(ErrorKind::usage), 1);
    EXPECT_EQ(code(ErrorKind::config), 2);
    EXPECT_EQ(code(ErrorKind::state, Side::source), 3);
    EXPECT_EQ(code(ErrorKind::server, Side::source), 4);
    EXPECT_EQ(code(ErrorKind::server, Side::destination, "42501"), 4);
    EXPECT_EQ(code(ErrorKind::conflict, Side::destination), 5);
    EXPECT_EQ(code(ErrorKind::transient, Side::source), 6);
    EXPECT_EQ(code(ErrorKind::transient, Side::destination), 7);
    EXPECT_EQ(code(ErrorKind::protocol, Side::source), 12);
    EXPECT_EQ(code(ErrorKind::bug), 12);
    EXPECT_EQ(code(ErrorKind::interrupted), 0);
}

TEST(ExitCodes, ARefusedConnectionIsAnUnreachableServer) {
    EXPECT_EQ(code(ErrorKind::server, Side::source, "28P01"), 6);
    EXPECT_EQ(code(ErrorKind::server, Side::destination, "28000"), 7);
    EXPECT_EQ(code(ErrorKind::server, Side::destination, "3D000"), 7);
}

}  // namespace
}  // namespace walferry
