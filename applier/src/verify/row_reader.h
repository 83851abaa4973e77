// Looks at single rows of one side, by their keys.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/error.h"
#include "pq/connection.h"
#include "verify/candidates.h"
#include "verify/table_shape.h"

namespace walferry {

// A row as one snapshot shows it; without a key, all rows that are equal to it.
struct RowLook {
    std::string version;              // xmin and ctid: while it stays the same, nobody has written the row
    std::vector<std::string> hashes;  // per column; without a key: how many there are
    std::string text;                 // without a key: of the row, shortened
    bool operator==(const RowLook &) const = default;
};
// Those that are there.
using RowLooks = std::map<KeyValues, RowLook>;

// Each statement reads a part of the keys, under a snapshot of its own. Without a key, each reads the whole table.
Result<RowLooks> read_looks(pq::Connection &connection, const SideShape &side, const std::vector<KeyValues> &keys,
                            bool same_encoding);

// SQL that joins `t` to the rows of `keys`, with a parameter for each key column: an array of its values as text.
std::string keys_join(const SideShape &side);
std::vector<pq::Param> key_params(const SideShape &side, const std::vector<KeyValues> &keys);

}  // namespace walferry
