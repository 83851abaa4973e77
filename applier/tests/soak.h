// How much longer a test takes under `make soak` than under `make check`.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <algorithm>
#include <cstdlib>

namespace walferry::testing {

// WALFERRY_SOAK=N; 1 without it.
inline int soak_factor() {
    const char *factor = std::getenv("WALFERRY_SOAK");
    return factor == nullptr ? 1 : std::max(1, std::atoi(factor));
}

}  // namespace walferry::testing
