// What a task remembers, in plain tables of the destination (schema walferry), so that data and position commit together.
//
//   walferry.task         one row a task: its source, its slot, its phase
//   walferry.schema_script  what the schema stage has still to run: indexes, then foreign keys
//   walferry.checkpoint   how far the stream is applied: written in the transaction that applies
//   walferry.progress     what has been flushed and may be confirmed to the slot; also what `status` reads
//   walferry.table_state  one row a table: its copy's snapshot
//   walferry.large_object  one row: the OID up to which large objects are copied (copy/large_objects.h)
//   walferry.sequence     one row a sequence: the value that it was last set to (schema/sequences.h)
//   walferry.table_request  what the operator has asked for single tables (table_requests.h)
//   walferry.ddl          one row a DDL statement of the source (ddl_history.h)
//   walferry.source_column  columns that the source has too (source_columns.h)
//   walferry.name_map     under which names the source's objects arrive
//   walferry.table_settings  with which settings a table was copied (table_settings.h)
//   walferry.source_timeline  the source's timeline (slot/timeline.h)
//   walferry.conflict, walferry.conflict_total  changes that met a conflict which a policy has settled (conflicts.h)
//
// Invariants:
//   1. checkpoint.lsn moves only from the value that its writer knows: a second writer fails (advance_checkpoint_sql).
//   2. progress.flushed_lsn is committed synchronously before it is confirmed to the slot, so a slot that is ahead of
//      both it and the checkpoint has lost us changes, and is refused.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/lsn.h"
#include "config/task.h"
#include "pq/connection.h"

