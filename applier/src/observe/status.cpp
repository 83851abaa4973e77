// SPDX-License-Identifier: PostgreSQL
#include "observe/status.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "config/connections.h"
#include "observe/conflict_report.h"
#include "observe/live_report.h"
#include "observe/verification_report.h"
#include "pq/connection.h"

namespace walferry {

namespace {

const char *const wal_lsn_sql = R"(
SELECT CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_replay_lsn()
            ELSE pg_catalog.pg_current_wal_lsn() END)";

struct TableTotals {
    std::size_t copied = 0;
    std::uint64_t rows = 0;
    std::uint64_t bytes = 0;
};

TableTotals totals(const std::vector<TableState> &tables) {
    TableTotals out;
    for (const auto &table : tables) {
        if (table.state == "ready") ++out.copied;
        out.rows += table.rows;
        out.bytes += table.bytes;
    }
    return out;
}

std::string slot_text(const Status &status) {
    if (!status.source) return fmt::format("{}, unknown: {}", status.record.slot, status.source_error);
    if (!status.source->slot) return fmt::format("{} does not exist at the source", status.record.slot);
    const auto &slot = *status.source->slot;
    auto text = fmt::format("{}, {}, keeps {} of WAL ({})", slot.name, slot.active_pid ? "active" : "inactive",
                            bytes_text(slot.retained_bytes), slot.wal_status);
    if (slot.safe_wal_size) {
        text += fmt::format(", {} more until max_slot_wal_keep_size",
                            bytes_text(static_cast<std::uint64_t>(std::max<std::int64_t>(0, *slot.safe_wal_size))));
    }
    return text;
}

void line(std::string &out, std::string_view label, std::string_view text) { out += status_line(label, text); }

std::string lsn_text(Lsn lsn) { return lsn.valid() ? lsn.text() : std::string{}; }

void append_progress(std::string &out, const Progress &progress) {
    auto applied = lsn_text(progress.applied_lsn);
    if (!progress.commit_time.empty()) applied += fmt::format("  (committed at the source {})", progress.commit_time);
    line(out, "applied", applied);
    line(out, "flushed", lsn_text(progress.flushed_lsn));
    line(out, "received", lsn_text(progress.received_lsn));
    line(out, "changes", fmt::format("{} in {} transactions", progress.changes, progress.transactions));
    if (progress.collisions > 0) {
        line(out, "collisions",
             fmt::format("{}, of which {} were applied exactly", progress.collisions, progress.replays));
    }
    line(out, "updated", progress.updated);
    line(out, "last error", progress.last_error);
}

nlohmann::ordered_json lsn_as_json(Lsn lsn) {
    if (!lsn.valid()) return nullptr;
    return lsn.text();
}

nlohmann::ordered_json text_as_json(const std::string &text) {
    if (text.empty()) return nullptr;
    return text;
}

nlohmann::ordered_json source_as_json(const Status &status) {
    if (!status.source) return {{"reachable", false}, {"error", status.source_error}};
    nlohmann::ordered_json out = {{"reachable", true}, {"wal_lsn", lsn_as_json(status.source->wal_lsn)}};
    if (!status.source->slot) {
        out["slot"] = nullptr;
        return out;
    }
    const auto &slot = *status.source->slot;
    out["slot"] = {{"name", slot.name},
                   {"active", slot.active_pid.has_value()},
                   {"wal_status", slot.wal_status},
                   {"restart_lsn", lsn_as_json(slot.restart_lsn)},
                   {"confirmed_flush_lsn", lsn_as_json(slot.confirmed_flush_lsn)},
                   {"retained_bytes", slot.retained_bytes},
                   {"safe_wal_size", slot.safe_wal_size ? nlohmann::ordered_json(*slot.safe_wal_size)
                                                        : nlohmann::ordered_json(nullptr)}};
    return out;
}

nlohmann::ordered_json progress_as_json(const std::optional<Progress> &progress) {
    if (!progress) return nullptr;
    return {{"applied_lsn", lsn_as_json(progress->applied_lsn)},
            {"flushed_lsn", lsn_as_json(progress->flushed_lsn)},
            {"received_lsn", lsn_as_json(progress->received_lsn)},
            {"source_lsn", lsn_as_json(progress->source_lsn)},
            {"changes", progress->changes},
            {"transactions", progress->transactions},
            {"collisions", progress->collisions},
            {"replays", progress->replays},
            {"commit_time", text_as_json(progress->commit_time)},
            {"updated", text_as_json(progress->updated)},
            {"last_error", text_as_json(progress->last_error)}};
}

nlohmann::ordered_json conflicts_as_json(const ConflictTotals &conflicts) {
    auto totals = nlohmann::ordered_json::array();
    for (const ConflictTotal &total : conflicts.totals) {
        totals.push_back({{"kind", total.kind}, {"policy", total.policy}, {"total", total.total}});
    }
    return {{"quarantined", conflicts.quarantined}, {"totals", std::move(totals)}};
}

nlohmann::ordered_json tables_as_json(const std::vector<TableState> &tables) {
    auto out = nlohmann::ordered_json::array();
    for (const auto &table : tables) {
        out.push_back({{"schema", table.schema},
                       {"name", table.name},
                       {"state", table.state},
                       {"rows", table.rows},
                       {"bytes", table.bytes}});
    }
    return out;
}

}  // namespace

std::optional<std::uint64_t> Status::lag_bytes() const {
    if (!progress || !progress->applied_lsn.valid() || (!source && !live)) return std::nullopt;
    const Lsn seen = source ? source->wal_lsn : Lsn{};
    return distance(progress->applied_lsn, live ? std::max(seen, live->source_lsn) : seen);
}

