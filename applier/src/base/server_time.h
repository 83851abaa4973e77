// Time as PostgreSQL counts it on the wire.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <chrono>
#include <cstdint>

namespace walferry {

// This machine's clock, as microseconds since 2000-01-01 00:00 UTC.
inline std::int64_t now_since_2000() {
    constexpr std::int64_t epoch_2000 = 946'684'800'000'000;
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::microseconds>(now).count() - epoch_2000;
}

}  // namespace walferry
