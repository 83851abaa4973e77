// A DDL statement of the source, as it stands in an inserted row of walferry.ddl_log (plugin/ddl_log.h, docs/protocol.md).
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "decode/change.h"

namespace walferry {

// Something that the statement has created ('C'), altered ('A') or dropped ('D').
struct DdlObject {
    char operation = 'A';
    std::string type;         // with the next two, what pg_get_object_address() takes
    std::string names;        // a literal of text[]
    std::string arguments;    // likewise
    std::string schema;       // of the table or other object that it belongs to; empty: it is in none
    std::string name;         // likewise; empty: a schema itself
    std::uint32_t relid = 0;  // likewise, if that is a relation
};

// A table that the statement has rewritten.
struct RewrittenTable {
    std::uint32_t relid = 0;
    std::string name;          // quoted and qualified
    bool rows_needed = false;  // with values that only the source can compute
};

struct Ddl {
    std::int64_t id = 0;  // in walferry.ddl_log
    std::uint64_t lsn = 0;
    std::int64_t captured = 0;  // microseconds since 2000-01-01 UTC
    std::string role;
    std::string tag;
    std::uint32_t flags = 0;              // WF_DDL_*
    std::string statement;                // as it was given
    std::vector<std::string> statements;  // what the destination runs: that one, or others in its place
    std::vector<std::string> search_path;
    std::vector<std::pair<std::string, std::string>> settings;
    std::vector<DdlObject> objects;
    std::vector<RewrittenTable> rewritten;
    std::string note;  // what of it is not selected, if that is worth telling
};

// Requires: a change of a relation of kind RelationKind::ddl_log.
// Errors: ErrorKind::protocol if the row is not what this version of the table holds.
Result<Ddl> read_ddl(const Change &change);

}  // namespace walferry
