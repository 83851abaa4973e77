// A piece of a table: its rows from one key up to another.
//
// Pieces are read one after the other, each under snapshots of its own, perhaps with hours or another process in between. That misses no
// difference and makes none up:
//
//   1. A difference is a matter of one key: of what the source has under it, and what the destination has. A range is made of values alone,
//      and each key is in one range, on either side and at any time.
//   2. None is made up: what was read of a range at two moments makes candidates, no more. settle.h looks at each by its key, wherever the
//      row is then.
//   3. None is missed that was there when the comparison began and is there when it ends: it is there too when its key's range is read.
//   4. An UPDATE of the key moves a row from range to range, so that it may be seen twice, or not at all. Seen on one side alone it
//      is a candidate, see 2. Seen on neither, it was moved on both, and what stands under the new key was written there by the stream
//      after the comparison began, from the source's row. Two things can outlive that: a value out of line that the UPDATE left alone, as the stream doesn't
//      carry those, and a change that a conflict policy has left out, of which there is a record. The next comparison sees them.
//
// Where the two servers order keys differently, ranges are of no use (TableShape::ordered), but not wrong: any row is in one of them at
// least, as the first upper bound that is above it has a lower bound that isn't.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/error.h"
#include "pq/connection.h"
#include "verify/table_shape.h"

namespace walferry {

struct KeyRange {
    std::optional<KeyValues> from;  // included; nothing: from the first row on
    std::optional<KeyValues> to;    // not included; nothing: to the last row
};

// SQL over a row `t` of the table. Requires: the side has a key.
std::string condition_of(const pq::Connection &connection, const SideShape &side, const KeyRange &range);

// The key that so many rows before it, and no more, separate from `from`: the range's upper bound. Nothing: the table ends before.
Result<std::optional<KeyValues>> find_bound(pq::Connection &connection, const SideShape &side,
                                            const std::optional<KeyValues> &from, std::uint64_t rows);

}  // namespace walferry