namespace walferry {

// What a task has to do next; in the order in which it passes through them.
//   slot      make the slot, so that every later change is in the stream
//   schema    read the source's definitions and the list of its tables under one snapshot
//   objects   make them here
//   copy      copy each table under a snapshot of its own; the stream goes on meanwhile
//   stream    for as long as wanted
//   done      the task has no stream stage and is complete
enum class Phase { slot, schema, objects, copy, stream, done };
const char *to_string(Phase phase);

struct TaskRecord {
    std::string source_system;  // pg_control_system().system_identifier
    std::string source_database;
    std::string slot;
    std::string include;  // patterns, joined
    std::string exclude;
    std::string stages;  // joined with commas, in order
    Phase phase = Phase::slot;
    // Patterns of single tables that the operator has added and removed since, joined; and the same in UTF-8.
    std::string added;
    std::string removed;
    std::string added_utf8;
    std::string removed_utf8;
};

// What the destination's definitions were made from: the source's under a snapshot.
struct SchemaState {
    std::string snapshot;  // pg_snapshot; empty before
    Lsn lsn;               // source's WAL insert position after the snapshot was taken: later commits are never in it
};

// A table's place between copy and stream.
struct TableState {
    std::uint32_t relid = 0;
    std::string schema;
    std::string name;
    // pending: not copied; copying, building indexes, analyzing, catching up: for display, in a process that has died it is pending; ready: it is copied,
    // and has all that the stream brought meanwhile
    std::string state;
    std::string snapshot;  // pg_snapshot of the copy, empty before
    Lsn copy_lsn;          // as SchemaState::lsn
    std::uint64_t rows = 0;
    std::uint64_t bytes = 0;
};

struct Progress {
    Lsn applied_lsn;  // the checkpoint
    Lsn flushed_lsn;
    Lsn received_lsn;
    Lsn source_lsn;  // source's WAL end, as last heard
    std::uint64_t changes = 0;
    std::uint64_t transactions = 0;
    std::uint64_t collisions = 0;  // groups that something unseen was in the way of
    std::uint64_t replays = 0;     // of them, those that were applied exactly, change by change
    std::string commit_time;       // of the last applied transaction at the source; empty before the first
    std::string updated;           // when the record was written
    std::string last_error;
};

// All calls: `destination` is a control or data connection; outside a transaction unless said otherwise.

// Does the destination hold walferry's tables?
Result<bool> bookkeeping_exists(pq::Connection &destination);
// Make those that are missing: at every start, as a task that an earlier version began lacks the younger ones. Requires: a
// transaction is open, which others that begin or remove a task wait for from then on.
Result<void> create_bookkeeping(pq::Connection &destination);

// The task's record, if it has begun.
Result<std::optional<TaskRecord>> find_task(pq::Connection &destination, const std::string &task);
Result<void> insert_task(pq::Connection &destination, const std::string &task, const TaskRecord &record);
// The names under which the task's objects arrive (NameMap::text()); and what they were when it began. One that an earlier
// version began has none.
Result<void> insert_names(pq::Connection &destination, const std::string &task, const std::string &names);
Result<std::string> find_names(pq::Connection &destination, const std::string &task);
// May run inside a transaction, to change phase together with what the phase made.
Result<void> set_phase(pq::Connection &destination, const std::string &task, Phase phase);

Result<void> insert_checkpoint(pq::Connection &destination, const std::string &task, Lsn lsn);
Result<std::optional<Lsn>> find_checkpoint(pq::Connection &destination, const std::string &task);

// Store the schema, as parts that run one after the other; the first is for the beginning of each session. In one
// transaction with the tables that belong to it.
Result<void> save_schema(pq::Connection &destination, const std::string &task, const SchemaState &state,
                         const std::vector<std::string> &parts);
Result<SchemaState> find_schema(pq::Connection &destination, const std::string &task);
struct SchemaPart {
    int number = 0;  // 0: for the beginning of a session
    std::string sql;
};
// Those that are still to run, and the first.
Result<std::vector<SchemaPart>> list_schema_parts(pq::Connection &destination, const std::string &task);
// In the transaction in which it has run.
Result<void> delete_schema_part(pq::Connection &destination, const std::string &task, int number);

// All in one state: pending; or ready, without a snapshot, where the task doesn't copy: then all changes are the stream's.
Result<void> replace_tables(pq::Connection &destination, const std::string &task, const std::vector<TableState> &tables,
                            const std::string &state);
// By size when they were listed, largest first.
Result<std::vector<TableState>> list_tables(pq::Connection &destination, const std::string &task);
// Of a table that leaves the task.
Result<void> delete_table(pq::Connection &destination, const std::string &task, std::uint32_t relid);
// Inside the transaction that copied the tables. One query.
extern const char
    *const set_ready_sql;  // $1 task, $2 relids, $3 snapshot, $4 LSN, $5 rows and $6 bytes, parallel to $2
// A table is to be copied, for the first time or again. It must be empty, and its changes be left out from then on.
extern const char *const set_pending_sql;  // $1 task, $2 relid, $3 schema, $4 name
// For display. One query, however many there are.
Result<void> show_copies(pq::Connection &destination, const std::string &task, const std::vector<TableState> &tables);

Result<std::optional<Progress>> find_progress(pq::Connection &destination, const std::string &task);
// Commits synchronously: when it returns, everything that the destination committed before is flushed too.
Result<void> save_progress(pq::Connection &destination, const std::string &task, const Progress &progress);
Result<void> save_error(pq::Connection &destination, const std::string &task, const std::string &error);

// Remove the task; the schema too when it was the last one and holds nothing else. One transaction.
Result<void> delete_task(pq::Connection &destination, const std::string &task);

// Held by a running `run` for as long as its connection lives. False: another process holds it.
Result<bool> try_lock_task(pq::Connection &destination, const std::string &task);
// Whether somebody holds it.
Result<bool> is_running(pq::Connection &destination, const std::string &task);
// The same of any advisory lock whose number is the hash of such a name.
Result<bool> is_locked(pq::Connection &destination, const std::string &lock_name);

// Held by each apply worker's session, $1 task. A process that was killed may leave a backend behind that still commits; a
// new one waits for it before it reads where to go on.
extern const char *const lock_worker_sql;
Result<void> wait_for_workers(pq::Connection &destination, const std::string &task);

// Prepared by the apply workers: $1 task, $2 old LSN, $3 new LSN, $4 commit time (microseconds since 2000-01-01 as
// bigint). Raises not_null_violation when the stored position is not $2.
extern const char *const advance_checkpoint_sql;

}  // namespace walferry
