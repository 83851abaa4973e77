// Waiting for a condition: the only place in the tests where time passes without a reason.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>

namespace walferry::testing {

using namespace std::chrono_literals;

// Asks until the answer is yes; throws when the deadline passes first.
template <class Condition>
void wait_until(const std::string &what, Condition condition, std::chrono::seconds limit = 60s) {
    const auto deadline = std::chrono::steady_clock::now() + limit;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > deadline) {
            throw std::runtime_error("waited " + std::to_string(limit.count()) + " s in vain: " + what);
        }
        std::this_thread::sleep_for(5ms);
    }
}

}  // namespace walferry::testing
