// Goal: what may pass is tried again for as long as its class is given, less and less often; all else is not.
//
// SPDX-License-Identifier: PostgreSQL
#include "run/retry.h"

#include <gtest/gtest.h>

namespace walferry {
namespace {

using namespace std::chrono_literals;

Error transient(const char *sqlstate) { return Error{ErrorKind::transient, {}, sqlstate, "passes", {}, {}, {}}; }

const Retry::Clock::time_point begin{1h};
constexpr Retry::Windows windows{100s, 10s};

TEST(Retry, ClassesFollowTheSqlstate) {
    for (const char *sqlstate : {"08006", "08001", "57P01", "57P03"})
        EXPECT_EQ(retry_class(transient(sqlstate)), RetryClass::connection) << sqlstate;
    for (const char *sqlstate : {"53300", "53100", "55P03", "55006", "40P01", "40001", ""})
        EXPECT_EQ(retry_class(transient(sqlstate)), RetryClass::transient) << sqlstate;
}

TEST(Retry, GivesUpAtOnceBeforeAnythingHasWorked) {
    Retry retry(windows);
    EXPECT_FALSE(retry.after(transient("08006"), false, begin));
}

TEST(Retry, GivesUpAtOnceOnWhatDoesNotPass) {
    Retry retry(windows);
    EXPECT_FALSE(retry.after(Error{ErrorKind::conflict, {}, "23505", "stays", {}, {}, {}}, true, begin));
}

TEST(Retry, WaitsLongerEachTime) {
    Retry retry(windows);
    EXPECT_EQ(retry.after(transient("08006"), true, begin)->delay, 500ms);
    EXPECT_EQ(retry.after(transient("08006"), false, begin)->delay, 1s);
    EXPECT_EQ(retry.after(transient("08006"), false, begin)->delay, 2s);
    for (int i = 0; i < 20; ++i) (void)retry.after(transient("08006"), false, begin);
    const auto last = retry.after(transient("08006"), false, begin);
    EXPECT_EQ(last->delay, 30s);
    EXPECT_EQ(last->failed, 24);
    EXPECT_EQ(last->gives_up, begin + 100s);
    EXPECT_EQ(retry.after(transient("08006"), true, begin + 50s)->delay, 500ms);
}

TEST(Retry, GivesEachClassItsWindow) {
    Retry retry(windows);
    EXPECT_TRUE(retry.after(transient("08006"), true, begin));
    EXPECT_TRUE(retry.after(transient("53300"), false, begin + 9s));
    EXPECT_FALSE(retry.after(transient("53300"), false, begin + 10s));
    EXPECT_TRUE(retry.after(transient("08006"), false, begin + 99s));
    EXPECT_FALSE(retry.after(transient("08006"), false, begin + 100s));
}

}  // namespace
}  // namespace walferry
