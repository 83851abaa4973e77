// From what a server or libpq said to an Error: SQLSTATE to kind.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <libpq-fe.h>

#include <cstddef>
#include <string>
#include <string_view>

#include "base/error.h"

namespace walferry::pq {

// Whether waiting and trying again can help; by PostgreSQL's appendix A "Error Codes".
ErrorKind kind_of(std::string_view sqlstate);

// A lock that another session holds: waited for in vain, or in a circle.
bool is_lock(const Error &error);

// A table, schema or column that isn't there.
bool is_missing(const Error &error);

// The line of the text that has the character at the position, counted from 1, and one below it that points there.
std::string point_into(std::string_view text, std::size_t position);

// A failed statement. Requires: `result` is an error, or null when the connection broke.
Error error_of(Side side, PGconn *connection, const PGresult *result);

// A broken connection: transient, with libpq's own words.
Error connection_lost(Side side, PGconn *connection);

}  // namespace walferry::pq
