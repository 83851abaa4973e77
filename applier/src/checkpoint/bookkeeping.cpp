// SPDX-License-Identifier: PostgreSQL
#include "checkpoint/bookkeeping.h"

#include <array>
#include <utility>

#include "checkpoint/ddl_history.h"
#include "checkpoint/source_columns.h"

namespace walferry {

namespace {

constexpr int bookkeeping_version = 1;

// Everybody may see how a task stands; only the destination account writes.
const char *const create_sql = R"(
BEGIN;
CREATE SCHEMA IF NOT EXISTS walferry;
CREATE TABLE IF NOT EXISTS walferry.task (
    name text PRIMARY KEY,
    version integer NOT NULL,
    source_system text NOT NULL,
    source_database text NOT NULL,
    slot text NOT NULL,
    include text NOT NULL,
    exclude text NOT NULL,
    stages text NOT NULL,
    phase text NOT NULL,
    created timestamptz NOT NULL DEFAULT pg_catalog.now()
);
CREATE TABLE IF NOT EXISTS walferry.checkpoint (
    task text PRIMARY KEY,
    lsn pg_lsn NOT NULL,
    commit_time timestamptz
) WITH (fillfactor = 10);
CREATE TABLE IF NOT EXISTS walferry.progress (
    task text PRIMARY KEY,
    flushed_lsn pg_lsn,
    received_lsn pg_lsn,
    source_lsn pg_lsn,
    changes bigint NOT NULL DEFAULT 0,
    transactions bigint NOT NULL DEFAULT 0,
    collisions bigint NOT NULL DEFAULT 0,
    replays bigint NOT NULL DEFAULT 0,
    updated timestamptz,
    last_error text
);
CREATE TABLE IF NOT EXISTS walferry.table_state (
    task text NOT NULL,
    relid oid NOT NULL,
    schema_name text NOT NULL,
    table_name text NOT NULL,
    state text NOT NULL,
    snapshot text,
    copy_lsn pg_lsn,
    rows bigint NOT NULL DEFAULT 0,
    bytes bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (task, relid)
);
CREATE TABLE IF NOT EXISTS walferry.schema_script (
    task text NOT NULL,
    script text NOT NULL,
    sql text NOT NULL,
    PRIMARY KEY (task, script)
);
)";

constexpr std::array<std::pair<Phase, const char *>, 8> phase_names = {{
    {Phase::slot, "slot"},
    {Phase::schema, "schema"},
    {Phase::copy, "copy"},
    {Phase::indexes, "indexes"},
    {Phase::catch_up, "catch-up"},
    {Phase::constraints, "constraints"},
    {Phase::stream, "stream"},
    {Phase::done, "done"},
}};

Result<Phase> parse_phase(std::string_view text) {
    for (const auto &[phase, name] : phase_names) {
        if (text == name) return phase;
    }
    return fail(ErrorKind::state, "the destination holds a task in phase \"" + std::string(text) + "\"",
                "It was written by another version of walferry: use that one.");
}

const char *name_of(Script script) { return script == Script::indexes ? "indexes" : "constraints"; }

// NULL is LSN 0.
Lsn lsn_at(const pq::Rows &rows, int row, int column) { return Lsn::parse(rows.view(row, column)).value_or(Lsn{}); }

pq::Param lsn_param(Lsn lsn) { return lsn.valid() ? pq::Param(lsn.text()) : std::nullopt; }

// For statements whose answer is of no interest.
Result<void> run(pq::Connection &destination, const std::string &sql, std::initializer_list<pq::Param> params) {
    WF_TRY(destination.exec(sql, params));
    return {};
}

}  // namespace

const char *const advance_checkpoint_sql =
    "UPDATE walferry.checkpoint SET lsn = CASE WHEN lsn = $2::pg_lsn THEN $3::pg_lsn END,"
    " commit_time = '2000-01-01 00:00:00+00'::timestamptz + $4::float8 * interval '1 microsecond' WHERE task = $1";

