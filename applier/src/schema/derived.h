// Materialized views, which the destination computes.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <cstddef>

#include "base/error.h"
#include "config/task.h"
#include "pq/connection.h"

namespace walferry {

// Fill the materialized views that are filled at the source, in an order in which each finds those it reads.
Result<std::size_t> refresh_materialized_views(pq::Connection &source, pq::Connection &destination, const Task &task);

}  // namespace walferry
