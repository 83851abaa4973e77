// SPDX-License-Identifier: PostgreSQL
#include "alert/window.h"

#include <fstream>
#include <nlohmann/json.hpp>
#include <utility>

namespace walferry {

namespace {
std::int64_t seconds_of(AlertWindow::Time time) {
    return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}
}  // namespace

AlertWindow::AlertWindow(std::string file, std::chrono::seconds length) : file_(std::move(file)), length_(length) {
    std::ifstream in(file_);
    const auto json = nlohmann::json::parse(in, nullptr, false);
    if (!json.is_object()) return;
    for (const auto &[kind, time] : json.items()) {
        if (time.is_number_integer()) closed_[kind] = time.get<std::int64_t>();
    }
}

// A time in the future is of a clock that was set back.
bool AlertWindow::is_open(AlertKind kind, Time now) const {
    const auto found = closed_.find(to_string(kind));
    if (found == closed_.end()) return true;
    const auto since = seconds_of(now) - found->second;
    return since < 0 || since >= length_.count();
}

void AlertWindow::close(AlertKind kind, Time now) {
    closed_[to_string(kind)] = seconds_of(now);
    write();
}

void AlertWindow::open(AlertKind kind) {
    closed_.erase(to_string(kind));
    write();
}

void AlertWindow::write() const {
    if (file_.empty()) return;
    std::ofstream(file_, std::ios::trunc) << nlohmann::json(closed_).dump();
}

}  // namespace walferry
