// SPDX-License-Identifier: PostgreSQL
#include "alert/alert.h"

#include <fmt/chrono.h>
#include <unistd.h>

#include <array>
#include <nlohmann/json.hpp>

namespace walferry {

const char *to_string(AlertKind kind) {
    switch (kind) {
        case AlertKind::failure:
            return "failure";
        case AlertKind::conflict:
            return "conflict";
        case AlertKind::lag:
            return "lag";
        case AlertKind::slot:
            return "slot";
        case AlertKind::difference:
            return "difference";
        case AlertKind::quarantine:
            return "quarantine";
    }
    return "";
}

Alert alert_of(const Error &error) {
    return {error.kind == ErrorKind::conflict ? AlertKind::conflict : AlertKind::failure,
            "the task has stopped: " + error.message, error.text()};
}

std::string alert_as_json(const std::string &task, const Alert &alert, std::chrono::system_clock::time_point time) {
    std::array<char, 256> host = {};
    (void)gethostname(host.data(), host.size() - 1);
    const nlohmann::ordered_json json = {
        {"task", task},
        {"kind", to_string(alert.kind)},
        {"message", alert.message},
        {"detail", alert.detail},
        {"time",
         fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::chrono::time_point_cast<std::chrono::seconds>(time)))},
        {"host", host.data()}};
    return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace walferry
