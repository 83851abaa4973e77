// Goal: pieces are as large as takes about a second, and no larger than the operator's rates bear.
//
// SPDX-License-Identifier: PostgreSQL
#include "verify/piece_size.h"

#include <gtest/gtest.h>

namespace walferry {
namespace {

using Seconds = std::chrono::duration<double>;

TEST(PieceSize, GrowsAndShrinksToASecond) {
    PieceSize size({}, 100);
    EXPECT_EQ(size.rows(), 20'000U);
    size.took(Seconds(0.5));
    EXPECT_EQ(size.rows(), 40'000U);
    size.took(Seconds(1));
    EXPECT_EQ(size.rows(), 40'000U);
    size.took(Seconds(2));
    EXPECT_EQ(size.rows(), 20'000U);
    size.took(Seconds(1000));
    EXPECT_EQ(size.rows(), 5'000U) << "no more than four times at once";
    for (int i = 0; i < 9; ++i) size.took(Seconds(0));
    EXPECT_EQ(size.rows(), 500'000U) << "what is fetched of it has to have room";
    for (int i = 0; i < 99; ++i) size.took(Seconds(1000));
    EXPECT_EQ(size.rows(), 1000U) << "a server that is slow for once";
}

TEST(PieceSize, IsWhatTwoSecondsEarn) {
    EXPECT_EQ(PieceSize({1000, 0}, 100).rows(), 2000U);
    EXPECT_EQ(PieceSize({0, 100'000}, 1000).rows(), 200U);
    EXPECT_EQ(PieceSize({10, 100'000}, 1000).rows(), 20U);
    EXPECT_EQ(PieceSize({0, 10}, 1e9).rows(), 1U);
    EXPECT_EQ(PieceSize({0, 1'000'000}, 0).rows(), 20'000U) << "of a table without pages nothing is known";
    PieceSize size({1000, 0}, 100);
    size.took(Seconds(0.001));
    EXPECT_EQ(size.rows(), 2000U);
}

}  // namespace
}  // namespace walferry
