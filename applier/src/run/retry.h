// Whether a task that failed is tried again, and when: what may pass is, for as long as its class is given.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <chrono>
#include <optional>

#include "base/error.h"

namespace walferry {

// Of errors that may pass, by SQLSTATE.
enum class RetryClass {
    connection,  // a server can't be reached, goes down or comes up: classes 08 and 57P
    transient,   // it answers, but can't do it now: resources (53), locks (55), deadlocks (40), what is being changed
};
RetryClass retry_class(const Error &error);

// Thread: one.
class Retry {
public:
    using Clock = std::chrono::steady_clock;
    struct Windows {
        std::chrono::seconds connection;
        std::chrono::seconds transient;
    };
    struct Attempt {
        int failed = 0;  // attempts in a row
        std::chrono::milliseconds delay;
        Clock::time_point gives_up;
    };

    explicit Retry(const Windows &windows) : windows_(windows) {}

    // An attempt has failed. `worked`: it had achieved something before, so the windows begin anew. Nothing: give up.
    // Before anything has ever worked it is given up at once: an operator who mistyped a host name should hear of it.
    std::optional<Attempt> after(const Error &error, bool worked, Clock::time_point now);

    // Since it has worked the last time.
    int failed() const { return failed_; }
    std::optional<Clock::time_point> failing_since() const { return failing_since_; }

private:
    const Windows windows_;
    std::optional<Clock::time_point> failing_since_;
    int failed_ = 0;
    std::chrono::milliseconds delay_{0};
};

}  // namespace walferry
