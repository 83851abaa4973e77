// What is not in the change stream: sequences, whose values are read at the source and set at the destination, and
// materialized views, which the destination computes.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <cstddef>

#include "base/error.h"
#include "config/task.h"
#include "pq/connection.h"

namespace walferry {

// Set every selected sequence (and those that selected tables own) that exists at the destination to the source's value;
// returns how many. Two queries, however many there are. Needs SELECT on them at the source, UPDATE at the destination.
Result<std::size_t> copy_sequences(pq::Connection &source, pq::Connection &destination, const Task &task);

// Fill the materialized views that are filled at the source, in an order in which each finds those it reads.
Result<std::size_t> refresh_materialized_views(pq::Connection &source, pq::Connection &destination, const Task &task);

}  // namespace walferry