void Status::add_live(const LiveStatus &status, const RatesPerSecond &now) {
    running = true;
    live = status;
    rates = now;
    if (status.phase) record.phase = *status.phase;
    for (const TableState &table : status.under_way) {
        const auto found = std::find_if(tables.begin(), tables.end(),
                                        [&](const TableState &other) { return other.relid == table.relid; });
        if (found != tables.end() && found->state != "ready") *found = table;
    }
    if (!status.applied_lsn.valid()) return;
    if (!progress) progress.emplace();
    progress->source_lsn = status.source_lsn;
    progress->received_lsn = status.received_lsn;
    progress->applied_lsn = status.applied_lsn;
    progress->flushed_lsn = status.flushed_lsn;
    progress->changes = status.changes;
    progress->transactions = status.transactions;
    progress->collisions = status.collisions;
    progress->replays = status.replays;
    if (!status.last_error.empty()) progress->last_error = status.last_error;
}

Result<void> StatusReader::connect(std::optional<pq::Connection> &connection, Side side) const {
    if (connection && PQstatus(connection->raw()) == CONNECTION_OK) return {};
    WF_ASSIGN(connection, pq::Connection::open(control_connection(task_, side, "status", stop_)));
    return {};
}

Result<SourceStatus> StatusReader::read_source(const std::string &slot) {
    WF_TRY(connect(source_, Side::source));
    WF_ASSIGN(const pq::Rows rows, source_->exec(wal_lsn_sql));
    SourceStatus status;
    status.wal_lsn = Lsn::parse(rows.view(0, 0)).value_or(Lsn{});
    WF_ASSIGN(status.slot, find_slot(*source_, slot));
    return status;
}

Result<Status> StatusReader::read() {
    WF_TRY(connect(destination_, Side::destination));
    WF_ASSIGN(auto record, find_task(*destination_, task_.name));
    if (!record) {
        return fail(ErrorKind::state, fmt::format("task \"{}\" has not been started", task_.name),
                    "Start it with \"walferry run FILE\".");
    }
    Status status;
    status.task = task_.name;
    status.record = std::move(*record);
    WF_ASSIGN(status.running, is_running(*destination_, task_.name));
    WF_ASSIGN(status.tables, list_tables(*destination_, task_.name));
    WF_ASSIGN(status.progress, find_progress(*destination_, task_.name));
    WF_ASSIGN(status.conflicts, find_conflict_totals(*destination_, task_.name));
    WF_ASSIGN(status.verification, find_verification(*destination_, task_.name));

    auto source = read_source(status.record.slot);
    if (source) {
        status.source = std::move(*source);
    } else if (source.error().kind == ErrorKind::interrupted) {
        return fail(std::move(source).error());
    } else {
        status.source_error = source.error().message;
    }
    return status;
}

Result<std::vector<DdlStatement>> StatusReader::ddl(std::size_t max) {
    WF_TRY(connect(destination_, Side::destination));
    WF_ASSIGN(auto statements, list_ddl(*destination_, task_.name));
    if (statements.size() > max)
        statements.erase(statements.begin(), statements.end() - static_cast<std::ptrdiff_t>(max));
    return statements;
}

std::string status_as_text(const Status &status) {
    std::string out;
    line(out, "task", fmt::format("{} ({})", status.task, status.running ? "running" : "not running"));
    const bool paused = status.live && status.live->paused;
    line(out, "phase", to_string(status.record.phase) + std::string(paused ? ", paused" : ""));
    line(out, "source",
         fmt::format("database {}{}", status.record.source_database,
                     status.source ? ", WAL at " + status.source->wal_lsn.text() : std::string(", can't be reached")));
    line(out, "slot", slot_text(status));
    const auto sum = totals(status.tables);
    line(
        out, "tables",
        fmt::format("{} of {} copied: {} rows, {}", sum.copied, status.tables.size(), sum.rows, bytes_text(sum.bytes)));
    for (const TableState &table : status.tables) {
        if (!status.running || table.state == "ready" || table.state == "pending") continue;
        line(out, "",
             fmt::format("{}.{} {}: {} rows, {}", table.schema, table.name, table.state, table.rows,
                         bytes_text(table.bytes)));
    }
    if (status.progress) append_progress(out, *status.progress);
    line(out, "conflicts", conflict_totals_as_text(status.conflicts));
    out += verification_as_text(status.verification);
    if (const auto lag = status.lag_bytes()) {
        line(out, "lag", bytes_text(*lag) + (status.live ? ", " + lag_text(status.live->lag_us) : std::string()));
    }
    if (status.live) out += live_as_text(*status.live, status.rates);
    return out;
}

std::string status_as_json(const Status &status) {
    const auto lag = status.lag_bytes();
    const auto sum = totals(status.tables);
    const nlohmann::ordered_json report = {
        {"task", status.task},
        {"running", status.running},
        {"phase", to_string(status.record.phase)},
        {"source_database", status.record.source_database},
        {"source", source_as_json(status)},
        {"lag_ms", status.live ? nlohmann::ordered_json(static_cast<double>(status.live->lag_us) / 1000)
                               : nlohmann::ordered_json(nullptr)},
        {"lag_bytes", lag ? nlohmann::ordered_json(*lag) : nlohmann::ordered_json(nullptr)},
        {"progress", progress_as_json(status.progress)},
        {"conflicts", conflicts_as_json(status.conflicts)},
        {"verification", verification_as_json(status.verification)},
        {"live", status.live ? live_as_json(*status.live, status.rates) : nlohmann::ordered_json(nullptr)},
        {"copy", {{"tables", status.tables.size()}, {"copied", sum.copied}, {"rows", sum.rows}, {"bytes", sum.bytes}}},
        {"tables", tables_as_json(status.tables)},
    };
    return report.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace walferry
