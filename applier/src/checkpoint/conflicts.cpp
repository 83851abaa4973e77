// SPDX-License-Identifier: PostgreSQL
#include "checkpoint/conflicts.h"

#include <fmt/format.h>

#include "checkpoint/bookkeeping.h"

namespace walferry {

const char *const create_conflicts_sql = R"(
CREATE TABLE IF NOT EXISTS walferry.conflict (
    task text NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    recorded timestamptz NOT NULL DEFAULT pg_catalog.now(),
    lsn pg_lsn,
    xid xid8,
    commit_time timestamptz,
    schema_name text NOT NULL,
    table_name text NOT NULL,
    operation text NOT NULL CHECK (operation IN ('INSERT', 'UPDATE', 'DELETE')),
    kind text NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('overwritten', 'skipped', 'quarantined', 'replayed')),
    key_columns text[] NOT NULL,
    old_values jsonb,
    new_values jsonb,
    local_row text,
    sqlstate text,
    reason text NOT NULL,
    PRIMARY KEY (task, id)
);
CREATE INDEX IF NOT EXISTS conflict_quarantined ON walferry.conflict (task, id) WHERE outcome = 'quarantined';
CREATE TABLE IF NOT EXISTS walferry.conflict_total (
    task text NOT NULL,
    kind text NOT NULL,
    policy text NOT NULL,
    total bigint NOT NULL,
    PRIMARY KEY (task, kind, policy)
);
)";

const char *const count_conflicts_sql =
    "INSERT INTO walferry.conflict_total AS t (task, kind, policy, total)"
    " VALUES ($1::pg_catalog.text, $2::pg_catalog.text, $3::pg_catalog.text, $4::pg_catalog.text::pg_catalog.int8)"
    " ON CONFLICT (task, kind, policy) DO UPDATE SET total = t.total + excluded.total";

const char *const complete_conflicts_sql =
    "UPDATE walferry.conflict SET lsn = $3::pg_catalog.text::pg_catalog.pg_lsn,"
    " commit_time = '2000-01-01 00:00:00+00'::pg_catalog.timestamptz + $4::pg_catalog.text::pg_catalog.float8 * interval '1 microsecond'"
    " WHERE task = $1::pg_catalog.text AND xid = $2::pg_catalog.text::pg_catalog.xid8 AND lsn IS NULL";

namespace {

// Requires: the task has been started. A task of an earlier version has the table from its next run on.
Result<bool> records_exist(pq::Connection &destination) {
    WF_ASSIGN(const pq::Rows rows, destination.exec("SELECT to_regclass('walferry.conflict_total') IS NOT NULL"));
    return rows.boolean(0, 0);
}

Result<bool> records_exist(pq::Connection &destination, const std::string &task) {
    WF_ASSIGN(const auto record, find_task(destination, task));
    if (record) return records_exist(destination);
    return fail(ErrorKind::state, fmt::format("task \"{}\" has not been started", task),
                "Start it with \"walferry run FILE\".");
}

pq::Param id_param(std::optional<std::int64_t> id) { return id ? pq::Param(std::to_string(*id)) : std::nullopt; }

}  // namespace

Result<ConflictTotals> find_conflict_totals(pq::Connection &destination, const std::string &task) {
    ConflictTotals found;
    WF_ASSIGN(const bool exist, records_exist(destination));
    if (!exist) return found;
    WF_ASSIGN(const pq::Rows rows, destination.exec("SELECT kind, policy, total FROM walferry.conflict_total"
                                                    " WHERE task = $1 ORDER BY kind, policy",
                                                    {task}));
    for (int row = 0; row < rows.count(); ++row) {
        found.totals.push_back(
            {rows.text(row, 0), rows.text(row, 1), static_cast<std::uint64_t>(rows.integer(row, 2))});
    }
    WF_ASSIGN(const pq::Rows waiting, destination.exec("SELECT pg_catalog.count(*) FROM walferry.conflict"
                                                       " WHERE task = $1 AND outcome = 'quarantined'",
                                                       {task}));
    found.quarantined = static_cast<std::uint64_t>(waiting.integer(0, 0));
    return found;
}

Result<std::vector<Conflict>> list_conflicts(pq::Connection &destination, const std::string &task, WhichConflicts which,
                                             std::optional<std::int64_t> id) {
    std::vector<Conflict> conflicts;
    WF_ASSIGN(const bool exist, records_exist(destination, task));
    if (!exist) return conflicts;
    const std::string only = which == WhichConflicts::quarantined ? " AND outcome = 'quarantined'" : "";
    WF_ASSIGN(const pq::Rows rows,
              destination.exec(
                  "SELECT id, recorded, lsn, xid, commit_time, schema_name, table_name, operation, kind,"
                  " outcome, pg_catalog.to_jsonb(key_columns), old_values, new_values, local_row, sqlstate, reason"
                  " FROM walferry.conflict WHERE task = $1 AND id = coalesce($2::int8, id)" +
                      only + " ORDER BY id",
                  {task, id_param(id)}));
    for (int row = 0; row < rows.count(); ++row) {
        Conflict conflict;
        conflict.id = rows.integer(row, 0);
        int column = 1;
        for (std::string *text :
             {&conflict.recorded, &conflict.lsn, &conflict.xid, &conflict.commit_time, &conflict.schema,
              &conflict.table, &conflict.operation, &conflict.kind, &conflict.outcome, &conflict.key_columns,
              &conflict.old_values, &conflict.new_values, &conflict.local_row, &conflict.sqlstate, &conflict.reason}) {
            *text = rows.text(row, column++);
        }
        conflicts.push_back(std::move(conflict));
    }
    return conflicts;
}

Result<std::uint64_t> drop_conflicts(pq::Connection &destination, const std::string &task,
                                     std::optional<std::int64_t> id) {
    WF_ASSIGN(const bool exist, records_exist(destination, task));
    if (!exist) return std::uint64_t{0};
    WF_ASSIGN(const pq::Rows dropped,
              destination.exec("DELETE FROM walferry.conflict WHERE task = $1 AND id = coalesce($2::int8, id)",
                               {task, id_param(id)}));
    return dropped.affected().value_or(0);
}

}  // namespace walferry
