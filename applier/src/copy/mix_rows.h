// Brings the source's rows into a table that holds others already: they are loaded into a temporary table beside it, then those
// with one key are sorted out on one side or the other, and the rest goes in.
//
//   keep      a row here stays, the source's with its key is left out
//   replace   the source's row takes the place of the one here with its key; rows here with other keys stay
//
// The key is the destination table's primary key, or where it has none its replica identity index.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <cstdint>
#include <string>

#include "apply/session.h"
#include "base/error.h"
#include "config/conflict_policy.h"
#include "schema/part.h"

namespace walferry {

struct MixedTable {
    std::string name;     // quoted and qualified
    std::string columns;  // that are copied; quoted, with commas
    Part part;            // rows of others are left alone
};

// The temporary table's name, for COPY. Requires: a transaction is open, which holds a lock on the table.
Result<std::string> make_room(Session &session, const MixedTable &table);

// When it is filled. Returns how many rows had the key of another. Errors: ErrorKind::state for a table without a key.
Result<std::uint64_t> mix_rows(Session &session, const MixedTable &table, const std::string &room, ExistingRows policy);

}  // namespace walferry
