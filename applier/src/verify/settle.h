// Which candidates differ for good, while changes flow.
//
// A candidate is looked at on both sides, again and again:
//
//   see_applied │ look at the source: S1 │ catch_up │ look at the destination: D1 │ see_applied │ S2 │ catch_up │ D2 ...
//
// D1 is behind everything that S1 sees, S2 sees everything that D1 shows, D2 is behind everything that S2 sees.
//
//   * Where D shows what the source showed at some look, the row has arrived: it is equal.
//   * Where S1 and S2 are one version of the row (or none), D1 and D2 too, and they differ from each other, nothing is under way that could
//     make them equal. Between S1 and S2 nobody wrote the row at the source, or it came and went in between; then it would have come
//     and gone at the destination as well between D1 and D2, and left another version there, or none.
//
// A row that is written all the time shows another version at each look. Such ones are looked at in quick turns, as what the
// destination shows was at the source a moment before. What never settles is undecided.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <map>
#include <set>
#include <vector>

#include "base/error.h"
#include "pq/connection.h"
#include "verify/candidates.h"
#include "verify/row_reader.h"
#include "verify/stream_position.h"
#include "verify/table_shape.h"

namespace walferry {

// How a row that differs was seen for the last time; nothing: it was not there.
struct Difference {
    std::optional<RowLook> source;
    std::optional<RowLook> destination;
};

struct Settled {
    std::map<KeyValues, Difference> differing;
    std::size_t undecided = 0;
};

// Requires: `position` is of the same connections.
Result<Settled> settle(pq::Connection &source, pq::Connection &destination, StreamPosition &position,
                       const TableShape &shape, const std::set<KeyValues> &candidates, bool same_encoding);

}  // namespace walferry
