// [alerts] of a task file.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <cstdint>
#include <string>

namespace walferry {

struct AlertOptions {
    std::string command;                    // for the shell; gets JSON on standard input
    std::string webhook;                    // http: or https: URL; gets it as a POST. May hold a secret: never shown
    std::int64_t lag_seconds = 300;         // threshold; 0: none
    std::int64_t lag_for_seconds = 60;      // that it is above it
    std::uint64_t slot_retained_bytes = 0;  // threshold; 0: none
    std::int64_t window_seconds = 3600;     // one alert of a kind in so many

    bool any() const { return !command.empty() || !webhook.empty(); }
};

}  // namespace walferry
