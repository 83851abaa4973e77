// What becomes of a foreign key that DDL makes while only one of its tables is copied: it is made on an empty table, which is
// copied once more.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <string>
#include <vector>

#include "apply/session.h"
#include "base/error.h"
#include "base/stop.h"
#include "config/task.h"
#include "decode/ddl.h"

namespace walferry {

// In the open transaction: empties the tables among the objects of the DDL statement, their partitions included, and lists them
// as pending. `encoding`: that of connections. False: nothing was done, as one of them is not known at the source any more.
Result<bool> copy_again(Session &session, const Task &task, const std::string &encoding, const StopFlag &stop,
                        const std::vector<DdlObject> &objects);

}  // namespace walferry
