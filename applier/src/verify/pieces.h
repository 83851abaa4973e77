// Reads one side of a table piece by piece, in the order in which it lies on disk, no faster than the operator lets it. For tables whose
// keys give no ranges (key_range.h).
//
// Pieces that are read within half a minute share one snapshot. Then it is let go, with the lock on the table: whoever waits for that,
// the stream with a schema change for instance, waits no longer than so. A larger table is thus read under several snapshots, and any UPDATE may
// move a row from one piece to another in between. What key_range.h says of an UPDATE of the key holds for it. A command that moves rows and writes
// none, such as VACUUM FULL, gives the table another file: then it is read once more (SideShape::file).
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/error.h"
#include "pq/connection.h"
#include "verify/pace.h"
#include "verify/table_shape.h"

namespace walferry {

struct Piece {
    std::string condition;  // SQL over a row `t` of the table
    double share = 1;       // of the table
    double done = 1;        // the share that is read when this one is
};

// Reads a piece. Returns the number of rows.
using ReadPiece = std::function<Result<std::uint64_t>(const Piece &piece)>;

// Requires: the connection is outside of a transaction; `read` uses it.
Result<void> read_in_pieces(pq::Connection &connection, const SideShape &side, Pace &pace, const ReadPiece &read);

}  // namespace walferry
