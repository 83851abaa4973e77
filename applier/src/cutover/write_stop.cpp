// SPDX-License-Identifier: PostgreSQL
#include "cutover/write_stop.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <chrono>

namespace walferry {

namespace {

constexpr std::chrono::seconds patience{10};

std::string database(const pq::Connection &connection) { return connection.quote_identifier(PQdb(connection.raw())); }

// Of this database, other than ours. A worker of a parallel query, or of the server's own, ends with what it works for.
const std::string others = R"(
FROM pg_catalog.pg_stat_activity
WHERE datname = pg_catalog.current_database() AND pid <> pg_catalog.pg_backend_pid()
  AND backend_type IN ('client backend', 'background worker') AND application_name NOT LIKE 'walferry %: %')";

Result<std::vector<std::string>> texts(pq::Connection &connection, const std::string &sql) {
    WF_ASSIGN(const pq::Rows rows, connection.exec(sql));
    std::vector<std::string> out;
    for (int row = 0; row < rows.count(); ++row) out.push_back(rows.text(row, 0));
    return out;
}

}  // namespace

Result<std::vector<std::string>> write_stop_obstacles(pq::Connection &source) {
    std::vector<std::string> out;
    WF_ASSIGN(const pq::Rows rights,
              source.exec(
                  "SELECT pg_catalog.pg_has_role(datdba, 'USAGE'), pg_catalog.pg_has_role('pg_signal_backend', 'USAGE')"
                  " FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()"));
    const std::string alternative = "or stop all writers yourself and give --writes-stopped";
    if (!rights.boolean(0, 0)) {
        out.push_back(
            fmt::format("the account may not make database {} read-only: make it a member of the database's owner, {}",
                        database(source), alternative));
    }
    if (!rights.boolean(0, 1)) {
        out.push_back(fmt::format("the account may not end other sessions: GRANT pg_signal_backend TO {}; {}",
                                  source.quote_identifier(PQuser(source.raw())), alternative));
    }
    WF_ASSIGN(
        const auto exempt,
        texts(
            source,
            "SELECT r.rolname FROM pg_catalog.pg_db_role_setting s JOIN pg_catalog.pg_roles r ON r.oid = s.setrole"
            " WHERE s.setdatabase IN (0, (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()))"
            " AND EXISTS (SELECT FROM unnest(s.setconfig) AS c WHERE c LIKE 'default_transaction_read_only=%') ORDER BY 1"));
    for (const auto &role : exempt) {
        out.push_back(
            fmt::format("role {} has its own default_transaction_read_only, which counts more than the database's: "
                        "ALTER ROLE {} RESET default_transaction_read_only; (also IN DATABASE {})",
                        role, source.quote_identifier(role), database(source)));
    }
    WF_ASSIGN(const auto prepared, texts(source,
                                         "SELECT gid FROM pg_catalog.pg_prepared_xacts"
                                         " WHERE database = pg_catalog.current_database() ORDER BY 1"));
    for (const auto &gid : prepared) {
        out.push_back(
            fmt::format("prepared transaction {} could be committed later: COMMIT PREPARED or ROLLBACK PREPARED it",
                        source.quote_literal(gid)));
    }
    return out;
}

Result<bool> is_read_only(pq::Connection &connection) {
    WF_ASSIGN(
        const pq::Rows rows,
        connection.exec("SELECT EXISTS (SELECT FROM pg_catalog.pg_db_role_setting s, unnest(s.setconfig) AS c"
                        " WHERE s.setrole = 0 AND c = 'default_transaction_read_only=on' AND s.setdatabase ="
                        " (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()))"));
    return rows.boolean(0, 0);
}

std::string stop_writes_sql(const pq::Connection &source) {
    return fmt::format("ALTER DATABASE {} SET default_transaction_read_only = on", database(source));
}

std::string allow_writes_sql(const pq::Connection &connection) {
    return fmt::format("ALTER DATABASE {} RESET default_transaction_read_only", database(connection));
}

Result<void> stop_writes(pq::Connection &source, const StopFlag &stop) {
    WF_TRY(source.exec(stop_writes_sql(source)));
    // A session that begins from now on reads the setting.
    WF_ASSIGN(const pq::Rows now, source.exec("SELECT pg_catalog.clock_timestamp()"));
    const std::string older = others + " AND backend_start <= " + source.quote_literal(now.view(0, 0));
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (true) {
        WF_TRY(source.exec("SELECT pg_catalog.pg_terminate_backend(pid) " + older));
        WF_ASSIGN(const auto left, texts(source, "SELECT pg_catalog.format('pid %s of %s', pid, usename) " + older));
        if (left.empty()) return {};
        if (std::chrono::steady_clock::now() >= deadline) {
            return fail(Error{ErrorKind::state,
                              Side::source,
                              {},
                              fmt::format("sessions don't end: {}", fmt::join(left, ", ")),
                              {},
                              "End them yourself, then try again.",
                              {}});
        }
        if (stop.wait_for(std::chrono::milliseconds(20))) return fail(ErrorKind::interrupted, "stopped by request");
    }
}

Result<void> allow_writes(pq::Connection &connection) {
    WF_TRY(connection.exec(allow_writes_sql(connection)));
    return {};
}

Result<std::vector<std::string>> writers(pq::Connection &source) {
    return texts(source,
                 "SELECT pg_catalog.format('pid %s of %s', pid, usename) " + others + " AND backend_xid IS NOT NULL");
}

}  // namespace walferry
