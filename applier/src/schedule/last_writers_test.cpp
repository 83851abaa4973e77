// Goal: a change never misses an earlier group that wrote its key, whatever shares a slot with it.
// SPDX-License-Identifier: PostgreSQL
#include "schedule/last_writers.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <utility>

namespace walferry {
namespace {

TEST(LastWriters, TellsTheGroupBeforeAlsoWithinAGroup) {
    LastWriters writers(16);
    EXPECT_EQ(writers.write(1, 5, 1), 0U);
    EXPECT_EQ(writers.write(1, 5, 1), 0U);  // the group itself is not before it
    EXPECT_EQ(writers.write(1, 5, 3), 1U);
    EXPECT_EQ(writers.write(1, 5, 3), 1U);  // still
    EXPECT_EQ(writers.write(1, 5, 4), 3U);
}

// However few the slots: what is told is the last writer or a later one, before the group that asks.
RC_GTEST_PROP(LastWritersProperty, NeverTooEarly, ()) {
    LastWriters writers(*rc::gen::element<std::size_t>(1, 4, 1024));
    std::map<std::pair<std::uint64_t, std::uint64_t>, std::map<std::uint64_t, bool>> written;
    std::uint64_t number = 1;
    for (int i = 0; i < 200; ++i) {
        if (*rc::gen::inRange(0, 4) == 0) ++number;
        const std::pair key(*rc::gen::inRange<std::uint64_t>(1, 3), *rc::gen::inRange<std::uint64_t>(1, 20));
        const auto told = writers.write(key.first, key.second, number);
        auto &groups = written[key];
        const auto here = groups.lower_bound(number);
        const auto last = here == groups.begin() ? 0 : std::prev(here)->first;
        RC_ASSERT(told >= last);
        RC_ASSERT(told < number);
        groups[number] = true;
    }
}

}  // namespace
}  // namespace walferry
