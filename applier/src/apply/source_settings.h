// The settings of the session that ran a DDL statement at the source, as far as the statement's meaning depends on them, for
// a session at the destination.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <string>
#include <vector>

#include "apply/session.h"
#include "base/error.h"
#include "config/ddl_policy.h"
#include "decode/ddl.h"

namespace walferry {

class SourceSettings {
public:
    // All must outlive this. Used by the session's thread.
    SourceSettings(Session &session, const Ddl &ddl, const DdlPolicy &policy)
        : session_(session), ddl_(ddl), policy_(policy) {}

    // From here on statements run under them: in the open transaction, if `local`. Errors: the server's.
    Result<void> enter(bool local);

    // Under those from before again. Requires: enter(), with the same `local`.
    Result<void> leave(bool local);

private:
    void add(std::string name, std::string value);
    void collect();
    Result<void> set(const std::vector<std::string> &names, const std::vector<std::string> &values, bool local);

    Session &session_;
    const Ddl &ddl_;
    const DdlPolicy &policy_;
    std::vector<std::string> names_;
    std::vector<std::string> values_;
    std::vector<std::string> our_names_;
    std::vector<std::string> our_values_;
};

}  // namespace walferry
