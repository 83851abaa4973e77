// SPDX-License-Identifier: PostgreSQL
#include "slot/plugin_setting.h"

#include <algorithm>
#include <string_view>
#include <vector>

namespace walferry {

namespace {

std::string_view trimmed(std::string_view text) {
    static constexpr std::string_view ignored = " \t\n\"";
    const auto begin = text.find_first_not_of(ignored);
    if (begin == std::string_view::npos) return {};
    return text.substr(begin, text.find_last_not_of(ignored) - begin + 1);
}

std::vector<std::string> elements(std::string_view value) {
    std::vector<std::string> out;
    while (!value.empty()) {
        const auto comma = std::min(value.find(','), value.size());
        if (const auto element = trimmed(value.substr(0, comma)); !element.empty()) out.emplace_back(element);
        value.remove_prefix(std::min(comma + 1, value.size()));
    }
    return out;
}

}  // namespace

bool lists_walferry(const std::string &value) {
    const auto names = elements(value);
    return std::find(names.begin(), names.end(), "walferry") != names.end();
}

std::string allow_walferry_sql(const std::string &value) {
    auto names = elements(value.empty() ? "pgoutput, test_decoding" : value);
    names.emplace_back("walferry");
    std::string out = "ALTER SYSTEM SET output_plugin_libraries = ";
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (i > 0) out += ", ";
        out += '\'';
        for (const char c : names[i]) {
            if (c == '\'') out += '\'';
            out += c;
        }
        out += '\'';
    }
    return out + "; SELECT pg_reload_conf();";
}

Result<PluginSetting> read_plugin_setting(pq::Connection &source) {
    using State = PluginSetting::State;
    const auto rows = source.exec("SELECT pg_catalog.current_setting('output_plugin_libraries', true)");
    if (!rows && rows.error().sqlstate == "42501") return PluginSetting{State::hidden, {}};
    if (!rows) return fail(rows.error());
    if (rows->null(0, 0)) return PluginSetting{};
    const std::string value = rows->text(0, 0);
    return PluginSetting{lists_walferry(value) ? State::allows : State::forbids, value};
}

}  // namespace walferry
