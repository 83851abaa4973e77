// SPDX-License-Identifier: PostgreSQL
#include <fmt/format.h>

#include "config/connections.h"
#include "precheck/checks.h"
#include "precheck/names.h"

namespace walferry {

namespace {

constexpr int oldest_major = 15;

std::string version_text(const pq::Connection &connection) {
    const char *const version = PQparameterStatus(connection.raw(), "server_version");
    return version == nullptr ? "?" : version;
}

// Who and where, without anything secret.
std::string describe(const pq::Connection &connection) {
    PGconn *const raw = connection.raw();
    return fmt::format("{}:{}, database {}, user {}, {}", PQhost(raw), PQport(raw), PQdb(raw), PQuser(raw),
                       PQsslInUse(raw) != 0 ? "TLS" : "no TLS");
}

Finding unreachable(CheckContext &context, Error error) {
    auto finding = bad(error.message, "Nothing can be done without this connection.", error.hint);
    if (!context.unreachable) context.unreachable = std::move(error);
    return finding;
}

// A server tells the process that serves a connection, for cancellations; whoever hands connections on tells what it chooses.
Result<Finding> check_pooler(pq::Connection &connection) {
    WF_ASSIGN(const std::string pid, read_value(connection, "SELECT pg_catalog.pg_backend_pid()"));
    if (pid == std::to_string(PQbackendPID(connection.raw()))) return good("none: the server answers itself");
    return warning(
        "something between here and the server hands connections on",
        "A pooler that shares a session among its clients loses its settings and locks, and few let "
        "replication connections pass.",
        "Name the server itself in \"conninfo\"; or let the pooler keep one session per connection (PgBouncer: "
        "pool_mode = session).");
}

int major_of(const pq::Connection &connection) { return connection.server_version() / 10000; }

}  // namespace

Result<Finding> check_source_connect(CheckContext &context) {
    auto connection = pq::Connection::open(control_connection(context.task, Side::source, "precheck", context.stop));
    if (!connection) return unreachable(context, std::move(connection).error());
    context.source = std::move(*connection);
    return good(describe(*context.source));
}

Result<Finding> check_destination_connect(CheckContext &context) {
    auto connection =
        pq::Connection::open(control_connection(context.task, Side::destination, "precheck", context.stop));
    if (!connection) return unreachable(context, std::move(connection).error());
    context.destination = std::move(*connection);
    WF_ASSIGN(context.record, find_task(*context.destination, context.task.name));
    return good(describe(*context.destination) + (context.record ? ", the task has begun" : ""));
}

Result<Finding> check_source_version(CheckContext &context) {
    const auto found = version_text(*context.source);
    if (major_of(*context.source) >= oldest_major) return good(found);
    return bad(found, "The output plugin and the copy need PostgreSQL 15 at the source.", "Upgrade the source.");
}

Result<Finding> check_destination_version(CheckContext &context) {
    const auto found = version_text(*context.destination);
    if (major_of(*context.destination) >= major_of(*context.source)) return good(found);
    return warning(found + ", older than the source",
                   "Definitions and DDL that the older server doesn't know will fail there.",
                   "Use a destination of the source's major version or a newer one.");
}

Result<Finding> check_source_is_standby(CheckContext &context) {
    WF_ASSIGN(const bool standby, read_boolean(*context.source, "SELECT pg_catalog.pg_is_in_recovery()"));
    if (!standby) return good("no");
    const auto remedy = "Name the primary in \"conninfo\" in [source].";
    if (major_of(*context.source) < 16) return bad("yes", "Standbys decode WAL from PostgreSQL 16 on.", remedy);
    return warning("yes", "Slots on a standby depend on the primary's wal_level and on hot_standby_feedback.", remedy);
}

Result<Finding> check_source_replication_connect(CheckContext &context) {
    auto options = control_connection(context.task, Side::source, "precheck", context.stop);
    options.replication = true;
    options.settings.clear();  // a setting could hide the connection's own refusal
    auto connection = pq::Connection::open(options);
    const auto identified =
        connection ? connection->exec("IDENTIFY_SYSTEM") : Result<pq::Rows>(fail(connection.error()));
    if (identified) return good("works");
    if (identified.error().kind == ErrorKind::interrupted) return fail(identified.error());
    const auto user = context.source->quote_identifier(PQuser(context.source->raw()));
    return mended_by(
        bad(identified.error().message, "Changes are read through a replication connection.",
            fmt::format("ALTER ROLE {} REPLICATION; and a line in pg_hba.conf that lets this account connect to the "
                        "database (not \"replication\": logical replication names the database).",
                        user)),
        Side::source, {fmt::format("ALTER ROLE {} REPLICATION", user)});
}

Result<Finding> check_source_pooler(CheckContext &context) { return check_pooler(*context.source); }

Result<Finding> check_destination_pooler(CheckContext &context) { return check_pooler(*context.destination); }

Result<Finding> check_same_server(CheckContext &context) {
    // A copy of a data directory has the same identifier; it was not started at the same microsecond.
    static const std::string sql =
        "SELECT pg_catalog.concat(system_identifier, ' ', pg_catalog.pg_postmaster_start_time(), ' ',"
        " pg_catalog.current_database()) FROM pg_catalog.pg_control_system()";
    WF_ASSIGN(const std::string source, read_value(*context.source, sql));
    WF_ASSIGN(const std::string destination, read_value(*context.destination, sql));
    if (source != destination) return good("source and destination are two databases");
    return bad("source and destination are the same database", "Its changes would be applied to itself for ever.",
               "Change \"conninfo\" in [source] or in [destination].");
}

// What a task at the source has brought from the destination would go back there, and come again.
Result<Finding> check_loop(CheckContext &context) {
    WF_ASSIGN(const bool is_destination,
              read_boolean(*context.source, "SELECT pg_catalog.to_regclass('walferry.task') IS NOT NULL"));
    if (!is_destination) return good("no task leads back");
    WF_ASSIGN(const std::string system,
              read_value(*context.destination, "SELECT system_identifier FROM pg_catalog.pg_control_system()"));
    WF_ASSIGN(const std::vector<std::string> back,
              read_values(*context.source,
                          "SELECT name FROM walferry.task WHERE source_system = $1 AND source_database = $2"
                          " AND phase <> 'done' ORDER BY 1",
                          {system, std::string(PQdb(context.destination->raw()))}));
    if (back.empty()) return good("no task leads back");
    const auto found = fmt::format("task {} leads back", shortened(back));
    if (context.task.local) return good(found + ", and what it brings stays where it is");
    return warning(found, "Changes of tables that both tasks take would go round in a circle.",
                   "Set origin = \"local\" in [source] of both, or select other tables in each.");
}

}  // namespace walferry
