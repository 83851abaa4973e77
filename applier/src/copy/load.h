// What is taken from a table for the time in which its rows are loaded, and given back afterwards, all in one transaction:
// indexes of large tables, which are built faster at once; and whatever would refuse or change rows that the source has as
// they are: checks that were never validated, triggers that fire in spite of session_replication_role, forced row security.
//
// Indexes stay that a foreign key or a partitioned index needs, or with which more goes than their definition says: they
// grow while the rows come.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <string>
#include <vector>

#include "apply/session.h"
#include "base/error.h"

namespace walferry {

struct LoadTable {
    std::string name;         // quoted and qualified
    bool large = false;       // worth to be without its indexes
    bool referenced = false;  // answer: by a foreign key; it can't be truncated then
};

struct LoadPlan {
    struct Statement {
        std::string sql;
        std::string what;  // "index orders_pkey", for people
    };
    std::vector<std::string> before;
    std::vector<Statement> after;
};

// One query, however many tables there are. Requires: they are locked. Fills in `tables`' answers.
Result<LoadPlan> plan_load(Session &session, std::vector<LoadTable> &tables);

}  // namespace walferry