const char *to_string(Phase phase) {
    for (const auto &[candidate, name] : phase_names) {
        if (candidate == phase) return name;
    }
    return "";
}

Result<bool> bookkeeping_exists(pq::Connection &destination) {
    WF_ASSIGN(const pq::Rows rows, destination.exec("SELECT to_regclass('walferry.task') IS NOT NULL"));
    return rows.boolean(0, 0);
}

Result<void> create_bookkeeping(pq::Connection &destination) {
    // The youngest of the tables. Where it is there, nothing is made: the account may have lost the right to do so.
    WF_ASSIGN(const pq::Rows rows, destination.exec("SELECT to_regclass('walferry.source_column') IS NOT NULL"));
    if (rows.boolean(0, 0)) return {};
    const auto sql = std::string(create_sql) + create_ddl_history_sql + create_source_columns_sql + "COMMIT";
    if (auto created = destination.exec(sql); !created) {
        Error error = std::move(created).error();
        (void)destination.exec("ROLLBACK");
        return fail(std::move(error).with_hint(
            "The destination account needs CREATE on the database: GRANT CREATE ON DATABASE ... TO ..."));
    }
    return {};
}

Result<std::optional<TaskRecord>> find_task(pq::Connection &destination, const std::string &task) {
    WF_ASSIGN(const bool exists, bookkeeping_exists(destination));
    if (!exists) return std::nullopt;
    WF_ASSIGN(const pq::Rows rows,
              destination.exec("SELECT version, source_system, source_database, slot, include, exclude, stages, phase"
                               " FROM walferry.task WHERE name = $1",
                               {task}));
    if (rows.count() == 0) return std::nullopt;
    if (rows.integer(0, 0) != bookkeeping_version) {
        return fail(ErrorKind::state,
                    "the task's bookkeeping has version " + rows.text(0, 0) + ", this program knows version " +
                        std::to_string(bookkeeping_version),
                    "Use the version of walferry that began the task.");
    }
    TaskRecord record{
        rows.text(0, 1), rows.text(0, 2), rows.text(0, 3), rows.text(0, 4), rows.text(0, 5), rows.text(0, 6), {}};
    WF_ASSIGN(record.phase, parse_phase(rows.view(0, 7)));
    return record;
}

Result<void> insert_task(pq::Connection &destination, const std::string &task, const TaskRecord &record) {
    return run(
        destination,
        "INSERT INTO walferry.task (name, version, source_system, source_database, slot, include, exclude, stages, phase)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        {task, std::to_string(bookkeeping_version), record.source_system, record.source_database, record.slot,
         record.include, record.exclude, record.stages, to_string(record.phase)});
}

Result<void> set_phase(pq::Connection &destination, const std::string &task, Phase phase) {
    return run(destination, "UPDATE walferry.task SET phase = $2 WHERE name = $1", {task, to_string(phase)});
}

Result<void> insert_checkpoint(pq::Connection &destination, const std::string &task, Lsn lsn) {
    WF_TRY(run(destination,
               "INSERT INTO walferry.checkpoint (task, lsn) VALUES ($1, $2)"
               " ON CONFLICT (task) DO UPDATE SET lsn = excluded.lsn, commit_time = NULL",
               {task, lsn.text()}));
    return run(destination,
               "INSERT INTO walferry.progress (task, flushed_lsn) VALUES ($1, $2)"
               " ON CONFLICT (task) DO UPDATE SET flushed_lsn = excluded.flushed_lsn",
               {task, lsn.text()});
}

Result<std::optional<Lsn>> find_checkpoint(pq::Connection &destination, const std::string &task) {
    WF_ASSIGN(const pq::Rows rows, destination.exec("SELECT lsn FROM walferry.checkpoint WHERE task = $1", {task}));
    if (rows.count() == 0) return std::nullopt;
    return lsn_at(rows, 0, 0);
}

