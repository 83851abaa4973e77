// SPDX-License-Identifier: PostgreSQL
#include "checkpoint/ddl_history.h"

#include <fmt/format.h>

#include "checkpoint/bookkeeping.h"

namespace walferry {

namespace {

#define WF_DDL_COLUMNS "id, source_lsn, source_time, role, tag, statement, state, reason, changed"

DdlStatement statement_at(const pq::Rows &rows, int row) {
    return {rows.integer(row, 0), rows.text(row, 1), rows.text(row, 2), rows.text(row, 3), rows.text(row, 4),
            rows.text(row, 5),    rows.text(row, 6), rows.text(row, 7), rows.text(row, 8)};
}

// Requires: the task has been started. A task of an earlier version has the table from its next run on.
Result<bool> history_exists(pq::Connection &destination, const std::string &task) {
    WF_ASSIGN(const auto record, find_task(destination, task));
    if (!record) {
        return fail(ErrorKind::state, fmt::format("task \"{}\" has not been started", task),
                    "Start it with \"walferry run FILE\".");
    }
    WF_ASSIGN(const pq::Rows rows, destination.exec("SELECT to_regclass('walferry.ddl') IS NOT NULL"));
    return rows.boolean(0, 0);
}

Error nothing_to_decide(const std::string &task, const DdlStatement &statement) {
    Error error{
        ErrorKind::state,
        Side::none,
        {},
        fmt::format("statement {} ({}) of task \"{}\" is {}: there is nothing to decide", statement.id, statement.tag,
                    task, statement.state),
        {},
        "Only a statement that failed, and in front of which the task has stopped, can be skipped or declared done.",
        {}};
    return error;
}

}  // namespace

const char *const create_ddl_history_sql = R"(
CREATE TABLE IF NOT EXISTS walferry.ddl (
    task text NOT NULL,
    id bigint NOT NULL,
    source_lsn pg_lsn,
    source_time timestamptz,
    role text,
    tag text NOT NULL,
    statement text NOT NULL,
    state text NOT NULL CHECK (state IN ('applied', 'skipped', 'failed', 'skip', 'done')),
    reason text,
    changed timestamptz NOT NULL DEFAULT pg_catalog.now(),
    PRIMARY KEY (task, id)
);
)";

const char *const record_ddl_sql =
    "INSERT INTO walferry.ddl AS d (task, id, source_lsn, source_time, role, tag, statement, state, reason, changed)"
    " VALUES ($1::pg_catalog.text, $2::pg_catalog.text::pg_catalog.int8, $3::pg_catalog.text::pg_catalog.pg_lsn,"
    " '2000-01-01 00:00:00+00'::pg_catalog.timestamptz + $4::pg_catalog.text::pg_catalog.float8 * interval '1 microsecond',"
    " $5::pg_catalog.text, $6::pg_catalog.text, $7::pg_catalog.text,"
    " $8::pg_catalog.text, $9::pg_catalog.text, pg_catalog.now())"
    " ON CONFLICT (task, id) DO UPDATE SET source_lsn = excluded.source_lsn, source_time = excluded.source_time,"
    " role = excluded.role, tag = excluded.tag, statement = excluded.statement,"
    " state = CASE WHEN excluded.state = 'failed' AND d.state IN ('skip', 'done')"
    " AND d.source_lsn = excluded.source_lsn AND d.statement = excluded.statement THEN d.state ELSE excluded.state END,"
    " reason = excluded.reason, changed = excluded.changed";

const char *const ddl_decision_sql =
    "SELECT state FROM walferry.ddl WHERE task = $1::pg_catalog.text"
    " AND id = $2::pg_catalog.text::pg_catalog.int8 AND source_lsn = $3::pg_catalog.text::pg_catalog.pg_lsn"
    " AND statement = $4::pg_catalog.text AND state IN ('skip', 'done')";

const char *to_string(DdlDecision decision) { return decision == DdlDecision::skip ? "skip" : "done"; }

Result<std::vector<DdlStatement>> list_ddl(pq::Connection &destination, const std::string &task) {
    std::vector<DdlStatement> statements;
    WF_ASSIGN(const bool exists, history_exists(destination, task));
    if (!exists) return statements;
    WF_ASSIGN(const pq::Rows rows,
              destination.exec("SELECT " WF_DDL_COLUMNS " FROM walferry.ddl WHERE task = $1 ORDER BY id", {task}));
    for (int row = 0; row < rows.count(); ++row) statements.push_back(statement_at(rows, row));
    return statements;
}

Result<DdlStatement> decide_ddl(pq::Connection &destination, const std::string &task, std::int64_t id,
                                DdlDecision decision) {
    const auto unknown = fmt::format("task \"{}\" has met no statement {}", task, id);
    const auto *const look = "\"walferry ddl list FILE\" shows the statements and their numbers.";
    WF_ASSIGN(const bool exists, history_exists(destination, task));
    if (!exists) return fail(ErrorKind::state, unknown, look);
    // A worker that is writing the row meanwhile goes first: then the condition is looked at again.
    WF_ASSIGN(const pq::Rows decided,
              destination.exec("UPDATE walferry.ddl SET state = $3, changed = pg_catalog.now()"
                               " WHERE task = $1 AND id = $2 AND state IN ('failed', 'skip', 'done')"
                               " RETURNING " WF_DDL_COLUMNS,
                               {task, std::to_string(id), to_string(decision)}));
    if (decided.count() > 0) return statement_at(decided, 0);
    WF_ASSIGN(const pq::Rows rows,
              destination.exec("SELECT " WF_DDL_COLUMNS " FROM walferry.ddl WHERE task = $1 AND id = $2",
                               {task, std::to_string(id)}));
    if (rows.count() == 0) return fail(ErrorKind::state, unknown, look);
    return fail(nothing_to_decide(task, statement_at(rows, 0)));
}

}  // namespace walferry
