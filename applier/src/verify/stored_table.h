// A table's comparison as the bookkeeping keeps it (checkpoint/verification.h).
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <optional>
#include <string>

#include "verify/comparison.h"

namespace walferry {

// JSON in ASCII, so that a database of any encoding can hold it.
std::string stored(const TableComparison &table);
std::string stored(const PartialComparison &table);
// Nothing: another version of walferry has written it.
std::optional<TableComparison> restored(const std::string &text);
std::optional<PartialComparison> restored_part(const std::string &text);

}  // namespace walferry
