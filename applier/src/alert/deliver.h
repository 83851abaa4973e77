// Hands an alert to the operator's command or webhook.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <chrono>
#include <string>

#include "base/error.h"

namespace walferry {

// Runs the command by the shell, with `input` on its standard input. Errors: it ends with anything but 0, or not in `time`:
// then it is killed.
Result<void> run_alert_command(const std::string &command, const std::string &input, std::chrono::milliseconds time);

// POSTs JSON. Errors: anything but an answer of 2xx in `time`; the URL is not in them, as it may hold a secret.
Result<void> post_alert(const std::string &url, const std::string &json, std::chrono::milliseconds time);

}  // namespace walferry
