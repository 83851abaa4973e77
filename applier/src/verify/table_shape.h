// What is compared of a table, and how each side is asked for it.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "pq/connection.h"
#include "schema/tables.h"

namespace walferry {

struct KeyColumn {
    std::string name;      // quoted
    std::string type;      // as a cast takes it
    std::string equality;  // equality_operator_sql's answer
};

// Values of the key columns; without a key: the row's hash.
using KeyValues = std::vector<std::string>;

// One side's SQL over a row `t` of the table.
struct SideShape {
    std::string name;                  // quoted and qualified
    std::string rows;                  // what stands in FROM: the table, or a query for what the task has of it
    std::vector<std::string> values;   // per column: an expression whose output is the same if and only if the value is
    std::vector<std::string> outputs;  // per column: one whose output is the value; empty for a generated one
    std::vector<KeyColumn> key;
    std::string file;  // another one after the table was emptied or rewritten
};

// The source's columns, generated ones too: their values must come out alike. Of a table with settings: what is sent.
struct TableShape {
    std::string schema;
    std::string name;
    std::string display;  // quoted where SQL needs it: shop."Order"
    std::vector<std::string> columns;
    std::vector<std::string> destination_columns;  // per column: its name there
    std::vector<std::size_t> key;  // places in `columns`; empty: no key, rows are compared as a multiset
    bool ordered = false;          // an index on each side has the key's values, in one order
    std::uint64_t bytes = 0;       // at the source
    SideShape source;
    SideShape destination;
    std::string problem;  // why the destination's table can't be read like the source's; empty if it can
    std::vector<std::string> extra_columns;  // that only the destination has
};

// A table's row is told by its primary key, else by its replica identity's index, else by any unique one whose columns are not
// null. Two queries, however many tables there are. `names`: the task's.
Result<std::vector<TableShape>> read_shapes(pq::Connection &source, pq::Connection &destination, const NameMap &names,
                                            const std::vector<Table> &tables);

// The text of a row of the table, which holds every value bit for bit. `same_encoding`: of the two servers.
std::string row_text(const SideShape &side, bool same_encoding);
// The text of its key. Requires: there is one.
std::string key_text(const SideShape &side, bool same_encoding);
// 64 bits of a text. Both servers compute the same.
std::string hash_of(const std::string &text, int seed);

}  // namespace walferry
