// The source's schema as SQL scripts, made by pg_dump.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/stop.h"
#include "config/task.h"
#include "pq/connection.h"

namespace walferry {

// A relation of the source, of whatever kind, that the schema stage leaves out: not selected, merged into a table that is there
// already, or a view that leans on such a one. In the connection's encoding.
struct ExcludedRelation {
    std::uint32_t relid = 0;
    std::string schema;
    std::string name;
};
Result<std::vector<ExcludedRelation>> excluded_relations(pq::Connection &source, const Task &task);

// All object kinds that pg_dump knows, save for publications and subscriptions (they'd start to work here), and relations
// that the task's patterns leave out, with the views and foreign keys that lean on them. As of `snapshot`, which an open
// transaction of `source` has exported. In the source's encoding.
// The first part sets a session up; the others follow it, each in a transaction of its own, so that not all objects' locks
// are held at once: `locks` is what the destination has room for. A schema of ordinary size is one part.
// Made fit for the destination's version (script.h), of which only catalogs are read.
// Blocks while pg_dump runs. Errors name the tool and what it said.
Result<std::vector<std::string>> dump_schema(pq::Connection &source, pq::Connection &destination, const Task &task,
                                             const std::string &snapshot, std::size_t locks);

// The same for single tables (schema, name), with their indexes, constraints, triggers and the sequences that they own, in one
// part that makes their schemas too if those are missing. Not with the types and functions that they use.
Result<std::string> dump_tables(pq::Connection &source, pq::Connection &destination, const Task &task,
                                const std::string &snapshot,
                                const std::vector<std::pair<std::string, std::string>> &tables);

}  // namespace walferry
