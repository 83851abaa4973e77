// Findings as people and programs read them.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "precheck/finding.h"

namespace walferry {

// A line a check; for those that are not ok, what it means and what to do; a summary at the end.
std::string findings_as_text(const std::vector<Finding> &findings);

// {"ok": bool, "findings": [{id, severity, found, meaning, remedy, statements: [{side, sql}], setup, ignorable, ignored}]}
std::string findings_as_json(const std::vector<Finding> &findings);

// The failed ones as an error of kind state. Requires: has_errors(findings).
Error findings_as_error(const std::vector<Finding> &findings);

}  // namespace walferry
