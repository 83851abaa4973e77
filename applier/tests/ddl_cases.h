// The catalogue of DDL: for each kind of statement what is issued, and the changes of rows that use its result.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <vector>

namespace walferry::testing {

// What PostgreSQL refuses, so that a case is left out of a way of issuing it.
enum Refused : unsigned {
    nothing_refused = 0,
    in_transaction = 1,           // nor in a function, nor in a string of several statements
    by_execute = 2,               // of PL/pgSQL
    use_in_same_transaction = 4,  // `after` has to wait for the commit
};

// Each case has a schema {s}, named like the case, with two tables:
//     t (id int PRIMARY KEY, v text, n int), 20 rows, and log (n int), with REPLICA IDENTITY FULL.
// search_path is {s}, public. {n} tells objects of a way apart that lie in no schema, {role} is a role of the case that
// exists at both servers; matrix_a, matrix_b are roles, matrix_space is a tablespace that all cases share.
// Where majors differ in an extension's version, a case names one that all have: another stops the task (versions_test.cpp).
struct DdlCase {
    const char *name;
    const char *before;                    // issued plainly
    std::vector<const char *> statements;  // issued in the way under test
    const char *after = "";
    unsigned refused = nothing_refused;
    const char *role = nullptr;  // that issues the statements
};

const std::vector<DdlCase> &ddl_cases();

}  // namespace walferry::testing
