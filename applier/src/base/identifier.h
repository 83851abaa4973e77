// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <cctype>

namespace walferry {

// Whether the byte may stand in an identifier or keyword that isn't quoted, behind the first one; of other letters than ASCII's
// any byte may.
inline bool continues_identifier(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return std::isalnum(byte) != 0 || c == '_' || c == '$' || byte >= 0x80;
}

}  // namespace walferry
