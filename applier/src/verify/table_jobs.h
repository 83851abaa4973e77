// Compares many tables, some at once.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <vector>

#include "base/error.h"
#include "config/task.h"
#include "schema/tables.h"
#include "verify/comparison.h"
#include "verify/pace.h"
#include "verify/record.h"

namespace walferry {

// Each table goes to a job that is free, in their order; what an earlier comparison has done, `record` knows. Shows a line now and then of
// how far it is. Errors: the first one of a job, which ends all.
Result<std::vector<TableComparison>> compare_tables(const Task &task, const std::vector<Table> &tables, int jobs,
                                                    Pace &pace, VerificationRecord &record);

}  // namespace walferry
