// Conflicts that a policy has settled, for people and programs.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <string>
#include <vector>

#include "checkpoint/conflicts.h"

namespace walferry {

// One block each.
std::string conflicts_as_text(const std::vector<Conflict> &conflicts);
std::string conflicts_as_json(const std::string &task, const std::vector<Conflict> &conflicts);

// A line: how many of which kind, by policy; empty if there were none.
std::string conflict_totals_as_text(const ConflictTotals &totals);

}  // namespace walferry
