// Many net changes of one shape and table in one statement: UPDATE or DELETE joined with, INSERT selected from, an array
// that is its one parameter; or a COPY.
//
// The array's elements are rows of the table's own row type, in their binary form (array_send, record_send in PostgreSQL's
// arrayfuncs.c and rowtypes.c), with NULL for every column that the statement doesn't need. So a batch holds values of any
// type that travels in binary, arrays too, which unnest() of an array for each column would take apart.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <string>
#include <vector>

#include "apply/destination_table.h"
#include "apply/statement.h"
#include "decode/change.h"

namespace walferry {

// A statement for changes of one shape (append_shape), and the columns of the row that it needs.
struct BatchStatement {
    std::string sql;          // $1: the array, of type DestinationTable::row_array_type
    std::vector<bool> needs;  // parallel to Relation::columns
};

// Whether changes of this shape can go in a batch. If not, each has to go by itself.
bool can_batch(const Change &change, const DestinationTable &table, const ChangeValues &values);

// Requires: can_batch().
BatchStatement make_batch_statement(const Change &change, const DestinationTable &table, const ChangeValues &values);

// The array parameter, row by row. Thread: one.
class RowArray {
public:
    // Begin a new one. `needs` and `table` must live as long as rows are added.
    void begin(const DestinationTable &table, const std::vector<bool> &needs);
    void add(const ChangeValues &values, const Change &change);
    // The whole array; valid until begin().
    const std::string &finish();
    std::size_t bytes() const { return bytes_.size(); }

private:
    const DestinationTable *table_ = nullptr;
    const std::vector<bool> *needs_ = nullptr;
    std::uint32_t rows_ = 0;
    std::string bytes_;
};

// Inserts by COPY. Requires of all: every column travels in binary, and has the source's type.
bool can_copy(const Relation &relation, const DestinationTable &table);
std::string copy_sql(const Relation &relation, const DestinationTable &table);
// The data's parts (PostgreSQL, "COPY", Binary Format).
void append_copy_header(std::string &out);
void append_copy_row(std::string &out, const Change &insert, ChangeValues &values);
void append_copy_trailer(std::string &out);

}  // namespace walferry
