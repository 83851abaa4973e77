// Which of the source's tables a task takes, and how each is read and written.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "config/task.h"
#include "pq/connection.h"

namespace walferry {

struct Table {
    std::uint32_t relid = 0;  // OID in the source
    std::string schema;       // in the connection's encoding, as are all names here
    std::string name;
    std::uint64_t bytes = 0;           // size on the source's disk
    bool binary = true;                // every column travels in binary form
    char replica_identity = 'd';       // pg_class.relreplident
    bool has_identity = true;          // UPDATE and DELETE can be replicated
    std::vector<std::string> columns;  // those with data of their own: no generated ones, in column order
    std::vector<std::pair<std::string, std::string>> types;  // per column: schema and name of its type
    std::vector<std::string> stored_casts;                   // per column: stored_cast_sql's answer
};

// SQL over a row `a` of pg_attribute: the cast that shows its values as they are stored, where their type's output
// would rewrite them; else an empty text. That is xml, which loses its declaration, in arrays and under domains too.
extern const char *const stored_cast_sql;

// SQL over a row `a` of pg_attribute: the operator by which values of the column are equal, as `OPERATOR(schema.=)`. It is that of
// the index that will serve a search: a type such as citext has its own `=` in a schema that no search_path holds, and by
// the name alone text's would be taken, which says otherwise and uses no index.
extern const char *const equality_operator_sql;

// Patterns of a task as the plugin's options `include` and `exclude` take them: joined with commas.
std::string joined_patterns(const std::vector<std::string> &patterns);

// The same in hexadecimal, to be passed through any client encoding and converted by the server:
// convert_from(decode($1, 'hex'), 'UTF8').
std::string hex_patterns(const std::vector<std::string> &patterns);

// The permanent plain tables (partitions included, partitioned parents not) that the task's patterns select, largest
// first. Asks the extension in the source, so that it agrees with the stream. Two queries, however many tables there are.
// `relids`, if given: only those of them.
// Requires: the extension is installed. The connection may speak any encoding; the patterns are converted to it.
Result<std::vector<Table>> selected_tables(pq::Connection &source, const Task &task,
                                           const std::vector<std::uint32_t> *relids = nullptr);

// Their names, quoted and qualified.
std::vector<std::string> quoted_names(const pq::Connection &connection, const std::vector<Table> &tables);

// Whether two servers' types have the same binary form, by their names: an extension may live in another schema, but
// nothing else takes the name of a built-in type.
bool same_type(std::string_view schema, std::string_view name, std::string_view other_schema,
               std::string_view other_name);

// Whether the destination's tables, which somebody else has made, have the types that a binary copy takes for granted.
// One query. Errors: ErrorKind::state, naming the first column that differs.
Result<void> check_column_types(pq::Connection &destination, const std::vector<Table> &tables);

}  // namespace walferry
