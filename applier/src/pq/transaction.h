// Work in one transaction.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include "base/error.h"
#include "pq/connection.h"

namespace walferry::pq {

// Commits if `work`, which returns Result<void>, succeeds; else rolls back and returns its error.
template <class Work>
Result<void> in_transaction(Connection &connection, Work &&work) {
    WF_TRY(connection.exec("BEGIN"));
    if (Result<void> done = work(); !done) {
        (void)connection.exec("ROLLBACK");
        return done;
    }
    WF_TRY(connection.exec("COMMIT"));
    return {};
}

}  // namespace walferry::pq
