// Lets one alert of a kind through in a while. Remembered in a file, so that a task which is started and fails again and again
// doesn't report it each time.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <chrono>
#include <map>
#include <string>

#include "alert/alert.h"

namespace walferry {

// Thread: one.
class AlertWindow {
public:
    using Time = std::chrono::system_clock::time_point;

    // `file`: where it is remembered; need not exist, and if it can't be written, the process itself remembers.
    AlertWindow(std::string file, std::chrono::seconds length);

    bool is_open(AlertKind kind, Time now) const;
    void close(AlertKind kind, Time now);
    void open(AlertKind kind);

private:
    void write() const;

    const std::string file_;
    const std::chrono::seconds length_;
    std::map<std::string, std::int64_t> closed_;  // by kind: when, seconds since 1970
};

}  // namespace walferry
