// SPDX-License-Identifier: PostgreSQL
#include "schema/plain_form.h"

#include <algorithm>
#include <cctype>
#include <string_view>

#include "base/identifier.h"

namespace walferry {

namespace {

// Behind the quoted text or comment that begins at `at`; `at` itself if none does.
std::size_t behind_quoted(std::string_view text, std::size_t at) {
    const auto behind = [&](std::string_view end, std::size_t from) {
        const auto found = text.find(end, from);
        return found == std::string_view::npos ? text.size() : found + end.size();
    };
    const char c = text[at];
    if (c == '"' || c == '\'') return behind(text.substr(at, 1), at + 1);
    if (text.substr(at).starts_with("--")) return behind("\n", at);
    if (!text.substr(at).starts_with("/*")) return at;
    int depth = 0;
    do {  // comments nest
        if (text.substr(at).starts_with("/*")) {
            ++depth;
            at += 2;
        } else if (text.substr(at).starts_with("*/")) {
            --depth;
            at += 2;
        } else {
            ++at;
        }
    } while (depth > 0 && at < text.size());
    return at;
}

}  // namespace

std::string without_concurrently(const std::string &statement) {
    static constexpr std::string_view keyword = "concurrently";
    for (std::size_t at = 0; at < statement.size();) {
        const std::size_t behind = behind_quoted(statement, at);
        if (behind > at) {
            at = behind;
            continue;
        }
        if (!continues_identifier(statement[at])) {
            ++at;
            continue;
        }
        std::size_t end = at;
        while (end < statement.size() && continues_identifier(statement[end])) ++end;
        const bool found =
            std::equal(statement.begin() + static_cast<std::ptrdiff_t>(at),
                       statement.begin() + static_cast<std::ptrdiff_t>(end), keyword.begin(), keyword.end(),
                       [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == b; });
        if (found) return statement.substr(0, at) + statement.substr(end);
        at = end;
    }
    return statement;
}

}  // namespace walferry
