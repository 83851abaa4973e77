// What verify found.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace walferry {

struct TableSum {
    std::int64_t rows = 0;
    std::uint64_t checksum = 0;  // sum of the rows' 64-bit hashes; a sum doesn't depend on the order of rows
};

enum class RowFault {
    missing,    // at the destination
    extra,      // at the destination
    differing,  // the key is there, other columns differ
};
const char *to_string(RowFault fault);

struct RowDifference {
    RowFault fault = RowFault::differing;
    std::vector<std::string> key;      // values of the table's key columns; without a key: the row, shortened
    std::vector<std::string> columns;  // that differ
    std::int64_t count = 1;            // of equal rows; above 1 only without a key
};

struct TableComparison {
    std::string schema;
    std::string name;
    std::string table;               // quoted where SQL needs it: shop."Order"
    std::vector<std::string> key;    // columns; empty: the table has no key
    std::optional<TableSum> source;  // at the first look, while rows may change; nothing: could not be read
    std::optional<TableSum> destination;
    std::vector<RowDifference> rows;
    bool more_rows = false;     // there are so many that not all were looked for
    std::size_t undecided = 0;  // rows that changed at each look
    std::string problem;        // why it can't be compared, in words
    bool equal() const { return rows.empty() && !more_rows && problem.empty(); }
};

// One that was stopped in its middle.
struct PartialComparison {
    TableComparison found;          // so far
    std::vector<std::string> next;  // the key up to which it has come
    std::string basis;              // what it has compared: TableVerifier's text
};

// An object, or a part of one: "index", "default", ...
struct ObjectDifference {
    std::string kind;
    std::string name;                 // "shop.item.price"
    std::string source;               // its definition; empty: there is none
    std::string destination;          // likewise
    std::vector<std::string> remedy;  // statements that make the destination's like the source's; none: by hand
};

struct Comparison {
    std::vector<TableComparison> tables;
    std::vector<ObjectDifference> objects;
    std::vector<std::string> notes;  // seen, but no difference: tables that only the destination has
    bool equal() const;
};

}  // namespace walferry
