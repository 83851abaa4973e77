// SPDX-License-Identifier: PostgreSQL
#include "observe/ddl_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>

#include "observe/text_table.h"

namespace walferry {

namespace {

constexpr std::size_t statement_length_max = 60;  // characters

bool continues(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

// White space and control characters (U+0080 to U+009F too) become one space.
std::string in_one_line(std::string_view text) {
    std::string out;
    bool gap = false;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const auto c = static_cast<unsigned char>(text[at]);
        const bool c1 = c == 0xC2U && at + 1 < text.size() && static_cast<unsigned char>(text[at + 1]) < 0xA0U;
        if (c1) ++at;
        if (c1 || c <= 0x20U || c == 0x7FU) {
            gap = true;
            continue;
        }
        if (gap && !out.empty()) out += ' ';
        gap = false;
        out += text[at];
    }
    return out;
}

std::string shortened(const std::string &text, std::size_t length_max) {
    if (length_of(text) <= length_max) return text;
    std::size_t end = 0;
    for (std::size_t length = 0; end < text.size(); ++end) {
        if (!continues(text[end]) && ++length > length_max - 3) break;
    }
    return text.substr(0, end) + "...";
}

std::vector<std::string> line_of(const DdlStatement &statement) {
    return {std::to_string(statement.id),
            statement.source_time,
            statement.source_lsn,
            in_one_line(statement.role),
            statement.state,
            in_one_line(statement.tag),
            shortened(in_one_line(statement.statement), statement_length_max),
            in_one_line(statement.reason)};
}

nlohmann::ordered_json text_as_json(const std::string &text) {
    if (text.empty()) return nullptr;
    return text;
}

}  // namespace

std::string ddl_as_text(const std::string &task, const std::vector<DdlStatement> &statements) {
    if (statements.empty()) return fmt::format("task {} has met no DDL statement\n", task);
    std::vector<std::vector<std::string>> lines = {
        {"id", "time", "LSN", "role", "state", "tag", "statement", "reason"}};
    for (const auto &statement : statements) lines.push_back(line_of(statement));
    std::size_t id_length = 0;
    for (const auto &line : lines) id_length = std::max(id_length, line[0].size());
    for (auto &line : lines) line[0].insert(0, id_length - line[0].size(), ' ');
    return text_table(lines);
}

std::string ddl_as_json(const std::string &task, const std::vector<DdlStatement> &statements) {
    auto list = nlohmann::ordered_json::array();
    for (const auto &statement : statements) {
        list.push_back({{"id", statement.id},
                        {"source_lsn", text_as_json(statement.source_lsn)},
                        {"source_time", text_as_json(statement.source_time)},
                        {"role", text_as_json(statement.role)},
                        {"state", statement.state},
                        {"tag", statement.tag},
                        {"statement", statement.statement},
                        {"reason", text_as_json(statement.reason)},
                        {"changed", text_as_json(statement.changed)}});
    }
    const nlohmann::ordered_json report = {{"task", task}, {"statements", std::move(list)}};
    return report.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

std::string decision_as_text(const std::string &task, const DdlStatement &statement) {
    return fmt::format("statement {} ({}) of task {} {}\nstart the task again if it has stopped: walferry run FILE\n",
                       statement.id, statement.tag, task,
                       statement.state == "skip" ? "will be skipped" : "counts as done and will not be run");
}

}  // namespace walferry
