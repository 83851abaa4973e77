// The files of the dashboard, which are part of the program (http/page; Chart.js is Debian's).
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <optional>
#include <string_view>

namespace walferry {

struct Asset {
    std::string_view content_type;
    std::string_view bytes;
};

// By its path, "/" for the page itself.
std::optional<Asset> find_asset(std::string_view path);

}  // namespace walferry
