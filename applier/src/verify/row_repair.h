// Makes single rows of the destination what the source has, beside the stream, exactly.
//
// A row is written at a position of the stream, and everything behind that position is still to come: so it has to become what the
// source had there, neither older nor newer.
//
//   destination  look D0
//   both         see_applied: the source shows all that D0 shows
//   source       look S1
//   both         catch_up: the destination is behind all that S1 sees
//   destination  BEGIN; lock the task's row of walferry.checkpoint: no change commits any more, the position P stands still; look D1
//   both         the source shows all that the destination shows, else another attempt
//   source       look S2, with the values
//   destination  delete and insert; COMMIT
//
// Where S1 and S2 are one version of a row, it had these values at P, which is between them. Where both show none, and D0
// and D1 are one version, the source has none at P: one that came in between and is to go again can't have come here, where the row was
// in its place. All other rows are in motion: they are left for the next attempt.
//
// The position stands still for the milliseconds of one batch. Workers wait for it for as long as they wait for any lock.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "base/stop.h"
#include "config/task.h"
#include "verify/comparison.h"

namespace walferry {

struct RowRepair {
    std::size_t mended = 0;
    std::size_t healed = 0;           // by themselves meanwhile
    std::vector<std::string> failed;  // what was left, in words
};

// Requires: the table has a key. Errors: ErrorKind::state if the task doesn't run, or the table isn't as it was when it was compared.
// What a server refuses of a row goes into `failed`.
Result<RowRepair> repair_rows(const Task &task, const TableComparison &table, const StopFlag &stop);

}  // namespace walferry
