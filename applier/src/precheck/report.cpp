// SPDX-License-Identifier: PostgreSQL
#include "precheck/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>

namespace walferry {

namespace {

std::size_t id_width(const std::vector<Finding> &findings) {
    std::size_t width = 0;
    for (const auto &finding : findings) width = std::max(width, finding.id.size());
    return width;
}

void append_indented(std::string &out, std::string_view label, std::string_view text) {
    if (text.empty()) return;
    out += fmt::format("           {}: ", label);
    for (const char c : text) {
        out += c;
        if (c == '\n') out += "             ";
    }
    out += '\n';
}

auto count(const std::vector<Finding> &findings, Severity severity) {
    return std::count_if(findings.begin(), findings.end(),
                         [&](const Finding &finding) { return finding.severity == severity && !finding.ignored; });
}

std::string quantity(std::ptrdiff_t number, std::string_view noun) {
    return fmt::format("{} {}{}", number, noun, number == 1 ? "" : "s");
}

}  // namespace

const char *to_string(Severity severity) {
    switch (severity) {
        case Severity::ok:
            return "ok";
        case Severity::info:
            return "info";
        case Severity::warning:
            return "warning";
        case Severity::error:
            break;
    }
    return "error";
}

bool has_errors(const std::vector<Finding> &findings) { return count(findings, Severity::error) > 0; }

std::string findings_as_text(const std::vector<Finding> &findings) {
    std::string out;
    const auto width = id_width(findings);
    for (const auto &finding : findings) {
        out += fmt::format("{:<9}  {:<{}}  {}\n", finding.ignored ? "ignored" : to_string(finding.severity), finding.id,
                           width, finding.found);
        append_indented(out, "meaning", finding.meaning);
        append_indented(out, "remedy", finding.remedy);
    }
    const auto ignored =
        std::count_if(findings.begin(), findings.end(), [](const Finding &finding) { return finding.ignored; });
    out += fmt::format("{}: {}, {}{}\n", quantity(std::ssize(findings), "check"),
                       quantity(count(findings, Severity::error), "error"),
                       quantity(count(findings, Severity::warning), "warning"),
                       ignored > 0 ? fmt::format(", {} ignored", ignored) : "");
    return out;
}

std::string findings_as_json(const std::vector<Finding> &findings) {
    auto list = nlohmann::ordered_json::array();
    for (const auto &finding : findings) {
        auto statements = nlohmann::ordered_json::array();
        for (const auto &statement : finding.statements) {
            statements.push_back({{"side", to_string(statement.side)}, {"sql", statement.sql}});
        }
        list.push_back({{"id", finding.id},
                        {"severity", to_string(finding.severity)},
                        {"found", finding.found},
                        {"meaning", finding.meaning},
                        {"remedy", finding.remedy},
                        {"statements", std::move(statements)},
                        {"setup", finding.automatic},
                        {"ignorable", finding.ignorable},
                        {"ignored", finding.ignored}});
    }
    const nlohmann::ordered_json report = {{"ok", !has_errors(findings)}, {"findings", std::move(list)}};
    return report.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

Error findings_as_error(const std::vector<Finding> &findings) {
    Error error{ErrorKind::state, Side::none, {}, {}, {}, {}, {}};
    std::vector<std::string> found;
    std::vector<std::string> remedies;
    for (const auto &finding : findings) {
        if (finding.severity != Severity::error || finding.ignored) continue;
        found.push_back(fmt::format("{}: {}", finding.id, finding.found));
        if (!finding.remedy.empty()) remedies.push_back(fmt::format("{}: {}", finding.id, finding.remedy));
    }
    error.message = fmt::format("precheck found {}", quantity(std::ssize(found), "error"));
    error.detail = fmt::format("{}", fmt::join(found, "\n"));
    error.hint = fmt::format("{}", fmt::join(remedies, "\n"));
    return error;
}

}  // namespace walferry
