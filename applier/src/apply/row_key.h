// The columns that tell a table's rows apart, and their values inside a tuple: compared as bytes, where they lie.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "decode/change.h"

namespace walferry {

// Before each column of a key: how many columns of the tuple are not part of it.
using KeyGaps = std::vector<std::size_t>;

// A view: lives as long as the tuple and the KeyColumns that it came from.
class RowKey {
public:
    RowKey(const Tuple &tuple, const KeyGaps &gaps) : bytes_(tuple.bytes()), gaps_(&gaps) {}

    // Eight bytes of the key, its columns laid end to end, as a number that sorts as they do; zeros behind its end.
    std::uint64_t eight_bytes(std::size_t offset) const;
    // Byte by byte; a TOAST value that `other` has left alone is the same.
    bool same(const RowKey &other) const;

private:
    class Reader;

    std::string_view bytes_;
    const KeyGaps *gaps_;
};

// Those of the replica identity; where that is the whole row or nothing, those of the primary key.
class KeyColumns {
public:
    explicit KeyColumns(const Relation &relation);

    bool empty() const { return in_row_.empty(); }
    // Whether the change says which row it is about.
    bool carried_by(const Change &change) const;
    // Of the row before the change; of an insert, after it. Requires: carried_by(change).
    RowKey of(const Change &change) const;
    // Whether the update left the row's key as it was. Requires: carried_by(update).
    bool kept_by(const Change &update) const;

private:
    KeyGaps in_row_;
    KeyGaps in_key_;  // all 0
    bool replica_identity_;
};

// Whether the column is one of them.
inline bool tells_rows_apart(const Relation &relation, const Column &column) {
    return relation.key_columns > 0 ? column.key : column.primary_key;
}

}  // namespace walferry
