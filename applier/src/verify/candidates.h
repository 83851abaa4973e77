// The rows of a table that may differ: found by checksums that the servers compute.
//
// Each side adds up the rows' hashes in buckets, which the hash of a row's key chooses: no order of keys, in which two servers
// may disagree, and one pass over the table. Of the buckets whose sums differ the rows' keys and hashes are fetched; those that are not
// the same on both sides are the candidates. Both sides are read at their own time, so what has changed in between
// is among them: settle.h tells it apart.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "pq/connection.h"
#include "verify/comparison.h"
#include "verify/table_shape.h"

namespace walferry {

// Values of the key columns; without a key: the row's hash.
using KeyValues = std::vector<std::string>;

struct Candidates {
    TableSum source;
    TableSum destination;
    std::set<KeyValues> keys;
    bool more = false;  // there are more than were fetched
};

// Requires: shape.problem is empty. Reads both sides at once. Memory: bounded, however large the table is.
Result<Candidates> find_candidates(pq::Connection &source, pq::Connection &destination, const TableShape &shape,
                                   bool same_encoding);

}  // namespace walferry
