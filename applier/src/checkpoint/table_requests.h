// What the operator has asked for single tables of a task: the table walferry.table_request, one row a table. The process
// that runs the task performs it, at once or when it starts, and removes the row; or writes why it can't be done.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "base/stop.h"
#include "pq/connection.h"

namespace walferry {

enum class TableAction { add, remove, recopy };
const char *to_string(TableAction action);

struct TableRequest {
    TableAction action = TableAction::recopy;
    std::string schema;
    std::string name;
    std::string error;  // why it was not done; empty: it is still to be done
};

// For create_bookkeeping.
extern const char *const create_table_requests_sql;

// In the place of an earlier one for the table.
Result<void> insert_table_request(pq::Connection &destination, const std::string &task, const TableRequest &request);
// All of them, those that failed too.
Result<std::vector<TableRequest>> list_table_requests(pq::Connection &destination, const std::string &task);
// Those that are still to be done. One cheap query, for being asked once a second.
Result<bool> has_table_requests(pq::Connection &destination, const std::string &task);
Result<void> fail_table_request(pq::Connection &destination, const std::string &task, const TableRequest &request);

// Write a request down, and wait for a running task to perform it. False: none runs, its next run does it. Errors:
// ErrorKind::state with the reason why it can't be done.
Result<bool> ask_for_table(pq::Connection &destination, const std::string &task, const TableRequest &request,
                           const StopFlag &stop);

// The request is done; in the transaction that does it. `patterns`: the tables' own, which the task's patterns gain or lose:
// remove excludes them, add takes that back and includes them.
Result<void> finish_table_request(pq::Connection &destination, const std::string &task, const TableRequest &request,
                                  const std::vector<std::string> &patterns);

}  // namespace walferry
