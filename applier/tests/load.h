// A busy source: pgbench's bank beside inserts, upserts, keys that move, and rolled back parts.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <optional>
#include <string>

#include "task.h"

namespace walferry::testing {

// Makes the tables at the source; 100,000 accounts for each unit of `scale`.
void make_load_tables(const Pair &pair, int scale);

// Runs from its making to stop() or the end of its life, at about `transactions_per_second`.
class Load {
public:
    Load(const Pair &pair, int transactions_per_second);

    // Ends it; when this returns, none of its transactions is still running.
    void stop();

private:
    std::string source_;
    Process pgbench_;
};

// What the bank's rules say of any state between two transactions: accounts, tellers, branches and history agree.
// Returns what is wrong, or nothing.
std::string check_bank(Session &session);

}  // namespace walferry::testing
