// SPDX-License-Identifier: PostgreSQL
#include "precheck/names.h"

#include <fmt/format.h>

#include <algorithm>

namespace walferry {

std::string shortened(const std::vector<std::string> &names) {
    const auto shown = std::min(names.size(), names_shown_max);
    const auto end = names.begin() + static_cast<std::ptrdiff_t>(shown);
    auto out = fmt::format("{}", fmt::join(names.begin(), end, ", "));
    if (shown < names.size()) out += fmt::format(" and {} more", names.size() - shown);
    return out;
}

std::string shortened_lines(const std::vector<std::string> &names, const std::string &statement) {
    std::string out;
    const auto shown = std::min(names.size(), names_shown_max);
    for (std::size_t i = 0; i < shown; ++i) {
        if (i > 0) out += '\n';
        out += fmt::format(fmt::runtime(statement), names[i]);
    }
    if (shown < names.size()) out += fmt::format("\n(and so for {} more)", names.size() - shown);
    return out;
}

}  // namespace walferry
