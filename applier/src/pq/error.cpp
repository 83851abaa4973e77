// SPDX-License-Identifier: PostgreSQL
#include "pq/error.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string>

namespace walferry::pq {

namespace {

constexpr std::size_t query_shown_max = 2000;

std::string field(const PGresult *result, int code) {
    const char *value = PQresultErrorField(result, code);
    return value == nullptr ? std::string{} : std::string{value};
}

std::string one_line(std::string text) {
    while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
    std::replace(text.begin(), text.end(), '\n', ' ');
    std::erase(text, '\t');  // libpq indents what it adds
    return text;
}

}  // namespace

std::string point_into(std::string_view query, std::size_t position) {
    // Characters, as the server counts them: in UTF-8 the bytes that begin one.
    const auto begins = [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; };
    std::size_t at = 0;
    for (std::size_t character = 0; at < query.size(); ++at) {
        if (begins(query[at]) && ++character == position) break;
    }
    const auto before = query.substr(0, at).rfind('\n');
    const std::size_t start = before == std::string_view::npos ? 0 : before + 1;
    const auto line = query.substr(start, query.find('\n', at) - start);
    const auto column = std::count_if(line.begin(), line.begin() + static_cast<std::ptrdiff_t>(at - start), begins);
    return std::string(line) + '\n' + std::string(static_cast<std::size_t>(column), ' ') + '^';
}

ErrorKind kind_of(std::string_view sqlstate) {
    // connection exceptions, insufficient resources, transaction rollback (serialization, deadlock)
    static constexpr std::array<std::string_view, 3> classes = {"08", "53", "40"};
    static constexpr std::array<std::string_view, 6> codes = {
        "57P01",  // admin_shutdown
        "57P02",  // crash_shutdown
        "57P03",  // cannot_connect_now
        "57P05",  // idle_session_timeout
        "55P03",  // lock_not_available
        "55006",  // object_in_use: the slot is still held by a walsender that has not noticed our end
    };
    if (std::find(codes.begin(), codes.end(), sqlstate) != codes.end()) return ErrorKind::transient;
    if (std::find(classes.begin(), classes.end(), sqlstate.substr(0, 2)) != classes.end()) return ErrorKind::transient;
    return ErrorKind::server;
}

Error connection_lost(Side side, PGconn *connection) {
    Error error{ErrorKind::transient, side, "08006", {}, {}, {}, {}};
    error.message = one_line(PQerrorMessage(connection));
    if (error.message.empty()) error.message = "connection lost";
    return error;
}

bool is_lock(const Error &error) { return error.sqlstate == "55P03" || error.sqlstate == "40P01"; }

bool is_missing(const Error &error) {
    return error.sqlstate == "42P01" || error.sqlstate == "3F000" || error.sqlstate == "42703";
}

Error error_of(Side side, PGconn *connection, const PGresult *result) {
    if (result == nullptr) return connection_lost(side, connection);
    Error error{
        ErrorKind::server, side, field(result, PG_DIAG_SQLSTATE), field(result, PG_DIAG_MESSAGE_PRIMARY), {}, {}, {}};
    if (error.sqlstate.empty()) {  // libpq itself speaks
        if (PQstatus(connection) == CONNECTION_BAD) return connection_lost(side, connection);
        error.message = one_line(PQresultErrorMessage(result));
        return error;
    }
    error.kind = kind_of(error.sqlstate);
    error.detail = field(result, PG_DIAG_MESSAGE_DETAIL);
    error.hint = field(result, PG_DIAG_MESSAGE_HINT);
    // In what somebody else wrote, an expression of the task file for example. Our own statements are of no interest.
    const std::string query = field(result, PG_DIAG_INTERNAL_QUERY);
    const std::string position = field(result, PG_DIAG_INTERNAL_POSITION);
    if (!query.empty() && !position.empty() && query.size() <= query_shown_max) {
        error.detail +=
            (error.detail.empty() ? "" : "\n") + point_into(query, std::strtoul(position.c_str(), nullptr, 10));
    }
    error.context = field(result, PG_DIAG_CONTEXT);
    return error;
}

}  // namespace walferry::pq
