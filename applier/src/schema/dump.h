// The source's schema as SQL scripts, made by pg_dump and cut where the data has to come in between.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <string>

#include "base/error.h"
#include "base/stop.h"
#include "config/task.h"
#include "pq/connection.h"

namespace walferry {

struct SchemaScripts {
    std::string tables;       // types, functions, tables, views, ...: before the data
    std::string indexes;      // indexes, keys, triggers, rules, policies: after the data
    std::string constraints;  // foreign keys, which hold only once all tables agree with each other
};

// All object kinds that pg_dump knows, save for publications and subscriptions (they'd start to work here), and relations
// that the task's patterns leave out, with the views and foreign keys that lean on them. In the source's encoding.
// Blocks while pg_dump runs. Errors name the tool and what it said.
Result<SchemaScripts> dump_schema(pq::Connection &source, const Task &task);

}  // namespace walferry
