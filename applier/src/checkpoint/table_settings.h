// With which settings of the task file each table was copied: the table walferry.table_settings. Settings go by names, and
// rows that were sent with some don't go with rows that are sent with others; so where a table has others by now, since the
// file was changed, or the table was renamed or is a partition no longer, the task doesn't go on.
//
// Written by a table's copy in its transaction.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "config/task.h"
#include "pq/connection.h"
#include "schema/tables.h"

namespace walferry {

// For create_bookkeeping.
extern const char *const create_table_settings_sql;

// Inside the transaction that copied the tables: $1 task, $2 relids, $3 settings (empty: none), in parallel.
extern const char *const set_table_settings_sql;
std::vector<pq::Param> table_settings_params(const std::string &task, const std::vector<Table> &tables);

// Answers the OIDs of those that were copied with settings, joined with commas.
// Errors: ErrorKind::state, naming the first table that has other settings than it was copied with.
Result<std::string> check_table_settings(pq::Connection &source, pq::Connection &destination, const Task &task);

}  // namespace walferry
