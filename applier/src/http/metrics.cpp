// SPDX-License-Identifier: PostgreSQL
#include "http/metrics.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

namespace walferry {

namespace {

using Labels = std::vector<prometheus::ClientMetric::Label>;

class Families {
public:
    explicit Families(std::string task) : task_(std::move(task)) {}

    void gauge(const char *name, const char *help, double value, const Labels &labels = {}) {
        family(name, help, prometheus::MetricType::Gauge, labels).gauge.value = value;
    }
    void counter(const char *name, const char *help, std::uint64_t value, const Labels &labels = {}) {
        family(name, help, prometheus::MetricType::Counter, labels).counter.value = static_cast<double>(value);
    }
    // One of the values is 1, the others 0.
    void state(const char *name, const char *help, const char *label, std::initializer_list<const char *> values,
               std::string_view now) {
        for (const char *value : values) gauge(name, help, value == now ? 1 : 0, {{label, value}});
    }

    std::string text() const { return prometheus::TextSerializer().Serialize(families_); }

private:
    prometheus::ClientMetric &family(const char *name, const char *help, prometheus::MetricType type,
                                     const Labels &labels) {
        if (families_.empty() || families_.back().name != name) {
            prometheus::MetricFamily added;
            added.name = name;
            added.help = help;
            added.type = type;
            families_.push_back(std::move(added));
        }
        auto &metric = families_.back().metric.emplace_back();
        metric.label = {{"task", task_}};
        metric.label.insert(metric.label.end(), labels.begin(), labels.end());
        return metric;
    }

    const std::string task_;
    std::vector<prometheus::MetricFamily> families_;
};

double of(std::uint64_t value) { return static_cast<double>(value); }

void add_slot(Families &out, const Slot &slot) {
    out.gauge("walferry_slot_active", "Whether a walsender reads the slot", slot.active_pid ? 1 : 0);
    out.gauge("walferry_slot_retained_bytes", "WAL that the source keeps for the slot", of(slot.retained_bytes));
    if (slot.safe_wal_size) {
        out.gauge("walferry_slot_safe_wal_bytes", "WAL that may be written before the slot is in danger",
                  static_cast<double>(*slot.safe_wal_size));
    }
    out.state("walferry_slot_wal_status", "wal_status of the slot", "status",
              {"reserved", "extended", "unreserved", "lost"}, slot.wal_status);
}

void add_tables(Families &out, const std::vector<TableState> &tables) {
    std::map<std::string, std::uint64_t> states = {{"pending", 0}, {"ready", 0}};
    for (const TableState &table : tables) ++states[table.state];
    for (const auto &[state, count] : states) {
        out.gauge("walferry_tables", "Tables of the task by state", of(count), {{"state", state}});
    }
}

void add_conflicts(Families &out, const ConflictTotals &conflicts) {
    for (const ConflictTotal &total : conflicts.totals) {
        out.counter("walferry_conflicts_total", "Conflicts that a policy has settled", total.total,
                    {{"policy", total.policy}, {"kind", total.kind}});
    }
    out.gauge("walferry_quarantined_changes", "Changes that wait in quarantine", of(conflicts.quarantined));
}

void add_verification(Families &out, const Verification &verification) {
    if (verification.ended_at > 0) {
        out.gauge("walferry_verify_end_time_seconds", "When the last comparison of all tables ended",
                  static_cast<double>(verification.ended_at));
        out.gauge("walferry_verify_rows", "Rows that it compared", of(verification.rows));
    }
    out.gauge("walferry_verify_differing_tables", "Tables that differed when they were compared last",
              of(verification.differing_tables));
    out.gauge("walferry_verify_differing_rows", "Their rows that differed", of(verification.differing_rows));
    out.gauge("walferry_verify_differing_objects", "Definitions and sequences that differed",
              of(verification.differing_objects));
    const auto &now = verification.under_way;
    out.gauge("walferry_verify_running", "Whether all tables are being compared", now && now->running ? 1 : 0);
    if (now)
        out.gauge("walferry_verify_rows_done", "Rows that the comparison under way has behind it", of(now->rows_done));
}

void add_stream(Families &out, const LiveStatus &live) {
    out.gauge("walferry_source_lsn", "End of the source's WAL as last heard", of(live.source_lsn.value()));
    out.gauge("walferry_received_lsn", "Up to here changes have arrived", of(live.received_lsn.value()));
    out.gauge("walferry_applied_lsn", "Up to here changes are committed at the destination",
              of(live.applied_lsn.value()));
    out.gauge("walferry_flushed_lsn", "Up to here changes are durable and confirmed to the slot",
              of(live.flushed_lsn.value()));
    out.counter("walferry_changes_total", "Row changes applied", live.changes);
    out.counter("walferry_transactions_total", "Source transactions applied", live.transactions);
    out.counter("walferry_collisions_total", "Groups that something unseen was in the way of", live.collisions);
    out.counter("walferry_replays_total", "Groups that were applied exactly, change by change", live.replays);
    out.counter("walferry_copied_rows_total", "Rows copied by this process", live.copy_rows);
    out.counter("walferry_copied_bytes_total", "Bytes of COPY data copied by this process", live.copy_bytes);
    out.gauge("walferry_workers", "Sessions that apply changes", of(live.workers));
    out.gauge("walferry_buffer_bytes", "Changes under way in memory", of(live.buffer_bytes));
    out.gauge("walferry_buffer_bytes_max", "Their bound, apply.buffer_mb", of(live.buffer_bytes_max));
    out.gauge("walferry_spool_bytes", "Changes spooled to disk", of(live.spool_bytes));
}

}  // namespace

std::string status_as_metrics(const Status &status) {
    Families out(status.task);
    const LiveStatus &live = *status.live;
    out.state("walferry_phase", "Phase of the task", "phase", {"slot", "schema", "objects", "copy", "stream", "done"},
              to_string(status.record.phase));
    out.gauge("walferry_paused", "Whether the operator has paused the task", live.paused ? 1 : 0);
    out.gauge("walferry_failed_attempts", "Attempts that failed in a row; 0: it works",
              live.retry ? live.retry->attempts : 0);
    out.gauge("walferry_lag_seconds", "From a commit at the source until it is visible at the destination",
              static_cast<double>(live.lag_us) / 1e6);
    if (const auto lag = status.lag_bytes()) {
        out.gauge("walferry_lag_bytes", "WAL of the source that is not applied yet", of(*lag));
    }
    add_tables(out, status.tables);
    add_stream(out, live);
    add_conflicts(out, status.conflicts);
    if (status.verification) add_verification(out, *status.verification);
    if (status.source && status.source->slot) add_slot(out, *status.source->slot);
    return out.text();
}

}  // namespace walferry
