// SPDX-License-Identifier: PostgreSQL
#include "copy/progress.h"

#include <gtest/gtest.h>

namespace walferry {
namespace {

using std::chrono::seconds;

TEST(CopyProgress, TellsHowLongItTakes) {
    CopyProgress progress;
    EXPECT_EQ(copy_eta(progress, seconds(10)), std::nullopt);
    progress.table_bytes = 1000;
    EXPECT_EQ(copy_eta(progress, seconds(10)), std::nullopt);
    progress.table_bytes_done = 250;
    EXPECT_EQ(copy_eta(progress, seconds(10)), seconds(30));
    progress.table_bytes_done = 1000;
    EXPECT_EQ(copy_eta(progress, seconds(10)), seconds(0));
}

TEST(CopyProgress, NamesWhatIsDoneBesides) {
    CopyProgress progress;
    progress.jobs.resize(3);
    EXPECT_EQ(copy_steps_text(copy_steps(progress)), "");
    progress.jobs[0].step = "index a, 1 of 2";
    progress.jobs[0].step_phase = "building index: scanning table";
    progress.jobs[0].step_done = 30;
    progress.jobs[0].step_total = 40;
    progress.jobs[2].step = "statistics";
    EXPECT_EQ(copy_steps_text(copy_steps(progress)),
              "index a, 1 of 2: building index: scanning table, 75 %; statistics");
}

}  // namespace
}  // namespace walferry