Result<void> save_script(pq::Connection &destination, const std::string &task, Script script, const std::string &sql) {
    return run(destination,
               "INSERT INTO walferry.schema_script (task, script, sql) VALUES ($1, $2, $3)"
               " ON CONFLICT (task, script) DO UPDATE SET sql = excluded.sql",
               {task, name_of(script), sql});
}

Result<std::string> find_script(pq::Connection &destination, const std::string &task, Script script) {
    WF_ASSIGN(const pq::Rows rows,
              destination.exec("SELECT sql FROM walferry.schema_script WHERE task = $1 AND script = $2",
                               {task, name_of(script)}));
    return rows.count() == 0 ? std::string{} : rows.text(0, 0);
}

Result<void> replace_tables(pq::Connection &destination, const std::string &task,
                            const std::vector<TableState> &tables) {
    WF_TRY(run(destination, "DELETE FROM walferry.table_state WHERE task = $1", {task}));
    // One statement, however many tables there are.
    WF_TRY(
        destination.start_copy_in("COPY walferry.table_state (task, relid, schema_name, table_name, state) FROM STDIN"
                                  " (FORMAT csv, FORCE_NOT_NULL (schema_name, table_name))"));
    const auto csv = [](std::string_view value) {
        std::string out = "\"";
        for (char c : value) out += c == '"' ? std::string("\"\"") : std::string(1, c);
        return out + "\"";
    };
    std::string lines;
    for (const auto &table : tables) {
        lines += csv(task) + "," + std::to_string(table.relid) + "," + csv(table.schema) + "," + csv(table.name) + "," +
                 csv(table.state) + "\n";
    }
    WF_TRY(destination.put_copy(lines));
    WF_TRY(destination.finish_copy_in());
    return {};
}

Result<std::vector<TableState>> list_tables(pq::Connection &destination, const std::string &task) {
    WF_ASSIGN(const pq::Rows rows,
              destination.exec("SELECT relid, schema_name, table_name, state, snapshot, copy_lsn, rows, bytes"
                               " FROM walferry.table_state WHERE task = $1 ORDER BY schema_name, table_name",
                               {task}));
    std::vector<TableState> tables(static_cast<std::size_t>(rows.count()));
    for (int row = 0; row < rows.count(); ++row) {
        TableState &table = tables[static_cast<std::size_t>(row)];
        table.relid = static_cast<std::uint32_t>(rows.integer(row, 0));
        table.schema = rows.text(row, 1);
        table.name = rows.text(row, 2);
        table.state = rows.text(row, 3);
        table.snapshot = rows.text(row, 4);
        table.copy_lsn = lsn_at(rows, row, 5);
        table.rows = static_cast<std::uint64_t>(rows.integer(row, 6));
        table.bytes = static_cast<std::uint64_t>(rows.integer(row, 7));
    }
    return tables;
}

Result<void> set_copied(pq::Connection &destination, const std::string &task, const TableState &table) {
    return run(destination,
               "UPDATE walferry.table_state SET state = 'copied', snapshot = $3, copy_lsn = $4, rows = $5, bytes = $6"
               " WHERE task = $1 AND relid = $2",
               {task, std::to_string(table.relid), table.snapshot, table.copy_lsn.text(), std::to_string(table.rows),
                std::to_string(table.bytes)});
}

Result<std::optional<Progress>> find_progress(pq::Connection &destination, const std::string &task) {
    WF_ASSIGN(const pq::Rows rows,
              destination.exec("SELECT c.lsn, p.flushed_lsn, p.received_lsn, p.source_lsn, p.changes, p.transactions,"
                               " p.collisions, p.replays, c.commit_time, p.updated, p.last_error"
                               " FROM walferry.checkpoint c LEFT JOIN walferry.progress p USING (task) WHERE task = $1",
                               {task}));
    if (rows.count() == 0) return std::nullopt;
    return Progress{lsn_at(rows, 0, 0),
                    lsn_at(rows, 0, 1),
                    lsn_at(rows, 0, 2),
                    lsn_at(rows, 0, 3),
                    static_cast<std::uint64_t>(rows.integer(0, 4)),
                    static_cast<std::uint64_t>(rows.integer(0, 5)),
                    static_cast<std::uint64_t>(rows.integer(0, 6)),
                    static_cast<std::uint64_t>(rows.integer(0, 7)),
                    rows.text(0, 8),
                    rows.text(0, 9),
                    rows.text(0, 10)};
}

