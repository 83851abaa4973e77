// The SQL that applies one change, and where each of its parameters comes from. Text only: no server is needed.
//
// Two changes of one shape (the same table, kind, columns left alone, ...) share a statement, prepared once.
//
//   INSERT       INSERT ... OVERRIDING SYSTEM VALUE
//   UPDATE       UPDATE ONLY ... SET what was sent WHERE the row; TOAST values that were left alone stay as they are
//   replacement  an UPDATE that sets a GENERATED ALWAYS identity, which UPDATE can't: the row is deleted and inserted in
//                one statement, values that were left alone taken from the deleted one
//   DELETE       DELETE FROM ONLY ... WHERE the row
//
// A statement is about as many rows as changes, or it was not the row that the source meant. Its answer says so; or the
// statement is made to fail by itself, so that the COMMIT may be on its way before the answer is read.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "apply/destination_table.h"
#include "decode/change.h"

namespace walferry {

struct ParamSource {
    bool old_tuple = false;
    std::size_t column = 0;  // index into Relation::columns
};

struct Statement {
    std::string sql;
    std::vector<Oid> types;  // of the parameters
    std::vector<ParamSource> params;
};

// A change's values, by the relation's columns; scratch space that is used again from change to change.
struct ChangeValues {
    std::vector<Value> old_row;  // of a key: only its columns are set, the others NULL
    std::vector<Value> new_row;

    // Requires: `change` is no truncate.
    void split(const Change &change);

private:
    std::vector<Value> key_;
};

// Whether the update must write a column that UPDATE can't: it becomes a replacement.
bool needs_replacement(const Change &update, const ChangeValues &values);

// Whether the update writes the column. Requires: it needs no replacement.
bool is_set(const Change &update, const ChangeValues &values, std::size_t column);

// What distinguishes statements of one table, as bytes: equal for equal SQL.
void append_shape(std::string &shape, const Change &change, const DestinationTable &table, const ChangeValues &values);

// The same statement, which fails (SQLSTATE 22012) unless it is about as many rows as `rows` says, a number or parameter.
// Empty: that can't be added to it.
std::string self_checking(const std::string &sql, const std::string &rows);

// The row that has the key of the change's new tuple, as PostgreSQL prints rows. Requires: the relation has key columns.
Statement make_lookup(const Change &change, const DestinationTable &table, const ChangeValues &values);

// Requires: `table` has what it takes to find the row (match is not none), unless the change is an insert.
Statement make_statement(const Change &change, const DestinationTable &table, const ChangeValues &values);

}  // namespace walferry
