// SPDX-License-Identifier: PostgreSQL
#include "observe/conflict_report.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace walferry {

namespace {

using nlohmann::ordered_json;

void line(std::string &out, const char *label, const std::string &text) {
    if (!text.empty()) out += fmt::format("    {:<9}{}\n", label, text);
}

ordered_json text_as_json(const std::string &text) { return text.empty() ? ordered_json(nullptr) : ordered_json(text); }

ordered_json values_as_json(const std::string &text) {
    return text.empty() ? ordered_json(nullptr) : ordered_json::parse(text);
}

}  // namespace

std::string conflicts_as_text(const std::vector<Conflict> &conflicts) {
    if (conflicts.empty()) return "none\n";
    std::string out;
    for (const Conflict &conflict : conflicts) {
        out += fmt::format("{}  {}  {}: {} of {}.{}\n", conflict.id, conflict.outcome, conflict.kind,
                           conflict.operation, conflict.schema, conflict.table);
        line(out, "source",
             conflict.xid.empty() ? "while the table was copied"
                                  : fmt::format("transaction {}, committed at {} ({})", conflict.xid,
                                                conflict.commit_time, conflict.lsn));
        line(out, "old", conflict.old_values);
        line(out, "new", conflict.new_values);
        line(out, "here", conflict.local_row);
        line(out, "reason", conflict.reason);
        line(out, "recorded", conflict.recorded);
    }
    return out;
}

std::string conflicts_as_json(const std::string &task, const std::vector<Conflict> &conflicts) {
    auto list = ordered_json::array();
    for (const Conflict &conflict : conflicts) {
        list.push_back({{"id", conflict.id},
                        {"outcome", conflict.outcome},
                        {"kind", conflict.kind},
                        {"operation", conflict.operation},
                        {"schema", conflict.schema},
                        {"table", conflict.table},
                        {"lsn", text_as_json(conflict.lsn)},
                        {"xid", text_as_json(conflict.xid)},
                        {"commit_time", text_as_json(conflict.commit_time)},
                        {"key_columns", values_as_json(conflict.key_columns)},
                        {"old_values", values_as_json(conflict.old_values)},
                        {"new_values", values_as_json(conflict.new_values)},
                        {"local_row", text_as_json(conflict.local_row)},
                        {"sqlstate", text_as_json(conflict.sqlstate)},
                        {"reason", conflict.reason},
                        {"recorded", conflict.recorded}});
    }
    const ordered_json report = {{"task", task}, {"conflicts", std::move(list)}};
    return report.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

std::string conflict_totals_as_text(const ConflictTotals &totals) {
    std::string out;
    for (const ConflictTotal &total : totals.totals) {
        out += fmt::format("{}{} {} ({})", out.empty() ? "" : ", ", total.total, total.kind, total.policy);
    }
    if (totals.quarantined > 0) out += fmt::format("; {} wait in quarantine", totals.quarantined);
    return out;
}

}  // namespace walferry
