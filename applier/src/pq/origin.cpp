// SPDX-License-Identifier: PostgreSQL
#include "pq/origin.h"

namespace walferry::pq {

namespace {

constexpr const char *in_use = "55006";
constexpr const char *unique_violation = "23505";
constexpr const char *no_room = "53400";

const std::string prefix_sql =
    "$1 || '_' || (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()) || '_'";

// Made if it isn't there; its name.
Result<std::string> make_origin(Connection &connection, const std::string &name, int number) {
    static const std::string sql =
        "SELECT wanted.name, CASE WHEN o.roname IS NULL THEN pg_catalog.pg_replication_origin_create(wanted.name) END"
        " FROM (SELECT " +
        prefix_sql + " || $2) AS wanted (name) LEFT JOIN pg_catalog.pg_replication_origin o ON o.roname = wanted.name";
    while (true) {
        auto made = connection.exec(sql, {name, std::to_string(number)});
        if (made) return made->text(0, 0);
        if (made.error().sqlstate != unique_violation)
            return fail(std::move(made).error());  // else another session has
    }
}

}  // namespace

const char *const set_transaction_origin_sql =
    "SELECT pg_catalog.pg_replication_origin_xact_setup($1::pg_lsn,"
    " '2000-01-01 00:00:00+00'::timestamptz + $2::float8 * interval '1 microsecond')";

Result<void> take_origin(Connection &connection, const std::string &name) {
    for (int number = 1;; ++number) {
        WF_ASSIGN(const std::string origin, make_origin(connection, name, number));
        auto taken = connection.exec("SELECT pg_catalog.pg_replication_origin_session_setup($1)", {origin});
        if (taken) break;
        if (taken.error().sqlstate == in_use) continue;
        if (taken.error().sqlstate != no_room) return fail(std::move(taken).error());
        return fail(std::move(taken)
                        .error()
                        .with_context("taking replication origin " + origin)
                        .with_hint("Raise max_replication_slots at the destination (from PostgreSQL 18 on "
                                   "max_active_replication_origins), or drop origins that nobody needs."));
    }
    // Until a transaction says otherwise. A commit takes what was set last, and 2000-01-01 if nothing was.
    WF_TRY(connection.exec("SELECT pg_catalog.pg_replication_origin_xact_setup('0/0', pg_catalog.clock_timestamp())"));
    return {};
}

Result<std::vector<std::string>> list_origins(Connection &connection, const std::string &name) {
    static const std::string sql = "SELECT roname FROM pg_catalog.pg_replication_origin WHERE roname ~ ('^' || " +
                                   prefix_sql + " || '[0-9]+$') ORDER BY 1";
    WF_ASSIGN(const Rows rows, connection.exec(sql, {name}));
    std::vector<std::string> out;
    for (int row = 0; row < rows.count(); ++row) out.push_back(rows.text(row, 0));
    return out;
}

Result<void> drop_origin(Connection &connection, const std::string &origin) {
    WF_TRY(connection.exec("SELECT pg_catalog.pg_replication_origin_drop($1)", {origin}));
    return {};
}

}  // namespace walferry::pq
