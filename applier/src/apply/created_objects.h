// The objects that a DDL statement has created: they must be there, under the names that they have at the source.
//
// A name that the server chooses depends on what is there already, which may differ here; later statements use the source's.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <string>

#include "apply/session.h"
#include "base/error.h"
#include "decode/ddl.h"

namespace walferry {

class CreatedObjects {
public:
    // Both must outlive this. Used by the session's thread.
    CreatedObjects(Session &session, const Ddl &ddl) : session_(session), ddl_(ddl) {}

    // Before the statement runs, each time that it does: what is there already is none of its objects.
    Result<void> look_before();

    // After it: renames indexes, sequences and constraints whose names were chosen otherwise. Requires: look_before(); objects
    // have their names at the source. An error if one isn't there, and the server's errors.
    Result<void> name_as_at_source();

private:
    Session &session_;
    const Ddl &ddl_;
    std::string last_oid_;
};

}  // namespace walferry
