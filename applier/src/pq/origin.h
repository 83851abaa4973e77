// Replication origins: names by which a server remembers that what a session writes has come from elsewhere. Its output plugins
// can then leave that out, so that changes don't go round in circles.
//
// An origin is one session's at a time, so each of ours takes one of its own: NAME_DATABASE_1, NAME_DATABASE_2, ..., where
// DATABASE is the database's OID, as origins belong to the whole server. Of an origin that was used the server keeps a place in its
// memory (max_replication_slots; from PostgreSQL 18 on max_active_replication_origins) until it is dropped.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "pq/connection.h"

namespace walferry::pq {

// The session takes the first of the origins called `name` that no other session has, made if need be, for as long as it
// lives: all that it writes carries it. Requires: no transaction is open; `name` is of a-z, 0-9 and _; EXECUTE on pg_replication_origin_create,
// _session_setup and _xact_setup.
Result<void> take_origin(Connection &connection, const std::string &name);

// $1 LSN and $2 commit time (microseconds since 2000-01-01) that the open transaction has where it comes from. Requires: the
// session has an origin.
extern const char *const set_transaction_origin_sql;

// The full names of all origins called `name` in this database. Requires: `name` as above.
Result<std::vector<std::string>> list_origins(Connection &connection, const std::string &name);
// By its full name. Requires: EXECUTE on pg_replication_origin_drop. Errors: 55006 while a session has it.
Result<void> drop_origin(Connection &connection, const std::string &origin);

}  // namespace walferry::pq
