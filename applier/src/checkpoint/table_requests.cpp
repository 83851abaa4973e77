// SPDX-License-Identifier: PostgreSQL
#include "checkpoint/table_requests.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "checkpoint/bookkeeping.h"
#include "pq/array.h"

namespace walferry {

const char *const create_table_requests_sql = R"(
CREATE TABLE IF NOT EXISTS walferry.table_request (
    task text NOT NULL,
    schema_name text NOT NULL,
    table_name text NOT NULL,
    action text NOT NULL,
    error text,
    PRIMARY KEY (task, schema_name, table_name)
);
)";

const char *to_string(TableAction action) {
    switch (action) {
        case TableAction::add:
            return "add";
        case TableAction::remove:
            return "remove";
        case TableAction::recopy:
            break;
    }
    return "recopy";
}

Result<void> insert_table_request(pq::Connection &destination, const std::string &task, const TableRequest &request) {
    WF_TRY(
        destination.exec("INSERT INTO walferry.table_request (task, schema_name, table_name, action)"
                         " VALUES ($1, $2, $3, $4) ON CONFLICT (task, schema_name, table_name)"
                         " DO UPDATE SET action = excluded.action, error = NULL",
                         {task, request.schema, request.name, to_string(request.action)}));
    return {};
}

Result<std::vector<TableRequest>> list_table_requests(pq::Connection &destination, const std::string &task) {
    WF_ASSIGN(const pq::Rows rows, destination.exec("SELECT action, schema_name, table_name, error"
                                                    " FROM walferry.table_request WHERE task = $1 ORDER BY 2, 3",
                                                    {task}));
    std::vector<TableRequest> requests;
    for (int row = 0; row < rows.count(); ++row) {
        const auto action = rows.view(row, 0);
        requests.push_back({action == "add"      ? TableAction::add
                            : action == "remove" ? TableAction::remove
                                                 : TableAction::recopy,
                            rows.text(row, 1), rows.text(row, 2), rows.text(row, 3)});
    }
    return requests;
}

Result<bool> has_table_requests(pq::Connection &destination, const std::string &task) {
    WF_ASSIGN(const pq::Rows rows,
              destination.exec("SELECT EXISTS (SELECT FROM walferry.table_request WHERE task = $1 AND error IS NULL)",
                               {task}));
    return rows.boolean(0, 0);
}

Result<void> fail_table_request(pq::Connection &destination, const std::string &task, const TableRequest &request) {
    WF_TRY(
        destination.exec("UPDATE walferry.table_request SET error = $4"
                         " WHERE task = $1 AND schema_name = $2 AND table_name = $3",
                         {task, request.schema, request.name, request.error}));
    return {};
}

Result<void> finish_table_request(pq::Connection &destination, const std::string &task, const TableRequest &request,
                                  const std::vector<std::string> &patterns) {
    if (request.action != TableAction::recopy) {
        const bool remove = request.action == TableAction::remove;
        const std::string loses = remove ? "added" : "removed";
        const std::string gains = remove ? "removed" : "added";
        WF_TRY(destination.exec("UPDATE walferry.task SET " + loses + " = ARRAY(SELECT p FROM unnest(" + loses +
                                    ") AS p WHERE p <> ALL ($2::text[])), " + gains + " = " + gains +
                                    " || $2::text[] WHERE name = $1",
                                {task, pq::array_literal(patterns)}));
    }
    WF_TRY(
        destination.exec("DELETE FROM walferry.table_request WHERE task = $1 AND schema_name = $2 AND table_name = $3",
                         {task, request.schema, request.name}));
    return {};
}

Result<bool> ask_for_table(pq::Connection &destination, const std::string &task, const TableRequest &request,
                           const StopFlag &stop) {
    WF_TRY(insert_table_request(destination, task, request));
    while (true) {
        WF_ASSIGN(const auto requests, list_table_requests(destination, task));
        const auto found = std::find_if(requests.begin(), requests.end(), [&](const TableRequest &other) {
            return other.schema == request.schema && other.name == request.name;
        });
        if (found == requests.end()) return true;
        if (!found->error.empty()) {
            return fail(ErrorKind::state, fmt::format("table {} {}.{}: {}", to_string(request.action), request.schema,
                                                      request.name, found->error));
        }
        WF_ASSIGN(const bool running, is_running(destination, task));
        if (!running) return false;
        if (stop.wait_for(std::chrono::milliseconds(200))) return fail(ErrorKind::interrupted, "stopped by request");
    }
}

}  // namespace walferry
