// The catalogs' objects as lines of text.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

namespace walferry {

// $1 schemas and $2 names of relations to leave out, $3 whether owners count: 't' or 'f'. Rows:
//
//   kind         "table", "index", "default", ...
//   tag          command tag of DDL that makes or changes such objects
//   parent       name of the object that it is a part of; empty: of none
//   name
//   definition   not empty
//   create_sql   makes it; empty: not by one statement
//   drop_sql     removes it; empty: create_sql changes it where it is there
//
// Everything of which the destination of a task gets one, but for what an extension brings, text search, operators, casts,
// collations, languages and privileges. Requires: an empty search_path.
extern const char *const objects_sql;

}  // namespace walferry
