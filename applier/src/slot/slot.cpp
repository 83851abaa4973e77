// SPDX-License-Identifier: PostgreSQL
#include "slot/slot.h"

#include <fmt/format.h>

#include "slot/plugin_setting.h"

namespace walferry {

namespace {

constexpr const char *plugin_name = "walferry";

const char *const find_sql = R"(
SELECT slot_name, plugin, database, slot_type = 'logical', active_pid, wal_status, restart_lsn, confirmed_flush_lsn,
       GREATEST(0, pg_catalog.pg_wal_lsn_diff(CASE WHEN pg_catalog.pg_is_in_recovery()
                                                   THEN pg_catalog.pg_last_wal_replay_lsn()
                                                   ELSE pg_catalog.pg_current_wal_lsn() END, restart_lsn))::bigint,
       safe_wal_size, pg_catalog.to_jsonb(s) ->> 'invalidation_reason'
FROM pg_catalog.pg_replication_slots s
WHERE slot_name = $1)";

Error state_error(Error error, std::string_view hint) {
    error.kind = ErrorKind::state;
    error.hint.clear();  // ours is the more exact one
    return std::move(error).with_hint(hint);
}

// By SQLSTATE, as messages may be translated. None of these passes by waiting, whatever the class of the code says.
Error explain_refusal(pq::Connection &source, Error error) {
    if (error.sqlstate == "42501") {
        const auto setting = read_plugin_setting(source);
        if (setting && setting->state == PluginSetting::State::forbids) {
            return state_error(std::move(error),
                               "On the source, as a superuser: " + allow_walferry_sql(setting->value));
        }
        return state_error(std::move(error),
                           "The account needs the REPLICATION attribute (ALTER ROLE ... REPLICATION), and where the "
                           "server knows output_plugin_libraries, that setting must list walferry.");
    }
    if (error.sqlstate == "53400") {
        return state_error(std::move(error),
                           "Drop a slot that nobody needs, or raise max_replication_slots and restart the source.");
    }
    if (error.sqlstate == "58P01") {
        return state_error(std::move(error), "Install walferry's output plugin on the source's machine.");
    }
    if (error.sqlstate == "55000") {
        return state_error(std::move(error), "On the source: ALTER SYSTEM SET wal_level = 'logical'; then restart it.");
    }
    if (error.sqlstate == "42710") {
        return state_error(std::move(error), "Choose another name: key \"slot\" in [source].");
    }
    return error;
}

}  // namespace

Result<std::optional<Slot>> find_slot(pq::Connection &source, const std::string &name) {
    WF_ASSIGN(const pq::Rows rows, source.exec(find_sql, {name}));
    if (rows.count() == 0) return std::nullopt;
    Slot slot;
    slot.name = rows.text(0, 0);
    slot.plugin = rows.text(0, 1);
    slot.database = rows.text(0, 2);
    slot.logical = rows.boolean(0, 3);
    if (!rows.null(0, 4)) slot.active_pid = static_cast<int>(rows.integer(0, 4));
    slot.wal_status = rows.text(0, 5);
    slot.restart_lsn = Lsn::parse(rows.view(0, 6)).value_or(Lsn{});
    slot.confirmed_flush_lsn = Lsn::parse(rows.view(0, 7)).value_or(Lsn{});
    slot.retained_bytes = static_cast<std::uint64_t>(rows.integer(0, 8));
    if (!rows.null(0, 9)) slot.safe_wal_size = rows.integer(0, 9);
    if (!rows.null(0, 10)) slot.lost_by = rows.text(0, 10);
    return slot;
}

Result<void> check_slot_is_ours(const Slot &slot, const std::string &database) {
    std::string found;
    if (!slot.logical) {
        found = "it is a physical slot";
    } else if (slot.plugin != plugin_name) {
        found = fmt::format("its output plugin is {}", slot.plugin);
    } else if (slot.database != database) {
        found = fmt::format("it belongs to the database \"{}\", not \"{}\"", slot.database, database);
    } else {
        return {};
    }
    Error error{ErrorKind::state,
                Side::source,
                {},
                fmt::format("slot \"{}\" is not this task's: {}", slot.name, found),
                {},
                "Choose another name: key \"slot\" in [source].",
                {}};
    return fail(std::move(error));
}

Result<Lsn> create_slot(pq::Connection &source, const std::string &name, bool failover) {
    const bool kept_on_standbys = failover && source.server_version() >= 170000;
    const auto rows = source.exec(fmt::format("SELECT lsn FROM pg_catalog.pg_create_logical_replication_slot($1, $2{})",
                                              kept_on_standbys ? ", failover => true" : ""),
                                  {name, std::string(plugin_name)});
    if (!rows) return fail(explain_refusal(source, rows.error()));
    const auto lsn = Lsn::parse(rows->view(0, 0));
    if (!lsn) return fail(ErrorKind::bug, "the source gave no LSN for the new slot");
    return *lsn;
}

Result<void> drop_slot(pq::Connection &source, const std::string &name) {
    const auto dropped = source.exec("SELECT pg_catalog.pg_drop_replication_slot($1)", {name});
    if (dropped || dropped.error().sqlstate == "42704") return {};  // undefined_object: gone already
    return fail(dropped.error());
}

Result<Lsn> flush_source_wal(pq::Connection &source) {
    // A logical message in a transaction of its own, which nobody reads: its commit flushes.
    WF_ASSIGN(const pq::Rows rows, source.exec("SELECT pg_logical_emit_message(true, 'walferry', 'flush')"));
    return Lsn::parse(rows.view(0, 0)).value_or(Lsn{});
}

}  // namespace walferry
