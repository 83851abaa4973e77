// Does the task outlive a failover of the source, and the pauses that it may make.
//
// SPDX-License-Identifier: PostgreSQL
#include <fmt/format.h>

#include "precheck/checks.h"
#include "precheck/names.h"

namespace walferry {

namespace {

// Slots that synchronized_standby_slots names, and which nobody reads from.
const char *const waited_for_sql = R"(
SELECT name FROM pg_catalog.string_to_table(pg_catalog.current_setting('synchronized_standby_slots'), ',') AS e,
     pg_catalog.btrim(e, ' "') AS name
WHERE name <> '' AND NOT EXISTS (SELECT FROM pg_catalog.pg_replication_slots s WHERE s.slot_name = name AND s.active)
ORDER BY 1)";

const char *const standbys_sql = R"(
SELECT slot_name FROM pg_catalog.pg_replication_slots WHERE slot_type = 'physical' AND active ORDER BY 1)";

}  // namespace

Result<Finding> check_failover(CheckContext &context) {
    WF_ASSIGN(const std::vector<std::string> standbys, read_values(*context.source, standbys_sql));
    if (context.source->server_version() < 170000) {
        if (standbys.empty()) return good("no standby with a slot");
        return note(
            "a promoted standby will not have the task's slot: " + shortened(standbys),
            "Slots are kept on standbys from PostgreSQL 17 on. After a failover the task refuses to go on, and has "
            "to be attached anew.");
    }
    if (!context.task.failover) return good("not asked for (\"failover\" in [source])");
    WF_ASSIGN(const std::vector<std::string> waited_for, read_values(*context.source, waited_for_sql));
    if (!waited_for.empty()) {
        return warning(
            "synchronized_standby_slots names slots that nobody reads from: " + shortened(waited_for),
            "The task gets no changes until these standbys have them.",
            "Start the standbys; or, as they are given up: ALTER SYSTEM SET synchronized_standby_slots = ''; "
            "SELECT pg_reload_conf();");
    }
    WF_ASSIGN(const std::string waits, read_value(*context.source, "SHOW synchronized_standby_slots"));
    if (!waits.empty()) return good("the task stays behind " + waits);
    if (standbys.empty()) return good("no standby with a slot");
    std::string names;
    for (const auto &name : standbys) {
        names += (names.empty() ? "" : ", ") + context.source->quote_literal(name);
    }
    const std::string sql = "ALTER SYSTEM SET synchronized_standby_slots = " + names;
    return mended_by(
        warning("synchronized_standby_slots is empty, and these standbys have slots: " + shortened(standbys),
                "One that is promoted while it is behind the destination can't be followed.",
                sql + "; SELECT pg_reload_conf(); for those that may be promoted"),
        Side::source, {sql, "SELECT pg_reload_conf()"}, false);
}

Result<Finding> check_idle_slot_timeout(CheckContext &context) {
    WF_ASSIGN(const std::string value,
              read_value(*context.source,
                         "SELECT COALESCE(pg_catalog.current_setting('idle_replication_slot_timeout', true), '')"));
    if (value.empty()) return good("this release has no such setting");
    if (value == "0") return good("0: a slot may rest for any time");
    return mended_by(
        warning(value, "If the task doesn't run for that long, the source invalidates its slot and it must begin anew.",
                "ALTER SYSTEM SET idle_replication_slot_timeout = 0; SELECT pg_reload_conf();"),
        Side::source, {"ALTER SYSTEM SET idle_replication_slot_timeout = 0", "SELECT pg_reload_conf()"}, false);
}

}  // namespace walferry
