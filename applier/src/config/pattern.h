// The outer form of a pattern `schema.table`; what it selects is decided by the extension in the source.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <string_view>

namespace walferry {

// What is wrong with the pattern, as the end of a sentence ("has no dot between schema and table"); empty if nothing is.
std::string_view pattern_fault(std::string_view pattern);

}  // namespace walferry
