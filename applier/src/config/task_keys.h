// The sections and keys that a task file may have.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include "base/error.h"
#include "config/task_file.h"

namespace walferry {

// Before any value is read: a mistyped key says more than the one that is missed for it. Refuses with ErrorKind::config what
// isn't known, with the name that was probably meant.
Result<void> check_keys(const TaskFile &file);

}  // namespace walferry
