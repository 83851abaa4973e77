// Bytes as hexadecimal digits, which pass through any client encoding: what the servers' encode(.., 'hex') writes and
// decode(.., 'hex') reads.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <string>
#include <string_view>

namespace walferry {

std::string to_hex(std::string_view bytes);

// Requires: to_hex() or a server has written it.
std::string from_hex(std::string_view digits);

}  // namespace walferry
