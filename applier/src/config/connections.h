// How each of a task's connections is opened: names, settings, encoding.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <string>

#include "base/stop.h"
#include "config/task.h"
#include "pq/connection.h"

namespace walferry {

// Settings under which values are printed and read alike on both sides, whatever a server's defaults are. Identifiers
// must be schema-qualified: the search_path is empty.
pq::Settings exact_settings();

// For catalogs, checks and reports: UTF-8. `purpose` goes into application_name: "walferry shop: status".
pq::ConnectOptions control_connection(const Task &task, Side side, const std::string &purpose, const StopFlag *stop);

// For data: speaks the source database's encoding on both sides, so that bytes pass through untouched and the
// destination server converts. `encoding` is PostgreSQL's name of it.
pq::ConnectOptions data_connection(const Task &task, Side side, const std::string &purpose, const std::string &encoding,
                                   const StopFlag *stop);

// What a local task writes at the destination has replication origins of this name (pq/origin.h).
std::string origin_name(const Task &task);

// A data connection that writes replicated rows to the destination: triggers, rules and foreign keys don't fire a second
// time. The account needs the right to set session_replication_role.
pq::ConnectOptions apply_connection(const Task &task, const std::string &purpose, const std::string &encoding,
                                    const StopFlag *stop);

// The same for a session that applies changes while others do so too: it waits for no lock for long, commits without waiting
// for the disk, and its plans go by keys.
pq::ConnectOptions worker_connection(const Task &task, const std::string &purpose, const std::string &encoding,
                                     const StopFlag *stop);

}  // namespace walferry
