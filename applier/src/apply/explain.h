// Says of a change that can't be applied which one it is: table, key, source transaction.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include "apply/destination_table.h"
#include "base/error.h"
#include "decode/change.h"
#include "pq/connection.h"

namespace walferry {

// The error with the change in its context. Opens a connection of its own with `options`, to have the destination print
// the key; best effort. `table` may be null.
Error explain_change(Error error, const Change &change, const Transaction &transaction, const DestinationTable *table,
                     const pq::ConnectOptions &options);

// A deferred check spoke up only at the commit.
Error explain_commit(Error error, const Transaction &transaction);

// "INSERT", ...
const char *operation_name(ChangeKind kind);

// Errors of walferry's own making; SQLSTATE no_such_row where there was no row.
inline constexpr const char *no_such_row = "02000";
Error no_identity(const Change &change);
Error wrong_row_count(std::uint64_t count);

}  // namespace walferry
