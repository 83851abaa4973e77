// How fast a comparison reads, and how far it is. One for all its tables.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <atomic>
#include <cstdint>

#include "base/error.h"
#include "base/stop.h"
#include "base/throttle.h"

namespace walferry {

enum class When {
    now,
    earlier,  // by the comparison that this one goes on with
};

// Thread: any. `stop` must outlive it.
class Pace {
public:
    // `rates`: of each server.
    Pace(const Rates &rates, const StopFlag &stop) : stop_(stop) {
        source_.set_rates(rates);
        destination_.set_rates(rates);
    }

    Throttle &of(Side side) { return side == Side::source ? source_ : destination_; }
    Rates rates() const { return source_.rates(); }
    const StopFlag &stop() const { return stop_; }

    // Until both servers may read on. Errors: interrupted.
    Result<void> wait() const {
        source_.wait_for_rates(stop_);
        destination_.wait_for_rates(stop_);
        if (stop_.requested()) return fail(ErrorKind::interrupted, "stopped by request");
        return {};
    }

    // So much of the source's tables is compared; bytes on its disk.
    void add_rows(std::uint64_t rows) { rows_.fetch_add(rows, std::memory_order_relaxed); }
    void add_bytes(std::uint64_t bytes, When when) {
        bytes_.fetch_add(bytes, std::memory_order_relaxed);
        if (when == When::earlier) earlier_bytes_.fetch_add(bytes, std::memory_order_relaxed);
    }
    std::uint64_t rows() const { return rows_.load(std::memory_order_relaxed); }
    std::uint64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }
    std::uint64_t earlier_bytes() const { return earlier_bytes_.load(std::memory_order_relaxed); }  // of them

private:
    Throttle source_;
    Throttle destination_;
    // Added to by those who compare, read by the display.
    std::atomic<std::uint64_t> rows_{0};
    std::atomic<std::uint64_t> bytes_{0};
    std::atomic<std::uint64_t> earlier_bytes_{0};
    const StopFlag &stop_;
};

}  // namespace walferry
