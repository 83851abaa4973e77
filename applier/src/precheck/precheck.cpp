// SPDX-License-Identifier: PostgreSQL
#include "precheck/precheck.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "precheck/checks.h"
#include "precheck/names.h"
#include "precheck/report.h"

namespace walferry {

namespace {

// What must have been found good before a check can look.
enum Needs : unsigned {
    nothing = 0,
    source = 1,
    destination = 2,
    both = source | destination,
    extension = 4,
    slot = 8 | source,  // and the task's stages use a replication slot
};

struct Check {
    const char *id;
    unsigned needs;
    Result<Finding> (*look)(CheckContext &);
};

// In the order of the report; later ones use what earlier ones left in the context.
constexpr auto checks = std::to_array<Check>({
    {"source_connect", nothing, check_source_connect},
    {"destination_connect", nothing, check_destination_connect},
    {"source_version", source, check_source_version},
    {"destination_version", both, check_destination_version},
    {"same_server", both, check_same_server},
    {"loop", both, check_loop},
    {"source_pooler", source, check_source_pooler},
    {"destination_pooler", destination, check_destination_pooler},
    {"source_is_standby", source, check_source_is_standby},
    {"source_replication_connect", slot, check_source_replication_connect},
    {"wal_level", slot, check_wal_level},
    {"max_replication_slots", slot, check_max_replication_slots},
    {"max_wal_senders", slot, check_max_wal_senders},
    {"max_slot_wal_keep_size", slot, check_wal_keep_size},
    {"output_plugin_libraries", slot, check_output_plugin_libraries},
    {"extension", source, check_extension},
    {"ddl_capture", source, check_ddl_capture},
    {"plugin_library", source, check_plugin_library},
    {"slot", slot, check_slot},
    {"long_transactions", slot, check_long_transactions},
    {"wal_sender_timeout", slot, check_wal_sender_timeout},
    {"idle_replication_slot_timeout", slot, check_idle_slot_timeout},
    {"failover", slot, check_failover},
    {"tables_selected", extension, check_tables_selected},
    {"patterns", extension, check_patterns},
    {"table_settings", extension, check_table_settings},
    {"mapped_names", extension, check_mapped_names},
    {"source_locks", extension, check_source_locks},
    {"select_privileges", extension, check_select_privileges},
    {"sequence_privileges", extension, check_sequence_privileges},
    {"row_security", extension, check_row_security},
    {"replica_identity", extension, check_replica_identity},
    {"unlogged_tables", extension, check_unlogged_tables},
    {"table_storage", extension, check_table_storage},
    {"disk_space", extension, check_disk_space},
    {"newer_features", both | extension, check_newer_features},
    {"large_objects", both, check_large_objects},
    {"encoding", both, check_encoding},
    {"collation", both, check_collation},
    {"destination_create", destination, check_destination_create},
    {"bookkeeping_schema", destination, check_bookkeeping_schema},
    {"session_replication_role", destination, check_session_replication_role},
    {"replication_origins", destination, check_replication_origins},
    {"destination_tables", destination | extension, check_destination_tables},
    {"merged_tables", both | extension, check_merged_tables},
    {"write_privileges", destination | extension, check_write_privileges},
    {"replica_triggers", both | extension, check_replica_triggers},
    {"extensions_available", both, check_extensions_available},
    {"extension_versions", both, check_extension_versions},
    {"roles", both | extension, check_roles},
});

// Without these the task can't begin, or not do what it promises.
constexpr auto needed = std::to_array<std::string_view>({"source_connect",
                                                         "destination_connect",
                                                         "source_version",
                                                         "same_server",
                                                         "source_replication_connect",
                                                         "wal_level",
                                                         "output_plugin_libraries",
                                                         "extension",
                                                         "plugin_library",
                                                         "slot",
                                                         "tables_selected",
                                                         "mapped_names",
                                                         "select_privileges",
                                                         "encoding",
                                                         "destination_create",
                                                         "bookkeeping_schema",
                                                         "session_replication_role",
                                                         "replication_origins",
                                                         "destination_tables",
                                                         "merged_tables",
                                                         "write_privileges",
                                                         "pg_dump"});

bool is_ignorable(std::string_view id) { return std::find(needed.begin(), needed.end(), id) == needed.end(); }

Result<void> check_ignored(const std::vector<std::string> &ignored) {
    for (const auto &id : ignored) {
        const bool known = id == "pg_dump" || std::any_of(checks.begin(), checks.end(),
                                                          [&](const Check &check) { return check.id == id; });
        if (!known) {
            return fail(ErrorKind::usage, fmt::format("no check is called \"{}\"", id),
                        "\"walferry precheck FILE\" shows their names.");
        }
        if (!is_ignorable(id)) {
            return fail(ErrorKind::usage,
                        fmt::format("check \"{}\" can't be ignored: the task needs what it looks at", id));
        }
    }
    return {};
}

bool uses_slot(const Task &task) { return task.copy_stage || task.stream_stage; }

unsigned met(const CheckContext &context) {
    return (context.source ? source : 0U) | (uses_slot(context.task) ? slot & ~source : 0U) |
           (context.destination ? destination : 0U) | (context.source && context.extension_works ? extension : 0U);
}

struct Outcome {
    std::vector<Finding> findings;
    std::optional<Error> unreachable;
};

Result<Finding> look(const Check &check, CheckContext &context) {
    auto found = check.look(context);
    if (!found && found.error().kind == ErrorKind::interrupted) return found;
    Finding finding =
        found ? std::move(*found) : bad("could not be checked: " + found.error().message, {}, found.error().hint);
    finding.id = check.id;
    finding.ignorable = is_ignorable(finding.id);
    const auto &ignored = context.ignored;
    finding.ignored = (finding.severity == Severity::error || finding.severity == Severity::warning) &&
                      std::find(ignored.begin(), ignored.end(), finding.id) != ignored.end();
    return finding;
}

Result<Outcome> run_checks(const Task &task, const StopFlag *stop, const std::vector<std::string> &ignored) {
    WF_TRY(check_ignored(ignored));
    CheckContext context{task, stop, {}, {}, {}, {}, {}, {}, ignored, {}};
    Outcome out;
    std::vector<std::string> left_out;
    for (const auto &check : checks) {
        if ((check.needs & slot) == slot && !uses_slot(task)) continue;
        if ((check.needs & ~met(context)) != 0) {
            left_out.emplace_back(check.id);
            continue;
        }
        WF_ASSIGN(Finding finding, look(check, context));
        out.findings.push_back(std::move(finding));
    }
    // The tool must not be older than the source, so it waits for the source's version; it needs no server.
    if (task.schema_stage) {
        WF_ASSIGN(Finding finding, look({"pg_dump", nothing, check_pg_dump}, context));
        out.findings.push_back(std::move(finding));
    }
    if (!left_out.empty()) {
        auto finding = note(fmt::format("{} checks: {}", left_out.size(), fmt::join(left_out, ", ")),
                            "They need what failed above; run precheck again when that is mended.");
        finding.id = "left_out";
        out.findings.push_back(std::move(finding));
    }
    out.unreachable = std::move(context.unreachable);
    return out;
}

}  // namespace

Result<std::vector<Finding>> precheck(const Task &task, const StopFlag *stop, const std::vector<std::string> &ignored) {
    WF_ASSIGN(Outcome outcome, run_checks(task, stop, ignored));
    return std::move(outcome.findings);
}

Result<void> precheck_or_refuse(const Task &task, const StopFlag *stop, const std::vector<std::string> &ignored) {
    WF_ASSIGN(Outcome outcome, run_checks(task, stop, ignored));
    if (outcome.unreachable) return fail(std::move(*outcome.unreachable));
    for (const auto &finding : outcome.findings) {
        if (finding.severity == Severity::warning && !finding.ignored) {
            spdlog::warn("precheck: {}: {}; {}", finding.id, finding.found, finding.meaning);
        }
    }
    if (has_errors(outcome.findings)) return fail(findings_as_error(outcome.findings));
    return {};
}

}  // namespace walferry
