// A source relation as the destination has it: where its rows go, and how one of them is found.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <libpq-fe.h>

#include <string>
#include <vector>

#include "base/error.h"
#include "config/name_map.h"
#include "decode/relation.h"
#include "pq/connection.h"
#include "pq/pipeline.h"
#include "schema/part.h"

namespace walferry {

struct DestinationColumn {
    std::string name;          // quoted
    Oid type = 0;              // of a parameter
    std::string equals;        // the operator of the column's index, or of its type's default: OPERATOR(schema.=)
    bool leads_index = false;  // first column of some index
    std::string cast =
        {};  // "::type", the column's, where the parameter is of the source's, which is narrower; else empty
};

// A column of the destination's row type: every one that the table has.
struct DestinationAttribute {
    Oid type = 0;
    int column = -1;           // index into Relation::columns; -1: the source doesn't send it
    bool accepts_null = true;  // in a row's binary form
};

// By what an old row is found.
enum class Match {
    none,         // nothing tells which row it was: no replica identity
    key,          // columns of the replica identity
    primary_key,  // REPLICA IDENTITY FULL, but there is a primary key
    row,          // REPLICA IDENTITY FULL: one row that is identical in every bit
};

struct DestinationTable {
    std::string name;  // quoted and qualified
    Match match = Match::none;
    bool fires_triggers = false;             // of users, in spite of session_replication_role
    bool match_is_unique = false;            // no two rows of the task's answer to one key
    Part part;                               // which rows are the task's
    std::vector<DestinationColumn> columns;  // parallel to Relation::columns
    Oid row_type = 0;
    Oid row_array_type = 0;  // 0: rows have no binary form
    bool widens =
        false;  // some column is of a wider type than at the source, so that the source's bytes are not its own
    std::vector<DestinationAttribute> attributes;
};

// The table $1, a name as text, and those above it, nearest first: schema and name here. source_names(): as they are called at the
// source, those that are its.
extern const char *const lineage_sql;
std::vector<QualifiedName> source_names(const pq::Rows &lineage, const NameMap &names);

Match match_of(const Relation &relation);
// Whether the column is one of those by which a row is found (all of them, of Match::row, are not).
bool in_match(const Column &column, Match match);

// Prepare what find_destination_table() asks, once a session, as planning it takes longer than running it: owes three answers.
Result<void> prepare_find_destination_table(pq::Pipeline &pipeline);

// Look it up, through a pipeline in which no answer is owed, under the name that `names` gives it. Errors: ErrorKind::conflict when the destination has no
// such table or lacks a column, or has one that the source had once (checkpoint/source_columns.h).
Result<DestinationTable> find_destination_table(pq::Connection &connection, pq::Pipeline &pipeline,
                                                const std::string &task, const NameMap &names,
                                                const Relation &relation);

}  // namespace walferry
