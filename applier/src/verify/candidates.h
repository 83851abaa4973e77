// The rows of a table that may differ: found by checksums that the servers compute.
//
// Each side adds up the rows' hashes in buckets, which the hash of a row's key chooses: no order of keys, in which two servers
// may disagree, and one pass over the rows. Of the buckets whose sums differ the rows' keys and hashes are fetched; those that are not
// the same on both sides are the candidates. Both sides are read at their own time, so what has changed in between
// is among them: settle.h tells it apart.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <cstdint>
#include <functional>
#include <set>

#include "base/error.h"
#include "pq/connection.h"
#include "verify/comparison.h"
#include "verify/pieces.h"
#include "verify/table_shape.h"

namespace walferry {

struct Candidates {
    TableSum source;
    TableSum destination;
    std::set<KeyValues> keys;
    bool more = false;  // there are more than were fetched
};

// Which rows are looked at, and how: reads one side, as ReadPiece (pieces.h) does it, in one piece or several. Thread: one for each side.
using ReadSide =
    std::function<Result<void>(pq::Connection &connection, const SideShape &side, const ReadPiece &read_piece)>;

// Requires: shape.problem is empty. Reads both sides at once. Memory: bounded, however large the table is. `bytes`: of what
// is looked at, on disk, about.
Result<Candidates> find_candidates(pq::Connection &source, pq::Connection &destination, const TableShape &shape,
                                   std::uint64_t bytes, bool same_encoding, const ReadSide &read_side);

}  // namespace walferry
