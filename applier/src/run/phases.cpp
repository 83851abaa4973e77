// SPDX-License-Identifier: PostgreSQL
#include "run/phases.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <future>

#include "base/failpoint.h"
#include "checkpoint/table_requests.h"
#include "checkpoint/table_settings.h"
#include "config/connections.h"
#include "pq/error.h"
#include "pq/transaction.h"
#include "run/pipeline.h"
#include "run/table_requests.h"
#include "schema/derived.h"
#include "schema/dump.h"
#include "schema/lock_table.h"
#include "schema/mirror.h"
#include "schema/sequences.h"
#include "schema/source_snapshot.h"
#include "schema/tables.h"
#include "slot/old_transactions.h"
#include "slot/slot.h"
#include "slot/timeline.h"

namespace walferry {

namespace {

using std::chrono::steady_clock;

constexpr std::chrono::seconds look_interval{1};
constexpr std::chrono::seconds walsender_wait_max{10};
constexpr std::chrono::seconds wait_report_after{1};
constexpr std::chrono::seconds wait_report_interval{30};

// Of more the lock table might have no room.
constexpr std::size_t tables_locked_max = 2000;
constexpr int schema_attempts_max = 20;

// Says now and then for whom the slot has to wait.
class SlotWait {
public:
    explicit SlotWait(const TaskSession &session) : session_(session) {}

