// SPDX-License-Identifier: PostgreSQL
#include "config/pattern.h"

namespace walferry {

std::string_view pattern_fault(std::string_view pattern) {
    bool quoted = false;
    int dots = 0;
    std::size_t part_length = 0;
    bool empty_part = false;
    for (const char c : pattern) {
        if (c == '"') {
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
    if (quoted) return "has a double quote without its partner";
    if (dots == 0) return "has no dot between schema and table";
    if (dots > 1) return "has more than one dot: put names that hold dots in double quotes";
    if (empty_part || part_length == 0) return "lacks the name of the schema or the table";
    return {};
}

}  // namespace walferry
