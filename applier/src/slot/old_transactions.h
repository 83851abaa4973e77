// Whom the making of a slot waits for: transactions of the source that write and are older than it.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "pq/connection.h"

namespace walferry {

struct OldTransaction {
    std::string xid;
    std::string pid;  // empty: it is prepared, or has ended meanwhile
    std::string gid;  // of a prepared one
    std::string user;
    std::string application;
    std::string query;  // its present or last statement, cut; empty where this account may not see it
    std::int64_t age_s = 0;
};

// Those that the backend waits for at this moment, inside of the server.
Result<std::vector<OldTransaction>> transactions_waited_for(pq::Connection &source, int pid);
// Those that are running and began before `xid`, a pg_snapshot's xmax.
Result<std::vector<OldTransaction>> transactions_before(pq::Connection &source, const std::string &xid);

// "transaction 745, pid 1234 (alice, psql), open for 185 s: UPDATE ..."; joined with "; ", the rest counted if they are many.
std::string to_text(const std::vector<OldTransaction> &transactions);

}  // namespace walferry
