// The outer form of a pattern `schema.table`; what it selects is decided by the extension in the source.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace walferry {

// What is wrong with the pattern, as the end of a sentence ("has no dot between schema and table"); empty if nothing is.
std::string_view pattern_fault(std::string_view pattern);

// The one name, schema and relation, that the pattern selects: without wildcards, what is not quoted in lower case. Of a text
// without a dot the schema is empty. Nothing: it has wildcards, or is no name.
std::optional<std::pair<std::string, std::string>> exact_name(std::string_view pattern);

}  // namespace walferry
