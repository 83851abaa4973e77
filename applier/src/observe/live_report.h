// What a running process says of itself, as part of the status.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "observe/history.h"
#include "observe/live.h"

namespace walferry {

// Lines like those of status_as_text().
std::string live_as_text(const LiveStatus &live, const RatesPerSecond &rates);
nlohmann::ordered_json live_as_json(const LiveStatus &live, const RatesPerSecond &rates);

std::string status_line(std::string_view label, std::string_view text);
std::string bytes_text(std::uint64_t bytes);  // in powers of 1024
std::string lag_text(std::int64_t lag_us);

}  // namespace walferry
