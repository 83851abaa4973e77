// What of pg_restore's script a server can't take, as it is of another version than pg_restore, and doesn't need.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "base/error.h"
#include "pq/connection.h"

namespace walferry {

// The names of the settings that a server has.
Result<std::set<std::string>> known_settings(pq::Connection &connection);

// The script's next line, with its end; `rest` begins behind it. Requires: `rest` is not empty.
std::string_view take_line(std::string_view &rest);

// The script without
// * psql's \restrict and \unrestrict, which newer minors of pg_restore put around it;
// * the settings in front of its first object that the server doesn't have (`known` are those it has): what they would
//   switch off, it doesn't do;
// * the column option pg_attver, in which newer minors of PostgreSQL 15 to 17 note for themselves how a column was made. Their
//   own pg_dump leaves it out, an older minor of a newer major doesn't know of it; no server takes it from anybody.
std::string fit_script(const std::string &script, const std::set<std::string> &known);

}  // namespace walferry