    // `look` asks the source, over a connection of our own.
    template <class Look>
    Result<void> report(const Look &look) {
        if (steady_clock::now() < next_) return {};
        if (!source_) {
            WF_ASSIGN(source_,
                      pq::Connection::open(control_connection(session_.task, Side::source, "slot", &session_.stop)));
        }
        WF_ASSIGN(const auto waited_for, look(*source_));
        if (waited_for.empty()) return {};
        next_ = steady_clock::now() + wait_report_interval;
        spdlog::info("the slot waits for what began before it at the source: {}", to_text(waited_for));
        return {};
    }

private:
    const TaskSession &session_;
    steady_clock::time_point next_ = steady_clock::now() + wait_report_after;
    std::optional<pq::Connection> source_;
};

// Inside of the server this waits for transactions, too.
Result<Lsn> create_slot_and_say(TaskSession &session, SlotWait &wait) {
    const int pid = PQbackendPID(session.source.raw());
    auto creating = std::async(std::launch::async,
                               [&] { return create_slot(session.source, session.record.slot, session.task.failover); });
    while (creating.wait_for(std::chrono::milliseconds(20)) != std::future_status::ready) {
        // What can't be said doesn't matter to the slot.
        (void)wait.report([pid](pq::Connection &source) { return transactions_waited_for(source, pid); });
    }
    return creating.get();
}

// The transactions that were running when the slot was made have to end before the first snapshot. (One that committed
// before the slot's first LSN, but was not yet out of the list of running ones, would be in neither.) Most have ended while
// the slot was waiting for others.
Result<void> wait_for_older_transactions(TaskSession &session, SlotWait &wait) {
    WF_ASSIGN(const pq::Rows now, session.source.exec("SELECT pg_snapshot_xmax(pg_current_snapshot())"));
    const std::string xmax = now.text(0, 0);
    do {
        WF_ASSIGN(const pq::Rows ended,
                  session.source.exec("SELECT pg_snapshot_xmin(pg_current_snapshot()) >= $1::xid8", {xmax}));
        if (ended.boolean(0, 0)) return {};
        WF_TRY(wait.report([&](pq::Connection &source) { return transactions_before(source, xmax); }));
    } while (!session.stop.wait_for(std::chrono::milliseconds(50)));
    return fail(ErrorKind::interrupted, "stopped by request");
}

// If this task has made one: a task of the schema alone must not touch what another one of its name has made.
Result<void> drop_own_slot(TaskSession &session) {
    if (!session.task.copy_stage && !session.task.stream_stage) return {};
    WF_ASSIGN(const auto slot, find_slot(session.source, session.record.slot));
    if (slot && check_slot_is_ours(*slot, session.record.source_database)) {
        WF_TRY(drop_slot(session.source, session.record.slot));
    }
    return {};
}

// The slot that the task began with; gone or foreign, changes are lost and nothing may be applied from it.
Result<void> check_slot(TaskSession &session, const std::optional<Slot> &slot, Lsn checkpoint, Lsn flushed_lsn) {
    const std::string &name = session.record.slot;
    const std::string anew =
        "Changes may be lost, so the task has to begin anew: walferry cleanup, empty the "
        "destination, walferry run.";
    if (!slot) {
        return fail(Error{ErrorKind::state,
                          Side::source,
                          {},
                          "replication slot \"" + name + "\" is gone",
                          "It was dropped, or a standby was promoted that didn't have it.",
                          "Changes may be lost. Take the tables over as they are and repair what differs, as "
                          "docs/operations.md says (\"After a failover\"); or begin anew: walferry cleanup, empty the "
                          "destination, walferry run.",
                          {}});
    }
    WF_TRY(check_slot_is_ours(*slot, session.record.source_database));
    if (slot->wal_status == "lost") {
        return fail(Error{ErrorKind::state,
                          Side::source,
                          {},
                          fmt::format("replication slot \"{}\" has lost the WAL it needs ({})", name,
                                      slot->lost_by.empty() ? "max_slot_wal_keep_size" : slot->lost_by),
                          {},
                          anew,
                          {}});
    }
    const Lsn held = std::max(checkpoint, flushed_lsn);
    WF_ASSIGN(const pq::Rows wal,
              session.source.exec("SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()"
                                  " ELSE pg_current_wal_insert_lsn() END"));
    if (const auto end = Lsn::parse(wal.view(0, 0)); end && *end < held) {
        return fail(Error{ErrorKind::state,
                          Side::source,
                          {},
                          fmt::format("the source's WAL ends at {}, but the destination holds its changes up to {}",
                                      end->text(), held.text()),
                          "The source was set back: restored from a backup, or failed over to a standby that lagged.",
                          anew,
                          {}});
    }
    if (slot->confirmed_flush_lsn > held) {
        return fail(
            Error{ErrorKind::state,
                  Side::source,
                  {},
                  fmt::format("replication slot \"{}\" is at {}, but the destination holds the changes up to {} only",
                              name, slot->confirmed_flush_lsn.text(), held.text()),
                  "The destination was set back (restored from a backup?), or another program has read the slot.",
                  anew,
                  {}});
    }
    return {};
}

// The task's slot, once our own walsender of before has left it, which may still be busy with what nobody reads any more. Or
// not: whoever else holds it is named when streaming can't begin.
Result<std::optional<Slot>> find_free_slot(TaskSession &session) {
    const auto deadline = steady_clock::now() + walsender_wait_max;
    while (true) {
        WF_ASSIGN(auto slot, find_slot(session.source, session.record.slot));
        const bool free = !slot || !slot->active_pid;
        if (free || steady_clock::now() >= deadline || session.stop.wait_for(std::chrono::milliseconds(50)))
            return slot;
    }
}

// Of the others all changes are the stream's. That is so for all tables of a task that doesn't copy, but for those that were copied
// because the operator asked for it; nothing then if there is none.
Result<std::optional<std::vector<TableState>>> tables_with_snapshots(TaskSession &session) {
    WF_ASSIGN(auto tables, list_tables(session.destination, session.task.name));
    if (session.task.copy_stage) return tables;
    std::erase_if(tables, [&](const TableState &table) {
        return table.snapshot.empty() && (table.state == "ready" || session.record.phase != Phase::copy);
    });
    if (tables.empty()) return std::nullopt;
    return tables;
}

// `copies`: tables that are pending, too; and end when the operator asks for something.
Result<StreamEnd> run_stream_once(TaskSession &session, bool copies, Lsn until) {
    WF_TRY(wait_for_workers(session.destination, session.task.name));
    WF_ASSIGN(const auto progress, find_progress(session.destination, session.task.name));
    if (!progress) {
        return fail(ErrorKind::state, "the task has no checkpoint at the destination",
                    "Its bookkeeping was changed by hand: begin the task anew.");
    }
    WF_ASSIGN(const auto slot, find_free_slot(session));
    WF_TRY(check_slot(session, slot, progress->applied_lsn, progress->flushed_lsn));
    WF_TRY(follow_timeline(session.source, session.destination, session.task,
                           std::max(progress->applied_lsn, progress->flushed_lsn), &session.stop));
    PipelineOptions options;
    options.encoding = session.encoding;
    // The patterns are stored as they were given; the record was read in the source's encoding, which is the plugin's.
    const auto joined = [](const std::string &a, const std::string &b) {
        return a + (a.empty() || b.empty() ? "" : ",") + b;
    };
    options.start = {session.record.slot,
                     joined(session.record.include, session.record.added),
                     joined(session.record.exclude, session.record.removed),
                     session.tables_option,
                     {},
                     progress->applied_lsn,
                     session.task.streaming,
                     session.task.local};
    options.copies = copies && session.record.phase == Phase::copy;
    options.copied_again = session.copied_again;
    WF_ASSIGN(options.tables, tables_with_snapshots(session));
    if (session.task.copy_stage) {
        WF_ASSIGN(options.start.settled, check_table_settings(session.source, session.destination, session.task));
    }
    WF_ASSIGN(options.schema, find_schema(session.destination, session.task.name));
    options.apply_ahead = session.apply_ahead;
    options.throttle = &session.steering.stream;
    options.copy_throttle = &session.steering.copy;
    options.start.heartbeat_interval = std::chrono::seconds(session.task.heartbeat_seconds);
    options.until = until;
    auto next_look = steady_clock::now() + look_interval;
    auto ended = stream(
        session.task, std::move(options), session.stop,
        [&](std::shared_ptr<const StreamState> state) { session.live.show(std::move(state)); },
        [&](const StreamState &state) -> Result<bool> {
            session.live.works();
            session.progressed |= state.positions.transactions.load(std::memory_order_relaxed) > 0 ||
                                  state.copying.rows.load(std::memory_order_relaxed) > 0;
            session.display.show(state);
            if (!copies || steady_clock::now() < next_look) return true;
            next_look = steady_clock::now() + look_interval;
            WF_ASSIGN(const bool asked, has_table_requests(session.destination, session.task.name));
            return !asked;
        });
    session.display.end();
    return ended;
}

Result<StreamEnd> run_stream(TaskSession &session, bool copies, Lsn until) {
    WF_ASSIGN(const StreamEnd end, run_stream_once(session, copies, until));
    if (end != StreamEnd::recalled) return end;
    spdlog::info(
        "a transaction that was applied ahead of its commit was in the way of another one: going on from the checkpoint, "
        "such transactions now wait for their commits");
    session.apply_ahead = false;
    return run_stream_once(session, copies, until);
}

struct Schema {
    SchemaState state;
    std::vector<std::string> parts;
    std::vector<Table> tables;
};

// A definition that somebody changes while it is read may come out as neither the old nor the new one: what a snapshot sees
// and what the server knows by now are mixed. So tables are locked first, as far as there are locks for so many, and what was read
// while other DDL went on is read again. Nothing if that happened.
Result<std::optional<Schema>> try_to_read_schema(TaskSession &session) {
    WF_ASSIGN(auto source, open_for_snapshot(session.task, "schema", session.encoding, &session.stop));
    std::vector<std::string> locked;
    if (session.task.schema_stage) {
        WF_ASSIGN(const auto listed, list_selected(source, session.task, nullptr, Sizes::leave_zero));
        if (listed.size() <= tables_locked_max) locked = quoted_names(source, listed);
    }
    const auto snapshot = begin_snapshot(source, locked);
    if (!snapshot) {
        if (pq::is_lock(snapshot.error()) || pq::is_missing(snapshot.error())) return std::nullopt;
        return fail(snapshot.error());
    }
    Schema schema;
    schema.state = {snapshot->text, snapshot->lsn};
    WF_TRY(check_names(source, session.task));
    WF_ASSIGN(schema.tables, selected_tables(source, session.task));
    if (session.task.schema_stage) {
        WF_ASSIGN(const std::string exported, export_snapshot(source));
        WF_ASSIGN(const std::size_t locks, lock_table_size(session.destination));
        auto parts = dump_schema(source, session.destination, session.task, exported, locks);
        WF_ASSIGN(const bool changed, ddl_since(session.source, *snapshot));
        if (changed) return std::nullopt;
        if (!parts) return fail(std::move(parts).error());
        schema.parts = std::move(*parts);
        WF_ASSIGN(std::string added, added_columns_sql(source, schema.tables));
        if (!added.empty()) schema.parts.push_back(std::move(added));
    }
    return schema;
}

}  // namespace

Result<void> make_slot(TaskSession &session) {
    const std::string &name = session.record.slot;
    WF_ASSIGN(const auto leftover, find_slot(session.source, name));
    if (leftover) {  // of an attempt that ended before it was noted: nothing was read from it
        WF_TRY(check_slot_is_ours(*leftover, session.record.source_database));
        WF_TRY(drop_slot(session.source, name));
    }
    spdlog::info("creating replication slot {} at the source", name);
    SlotWait wait(session);
    WF_ASSIGN(const Lsn lsn, create_slot_and_say(session, wait));
    failpoint("slot_made");
    WF_TRY(wait_for_older_transactions(session, wait));
    return pq::in_transaction(session.destination, [&]() -> Result<void> {
        WF_TRY(insert_checkpoint(session.destination, session.task.name, lsn));
        return set_phase(session.destination, session.task.name, Phase::schema);
    });
}

Result<void> read_schema(TaskSession &session) {
    if (session.task.schema_stage) spdlog::info("copying the schema");
    std::optional<Schema> schema;
    for (int attempt = 0; !schema; ++attempt) {
        if (attempt == schema_attempts_max) {
            return fail(Error{ErrorKind::transient,
                              Side::source,
                              {},
                              "the schema keeps changing while it is read",
                              {},
                              "Wait with DDL at the source for a few seconds.",
                              {}});
        }
        if (session.stop.requested()) return fail(ErrorKind::interrupted, "stopped by request");
        WF_ASSIGN(schema, try_to_read_schema(session));
    }
    failpoint("schema_read");
    std::vector<TableState> states;
    for (const Table &table : schema->tables) {
        TableState state;
        state.relid = table.relid;
        state.schema = table.schema;
        state.name = table.name;
        states.push_back(std::move(state));
    }
    if (session.task.copy_stage) {
        std::vector<Table> made = schema->tables;  // by somebody else
        if (session.task.schema_stage) std::erase_if(made, [](const Table &table) { return table.part.empty(); });
        WF_TRY(check_column_types(session.destination, made));
    }
    return pq::in_transaction(session.destination, [&]() -> Result<void> {
        WF_TRY(replace_tables(session.destination, session.task.name, states,
                              session.task.copy_stage ? "pending" : "ready"));
        WF_TRY(save_schema(session.destination, session.task.name, schema->state, schema->parts));
        return set_phase(session.destination, session.task.name, Phase::objects);
    });
}

Result<void> make_objects(TaskSession &session) {
    const Phase next = session.task.copy_stage ? Phase::copy : Phase::stream;
    WF_ASSIGN(const auto parts, list_schema_parts(session.destination, session.task.name));
    if (parts.empty()) return set_phase(session.destination, session.task.name, next);
    // pg_restore's script changes settings for the session that runs it: it gets one of its own.
    auto options = apply_connection(session.task, "schema", session.encoding, &session.stop);
    WF_ASSIGN(auto connection, pq::Connection::open(options));
    session.made_objects = parts.size() > 1 && parts[1].number > 1;
    for (const SchemaPart &part : parts) {
        const bool last = &part == &parts.back();
        WF_TRY(pq::in_transaction(connection, [&]() -> Result<void> {
            const auto make = [&]() -> Result<void> {
                WF_TRY(connection.exec(part.sql));
                return {};
            };
            // Another task may be about to make the same schema, which IF NOT EXISTS is no help against.
            if (part.number > 0) {
                WF_TRY(
                    connection.exec("SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended("
                                    "'walferry objects', 0))"));
            }
            auto made = part.number == 0 ? make() : in_mirror(connection, session.task.names, 0, make);
            if (!made) {
                auto error = std::move(made).error().with_context("creating the source's objects");
                if (session.destination.server_version() / 10000 < session.source.server_version() / 10000) {
                    error = std::move(error).with_hint(
                        "The source's major version is newer, and may have what this one can't: change it there, or "
                        "exclude it in [objects], then begin the task anew.");
                }
                return fail(std::move(error));
            }
            if (part.number > 0) WF_TRY(delete_schema_part(connection, session.task.name, part.number));
            if (last) WF_TRY(delete_schema_part(connection, session.task.name, 0));
            return last ? set_phase(connection, session.task.name, next) : Result<void>{};
        }));
        session.made_objects |= part.number > 0;
        failpoint("schema_part_made");
    }
    return {};
}

Result<bool> stream_changes(TaskSession &session, Lsn until) {
    WF_TRY(perform_table_requests(session, [&](Lsn lsn) -> Result<void> {
        WF_TRY(flush_source_wal(session.source));
        WF_TRY(run_stream(session, false, lsn));
        return {};
    }));
    session.task = with_requested_tables(session.original, session.record);
    const bool copies = session.record.phase == Phase::copy;
    if (!session.task.stream_stage && !copies) {
        WF_TRY(drop_own_slot(session));
        WF_TRY(set_phase(session.destination, session.task.name, Phase::done));
        return false;
    }
    if (!copies) {
        spdlog::info("streaming changes");
        WF_TRY(session.source.exec("SELECT walferry.prune_ddl_log()"));
    }
    // Without a stream stage: until the tables agree with each other.
    if (!session.task.stream_stage) {
        WF_ASSIGN(until, flush_source_wal(session.source));
    }
    WF_ASSIGN(const StreamEnd end, run_stream(session, true, until));
    if (session.stop.requested()) return true;
    if (end == StreamEnd::again || !session.task.stream_stage) return false;
    if (!until.valid()) return true;
    WF_ASSIGN(const std::size_t sequences, set_sequences(session.source, session.destination, session.task));
    spdlog::info("everything up to {} is applied; {} sequences set", until.text(), sequences);
    return true;
}

Result<void> forget_task(TaskSession &session) {
    WF_TRY(drop_own_slot(session));
    return delete_task(session.destination, session.task.name);
}

}  // namespace walferry
