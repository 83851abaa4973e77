// The definitions of both sides: tables, columns, defaults, constraints, indexes, views, triggers, functions, types, and more.
//
// They are read from the catalogs, each object as a line of text, by the same query on both sides. pg_dump's script would be
// another way; but its order and its form change from version to version, it can't say of two scripts which object differs, and
// it holds no statement that mends a single one.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <string>

#include "base/error.h"
#include "base/stop.h"
#include "config/task.h"
#include "pq/connection.h"
#include "verify/comparison.h"

namespace walferry {

// Adds what differs, and notes what only the destination has. What the task doesn't replicate ([ddl]) is no difference, but noted.
// A difference that DDL on its way may mend is looked at again until it stays.
Result<void> compare_objects(pq::Connection &source, pq::Connection &destination, const Task &task,
                             const StopFlag &stop, Comparison &out);

// A definition in the form that it takes when it is read back: PostgreSQL prints `status IN ('a', 'b')` of a varchar in another
// way once it has been dumped and restored.
std::string settled_definition(const std::string &definition);

}  // namespace walferry
