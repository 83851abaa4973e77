// CREATE INDEX CONCURRENTLY and its like as they may run in a transaction.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <string>

namespace walferry {

// The statement without its keyword CONCURRENTLY: the first outside of quotes and comments, as nothing else in such a statement can be
// called so without quotes in front of it. What has none stays as it is.
std::string without_concurrently(const std::string &statement);

}  // namespace walferry
