// SPDX-License-Identifier: PostgreSQL
#include "precheck/precheck.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <array>

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
    {"tables_selected", extension, check_tables_selected},
    {"patterns", extension, check_patterns},
    {"table_settings", extension, check_table_settings},
    {"select_privileges", extension, check_select_privileges},
    {"sequence_privileges", extension, check_sequence_privileges},
    {"row_security", extension, check_row_security},
    {"replica_identity", extension, check_replica_identity},
    {"unlogged_tables", extension, check_unlogged_tables},
    {"large_objects", both, check_large_objects},
    {"encoding", both, check_encoding},
    {"destination_create", destination, check_destination_create},
    {"session_replication_role", destination, check_session_replication_role},
    {"destination_tables", destination | extension, check_destination_tables},
    {"extensions_available", both, check_extensions_available},
    {"roles", both | extension, check_roles},
});

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
    return finding;
}

Result<Outcome> run_checks(const Task &task, const StopFlag *stop) {
    CheckContext context{task, stop, {}, {}, {}, {}, {}, {}, {}};
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

Result<std::vector<Finding>> precheck(const Task &task, const StopFlag *stop) {
    WF_ASSIGN(Outcome outcome, run_checks(task, stop));
    return std::move(outcome.findings);
}

Result<void> precheck_or_refuse(const Task &task, const StopFlag *stop) {
    WF_ASSIGN(Outcome outcome, run_checks(task, stop));
    if (outcome.unreachable) return fail(std::move(*outcome.unreachable));
    for (const auto &finding : outcome.findings) {
        if (finding.severity == Severity::warning) {
            spdlog::warn("precheck: {}: {}; {}", finding.id, finding.found, finding.meaning);
        }
    }
    if (has_errors(outcome.findings)) return fail(findings_as_error(outcome.findings));
    return {};
}

}  // namespace walferry
