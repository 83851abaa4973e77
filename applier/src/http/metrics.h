// A running task's state for Prometheus.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <string>

#include "observe/status.h"

namespace walferry {

// In Prometheus' text format. Each metric is labelled with the task. Requires: status.live.
std::string status_as_metrics(const Status &status);

}  // namespace walferry
