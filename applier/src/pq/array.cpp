// SPDX-License-Identifier: PostgreSQL
#include "pq/array.h"

namespace walferry::pq {

std::string array_literal(const std::vector<std::string> &elements) {
    std::string out = "{";
    for (const auto &element : elements) {
        if (out.size() > 1) out += ',';
        out += '"';
        for (const char c : element) {
            if (c == '"' || c == '\\') out += '\\';
            out += c;
        }
        out += '"';
    }
    return out + "}";
}

}  // namespace walferry::pq
