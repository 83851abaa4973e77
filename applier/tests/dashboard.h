// A run that serves its dashboard.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <string>

#include "task.h"

namespace walferry::testing {

// Where a run with [http] says that its dashboard is; ends with a slash.
inline std::string dashboard_address(Process &run) {
    const std::string begin = "dashboard at ";
    std::string address;
    wait_while_running(run, "the dashboard's address is said", [&] {
        const std::string said = run.errors();
        const auto at = said.find(begin);
        if (at == std::string::npos || said.find('\n', at) == std::string::npos) return false;
        address = said.substr(at + begin.size(), said.find('\n', at) - at - begin.size());
        return true;
    });
    return address;
}

}  // namespace walferry::testing