Result<void> save_progress(pq::Connection &destination, const std::string &task, const Progress &progress) {
    WF_TRY(destination.exec("SET synchronous_commit = on"));
    return run(
        destination,
        "UPDATE walferry.progress SET flushed_lsn = GREATEST(flushed_lsn, $2::pg_lsn), received_lsn = $3, source_lsn = $4, changes = $5,"
        " transactions = $6, collisions = $7, replays = $8, updated = pg_catalog.now(), last_error = NULL WHERE task = $1",
        {task, lsn_param(progress.flushed_lsn), lsn_param(progress.received_lsn), lsn_param(progress.source_lsn),
         std::to_string(progress.changes), std::to_string(progress.transactions), std::to_string(progress.collisions),
         std::to_string(progress.replays)});
}

Result<void> save_error(pq::Connection &destination, const std::string &task, const std::string &error) {
    return run(destination,
               "INSERT INTO walferry.progress (task, updated, last_error) VALUES ($1, pg_catalog.now(), $2)"
               " ON CONFLICT (task) DO UPDATE SET updated = excluded.updated, last_error = excluded.last_error",
               {task, error});
}

Result<void> delete_task(pq::Connection &destination, const std::string &task) {
    WF_ASSIGN(const bool exists, bookkeeping_exists(destination));
    if (!exists) return {};
    const std::string name = destination.quote_literal(task);
    std::string sql = "BEGIN;";
    for (const char *table : {"schema_script", "table_state", "progress", "checkpoint"}) {
        sql += std::string("DELETE FROM walferry.") + table + " WHERE task = " + name + ";";
    }
    // A task of an earlier version lacks these.
    for (const std::string table : {"walferry.ddl", "walferry.source_column"}) {
        WF_ASSIGN(const pq::Rows found, destination.exec("SELECT to_regclass($1) IS NOT NULL", {table}));
        if (found.boolean(0, 0)) sql += "DELETE FROM " + table + " WHERE task = " + name + ";";
    }
    sql += "DELETE FROM walferry.task WHERE name = " + name + ";";
    sql += R"(
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM walferry.task) THEN
        DROP TABLE walferry.schema_script, walferry.table_state, walferry.progress, walferry.checkpoint, walferry.task;
        DROP TABLE IF EXISTS walferry.ddl, walferry.source_column;  -- a task of an earlier version has none
        -- In a cascade the schema belongs to the extension, which has objects of its own there.
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_depend
                       WHERE refclassid = 'pg_catalog.pg_namespace'::regclass
                         AND refobjid = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = 'walferry')) THEN
            DROP SCHEMA walferry;
        END IF;
    END IF;
END $$;
COMMIT)";
    if (auto deleted = destination.exec(sql); !deleted) {
        Error error = std::move(deleted).error();
        (void)destination.exec("ROLLBACK");
        return fail(std::move(error));
    }
    return {};
}

const char *const lock_worker_sql = "SELECT pg_advisory_lock_shared(hashtextextended('walferry worker:' || $1, 0))";

Result<void> wait_for_workers(pq::Connection &destination, const std::string &task) {
    WF_TRY(run(destination, "SELECT pg_advisory_lock(hashtextextended('walferry worker:' || $1, 0))", {task}));
    return run(destination, "SELECT pg_advisory_unlock(hashtextextended('walferry worker:' || $1, 0))", {task});
}

Result<bool> try_lock_task(pq::Connection &destination, const std::string &task) {
    WF_ASSIGN(const pq::Rows rows,
              destination.exec("SELECT pg_try_advisory_lock(hashtextextended('walferry:' || $1, 0))", {task}));
    return rows.boolean(0, 0);
}

}  // namespace walferry
