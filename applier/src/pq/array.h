// Lists of names as one parameter of type text[].
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <string>
#include <vector>

namespace walferry::pq {

// {"a","b"}: the text form of a one-dimensional array, for a parameter that is cast to text[] or oid[].
std::string array_literal(const std::vector<std::string> &elements);

}  // namespace walferry::pq
