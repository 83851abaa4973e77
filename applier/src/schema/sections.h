// Which section of [[tables]] says what becomes of a table at the destination. The extension in the source knows it, as it knows
// which one says what is sent: by the table's name, or of a partition by the nearest parent's that has one.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/error.h"
#include "config/task.h"
#include "pq/connection.h"

namespace walferry {

// By OID in the source; null: it has none. A table that the source hasn't any more is missing.
using TableSections = std::unordered_map<std::uint32_t, const TableSettings *>;

// One query, or none where no section concerns the destination: then the answer is empty. The sections are the task's, which must
// outlive the result. Requires: the extension is installed. The connection may speak any encoding.
Result<TableSections> find_sections(pq::Connection &source, const Task &task, const std::vector<std::uint32_t> &relids);

// The same of a table that the source hasn't any more, by its name and those of the tables above it, nearest first; null: it has
// none. Requires: the connection speaks the names' encoding.
Result<const TableSettings *> find_section(pq::Connection &source, const Task &task,
                                           const std::vector<QualifiedName> &lineage);

// SQL over an OID of the source's: whether the table is one whose rows go into a table that others fill as well. Its definition is
// nobody's but the destination's.
std::string is_merged_sql(const Task &task, std::string_view oid);

// What the task says of a table's conflicts.
const ConflictPolicy &conflict_policy(const Task &task, const TableSections &sections, std::uint32_t relid);
const ConflictPolicy &conflict_policy(const Task &task, const TableSettings *section);

}  // namespace walferry
