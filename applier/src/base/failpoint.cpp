// SPDX-License-Identifier: PostgreSQL
#include "base/failpoint.h"

#ifdef WALFERRY_FAILPOINTS

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <string>

namespace walferry {

namespace {

struct Armed {
    std::string name;
    std::atomic<long> passes_left{0};  // counted down by any thread that passes

    Armed() {
        const char *setting = std::getenv("WALFERRY_FAILPOINT");
        if (setting == nullptr) return;
        const std::string text = setting;
        const auto colon = text.find(':');
        name = text.substr(0, colon);
        passes_left = colon == std::string::npos ? 1 : std::strtol(text.c_str() + colon + 1, nullptr, 10);
    }
};

}  // namespace

void failpoint(const char *name) {
    static Armed armed;
    if (armed.name != name) return;
    if (armed.passes_left.fetch_sub(1, std::memory_order_relaxed) == 1) std::raise(SIGKILL);
}

}  // namespace walferry

#endif
