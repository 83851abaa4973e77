// The DDL statements that a task has met, for people and for programs: `walferry ddl`.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <string>
#include <vector>

#include "checkpoint/ddl_history.h"

namespace walferry {

// A line a statement, in columns; what is long is shortened, what a terminal could take for a command is left out.
std::string ddl_as_text(const std::string &task, const std::vector<DdlStatement> &statements);
// All of it, as it is stored.
std::string ddl_as_json(const std::string &task, const std::vector<DdlStatement> &statements);

// What follows from a decision.
std::string decision_as_text(const std::string &task, const DdlStatement &statement);

}  // namespace walferry
