// Goal: a sequence follows the source wherever it goes as long as nobody uses it here, and never goes backwards once
// somebody has.
//
// SPDX-License-Identifier: PostgreSQL
#include "schema/sequences.h"

#include <gtest/gtest.h>

namespace walferry {
namespace {

using Value = SequenceValue;

DestinationSequence unused() { return {{1, false}, {}, 1, 1, 1, INT64_MAX}; }
DestinationSequence left_at(Value value) { return {value, value, 1, 1, 1, INT64_MAX}; }
DestinationSequence used(Value last_set, Value now) { return {now, last_set, 1, 1, 1, INT64_MAX}; }

DestinationSequence descending(DestinationSequence sequence) {
    sequence.increment = -1;
    sequence.min = INT64_MIN;
    sequence.max = -1;
    sequence.start = -1;
    return sequence;
}

TEST(Sequence, EqualIsLeftAlone) {
    EXPECT_FALSE(is_to_be_set(unused(), {1, false}));
    EXPECT_FALSE(is_to_be_set(left_at({7, true}), {7, true}));
    EXPECT_FALSE(is_to_be_set(used({5, true}, {7, true}), {7, true}));
}

TEST(Sequence, UnusedFollowsEverywhere) {
    EXPECT_TRUE(is_to_be_set(unused(), {1, true}));
    EXPECT_TRUE(is_to_be_set(unused(), {100, true}));
    EXPECT_TRUE(is_to_be_set(left_at({7, true}), {8, true}));
    EXPECT_TRUE(is_to_be_set(left_at({7, true}), {7, false}));
    EXPECT_TRUE(is_to_be_set(left_at({7, true}), {1, false}));  // a RESTART, or a CYCLE
    EXPECT_TRUE(is_to_be_set(descending(left_at({-7, true})), {-1, true}));
    // A RESTART was replicated after the value was set.
    EXPECT_TRUE(is_to_be_set(used({7, true}, {1, false}), {3, true}));
    auto from_ten = used({17, true}, {10, false});
    from_ten.start = 10;
    EXPECT_TRUE(is_to_be_set(from_ten, {5, true}));
}

TEST(Sequence, UsedOnlyMovesOn) {
    const auto here = used({5, true}, {20, true});
    EXPECT_TRUE(is_to_be_set(here, {21, true}));
    EXPECT_FALSE(is_to_be_set(here, {19, true}));
    EXPECT_FALSE(is_to_be_set(here, {5, true}));
    EXPECT_FALSE(is_to_be_set(here, {1, false}));
    EXPECT_FALSE(is_to_be_set(here, {21, false}));  // the next one is 21 either way
    EXPECT_TRUE(is_to_be_set(here, {22, false}));
    const auto down = descending(used({-5, true}, {-20, true}));
    EXPECT_TRUE(is_to_be_set(down, {-21, true}));
    EXPECT_FALSE(is_to_be_set(down, {-19, true}));
    EXPECT_FALSE(is_to_be_set(down, {-21, false}));
}

// Of nothing that is known to be ours, as where the tables were there before the task.
TEST(Sequence, UnknownOnlyMovesOn) {
    DestinationSequence here = unused();
    here.now = {50, true};
    EXPECT_FALSE(is_to_be_set(here, {10, true}));
    EXPECT_TRUE(is_to_be_set(here, {51, true}));
    here.now = {1000, false};  // set by hand, to keep away from the source's
    EXPECT_FALSE(is_to_be_set(here, {10, true}));
}

TEST(Sequence, StepsCount) {
    auto here = used({1, true}, {9, true});
    here.increment = 10;
    EXPECT_FALSE(is_to_be_set(here, {10, false}));  // further, yet it would give out 10, behind 19
    EXPECT_TRUE(is_to_be_set(here, {10, true}));
    here.now = {INT64_MAX - 1, true};
    EXPECT_TRUE(is_to_be_set(here, {INT64_MAX, true}));
    EXPECT_FALSE(is_to_be_set(here, {INT64_MAX, false}));
}

// The source's ALTER SEQUENCE is still to be replicated.
TEST(Sequence, OutOfBoundsWaits) {
    auto here = left_at({7, true});
    here.max = 10;
    EXPECT_FALSE(is_to_be_set(here, {11, true}));
    here.min = 5;
    EXPECT_FALSE(is_to_be_set(here, {1, true}));
}

}  // namespace
}  // namespace walferry
