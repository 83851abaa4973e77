// SPDX-License-Identifier: PostgreSQL
#include "run/phases.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <unordered_map>
#include <unordered_set>

#include "base/failpoint.h"
#include "checkpoint/source_columns.h"
#include "config/connections.h"
#include "copy/copy_tables.h"
#include "run/pipeline.h"
#include "schedule/copy_filter.h"
#include "schema/derived.h"
#include "schema/dump.h"
#include "schema/tables.h"
#include "slot/slot.h"

namespace walferry {

namespace {

// Run `work` in one transaction of the connection.
template <class Work>
Result<void> in_transaction(pq::Connection &connection, Work &&work) {
    WF_TRY(connection.exec("BEGIN"));
    if (Result<void> done = work(); !done) {
        (void)connection.exec("ROLLBACK");
        return done;
    }
    WF_TRY(connection.exec("COMMIT"));
    return {};
}

// A script of pg_restore's, which sets the session up for itself; afterwards the session is as before.
Result<void> run_script(pq::Connection &connection, const std::string &script, const char *what) {
    if (script.empty()) return {};
    if (auto ran = connection.exec(script); !ran) {
        return fail(std::move(ran).error().with_context(std::string("creating the source's ") + what));
    }
    return {};
}

// The transactions that were running when the slot was made have to end before the first snapshot of a copy: see
// copy/copy_tables.h. Most have ended while the slot was waiting for others.
Result<void> wait_for_older_transactions(TaskSession &session) {
    using std::chrono::steady_clock;
    WF_ASSIGN(const pq::Rows now, session.source.exec("SELECT pg_snapshot_xmax(pg_current_snapshot())"));
    const std::string xmax = now.text(0, 0);
    auto next_report = steady_clock::now() + std::chrono::seconds(5);
    do {
        WF_ASSIGN(const pq::Rows ended,
                  session.source.exec("SELECT pg_snapshot_xmin(pg_current_snapshot()) >= $1::xid8", {xmax}));
        if (ended.boolean(0, 0)) return {};
        if (steady_clock::now() >= next_report) {
            WF_ASSIGN(
                const pq::Rows rows,
                session.source.exec(
                    "SELECT coalesce(string_agg(who, '; '), 'a transaction that this account can''t see') FROM ("
                    " SELECT format('pid %s of %s, open since %s', pid, usename, xact_start) AS who"
                    " FROM pg_catalog.pg_stat_activity WHERE backend_xid IS NOT NULL"
                    " UNION ALL SELECT format('prepared transaction %s of %s', gid, owner) FROM pg_catalog.pg_prepared_xacts) w"));
            spdlog::info("waiting for transactions at the source that began before the slot: {}", rows.view(0, 0));
            next_report = steady_clock::now() + std::chrono::seconds(30);
        }
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
Result<void> check_slot(TaskSession &session, Lsn checkpoint, Lsn flushed_lsn) {
    const std::string &name = session.record.slot;
    const std::string anew =
        "Changes may be lost, so the task has to begin anew: walferry cleanup, empty the "
        "destination, walferry run.";
    WF_ASSIGN(const auto slot, find_slot(session.source, name));
    if (!slot) {
        return fail(
            Error{ErrorKind::state, Side::source, {}, "replication slot \"" + name + "\" is gone", {}, anew, {}});
    }
    WF_TRY(check_slot_is_ours(*slot, session.record.source_database));
    if (slot->wal_status == "lost") {
        return fail(Error{ErrorKind::state,
                          Side::source,
                          {},
                          "replication slot \"" + name + "\" has lost the WAL it needs (max_slot_wal_keep_size)",
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

Result<StreamEnd> run_stream_once(TaskSession &session, const CopyFilter &filter, bool apply_ahead, Lsn until) {
    WF_TRY(wait_for_workers(session.destination, session.task.name));
    WF_ASSIGN(const auto progress, find_progress(session.destination, session.task.name));
    if (!progress) {
        return fail(ErrorKind::state, "the task has no checkpoint at the destination",
                    "Its bookkeeping was changed by hand: begin the task anew.");
    }
    WF_TRY(check_slot(session, progress->applied_lsn, progress->flushed_lsn));
    PipelineOptions options;
    options.encoding = session.encoding;
    // The patterns are stored as they were given; the record was read in the source's encoding, which is the plugin's.
    options.start = {session.record.slot, session.record.include, session.record.exclude, progress->applied_lsn,
                     session.task.streaming};
    options.filter = filter;
    options.apply_ahead = apply_ahead;
    options.until = until;
    auto ended = stream(session.task, std::move(options), session.stop, [&](const Positions &positions) {
        session.progressed |= positions.transactions.load(std::memory_order_relaxed) > 0;
        session.display.stream(positions);
    });
    session.display.end();
    return ended;
}

Result<void> run_stream(TaskSession &session, const CopyFilter &filter, Lsn until) {
    WF_ASSIGN(const StreamEnd end, run_stream_once(session, filter, true, until));
    if (end == StreamEnd::complete) return {};
    spdlog::info(
        "a transaction that was applied ahead of its commit was in the way of another one: going on from the checkpoint, "
        "such transactions now wait for their commits");
    WF_TRY(run_stream_once(session, filter, false, until));
    return {};
}

Result<CopyFilter> read_filter(TaskSession &session) {
    if (!session.task.copy_stage) return CopyFilter{};  // no table was copied: all changes are the stream's
    WF_ASSIGN(const auto tables, list_tables(session.destination, session.task.name));
    return CopyFilter::from(tables);
}

}  // namespace

Result<Lsn> flush_source_wal(pq::Connection &source) {
    // A logical message in a transaction of its own, which nobody reads: its commit flushes.
    WF_ASSIGN(const pq::Rows rows, source.exec("SELECT pg_logical_emit_message(true, 'walferry', 'flush')"));
    return Lsn::parse(rows.view(0, 0)).value_or(Lsn{});
}

Result<void> make_slot(TaskSession &session) {
    const std::string &name = session.record.slot;
    WF_ASSIGN(const auto leftover, find_slot(session.source, name));
    if (leftover) {  // of an attempt that ended before it was noted: nothing was read from it
        WF_TRY(check_slot_is_ours(*leftover, session.record.source_database));
        WF_TRY(drop_slot(session.source, name));
    }
    spdlog::info("creating replication slot {} at the source", name);
    WF_ASSIGN(const Lsn lsn, create_slot(session.source, name));
    failpoint("slot_made");
    WF_TRY(wait_for_older_transactions(session));
    WF_ASSIGN(const auto tables, selected_tables(session.source, session.task));
    std::vector<TableState> states;
    for (const Table &table : tables) {
        TableState state;
        state.relid = table.relid;
        state.schema = table.schema;
        state.name = table.name;
        state.state = "pending";
        states.push_back(std::move(state));
    }
    return in_transaction(session.destination, [&]() -> Result<void> {
        WF_TRY(insert_checkpoint(session.destination, session.task.name, lsn));
        WF_TRY(replace_tables(session.destination, session.task.name, states));
        return set_phase(session.destination, session.task.name, Phase::schema);
    });
}

Result<void> make_schema(TaskSession &session) {
    if (!session.task.schema_stage) return set_phase(session.destination, session.task.name, Phase::copy);
    spdlog::info("copying the schema");
    WF_ASSIGN(const SchemaScripts scripts, dump_schema(session.source, session.task));
    // pg_restore's script changes settings for the session that runs it: it gets one of its own.
    auto options = apply_connection(session.task, "schema", session.encoding, &session.stop);
    WF_ASSIGN(auto connection, pq::Connection::open(options));
    return in_transaction(connection, [&]() -> Result<void> {
        WF_TRY(run_script(connection, scripts.tables, "tables"));
        WF_TRY(save_script(connection, session.task.name, Script::indexes, scripts.indexes));
        WF_TRY(save_script(connection, session.task.name, Script::constraints, scripts.constraints));
        return set_phase(connection, session.task.name, Phase::copy);
    });
}

Result<void> copy_data(TaskSession &session) {
    if (session.task.copy_stage) {
        WF_ASSIGN(const auto states, list_tables(session.destination, session.task.name));
        WF_ASSIGN(const auto selected, selected_tables(session.source, session.task));
        WF_TRY(note_source_columns(session.destination, session.task.name, selected));
        std::unordered_set<std::uint32_t> pending;
        for (const TableState &state : states) {
            if (state.state == "pending") pending.insert(state.relid);
        }
        std::vector<Table> tables;
        CopyProgress progress;
        for (const Table &table : selected) {
            if (pending.erase(table.relid) == 0) continue;
            progress.table_bytes += table.bytes;
            tables.push_back(table);
        }
        if (!pending.empty()) {
            return fail(Error{ErrorKind::state,
                              Side::source,
                              {},
                              fmt::format("{} tables that were to be copied are gone", pending.size()),
                              "They were dropped or renamed after the task began.",
                              "Begin the task anew: walferry cleanup, empty the destination, walferry run.",
                              {}});
        }
        if (!session.task.schema_stage) WF_TRY(check_column_types(session.destination, tables));
        progress.tables = tables.size();
        spdlog::info("copying {} tables", tables.size());
        const auto copied = copy_tables(session.task, tables, {session.encoding, session.task.schema_stage}, progress,
                                        session.stop, [&] { session.display.copy(progress); });
        session.display.end();
        WF_TRY(copied);
        if (session.stop.requested()) return fail(ErrorKind::interrupted, "stopped by request");
        spdlog::info("copied {} tables, {} rows, {:.1f} MB", progress.tables_done.load(), progress.rows.load(),
                     static_cast<double>(progress.bytes.load()) / 1e6);
    }
    return set_phase(session.destination, session.task.name, Phase::indexes);
}

Result<void> make_indexes(TaskSession &session) {
    if (session.task.schema_stage) {
        spdlog::info("creating indexes, keys and triggers");
        WF_ASSIGN(const std::string script, find_script(session.destination, session.task.name, Script::indexes));
        WF_ASSIGN(auto connection,
                  pq::Connection::open(apply_connection(session.task, "indexes", session.encoding, &session.stop)));
        WF_TRY(in_transaction(connection, [&]() -> Result<void> {
            WF_TRY(run_script(connection, script, "indexes, keys and triggers"));
            return set_phase(connection, session.task.name, Phase::catch_up);
        }));
    }
    // The planner's statistics: applying changes by key needs them as much as the users will.
    if (session.task.copy_stage) WF_TRY(session.destination.exec("ANALYZE"));
    return set_phase(session.destination, session.task.name, Phase::catch_up);
}

Result<void> catch_up(TaskSession &session) {
    if (session.task.copy_stage) {
        WF_ASSIGN(const CopyFilter filter, read_filter(session));
        const Lsn last_copy_lsn = filter.last_copy_lsn();
        if (last_copy_lsn.valid()) {
            spdlog::info("catching up to {}", last_copy_lsn.text());
            WF_TRY(flush_source_wal(session.source));
            WF_TRY(run_stream(session, filter, last_copy_lsn));
            if (session.stop.requested()) return fail(ErrorKind::interrupted, "stopped by request");
        }
    }
    return set_phase(session.destination, session.task.name, Phase::constraints);
}

Result<void> make_constraints(TaskSession &session) {
    if (session.task.schema_stage) {
        spdlog::info("creating foreign keys");
        WF_ASSIGN(const std::string script, find_script(session.destination, session.task.name, Script::constraints));
        WF_ASSIGN(auto connection,
                  pq::Connection::open(apply_connection(session.task, "constraints", session.encoding, &session.stop)));
        WF_TRY(in_transaction(connection, [&]() -> Result<void> {
            WF_TRY(run_script(connection, script, "foreign keys"));
            if (session.task.copy_stage) {
                WF_TRY(refresh_materialized_views(session.source, connection, session.task));
            }
            return set_phase(connection, session.task.name, Phase::stream);
        }));
    }
    if (session.task.copy_stage) WF_TRY(copy_sequences(session.source, session.destination, session.task));
    return set_phase(session.destination, session.task.name, Phase::stream);
}

Result<void> stream_changes(TaskSession &session, Lsn until) {
    if (!session.task.stream_stage) {
        WF_TRY(drop_own_slot(session));
        return set_phase(session.destination, session.task.name, Phase::done);
    }
    spdlog::info("streaming changes");
    WF_TRY(session.source.exec("SELECT walferry.prune_ddl_log()"));
    WF_ASSIGN(const CopyFilter filter, read_filter(session));
    WF_TRY(run_stream(session, filter, until));
    if (session.stop.requested() || !until.valid()) return {};
    WF_ASSIGN(const std::size_t sequences, copy_sequences(session.source, session.destination, session.task));
    spdlog::info("everything up to {} is applied; {} sequences set", until.text(), sequences);
    return {};
}

Result<void> forget_task(TaskSession &session) {
    WF_TRY(drop_own_slot(session));
    return delete_task(session.destination, session.task.name);
}

}  // namespace walferry
