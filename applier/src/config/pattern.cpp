// SPDX-License-Identifier: PostgreSQL
#include "config/pattern.h"

#include "base/identifier.h"

namespace walferry {

std::string_view pattern_fault(std::string_view pattern) {
    bool quoted = false;
    bool regex = false;  // between slashes
    int dots = 0;
    std::size_t part_length = 0;
    bool empty_part = false;
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        const char c = pattern[i];
        if (regex) {
            if (c == '\\') ++i;
            if (c == '/') regex = false;
            ++part_length;
        } else if (!quoted && c == '/' && part_length == 0) {
            regex = true;
        } else if (c == '"') {
            quoted = !quoted;
        } else if (!quoted && c == ',') {
            return "holds a comma: write each pattern as a string of its own";
        } else if (!quoted && c == '.') {
            ++dots;
            empty_part = empty_part || part_length == 0;
            part_length = 0;
        } else {
            ++part_length;
        }
    }
    if (regex) return "has a regular expression without the slash that ends it";
    if (quoted) return "has a double quote without its partner";
    if (dots == 0) return "has no dot between schema and table";
    if (dots > 1) return "has more than one dot: put names that hold dots in double quotes";
    if (empty_part || part_length == 0) return "lacks the name of the schema or the table";
    return {};
}

std::optional<std::pair<std::string, std::string>> exact_name(std::string_view pattern) {
    std::string parts[2];
    int part = 0;
    bool quoted = false;
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        const char c = pattern[i];
        if (c == '"') {
            // A double quote in quotes is written twice.
            if (quoted && i + 1 < pattern.size() && pattern[i + 1] == '"') {
                parts[part] += c;
                ++i;
            } else {
                quoted = !quoted;
            }
        } else if (quoted) {
            parts[part] += c;
        } else if (c == '.') {
            if (++part > 1) return std::nullopt;
        } else if (continues_identifier(c)) {
            parts[part] += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
        } else {
            return std::nullopt;
        }
    }
    if (quoted || parts[part].empty() || parts[0].empty()) return std::nullopt;
    if (part == 0) return std::pair{std::string{}, parts[0]};
    return std::pair{parts[0], parts[1]};
}

}  // namespace walferry
