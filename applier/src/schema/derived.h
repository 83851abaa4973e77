// Materialized views, which the destination computes.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/error.h"
#include "config/task.h"
#include "pq/connection.h"

namespace walferry {

// Fill the materialized views that are filled at the source, in an order in which each finds those it reads. `tables`, if
// given: only those that read one of them (OIDs at the source), through whatever views are between.
Result<std::size_t> refresh_materialized_views(pq::Connection &source, pq::Connection &destination, const Task &task,
                                               const std::optional<std::vector<std::uint32_t>> &tables);

}  // namespace walferry
