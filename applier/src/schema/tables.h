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
#include "schema/part.h"

namespace walferry {

struct Table {
    std::uint32_t relid = 0;  // OID in the source
    std::string schema;       // in the connection's encoding, as are all names here
    std::string name;
    QualifiedName destination;                     // where it arrives
    std::vector<QualifiedName> lineage;            // as NameMap::column() takes it; empty: no column is mapped
    std::uint64_t bytes = 0;                       // size on the source's disk
    bool binary = true;                            // every column travels in binary form
    char replica_identity = 'd';                   // pg_class.relreplident
    bool has_identity = true;                      // UPDATE and DELETE can be replicated
    std::vector<std::string> columns;              // those that are sent, in column order; no generated ones
    std::vector<std::string> destination_columns;  // per column: its name where it arrives
    std::vector<std::pair<std::string, std::string>> types;  // per column: schema and name of its type
    std::vector<std::string> stored_casts;                   // per column: stored_cast_sql's answer

    // Of a table with settings in the task file:
    std::string settings_name;             // the name there
    std::string settings;                  // as the extension prints them
    std::vector<std::string> expressions;  // per column, in SQL; empty: the column as it is
    std::vector<std::string>
        column_casts;  // per column: what its type makes of a computed value ("::numeric(5,2)"), or empty
    std::vector<std::string> added_columns;  // definitions ("name type") of those that the source's table doesn't have
    std::string condition;                   // of the row filter, in SQL

    ConflictPolicy conflict;
    Part part;                              // which rows of the destination's table are the task's
    std::vector<std::size_t> part_columns;  // parallel to it: places in `columns`

    bool has_settings() const { return !settings_name.empty(); }
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

// Sizes cost much more than the rest of what is asked of a table: its files, and those of what belongs to it, are looked at.
enum class Sizes { read, leave_zero };

// The permanent plain tables (partitions included, partitioned parents not) that the task's patterns select, largest
// first. Asks the extension in the source, so that it agrees with the stream. Two queries, however many tables there are.
// `relids`, if given: only those of them.
// Settings that don't fit a table are an error, with the place in the expression.
// Requires: the extension is installed. The connection may speak any encoding; the patterns are converted to it.
Result<std::vector<Table>> selected_tables(pq::Connection &source, const Task &task,
                                           const std::vector<std::uint32_t> *relids = nullptr,
                                           Sizes sizes = Sizes::read);
// The same without columns: one query.
Result<std::vector<Table>> list_selected(pq::Connection &source, const Task &task,
                                         const std::vector<std::uint32_t> *relids, Sizes sizes);

// A query for the rows that the task has of a table, in its columns, as they are sent: for whoever reads the source's rows.
enum class RowsFor {
    copy,
    comparison,  // values as a table's column stores them; with the row's xmin and ctid
};
std::string source_rows_sql(const pq::Connection &connection, const Table &table, RowsFor purpose = RowsFor::copy);

// Statements that give the destination the columns which only settings make. Empty if there are none.
Result<std::string> added_columns_sql(pq::Connection &source, const std::vector<Table> &tables);

// Those of the task's patterns, in [objects] and [[tables]], that match nothing: no relation of any kind; no table with rows of
// its own that the task takes. One query. Requires: the connection speaks UTF-8.
Result<std::vector<std::string>> unmatched_patterns(pq::Connection &source, const Task &task);

// The statement that removes the task's rows from the destination's table. Not TRUNCATE, which a foreign key may forbid, and whose
// effect a concurrent snapshot sees too early.
std::string empty_table_sql(const pq::Connection &connection, const Table &table);

// Their names, quoted and qualified; and those where they arrive.
std::vector<std::string> quoted_names(const pq::Connection &connection, const std::vector<Table> &tables);
std::vector<std::string> quoted_destinations(const pq::Connection &connection, const std::vector<Table> &tables);

// Whether two names at the source arrive at one. All relations that the task takes count, and all schemas. Errors: ErrorKind::state
// with both. One query; none if nothing is mapped.
Result<void> check_names(pq::Connection &source, const Task &task);

// Two parameters for a query: the array of their schemas, and that of their names, each in their order.
std::vector<pq::Param> name_arrays(const std::vector<QualifiedName> &tables);
// Of where they arrive.
std::vector<pq::Param> destination_arrays(const std::vector<Table> &tables);

// Whether two servers' types have the same binary form, by their names: an extension may live in another schema, but
// nothing else takes the name of a built-in type.
bool same_type(std::string_view schema, std::string_view name, std::string_view other_schema,
               std::string_view other_name);

// Whether every value of the first of two types of PostgreSQL's own is one of the second, and printed alike: integer, bigint.
bool widens(std::string_view schema, std::string_view name, std::string_view wider_schema, std::string_view wider_name);

// The destination's columns and their types, of tables that destination_arrays() names.
extern const char *const column_types_sql;
// Its answer is held against the types that a binary copy takes for granted: a table with wider ones is copied as text from here on.
// Errors: ErrorKind::state, naming the first column that differs otherwise.
Result<void> fit_column_types(const pq::Rows &types, std::vector<Table> &tables);
// Both, of tables that somebody else has made.
Result<void> check_column_types(pq::Connection &destination, std::vector<Table> tables);

}  // namespace walferry
