// Which columns of the destination's tables are the source's too, and not only here: the table walferry.source_column.
//
// A change that lacks one of them tells that the source has dropped it, and that nobody was told (capture was off). A
// column that only the destination has is none of them, so it may be there.
//
// Written by a table's copy in its transaction; after that by a DDL statement in its own, for what it has created. A column keeps its number when it or its table is renamed.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "pq/connection.h"
#include "schema/tables.h"

namespace walferry {

// For create_bookkeeping.
extern const char *const create_source_columns_sql;

// add_source_columns_sql's parameters, for all columns of the tables.
std::vector<pq::Param> source_column_params(const std::string &task, const std::vector<Table> &tables);

// Of objects of a statement (DdlObject), in parallel arrays: $2 types and $3 names of those that it has created.
extern const char *const add_source_columns_sql;
// Of those that it was to drop, and that stay here: they are only the destination's from now on.
extern const char *const remove_source_columns_sql;

}  // namespace walferry
