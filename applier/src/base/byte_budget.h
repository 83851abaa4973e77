// How many bytes of change data the pipeline holds: taken when a frame arrives, given back when the last user of the
// frame lets go of it. A slow destination thus slows the reading, never the memory.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <atomic>
#include <cstddef>

namespace walferry {

class ByteBudget {
public:
    explicit ByteBudget(std::size_t limit) : limit_(limit) {}

    // One thing is always let in, or a row larger than the limit would never pass.
    bool has_room() const { return in_use() < limit_; }
    std::size_t in_use() const { return in_use_.load(std::memory_order_acquire); }

    void take(std::size_t bytes) { in_use_.fetch_add(bytes, std::memory_order_relaxed); }
    void give_back(std::size_t bytes) { in_use_.fetch_sub(bytes, std::memory_order_release); }

private:
    const std::size_t limit_;
    // Raised by the receiver, lowered by whoever frees a frame (release), read by the receiver (acquire): at 0,
    // everything that was done with the frames is visible to it.
    std::atomic<std::size_t> in_use_{0};
};

}  // namespace walferry
