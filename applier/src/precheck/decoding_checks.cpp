// SPDX-License-Identifier: PostgreSQL
#include <fmt/format.h>

#include "precheck/checks.h"
#include "slot/plugin_setting.h"
#include "slot/slot.h"

namespace walferry {

namespace {

constexpr const char *extension_version = "1.0";

// What the database has listed is kept. Only who runs it may see that.
constexpr const char *preload_sql =
    "DO $$BEGIN EXECUTE (SELECT pg_catalog.format('ALTER DATABASE %I SET session_preload_libraries = %s',"
    " pg_catalog.current_database(), pg_catalog.string_agg(pg_catalog.quote_literal(l), ', ' ORDER BY place))"
    " FROM (SELECT pg_catalog.btrim(e, ' \"') AS l, place FROM pg_catalog.string_to_table("
    "pg_catalog.current_setting('session_preload_libraries') || ',walferry', ',') WITH ORDINALITY AS t (e, place)) AS s"
    " WHERE l <> ''); END$$";

// Used and available, of slots or walsenders.
struct Places {
    std::int64_t used = 0;
    std::int64_t all = 0;
};

Result<Places> read_places(pq::Connection &source, const std::string &setting, const std::string &users) {
    WF_ASSIGN(const pq::Rows rows, source.exec("SELECT (SELECT pg_catalog.count(*) FROM " + users +
                                               "), pg_catalog.current_setting('" + setting + "')"));
    return Places{rows.integer(0, 0), rows.integer(0, 1)};
}

std::string used_text(const Places &places) { return fmt::format("{} of {} used", places.used, places.all); }

std::string raise_sql(const std::string &setting, std::int64_t value) {
    return fmt::format("ALTER SYSTEM SET {} = {}", setting, value);
}

std::string raise_remedy(const std::string &setting, std::int64_t value) {
    return raise_sql(setting, value) + "; then restart the source.";
}

}  // namespace

Result<Finding> check_wal_level(CheckContext &context) {
    WF_ASSIGN(const std::string level, read_value(*context.source, "SHOW wal_level"));
    if (level == "logical") return good(level);
    return mended_by(bad(level, "Changes can be decoded from WAL of level logical only.",
                         "ALTER SYSTEM SET wal_level = 'logical'; then restart the source."),
                     Side::source, {"ALTER SYSTEM SET wal_level = 'logical'"}, false);
}

Result<Finding> check_max_replication_slots(CheckContext &context) {
    static const std::string setting = "max_replication_slots";
    WF_ASSIGN(const Places places, read_places(*context.source, setting, "pg_catalog.pg_replication_slots"));
    WF_ASSIGN(const auto slot, find_slot(*context.source, context.task.slot));
    if (slot || places.used < places.all) return good(used_text(places));
    return mended_by(bad(used_text(places), "The task needs a replication slot.",
                         "Drop a slot that nobody needs, or " + raise_remedy(setting, places.all + 5)),
                     Side::source, {raise_sql(setting, places.all + 5)}, false);
}

Result<Finding> check_max_wal_senders(CheckContext &context) {
    static const std::string setting = "max_wal_senders";
    WF_ASSIGN(const Places places, read_places(*context.source, setting, "pg_catalog.pg_stat_replication"));
    if (places.used < places.all) return good(used_text(places));
    return mended_by(bad(used_text(places), "The task needs a walsender.", raise_remedy(setting, places.all + 5)),
                     Side::source, {raise_sql(setting, places.all + 5)}, false);
}

Result<Finding> check_wal_keep_size(CheckContext &context) {
    WF_ASSIGN(const std::string size, read_value(*context.source, "SHOW max_slot_wal_keep_size"));
    if (size == "-1") return good("-1: the slot keeps all the WAL that the task needs");
    return mended_by(
        warning(size, "If the task lags by more, the source removes WAL that it needs and the task must begin anew.",
                "ALTER SYSTEM SET max_slot_wal_keep_size = -1; SELECT pg_reload_conf(); or watch \"walferry status\"."),
        Side::source, {"ALTER SYSTEM SET max_slot_wal_keep_size = -1", "SELECT pg_reload_conf()"}, false);
}

Result<Finding> check_output_plugin_libraries(CheckContext &context) {
    using State = PluginSetting::State;
    WF_ASSIGN(const PluginSetting setting, read_plugin_setting(*context.source));
    switch (setting.state) {
        case State::unknown:
            return good("this release has no such setting");
        case State::allows:
            return good(setting.value);
        case State::hidden:
            return note("only a member of pg_read_all_settings may see it",
                        "It must list walferry. If it doesn't: " + allow_walferry_sql({}));
        case State::forbids:
            break;
    }
    const std::string sql = allow_walferry_sql(setting.value);
    return mended_by(bad(setting.value.empty() ? "lists no plugin" : setting.value,
                         "The source loads only the output plugins that are listed.", "As a superuser: " + sql),
                     Side::source, {sql.substr(0, sql.rfind("; SELECT")), "SELECT pg_reload_conf()"});
}

Result<Finding> check_extension(CheckContext &context) {
    const std::string database = PQdb(context.source->raw());
    WF_ASSIGN(const std::string version,
              read_value(*context.source, "SELECT extversion FROM pg_catalog.pg_extension WHERE extname = 'walferry'"));
    if (version == extension_version) return good(version);
    if (!version.empty()) {
        return mended_by(
            bad(version, fmt::format("This program works with version {}.", extension_version),
                fmt::format("In database {}: ALTER EXTENSION walferry UPDATE TO '{}';", database, extension_version)),
            Side::source, {fmt::format("ALTER EXTENSION walferry UPDATE TO '{}'", extension_version)});
    }
    WF_ASSIGN(const std::string available,
              read_value(*context.source, "SELECT 1 FROM pg_catalog.pg_available_extensions WHERE name = 'walferry'"));
    const auto create = fmt::format("In database {}, as a superuser: CREATE EXTENSION walferry;", database);
    auto finding =
        bad("not installed in database " + database, "It chooses the tables and helps the copy to read them.",
            available.empty() ? "On the source's machine: make install-plugin. " + create : create);
    if (available.empty()) return finding;
    return mended_by(std::move(finding), Side::source, {"CREATE EXTENSION walferry"});
}

Result<Finding> check_plugin_library(CheckContext &context) {
    const auto version = read_value(*context.source, "SELECT walferry.library_version()");
    if (version) {
        context.extension_works = true;
        return good(*version);
    }
    if (version.error().kind == ErrorKind::interrupted) return fail(version.error());
    if (version.error().sqlstate == "3F000" ||
        version.error().sqlstate == "42883") {  // no such schema, no such function
        return note("not asked", "The extension, through which it answers, is not installed.");
    }
    return bad(version.error().message, "The source can't load the output plugin.",
               "On the source's machine: make install-plugin.");
}

// As it is with this session, which has called nothing of the library's yet, so with those that begin from now on.
Result<Finding> check_ddl_capture(CheckContext &context) {
    WF_ASSIGN(const pq::Rows rows,
              context.source->exec("SELECT pg_catalog.current_setting('walferry.capture_ddl', true),"
                                   " pg_catalog.quote_ident(pg_catalog.current_database())"));
    if (!rows.null(0, 0)) return good("new sessions record their DDL");
    auto finding =
        warning("new sessions begin without the library",
                "The first DDL statement of each session fails, rather than being lost, and has to be repeated.",
                fmt::format("ALTER DATABASE {} SET session_preload_libraries = 'walferry'; (add it to what is listed "
                            "there) then let sessions reconnect",
                            rows.view(0, 1)));
    return mended_by(std::move(finding), Side::source, {preload_sql});
}

Result<Finding> check_slot(CheckContext &context) {
    const auto &name = context.record ? context.record->slot : context.task.slot;
    WF_ASSIGN(const auto slot, find_slot(*context.source, name));
    const auto choose_another = "Choose another name: key \"slot\" in [source].";
    if (!slot) {
        if (!context.record || context.record->phase == Phase::slot) return good(name + ", to be created");
        return bad(
            name + " has gone, but the task has begun", "The changes since then are lost to the task.",
            "After a failover: docs/operations.md, \"After a failover\". Or begin anew: \"walferry cleanup FILE\", empty the destination, \"walferry run FILE\".");
    }
    if (const auto ours = check_slot_is_ours(*slot, PQdb(context.source->raw())); !ours) {
        return bad(ours.error().message, "The task can't use it.", choose_another);
    }
    if (slot->wal_status == "lost") {
        return bad(fmt::format("{} is lost: the source has removed WAL that it needs{}", name,
                               slot->lost_by.empty() ? "" : " (" + slot->lost_by + ")"),
                   "The task can't go on from it.",
                   "Begin anew: \"walferry cleanup FILE\", empty the destination, \"walferry run FILE\".");
    }
    if (context.destination && !context.record) {
        const std::string sql = fmt::format("SELECT pg_drop_replication_slot('{}')", name);
        return mended_by(bad(name + " exists, but the destination knows nothing of the task",
                             "It belongs to another task, or was left by one.",
                             fmt::format("{} If nobody needs it: {};", choose_another, sql)),
                         Side::source, {sql}, false);
    }
    return good(fmt::format("{}, {}", name, slot->active_pid ? "in use" : "not in use"));
}

Result<Finding> check_long_transactions(CheckContext &context) {
    static const std::string sql = R"(
SELECT pg_catalog.count(*), pg_catalog.max(pg_catalog.age(pg_catalog.now(), since))::text FROM (
    SELECT xact_start AS since FROM pg_catalog.pg_stat_activity
    WHERE backend_xid IS NOT NULL AND datname IS NOT NULL AND pid <> pg_catalog.pg_backend_pid()
    UNION ALL SELECT prepared FROM pg_catalog.pg_prepared_xacts) AS running
WHERE since < pg_catalog.now() - interval '10 seconds')";
    WF_ASSIGN(const pq::Rows rows, context.source->exec(sql));
    if (rows.integer(0, 0) == 0) return good("none longer than 10 seconds");
    return warning(
        fmt::format("{}, the oldest for {}", rows.view(0, 0), rows.view(0, 1)),
        "A slot can be created only when all transactions that write now have ended.",
        "SELECT pid, xact_start, query FROM pg_stat_activity WHERE backend_xid IS NOT NULL; and pg_prepared_xacts");
}

Result<Finding> check_wal_sender_timeout(CheckContext &context) {
    WF_ASSIGN(const pq::Rows rows,
              context.source->exec("SELECT setting::pg_catalog.int8, pg_catalog.current_setting(name)"
                                   " FROM pg_catalog.pg_settings WHERE name = 'wal_sender_timeout'"));
    const auto milliseconds = rows.integer(0, 0);
    if (milliseconds == 0 || milliseconds >= 10'000) return good(rows.text(0, 1));
    return mended_by(
        warning(rows.text(0, 1), "A pause of the network or of this machine of that length costs the connection.",
                "ALTER SYSTEM SET wal_sender_timeout = '60s'; SELECT pg_reload_conf();"),
        Side::source, {"ALTER SYSTEM SET wal_sender_timeout = '60s'", "SELECT pg_reload_conf()"}, false);
}

}  // namespace walferry
