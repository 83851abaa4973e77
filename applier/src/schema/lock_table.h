// How many locks a server has room for. Who makes or locks many objects in one transaction asks, as the default is not much:
// all sessions share it, and a table with its TOAST table and its indexes takes some.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <cstddef>

#include "base/error.h"
#include "pq/connection.h"

namespace walferry {

// Of all sessions together.
Result<std::size_t> lock_table_size(pq::Connection &connection);

}  // namespace walferry
