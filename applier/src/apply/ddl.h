// Runs a DDL statement of the source at the destination, with the same result.
//
// The timeline of a statement in its transaction:
//
//   walferry.ddl            what the operator has decided about it, if it failed before; else what the task file says
//   SAVEPOINT               what a lock that doesn't come undoes
//   mirror                  the objects get their names at the source, if they have others here
//   settings                the source session's: search_path and whatever the meaning of its text depends on; its role
//   DELETE                  of the rows of tables that it rewrites with values that only the source can compute
//   the statement           or what stands in its place
//   settings                ours again
//   INSERT                  of those rows as the source has computed them, which came before and wait in temporary tables
//   its objects             all that it has created must be there under the same names
//   mirror                  the objects, new ones too, get their names here
//   walferry.ddl            it is applied
//
// What can't run in a transaction (CREATE INDEX CONCURRENTLY) runs alone before its transaction's checkpoint. A crash
// between the two has it run again, so it is looked at first. A mirror needs a transaction, so what concerns mapped names runs there in
// its plain form.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "apply/session.h"
#include "base/error.h"
#include "base/stop.h"
#include "config/ddl_policy.h"
#include "config/name_map.h"
#include "decode/ddl.h"

namespace walferry {

struct DdlOptions {
    std::string task;
    std::string task_file;  // for messages
    DdlPolicy policy;
    const NameMap &names;  // if it maps anything, the statement runs in a mirror (schema/mirror.h)
    const StopFlag &stop;
    // Called before a lock is waited for once more: whoever of ours holds one has to let go of it.
    std::function<void()> recall;
    // A copy of ours may hold the lock: it is waited for until that is over.
    std::function<bool()> copying;
    // Called when a foreign key doesn't hold, in the open transaction, once a statement (apply/copy_again.h). False: it was of
    // no use.
    std::function<Result<bool>()> copy_again;
    // Why the statement is left out whatever the policy is; null: it isn't.
    const char *left_out = nullptr;
};

// Requires: it is the turn of its transaction; `begun`: something of that is applied already, it is open. Afterwards it is
// open in any case, and the session knows nothing of tables.
// Errors: ErrorKind::conflict with the statement, what is wrong and the ways out, for what can't be run, also a lock that
// doesn't come; then nothing is open, and walferry.ddl says that it failed.
Result<void> apply_ddl(Session &session, const Ddl &ddl, bool begun, const DdlOptions &options);

}  // namespace walferry
