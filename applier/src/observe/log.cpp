// SPDX-License-Identifier: PostgreSQL
#include "observe/log.h"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string_view>
#include <utility>

namespace walferry {

namespace {

constexpr std::array<std::pair<std::string_view, spdlog::level::level_enum>, 5> levels = {{
    {"trace", spdlog::level::trace},
    {"debug", spdlog::level::debug},
    {"info", spdlog::level::info},
    {"warn", spdlog::level::warn},
    {"error", spdlog::level::err},
}};

const auto *find_level(const std::string &level) {
    return std::find_if(levels.begin(), levels.end(), [&](const auto &known) { return known.first == level; });
}

}  // namespace

bool is_log_level(const std::string &level) { return find_level(level) != levels.end(); }

void start_log(const std::string &level) {
    // The sink looks itself whether stderr is a terminal, and leaves colour out if not.
    auto logger = std::make_shared<spdlog::logger>("walferry", std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
    logger->set_pattern("%Y-%m-%d %H:%M:%S.%e %^%-7l%$ %v");
    logger->set_level(find_level(level)->second);
    logger->flush_on(spdlog::level::trace);
    spdlog::set_default_logger(std::move(logger));
}

}  // namespace walferry
