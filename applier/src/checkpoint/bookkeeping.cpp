// SPDX-License-Identifier: PostgreSQL
#include "checkpoint/bookkeeping.h"

#include <array>
#include <utility>

#include "base/hex.h"
#include "checkpoint/conflicts.h"
#include "checkpoint/ddl_history.h"
#include "checkpoint/source_columns.h"
#include "checkpoint/table_requests.h"
#include "checkpoint/table_settings.h"
#include "checkpoint/verification.h"
#include "pq/array.h"
#include "pq/transaction.h"
#include "slot/timeline.h"

namespace walferry {

namespace {

constexpr int bookkeeping_version = 2;

// Everybody may see how a task stands; only the destination account writes.
const char *const create_sql = R"(
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
    schema_snapshot text,
    schema_lsn pg_lsn,
    added text[] NOT NULL DEFAULT '{}',
    removed text[] NOT NULL DEFAULT '{}',
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
    place integer NOT NULL DEFAULT 0,
    PRIMARY KEY (task, relid)
);
CREATE TABLE IF NOT EXISTS walferry.schema_script (
    task text NOT NULL,
    part integer NOT NULL,
    sql text NOT NULL,
    PRIMARY KEY (task, part)
);
CREATE TABLE IF NOT EXISTS walferry.sequence (
    task text NOT NULL,
    relid oid NOT NULL,
    last_value bigint NOT NULL,
    is_called boolean NOT NULL,
    PRIMARY KEY (task, relid)
);
CREATE TABLE IF NOT EXISTS walferry.large_object (
    task text PRIMARY KEY,
    last_oid oid NOT NULL
);
CREATE TABLE IF NOT EXISTS walferry.name_map (
    task text PRIMARY KEY,
    rules text NOT NULL
);
)";

