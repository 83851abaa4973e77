// SPDX-License-Identifier: PostgreSQL
#include "alert/conditions.h"

#include <fmt/format.h>

#include "observe/live_report.h"

namespace walferry {

std::vector<Alert> AlertConditions::look(const Status &status, Clock::time_point now) {
    std::vector<Alert> alerts;
    if (status.live) {
        if (auto alert = lag(*status.live, now)) alerts.push_back(std::move(*alert));
    }
    if (status.source && status.source->slot) {
        if (auto alert = slot(*status.source->slot)) alerts.push_back(std::move(*alert));
    }
    if (auto alert = quarantine(status.conflicts.quarantined)) alerts.push_back(std::move(*alert));
    if (status.verification) {
        if (auto alert = difference(*status.verification)) alerts.push_back(std::move(*alert));
    }
    return alerts;
}

std::optional<Alert> AlertConditions::quarantine(std::uint64_t waiting) {
    if (waiting == 0) return std::nullopt;
    return Alert{AlertKind::quarantine,
                 fmt::format("{} change{} in quarantine", waiting, waiting == 1 ? " waits" : "s wait"),
                 "\"walferry quarantine list FILE\" shows what they are; replay or drop them."};
}

std::optional<Alert> AlertConditions::difference(const Verification &verification) {
    if (!verification.differs()) return std::nullopt;
    std::string detail;
    for (const auto &table : verification.differing) {
        detail += fmt::format("{}.{}: {}\n", table.schema, table.name, table.verdict);
    }
    return Alert{AlertKind::difference, "verify has found a difference: " + verification.verdict(),
                 detail + "\"walferry repair FILE\" mends what differs."};
}

std::optional<Alert> AlertConditions::lag(const LiveStatus &live, Clock::time_point now) {
    if (options_.lag_seconds == 0 || live.lag_us <= options_.lag_seconds * 1'000'000) {
        late_since_.reset();
        return std::nullopt;
    }
    if (!late_since_) late_since_ = now;
    if (now - *late_since_ < std::chrono::seconds(options_.lag_for_seconds)) return std::nullopt;
    return Alert{AlertKind::lag,
                 fmt::format("changes become visible {} late, which is more than {} s", lag_text(live.lag_us),
                             options_.lag_seconds),
                 fmt::format("{} of the source's WAL are not applied. {}", bytes_text(live.lag_bytes),
                             live.paused ? "The task is paused: \"walferry resume FILE\" lets it go on."
                                         : "\"walferry status FILE\" shows what it does.")};
}

std::optional<Alert> AlertConditions::slot(const Slot &slot) const {
    const std::string detail =
        "Let the task catch up, or raise max_slot_wal_keep_size at the source. A slot that has lost its WAL can't go on: "
        "the task has to begin anew.";
    if (slot.wal_status == "unreserved" || slot.wal_status == "lost") {
        return Alert{AlertKind::slot,
                     fmt::format("replication slot {} {}", slot.name,
                                 slot.wal_status == "lost" ? "has lost the WAL that it needs"
                                                           : "is about to lose the WAL that it needs"),
                     detail};
    }
    if (options_.slot_retained_bytes == 0 || slot.retained_bytes <= options_.slot_retained_bytes) return std::nullopt;
    return Alert{AlertKind::slot,
                 fmt::format("replication slot {} keeps {} of WAL at the source, which is more than {}", slot.name,
                             bytes_text(slot.retained_bytes), bytes_text(options_.slot_retained_bytes)),
                 detail};
}

}  // namespace walferry
