// The values of sequences.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include "base/error.h"
#include "base/stop.h"
#include "config/task.h"
#include "pq/connection.h"
#include "verify/comparison.h"

namespace walferry {

// Adds the sequences that are behind the source's: they would give out a value again. A task that runs sets them every ten
// seconds, so one that is behind is looked at again until that has passed.
Result<void> compare_sequences(pq::Connection &source, pq::Connection &destination, const Task &task,
                               const StopFlag &stop, Comparison &out);

}  // namespace walferry