constexpr std::array<std::pair<Phase, const char *>, 6> phase_names = {{
    {Phase::slot, "slot"},
    {Phase::schema, "schema"},
    {Phase::objects, "objects"},
    {Phase::copy, "copy"},
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

// Held to the end of a transaction that makes or drops the tables. CREATE ... IF NOT EXISTS is not safe by itself when two do it at
// once, and the last task's cleanup must not drop what another task has just begun to use.
const char *const lock_bookkeeping_sql =
    "SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('walferry bookkeeping', 0))";

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
    WF_TRY(destination.exec(lock_bookkeeping_sql));
    // The youngest of the tables. Where it is there, nothing is made: the account may have lost the right to do so.
    WF_ASSIGN(const pq::Rows rows, destination.exec("SELECT to_regclass('walferry.verification_part') IS NOT NULL"));
    if (rows.boolean(0, 0)) return {};
    const auto sql = std::string(create_sql) + create_ddl_history_sql + create_source_columns_sql +
                     create_table_requests_sql + create_table_settings_sql + create_source_timeline_sql +
                     create_conflicts_sql + create_verifications_sql;
    if (auto created = destination.exec(sql); !created) {
        return fail(std::move(created).error().with_hint(
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
    TaskRecord record;
    record.source_system = rows.text(0, 1);
    record.source_database = rows.text(0, 2);
    record.slot = rows.text(0, 3);
    record.include = rows.text(0, 4);
    record.exclude = rows.text(0, 5);
    record.stages = rows.text(0, 6);
    WF_ASSIGN(record.phase, parse_phase(rows.view(0, 7)));
    // By itself, as the first version has no such columns.
    WF_ASSIGN(const pq::Rows patterns,
              destination.exec("SELECT a, r, pg_catalog.encode(pg_catalog.convert_to(a, 'UTF8'), 'hex'),"
                               " pg_catalog.encode(pg_catalog.convert_to(r, 'UTF8'), 'hex')"
                               " FROM walferry.task, pg_catalog.array_to_string(added, ',') AS a,"
                               " pg_catalog.array_to_string(removed, ',') AS r WHERE name = $1",
                               {task}));
    record.added = patterns.text(0, 0);
    record.removed = patterns.text(0, 1);
    record.added_utf8 = from_hex(patterns.view(0, 2));
    record.removed_utf8 = from_hex(patterns.view(0, 3));
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

Result<void> insert_names(pq::Connection &destination, const std::string &task, const std::string &names) {
    return run(destination, "INSERT INTO walferry.name_map (task, rules) VALUES ($1, $2)", {task, names});
}

Result<std::string> find_names(pq::Connection &destination, const std::string &task) {
    WF_ASSIGN(const pq::Rows rows, destination.exec("SELECT rules FROM walferry.name_map WHERE task = $1", {task}));
    return rows.count() == 0 ? std::string{} : rows.text(0, 0);
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

Result<void> save_schema(pq::Connection &destination, const std::string &task, const SchemaState &state,
                         const std::vector<std::string> &parts) {
    WF_TRY(run(destination, "DELETE FROM walferry.schema_script WHERE task = $1", {task}));
    for (std::size_t i = 0; i < parts.size(); ++i) {
        WF_TRY(run(destination, "INSERT INTO walferry.schema_script (task, part, sql) VALUES ($1, $2, $3)",
                   {task, std::to_string(i), parts[i]}));
    }
    return run(destination, "UPDATE walferry.task SET schema_snapshot = $2, schema_lsn = $3 WHERE name = $1",
               {task, state.snapshot, state.lsn.text()});
}

Result<SchemaState> find_schema(pq::Connection &destination, const std::string &task) {
    WF_ASSIGN(const pq::Rows rows,
              destination.exec("SELECT schema_snapshot, schema_lsn FROM walferry.task WHERE name = $1", {task}));
    if (rows.count() == 0) return SchemaState{};
    return SchemaState{rows.text(0, 0), lsn_at(rows, 0, 1)};
}

Result<std::vector<SchemaPart>> list_schema_parts(pq::Connection &destination, const std::string &task) {
    WF_ASSIGN(const pq::Rows rows,
              destination.exec("SELECT part, sql FROM walferry.schema_script WHERE task = $1 ORDER BY part", {task}));
    std::vector<SchemaPart> parts;
    for (int row = 0; row < rows.count(); ++row) {
        parts.push_back({static_cast<int>(rows.integer(row, 0)), rows.text(row, 1)});
    }
    return parts;
}

Result<void> delete_schema_part(pq::Connection &destination, const std::string &task, int number) {
    return run(destination, "DELETE FROM walferry.schema_script WHERE task = $1 AND part = $2",
               {task, std::to_string(number)});
}

Result<void> replace_tables(pq::Connection &destination, const std::string &task, const std::vector<TableState> &tables,
                            const std::string &state) {
    WF_TRY(run(destination, "DELETE FROM walferry.table_state WHERE task = $1", {task}));
    std::vector<std::string> relids;
    std::vector<std::string> schemas;
    std::vector<std::string> names;
    for (const auto &table : tables) {
        relids.push_back(std::to_string(table.relid));
        schemas.push_back(table.schema);
        names.push_back(table.name);
    }
    // One statement, however many tables there are.
    return run(destination,
               "INSERT INTO walferry.table_state (task, relid, schema_name, table_name, state, place)"
               " SELECT $1, relid, schema_name, table_name, $5, place"
               " FROM unnest($2::oid[], $3::text[], $4::text[])"
               " WITH ORDINALITY AS t (relid, schema_name, table_name, place)",
               {task, pq::array_literal(relids), pq::array_literal(schemas), pq::array_literal(names), state});
}

Result<std::vector<TableState>> list_tables(pq::Connection &destination, const std::string &task) {
    WF_ASSIGN(const pq::Rows rows,
              destination.exec("SELECT relid, schema_name, table_name, state, snapshot, copy_lsn, rows, bytes"
                               " FROM walferry.table_state WHERE task = $1 ORDER BY place",
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

Result<void> delete_table(pq::Connection &destination, const std::string &task, std::uint32_t relid) {
    return run(destination,
               "WITH compared AS (DELETE FROM walferry.verification_table WHERE task = $1 AND relid = $2::oid)"
               " DELETE FROM walferry.table_state WHERE task = $1 AND relid = $2::oid",
               {task, std::to_string(relid)});
}

const char *const set_ready_sql = R"(
UPDATE walferry.table_state t SET state = 'ready', snapshot = $3, copy_lsn = $4::pg_lsn, rows = c.rows, bytes = c.bytes
FROM unnest($2::oid[], $5::bigint[], $6::bigint[]) AS c (relid, rows, bytes)
WHERE t.task = $1 AND t.relid = c.relid)";

const char *const set_pending_sql = R"(
WITH compared AS (DELETE FROM walferry.verification_table WHERE task = $1 AND relid = $2::oid)
INSERT INTO walferry.table_state (task, relid, schema_name, table_name, state) VALUES ($1, $2::oid, $3, $4, 'pending')
ON CONFLICT (task, relid) DO UPDATE
SET state = 'pending', snapshot = NULL, copy_lsn = NULL, rows = 0, bytes = 0, schema_name = $3, table_name = $4)";

Result<void> show_copies(pq::Connection &destination, const std::string &task, const std::vector<TableState> &tables) {
    std::vector<std::string> relids;
    std::vector<std::string> states;
    std::vector<std::string> rows;
    std::vector<std::string> bytes;
    for (const TableState &table : tables) {
        relids.push_back(std::to_string(table.relid));
        states.push_back(table.state);
        rows.push_back(std::to_string(table.rows));
        bytes.push_back(std::to_string(table.bytes));
    }
    return run(destination,
               "UPDATE walferry.table_state t SET state = c.state, rows = c.rows, bytes = c.bytes"
               " FROM unnest($2::oid[], $3::text[], $4::bigint[], $5::bigint[]) AS c (relid, state, rows, bytes)"
               " WHERE t.task = $1 AND t.relid = c.relid AND t.state <> 'ready'",
               {task, pq::array_literal(relids), pq::array_literal(states), pq::array_literal(rows),
                pq::array_literal(bytes)});
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
    return pq::in_transaction(destination, [&]() -> Result<void> {
        WF_TRY(destination.exec(lock_bookkeeping_sql));
        WF_ASSIGN(const pq::Rows tables,  // one that an earlier version began lacks some
                  destination.exec(
                      "SELECT name FROM unnest(ARRAY['task', 'schema_script', 'table_state', 'progress', 'checkpoint',"
                      " 'ddl', 'sequence', 'large_object', 'table_request', 'source_column', 'table_settings',"
                      " 'source_timeline', 'name_map', 'conflict', 'conflict_total', 'verification',"
                      " 'verification_table', 'verification_part']) AS name"
                      " WHERE to_regclass('walferry.' || name) IS NOT NULL"));
        if (tables.count() == 0) return {};  // dropped with another task, just now
        std::string sql;
        std::string all;
        for (int row = 0; row < tables.count(); ++row) {
            const std::string table = "walferry." + tables.text(row, 0);
            sql += "DELETE FROM " + table + " WHERE " + (row == 0 ? "name" : "task") + " = " + name + ";";
            all += (row > 0 ? ", " : "") + table;
        }
        sql += R"(
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM walferry.task) THEN
        DROP TABLE )" +
               all + R"(;
        -- In a cascade the schema belongs to the extension, which has objects of its own there.
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_depend
                       WHERE refclassid = 'pg_catalog.pg_namespace'::regclass
                         AND refobjid = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = 'walferry')) THEN
            DROP SCHEMA walferry;
        END IF;
    END IF;
END $$)";
        WF_TRY(destination.exec(sql));
        return {};
    });
}

const char *const lock_worker_sql = "SELECT pg_advisory_lock_shared(hashtextextended('walferry worker:' || $1, 0))";

Result<void> wait_for_workers(pq::Connection &destination, const std::string &task) {
    WF_TRY(run(destination, "SELECT pg_advisory_lock(hashtextextended('walferry worker:' || $1, 0))", {task}));
    return run(destination, "SELECT pg_advisory_unlock(hashtextextended('walferry worker:' || $1, 0))", {task});
}

// Seen without taking it: whoever starts meanwhile must get it.
Result<bool> is_locked(pq::Connection &destination, const std::string &lock_name) {
    WF_ASSIGN(const pq::Rows rows, destination.exec(R"(
SELECT EXISTS (
    SELECT FROM pg_catalog.pg_locks
    WHERE locktype = 'advisory' AND objsubid = 1 AND granted
      AND database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
      AND ((classid::pg_catalog.int8 << 32) | objid::pg_catalog.int8) = pg_catalog.hashtextextended($1, 0)))",
                                                    {lock_name}));
    return rows.boolean(0, 0);
}

Result<bool> is_running(pq::Connection &destination, const std::string &task) {
    return is_locked(destination, "walferry:" + task);
}

Result<bool> try_lock_task(pq::Connection &destination, const std::string &task) {
    WF_ASSIGN(const pq::Rows rows,
              destination.exec("SELECT pg_try_advisory_lock(hashtextextended('walferry:' || $1, 0))", {task}));
    return rows.boolean(0, 0);
}

}  // namespace walferry
